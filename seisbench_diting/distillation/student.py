"""Train students, and interpolate between two networks."""

from __future__ import annotations

import copy
import logging
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from seisbench.models import WaveformModel
from torch.utils.data import DataLoader, Dataset

from .. import models, training
from .._util import ArgumentError, errors_of, takes
from .corpus import (
    HeldOutBatches,
    TeacherBatches,
    has_sure_arrivals,
    make_corpus,
    make_steps,
    split_off,
)
from .distill_settings import DistillSettings
from .labels import LABELS, label_archive, label_floor, select
from .teachers import load_teachers

#: Largest norm of a gradient.
_CLIP = 20.0

#: Sampling rate in Hz of a student that begins with random parameters.
_RATE = 100.0

#: Share of the steps in which the learning rate rises.
_WARM_UP = 0.03

#: Final share of the peak learning rate.
_LEAST_RATE = 0.02

_WEIGHT_DECAY = 1e-3

_LOG = logging.getLogger("seisbench_diting")


@dataclass(frozen=True)
class DistillationResult(training.TrainingResult):
    """
    Result of a distillation.

    :param arrivals: Number of arrivals that the student learned from
    :param hours: Hours of waveforms that it learned from
    :param initial_scores: Scores of the initial weights, unless they are random
    """

    arrivals: int
    hours: float
    initial_scores: dict[str, float]


@takes(DistillSettings)
def distill(settings: DistillSettings) -> DistillationResult:
    """
    Trains a small picker on the picks of others on unlabelled waveforms.

        distill("LPPNT", ["RNN/csn"], ["ARCHIVE"], "RUN")

    If a run is interrupted, even by force, start it again with the same settings. It uses
    the opinions of teachers so far and continues from its last checkpoint. With
    ``resume="never"``, opinions that would be the same are kept.

    :raises ArgumentError: for invalid settings, if the folder has another run or one with
        other data, or if there are no arrivals to learn from
    :raises NotFiniteError: if the loss was not finite in 100 steps in a row
    :raises KeyboardInterrupt: after Ctrl-C; call the same again to continue
    :return: Files of the run, and its scores
    """
    torch.manual_seed(settings.seed)
    model = _make_student(settings)
    rate, order = float(model.sampling_rate), "".join(model.component_order)
    # Before the teachers run for hours.
    module = StudentModule(model, settings)
    make_steps(settings, order)
    training.make_trainer(settings)
    select(settings, model)
    validation: Dataset | None = _labelled(settings, model)
    teachers = load_teachers(settings.teachers, settings.overlap, label_floor(settings))
    with training.run_folder(settings) as checkpoint:
        goes_on = checkpoint is not None
        stretches, digest = label_archive(settings, model, teachers, goes_on)
        kept, held_out = split_off(stretches, settings.held_out)
        corpus = make_corpus(kept, settings.n_samples, order, rate)
        if validation is None and has_sure_arrivals(held_out):
            validation = HeldOutBatches(held_out, settings, order)
        elif validation is None and held_out:
            _LOG.warning(
                "The teachers see no sure arrival in what is held out: nothing is "
                "validated, and the last parameters are kept."
            )
        before = {}
        if settings.init != "random" and validation and training.is_first_process():
            before = _score(module, settings, validation)
        settings.store(**{LABELS: digest})
        trainer = training.fit(
            settings,
            module,
            TeacherBatches(corpus, settings, module.label),
            validation,
            checkpoint,
            averaging=settings.averaging,
            gradient_clip_val=_CLIP,
        )
        result = DistillationResult.of(
            settings,
            module,
            trainer.global_step,
            arrivals=len(corpus.kinds[0]),
            hours=sum(s.n_samples for s in kept) / rate / 3600,
            initial_scores=before,
        )
        if trainer.is_global_zero:
            init = settings.init or "the student's default weights"
            if models.names_file(init):
                # The name of a file, not its path.
                init = Path(init).name
            stations = {stretch.station_id for stretch in stretches}
            networks = sorted({station.partition(".")[0] for station in stations})
            data = (
                f"{result.hours:.2f} h of {len(stations)} stations of the networks "
                f"{', '.join(networks)}, without labels: {result.arrivals} arrivals that "
                f"the teachers see. Teachers: {', '.join(t.name for t in teachers)}."
            )
            suffix = "of the weights that it began with"
            scores = {f"{n} {suffix}": v for n, v in result.initial_scores.items()}
            scores = result.scores | scores
            training.write_results(
                settings, module, result, "distilled", data, scores, init=init
            )
        return result


def _make_student(settings: DistillSettings) -> models.PhasePicker:
    cls = training.model_class(settings.student, "student")
    if not issubclass(cls, models.PhasePicker):
        reason = f"can't be distilled; choose one of {', '.join(models.PICKERS)}"
        raise ArgumentError("student", settings.student, reason)
    initial: WaveformModel | None = None
    if settings.init != "random":
        initial = training.load_initial(cls, settings.init) or cls.from_pretrained()
    known = settings.completed(initial)
    return training.make_model(cls, known, known.sampling_rate or _RATE, initial)


def _labelled(
    settings: DistillSettings, model: models.PhasePicker
) -> training.ValidationBatches | None:
    """Labelled records to validate on, if there are any."""
    if settings.validation is None:
        return None
    name, order = str(settings.validation), "".join(model.component_order)
    with errors_of("validation", name, "can't be used: "):
        _, dev = training.open_splits(name, order, model.sampling_rate)
    if dev is None:
        raise ArgumentError("validation", name, "it has no split 'dev'")
    return training.ValidationBatches(dev, settings, None)


class StudentModule(training.PickerModule):
    """
    Trains a student on labels that are probabilities; see
    :py:class:`seisbench_diting.training.PickerModule`.
    """

    def loss(self, output: Any, label: torch.Tensor) -> torch.Tensor:
        if self.label == "point":
            return models.point_loss(output, label)
        scores, offset = output
        cross_entropy = -(label[:, :3] * F.log_softmax(scores, dim=1)).sum()
        error = (label[:, 1] + label[:, 2]) * (offset - label[:, 3]) ** 2
        return cross_entropy + models.OFFSET_WEIGHT * error.sum()

    def configure_optimizers(self) -> Any:
        trained = [p for p in self.parameters() if p.requires_grad]
        lr = self.settings.lr
        optimizer = torch.optim.AdamW(trained, lr=lr, weight_decay=_WEIGHT_DECAY)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, self._rate)
        scheduler = {"scheduler": schedule, "interval": "step"}
        return {"optimizer": optimizer, "lr_scheduler": scheduler}

    def _rate(self, step: int) -> float:
        """Rises, then falls along a cosine."""
        steps = self.settings.max_steps
        rising = min(1.0, (step + 1) / max(1.0, _WARM_UP * steps))
        falling = 0.5 * (1 + math.cos(math.pi * min(1.0, step / steps)))
        return rising * (_LEAST_RATE + (1 - _LEAST_RATE) * falling)


def _score(
    module: StudentModule, settings: DistillSettings, validation: Dataset
) -> dict[str, float]:
    """F1 of a student without training."""
    with training.quiet():
        alone = {"devices": 1, "num_nodes": 1, "strategy": "auto"}
        trainer = training.make_trainer(settings, **alone)
        loader = DataLoader(validation, batch_size=None)
        (scores,) = trainer.validate(module, loader, verbose=False)
    return {n: value for n, value in scores.items() if n.startswith("validation_f1")}


def blend(
    learned: models.PhasePicker, initial: models.PhasePicker, share: float
) -> models.PhasePicker:
    """
    Interpolates between two networks. A network that is trained on few places becomes less
    accurate elsewhere. Between its old and its new parameters there are networks with most
    of the improvement and most of the former accuracy (Wortsman et al., 2022, Robust
    fine-tuning of zero-shot models, https://arxiv.org/abs/2109.01903).

    :param learned: Trained network
    :param initial: The same network before training
    :param share: Share of the trained network, from 0 to 1
    :raises ArgumentError: if the share is invalid, or the networks have different types
    :return: A network with the weighted mean of their parameters and statistics
    """
    if not 0 <= share <= 1:
        raise ArgumentError("share", share, "it must be from 0 to 1")
    new, old = learned.state_dict(), initial.state_dict()
    if new.keys() != old.keys() or any(new[k].shape != old[k].shape for k in new):
        reason = f"it is another network than learned={type(learned).__name__}"
        raise ArgumentError("initial", type(initial).__name__, reason)
    for name, value in new.items():
        if value.is_floating_point():
            new[name] = share * value + (1 - share) * old[name]
    result = copy.deepcopy(learned)
    result.load_state_dict(new)
    result.reliability = {}
    return result


def raise_phase(model: models.PhasePicker, phase: str, by: float) -> models.PhasePicker:
    """
    Increases the probabilities of a phase. On records unlike their training data, students
    give lower probabilities to late, blurred arrivals.

    :param model: A network
    :param phase: A class of it, such as S
    :param by: What is added to the score of the class before the softmax
    :raises ArgumentError: if the network has no such class
    :return: Another network
    """
    if phase not in model.labels:
        reason = f"the model has the classes {', '.join(model.labels)}"
        raise ArgumentError("phase", phase, reason)
    result = copy.deepcopy(model)
    # Its probabilities mean something else now.
    result.reliability = {}
    head = result.get_submodule(result.published_layout["class_head"])
    with torch.no_grad():
        head.bias[list(result.labels).index(phase)] += by
    return result
