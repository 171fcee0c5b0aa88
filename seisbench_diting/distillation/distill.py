"""Distillation, from waveforms and teachers to a folder of results."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import torch
from lightning.pytorch.callbacks import Callback, WeightAveraging
from torch.utils.data import Dataset

from .._util import counted, write_text
from ..models import PICKERS, PhasePicker, find_pair, load_model
from ..picking.inputs import check_inputs
from ..training.fitting import (
    RESUME,
    FitOptions,
    check_devices,
    find_checkpoint,
    fit,
    forget_checkpoints,
    make_trainer,
    running_in,
)
from ..training.logs import read_log
from ..training.results import best_scores, write_model
from ..training.settings import TrainingSettings
from ..training.tasks import make_task
from ..training.windows import ValidationBatches, open_splits
from .labelling import Labels, label_archive
from .module import SoftTask, StudentModule, score
from .pieces import Corpus, Pieces
from .settings import LABELS, SETTINGS_FILE, DistillationSettings
from .store import Stretch
from .teachers import load_teachers
from .windows import (
    HeldOutBatches,
    StudentWindows,
    TeacherBatches,
    make_steps,
    split_off,
)

#: Largest norm of a gradient.
_CLIP = 20.0

_RANDOM = "random"

#: Of a student that begins with random parameters: Hz, and order of components.
_RATE, _ORDER = 100.0, "ZNE"

#: Settings that are nobody's business but the user's.
_PRIVATE = ("init", "inputs", "output", "progress", "teachers", "validation")

_LOG = logging.getLogger("seisbench_diting")


@dataclass(frozen=True)
class DistillationResult:
    """
    What a run left.

    :param output: Its folder
    :param steps: Number of steps
    :param skipped: Steps that were skipped since their loss was not finite
    :param arrivals: Number of arrivals that it learned from
    :param hours: Hours of waveforms that it learned from
    :param weights: SeisBench's pair without its ending, for ``Model.load``
    :param scores: F1 in validation, of the best checkpoint
    :param initial_scores: The same of the weights that it began with, unless at random
    """

    output: Path
    steps: int
    skipped: int
    arrivals: int
    hours: float
    weights: Path | None
    scores: dict[str, float]
    initial_scores: dict[str, float] = field(default_factory=dict)


def distill(settings: DistillationSettings, resume: str = "auto") -> DistillationResult:
    """
    Trains a small picker on what others say of unlabelled waveforms.

        distill(DistillationSettings("LPPNT", ("RNN/csn",), ("archive",), "run"))

    A run that was interrupted, also by force, goes on when it is started again with the
    same settings: with what the teachers have said so far, and from its last checkpoint.

    :param settings: Settings
    :param resume: ``auto`` goes on where there is something to go on from, ``must``
        raises an error where there is no checkpoint, ``never`` begins the training anew;
        what the teachers said is kept as long as it would be the same
    :raises ValueError: for wrong settings, if the folder holds another run or one that
        learned from other data, or if there is nothing to learn
    :raises FileNotFoundError: if an input does not exist
    :raises NotFiniteError: if the loss was not finite in 100 steps in a row
    :raises KeyboardInterrupt: after Ctrl-C; call the same again to continue
    :return: What the run left
    """
    if resume not in RESUME:
        raise ValueError(f"resume={resume!r} must be one of {', '.join(RESUME)}.")
    torch.manual_seed(settings.seed)
    output = Path(settings.output).expanduser()
    task = _make_student(settings)
    unknown = Pieces.unknown("".join(task.model.component_order))
    options = FitOptions.of(settings, gradient_clip=_CLIP)
    # Before the teachers take their hours.
    make_steps(settings, unknown.component_order, unknown, unknown)
    check_devices(options)
    check_inputs(settings.inputs)
    labelled = _labelled(settings, task)
    teachers = load_teachers(settings.teachers, settings.overlap)
    with running_in(output, SETTINGS_FILE):
        if resume == "never":
            forget_checkpoints(output)
            # What comes next may be interrupted, and goes on with the new ones.
            (output / SETTINGS_FILE).unlink(missing_ok=True)
        else:
            settings.check_continues(output)
        checkpoint = find_checkpoint(output, resume)

        def check(digest: str) -> None:
            if checkpoint is not None:
                settings.check_learns_from(output, digest)

        labels = label_archive(settings, task.model, teachers, output / LABELS, check)
        kept, held_out = split_off(labels.stretches(), settings.held_out)
        corpus = _make_corpus(settings, task, kept)
        validation = labelled or _held_out(settings, task, held_out)
        module = StudentModule(
            task,
            max_steps=settings.max_steps,
            lr=settings.lr,
            seed=settings.seed,
            sampling_rate=task.model.sampling_rate,
        )
        before = {}
        if validation is not None and settings.init != _RANDOM:
            before = score(module, options, validation)
        trainer = make_trainer(
            output,
            options,
            validates=validation is not None,
            checkpoint=checkpoint,
            callbacks=_averaging(settings),
        )
        windows = StudentWindows(
            TeacherBatches(corpus, settings, task.label), validation, settings.workers
        )
        write_text(output / SETTINGS_FILE, settings.to_json(**{LABELS: labels.digest}))
        fit(trainer, module, windows, output, checkpoint)
        hours = sum(s.n_samples for s in kept) / task.model.sampling_rate / 3600
        result = DistillationResult(
            output,
            trainer.global_step,
            module.skipped,
            len(corpus.arrivals),
            hours,
            output / type(task.model).__name__,
            best_scores(read_log(output)),
            before,
        )
        if trainer.is_global_zero:
            _warn(result)
            write_model(
                output, task, _card(settings, task, labels, result), settings.n_samples
            )
        return result


def _warn(result: DistillationResult) -> None:
    """Where what was learned is no better than what was there."""
    name = "validation_f1"
    if not result.initial_scores or not result.scores:
        return
    before, after = result.initial_scores[name], result.scores[name]
    if after <= before:
        _LOG.warning(
            "The student agrees no more with what it is validated on (F1 %.3f) than the "
            "weights that it began with (%.3f). More waveforms, more steps or a smaller "
            "learning rate may help; else keep those weights.",
            after,
            before,
        )


def _make_student(settings: DistillationSettings) -> SoftTask:
    """With the weights to begin with, whose rate and component order it takes over."""
    try:
        task = make_task(settings.student, n_samples=settings.n_samples)
    except ValueError as error:
        raise ValueError(
            f"student={settings.student!r} with n_samples={settings.n_samples}: {error}"
        ) from error
    cls = type(task.model)
    if not isinstance(task.model, PhasePicker):
        raise ValueError(
            f"student={settings.student!r} can't be distilled; choose one of this "
            f"package's pickers: {', '.join(PICKERS)}."
        )
    begin = None if settings.init == _RANDOM else _initial(cls, settings.init)
    rate, order = _RATE, _ORDER
    if begin is not None:
        rate, order = begin.sampling_rate, "".join(begin.component_order)
    model = cls(
        in_samples=settings.n_samples,
        phases="NPS",
        sampling_rate=settings.sampling_rate or rate,
        component_order=settings.component_order or order,
    )
    if begin is not None:
        if begin.state_dict().keys() != model.state_dict().keys() or list(
            begin.labels
        ) != list(model.labels):
            raise ValueError(
                f"init={settings.init!r} has the classes {''.join(begin.labels)} or is "
                f"another network than {cls.__name__} with N, P and S."
            )
        model.load_state_dict(begin.state_dict())
    return SoftTask(model, task.label)


def _initial(cls: type[PhasePicker], init: str | None) -> PhasePicker:
    if init is None:
        return cls.from_pretrained()
    try:
        if "/" not in init and find_pair(Path(init)) is None:
            return cls.from_pretrained(init)
        model = load_model(init)
    except (OSError, ValueError) as error:
        raise ValueError(f"init={init!r} can't be loaded: {error}") from error
    if not isinstance(model, cls):
        raise ValueError(
            f"init={init!r} are weights of {type(model).__name__}, not of "
            f"{cls.__name__}."
        )
    return model


def _make_corpus(
    settings: DistillationSettings, task: SoftTask, kept: Sequence[Stretch]
) -> Corpus:
    return Corpus(
        kept,
        settings.n_samples,
        "".join(task.model.component_order),
        task.model.sampling_rate,
    )


def _held_out(
    settings: DistillationSettings, task: SoftTask, held_out: Sequence[Stretch]
) -> Dataset | None:
    """What the teachers say of waveforms that are not learned from."""
    if settings.validation_windows == 0 or not held_out:
        return None
    batches = HeldOutBatches(held_out, settings, "".join(task.model.component_order))
    if batches.arrivals() == 0:
        _LOG.warning(
            "The part that is held out (held_out=%g, the last of each station) has no "
            "arrival that the teachers are sure of: nothing is validated, and the last "
            "parameters are kept.",
            settings.held_out,
        )
        return None
    return batches


def _labelled(settings: DistillationSettings, task: SoftTask) -> Dataset | None:
    """Labelled records, if there are any."""
    order = "".join(task.model.component_order)
    if settings.validation is None or settings.validation_windows == 0:
        return None
    as_in_training = TrainingSettings(
        model=settings.student,
        data=settings.validation,
        output=settings.output,
        batch_size=settings.batch_size,
        sampling_rate=task.model.sampling_rate,
        component_order=order,
        n_samples=settings.n_samples,
        padlen=settings.padlen,
        validation_windows=settings.validation_windows,
    )
    try:
        splits = open_splits(as_in_training, needs_train=False)
    except (OSError, ValueError) as error:
        raise ValueError(
            f"validation={settings.validation!r} can't be used: {error}"
        ) from error
    if splits.dev is None:
        raise ValueError(
            f"validation={settings.validation!r} has no split 'dev' to validate on."
        )
    return ValidationBatches(splits.dev, as_in_training, task.label)


def _averaging(settings: DistillationSettings) -> list[Callback]:
    if settings.averaging == 0:
        return []

    def average(
        mean: torch.Tensor, value: torch.Tensor, number: torch.Tensor
    ) -> torch.Tensor:
        # At first what was random or another's is forgotten fast.
        decay = min(settings.averaging, (1 + int(number)) / (50 + int(number)))
        return mean * decay + value * (1 - decay)

    return [WeightAveraging(avg_fn=average)]


def _card(
    settings: DistillationSettings,
    task: SoftTask,
    labels: Labels,
    result: DistillationResult,
) -> str:
    model = task.model
    stations = sorted({s.station_id for s in labels.stretches()})
    networks = sorted({station.partition(".")[0] for station in stations})
    lines = [
        f"# {type(model).__name__}",
        "",
        f"{sum(p.numel() for p in model.parameters())} parameters, distilled with "
        f"seisbench-diting {version('seisbench-diting')}.",
        "",
        "## Input and output",
        "",
        f"Windows of {settings.n_samples} samples at {model.sampling_rate:g} Hz, "
        f"components {''.join(model.component_order)}, means removed, divided by the "
        f"joint peak. Classes: {' '.join(model.labels)}; label: {task.label}.",
        "",
        "## Data",
        "",
        f"{result.hours:.2f} h of {len(stations)} stations of the networks "
        f"{', '.join(networks)}, without labels: {result.arrivals} arrivals that the "
        f"teachers see. Teachers: {', '.join(labels.teachers)}.",
        "",
        "## Settings",
        "",
        f"- init: {_begun_with(settings)}",
        *(f"- {k}: {v}" for k, v in vars(settings).items() if k not in _PRIVATE),
        "",
        "## Scores",
        "",
        f"{counted(result.steps, 'step')}, {result.skipped} of them skipped.",
        *(f"- {name}: {value:.4g}" for name, value in result.scores.items()),
        *(
            f"- {name} of the weights that it began with: {value:.4g}"
            for name, value in result.initial_scores.items()
        ),
    ]
    if not result.scores:
        lines.append("Nothing to validate on: no scores, and the last parameters.")
    return "\n".join(lines) + "\n"


def _begun_with(settings: DistillationSettings) -> str:
    """A path is nobody's business, a name is."""
    if settings.init is None:
        return "the student's default weights"
    if find_pair(Path(settings.init).expanduser()) is not None:
        return Path(settings.init).name
    return settings.init
