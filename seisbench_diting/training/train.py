"""Training, from settings to a folder of results."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import torch

from .._util import write_text
from ..models import PhasePicker
from .fitting import (
    RESUME,
    FitOptions,
    check_devices,
    find_checkpoint,
    fit,
    forget_checkpoints,
    make_trainer,
    running_in,
)
from .module import PickerModule
from .results import TrainingResult, write_results
from .settings import SETTINGS_FILE, TrainingSettings
from .tasks import Task, make_task, model_class
from .weights import complete, put_in, read_initial
from .windows import WindowModule, open_splits, sampling_rate_of


def train(settings: TrainingSettings, resume: str = "auto") -> TrainingResult:
    """
    Trains a picker with the published recipe, loss and optimizer.

    A run that was interrupted, also by force, goes on from its last checkpoint when it
    is started again with the same settings: with the same windows, and on a CPU with
    the same weights at the end as if it had not been interrupted.

    :param settings: Settings
    :param resume: ``auto`` goes on where there is something to go on from, ``must``
        raises an error where there is not, ``never`` begins anew and removes the
        checkpoints of an earlier run
    :raises ValueError: for wrong settings, or if the folder holds another run
    :raises NotFiniteError: if the loss was not finite in 100 steps in a row
    :raises KeyboardInterrupt: after Ctrl-C; call the same again to continue
    :return: What the run left, and how well it did
    """
    if resume not in RESUME:
        raise ValueError(f"resume={resume!r} must be one of {', '.join(RESUME)}.")
    output = Path(settings.output).expanduser()
    initial = None
    if settings.init is not None:
        initial = read_initial(model_class(settings.model), settings.init)
    settings = complete(settings, initial)
    splits = open_splits(settings)
    rate = sampling_rate_of(splits.train)
    torch.manual_seed(settings.seed)
    task = make_task(
        settings.model,
        settings.label,
        n_samples=settings.n_samples,
        sampling_rate=rate,
        component_order=settings.component_order,
    )
    if initial is not None:
        put_in(task.model, initial, settings.init)
    if settings.onnx:
        _check_onnx(task)
    check_devices(FitOptions.of(settings))
    with running_in(output, SETTINGS_FILE):
        checkpoint = _checkpoint(output, settings, resume)
        module = _make_module(task, settings, rate)
        trainer = make_trainer(
            output,
            FitOptions.of(settings),
            validates=splits.dev is not None,
            checkpoint=checkpoint,
        )
        windows = WindowModule(splits, settings, task.label)
        # Nothing is wrong with them, so they may be continued with.
        write_text(output / SETTINGS_FILE, settings.to_json())
        fit(trainer, module, windows, output, checkpoint)
        if not trainer.is_global_zero:
            return TrainingResult(output, trainer.global_step, module.skipped)
        return write_results(output, settings, task, splits, module, trainer)


def _check_onnx(task: Task) -> None:
    """Before days of training, not after."""
    if not isinstance(task.model, PhasePicker):
        raise ValueError(
            f"onnx=True is not possible for {type(task.model).__name__}, only for this "
            "package's pickers."
        )
    if importlib.util.find_spec("onnx") is None:
        raise ValueError("onnx=True needs the package onnx: pip install onnx.")


def _make_module(task: Task, settings: TrainingSettings, rate: float) -> PickerModule:
    return PickerModule(
        task,
        lr=settings.lr,
        seed=settings.seed,
        sampling_rate=rate,
        freeze=settings.freeze,
    )


def _checkpoint(output: Path, settings: TrainingSettings, resume: str) -> Path | None:
    """The checkpoint to go on from, once it is sure that it is the same run."""
    earlier = TrainingSettings.read(output)
    if resume == "never":
        forget_checkpoints(output)
    elif earlier is not None:
        settings.check_continues(earlier)
    return find_checkpoint(output, resume)
