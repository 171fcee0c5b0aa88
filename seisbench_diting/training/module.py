"""The model that is trained: its loss, its steps, its validation."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from seisbench.models import EQTransformer, WaveformModel

from .. import models
from .._util import ArgumentError, errors_of, suggestion
from ..generate import label_of
from .train_settings import LearnSettings

#: After this many steps in a row without a finite loss the run ends.
MOST_SKIPPED = 100

#: Threshold and smallest distance, in samples, of the picks in validation.
_THRESHOLD = 0.3
_DISTANCE = 50

#: Largest difference of a right pick from an arrival, in seconds.
_TOLERANCE_S = 0.5


class NotFiniteError(RuntimeError):
    """The loss was not finite in many steps in a row."""


def model_class(name: str, argument: str = "model") -> type[WaveformModel]:
    """
    :param name: Name of a model, in any case
    :param argument: Argument that named it
    :raises ArgumentError: if the model is unknown or can't be trained
    :return: Its class
    """
    known = {cls.lower(): getattr(models, cls) for cls in models.PICKERS}
    known["eqtransformer"] = EQTransformer
    found = known.get(name.lower().replace("++", "pp"))
    if found is None:
        names = [cls.__name__ for cls in known.values()]
        raise ArgumentError(
            argument, name, f"can't be trained{suggestion(name, names)}"
        )
    return found


def load_initial(
    cls: type[WaveformModel], init: str | Path | None
) -> WaveformModel | None:
    """
    :param cls: Class of the model
    :param init: ``SET`` or ``MODEL/SET`` of published weights, or a SeisBench pair
    :raises ArgumentError: if they are not there, or of another model
    :return: A model with the weights to begin with, None for random ones
    """
    if init is None:
        return None
    name = str(init)
    if "/" not in name and not models.names_file(name):
        name = f"{cls.__name__}/{name}"
    with errors_of("init", init, "can't be loaded: "):
        model = models.load_model(name)
    if not isinstance(model, cls):
        reason = f"these are weights of {type(model).__name__}, not of {cls.__name__}"
        raise ArgumentError("init", name, reason)
    return model


def make_model(
    cls: type[WaveformModel],
    settings: LearnSettings,
    sampling_rate: float,
    initial: WaveformModel | None = None,
) -> WaveformModel:
    """
    :param cls: Class of the model
    :param settings: Settings of the run, with a component order
    :param sampling_rate: Sampling rate in Hz
    :param initial: Model with the weights to begin with; None for random ones
    :raises ValueError: if the weights or the length of windows don't fit
    :return: Model
    """
    model = cls(
        in_samples=settings.n_samples,
        phases="PS" if cls is EQTransformer else "NPS",
        sampling_rate=sampling_rate,
        component_order=settings.component_order,
    )
    if initial is not None:
        try:
            model.load_state_dict(initial.state_dict())
        except RuntimeError as error:
            reason = f"has the classes {initial.labels}, but must have {model.labels}"
            raise ArgumentError("init", settings.init, reason) from error
    return model


class PickerModule(pl.LightningModule):
    """
    Trains a picker.

    :param model: Picker
    :param settings: Settings of the run
    :raises ArgumentError: if freeze fits no parameter, or all of them
    """

    def __init__(self, model: WaveformModel, settings: LearnSettings) -> None:
        super().__init__()
        self.model = model
        self.label = label_of(model)
        self.settings = settings
        self.skipped = 0
        self._in_a_row = 0
        self._counts = np.zeros((2, 3), dtype=int)
        self._frozen = _freeze(model, settings.freeze)

    def forward(self, wave: torch.Tensor) -> Any:
        """
        :param wave: Windows, normalized, (batch, 3, samples)
        :return: Output of the model; logits of LPPN
        """
        return (
            self.model(wave, logits=True) if self.label == "lppn" else self.model(wave)
        )

    def loss(self, output: Any, label: torch.Tensor) -> torch.Tensor:
        """
        :param output: Output of :py:meth:`forward`
        :param label: Label of the batch
        :return: Loss, summed over the batch
        """
        if self.label == "lppn":
            return models.lppn_loss(output, label)
        if self.label == "point":
            return models.point_loss(output, label)
        detection, p, s = output
        return models.eqt_loss((p, s, detection), label)

    def probabilities(self, output: Any) -> np.ndarray:
        """
        :param output: Output of :py:meth:`forward`
        :return: Probabilities of N, P and S, (batch, 3, samples or cells)
        """
        if self.label == "lppn":
            output = torch.softmax(output[0], dim=1)
        elif self.label == "eqt":
            _, p, s = output
            output = torch.stack([1 - torch.maximum(p, s), p, s], dim=1)
        return _array(output)

    def picks(self, output: Any) -> list[list[list[float]]]:
        """
        :param output: Output of :py:meth:`forward`
        :return: For each window a list of type (1 P, 2 S), sample and probability
        """
        prob = self.probabilities(output)
        if self.label != "lppn":
            return models.find_phase_point2point(prob, _THRESHOLD, _DISTANCE)
        distance = max(1, _DISTANCE // self.model.stride)
        return models.find_phase_lppn([prob, _array(output[1])], _THRESHOLD, distance)

    def configure_optimizers(self) -> Any:
        trained = [p for p in self.parameters() if p.requires_grad]
        return torch.optim.Adam(trained, lr=self.settings.lr)

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        # Dropout draws the same in a step whether or not the run was interrupted.
        torch.manual_seed(self.settings.seed * 1_000_003 + self.global_step)
        for module in self._frozen:
            module.eval()

    def training_step(self, batch: dict[str, torch.Tensor], batch_idx: int) -> Any:
        buffers = [(buffer, buffer.clone()) for buffer in self.model.buffers()]
        loss = self.loss(self(batch["wave"]), batch[self.label])
        if torch.isfinite(loss):
            self._in_a_row = 0
            self.log("loss", loss.detach() / len(batch["wave"]), prog_bar=True)
            return loss
        # Running means that are not finite would never become finite again.
        for buffer, before in buffers:
            buffer.copy_(before)
        self.skipped += 1
        self._in_a_row += 1
        self.log("skipped_steps", float(self.skipped))
        if self._in_a_row >= MOST_SKIPPED:
            raise NotFiniteError(
                f"The loss was not finite in {MOST_SKIPPED} steps in a row, up to step "
                f"{self.global_step}. Lower lr={self.settings.lr}, or look for damaged records."
            )
        return None

    def validation_step(self, batch: dict[str, Any], batch_idx: int) -> None:
        output, size = self(batch["wave"]), len(batch["wave"])
        if self.label in batch:
            loss = self.loss(output, batch[self.label]) / size
            self.log("validation_loss", loss, batch_size=size)
        tolerance = _TOLERANCE_S * self.model.sampling_rate
        for row, picks in enumerate(self.picks(output)):
            for number, phase in enumerate("PS"):
                truth = _array(batch[phase][row])
                found = np.array([pick[1] for pick in picks if pick[0] == number + 1])
                right = count_matches(truth, found, tolerance)
                self._counts[number] += right, len(found), len(truth)

    def on_validation_epoch_end(self) -> None:
        scores = []
        for phase, (right, found, true) in zip("PS", self._counts, strict=True):
            if found + true:
                scores.append(2 * right / (found + true))
                name = f"validation_f1_{phase}"
                self.log(name, scores[-1], prog_bar=True, sync_dist=True)
        mean = float(np.mean(scores)) if scores else 0.0
        self.log("validation_f1", mean, sync_dist=True)
        self._counts[:] = 0

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["skipped"] = self.skipped

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.skipped = checkpoint["skipped"]


def count_matches(truth: np.ndarray, found: np.ndarray, tolerance: float) -> int:
    """
    :param truth: Samples of arrivals
    :param found: Samples of picks
    :param tolerance: Largest distance in samples between an arrival and its pick
    :return: Number of pairs. Each arrival and pick is in at most one.
    """
    near = np.abs(truth[:, None] - found[None]) <= tolerance
    return int(near[linear_sum_assignment(near, maximize=True)].sum())


def _array(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().float().cpu().numpy()


def _freeze(model: torch.nn.Module, patterns: Sequence[str]) -> list[torch.nn.Module]:
    """
    Freezes parameters; gives the modules all of whose parameters are frozen, whose
    running means must stay as they are as well.
    """
    named = dict(model.named_parameters())
    for pattern in patterns:
        fitting = fnmatch.filter(named, pattern)
        if not fitting:
            reason = (
                f"matches no parameter; they are named {', '.join([*named][:8])}, ..."
            )
            raise ArgumentError("freeze", pattern, reason)
        for name in fitting:
            named[name].requires_grad = False
    if not any(parameter.requires_grad for parameter in named.values()):
        raise ArgumentError("freeze", ",".join(patterns), "all parameters are frozen")
    return [
        module
        for module in model.modules()
        if (own := list(module.parameters())) and not any(p.requires_grad for p in own)
    ]
