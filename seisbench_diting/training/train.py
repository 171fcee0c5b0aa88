"""Training, from settings to a folder of results."""

from __future__ import annotations

import importlib.util
import logging
import shutil
import signal
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import Callback, ModelCheckpoint, TQDMProgressBar
from lightning.pytorch.loggers import CSVLogger, Logger

from ..files import only_writer, write_text
from ..models.base import PhasePicker
from .checkpoints import (
    BEST,
    FOLDER,
    latest_checkpoint,
    model_state,
    read_checkpoint,
    step_of,
)
from .logs import LOGS, log_version
from .module import PickerModule
from .results import TrainingResult, write_results
from .settings import SETTINGS_FILE, TrainingSettings
from .tasks import Task, make_task
from .weights import load_initial
from .windows import Splits, WindowModule, open_splits, sampling_rate_of

#: Steps between two lines of the logs.
_LOG_EVERY = 10

_LIGHTNING = logging.getLogger("lightning.pytorch.utilities.rank_zero")

_RESUME = ("auto", "never", "must")


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
    if resume not in _RESUME:
        raise ValueError(f"resume={resume!r} must be one of {', '.join(_RESUME)}.")
    output = Path(settings.output).expanduser()
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
    if settings.onnx:
        _check_onnx(task)
    output.mkdir(parents=True, exist_ok=True)
    with only_writer(output, "run"):
        checkpoint = _checkpoint(output, settings, resume)
        module = _make_module(task, settings, rate)
        with _quiet():
            trainer = _make_trainer(output, settings, splits, step_of(checkpoint))
        windows = WindowModule(splits, settings, task.label)
        # Nothing is wrong with them, so they may be continued with.
        write_text(output / SETTINGS_FILE, settings.to_json())
        with _interruptible(), _quiet():
            trainer.fit(
                module, datamodule=windows, ckpt_path=checkpoint, weights_only=True
            )
        if not trainer.is_global_zero:
            return TrainingResult(output, trainer.global_step, module.skipped)
        _take_best(output, task)
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
    if settings.init is not None:
        load_initial(task.model, settings.init)
    return PickerModule(
        task,
        lr=settings.lr,
        seed=settings.seed,
        sampling_rate=rate,
        freeze=settings.freeze,
    )


def _make_trainer(
    output: Path, settings: TrainingSettings, splits: Splits, start: int
) -> pl.Trainer:
    callbacks: list[Callback] = [
        ModelCheckpoint(
            output / FOLDER,
            "{step}",
            monitor="step",
            mode="max",
            save_top_k=2,
            every_n_train_steps=settings.checkpoint_every,
            enable_version_counter=False,
        )
    ]
    if splits.dev is not None:
        callbacks.append(
            ModelCheckpoint(
                output / FOLDER,
                BEST,
                monitor="validation_f1",
                mode="max",
                enable_version_counter=False,
            )
        )
    if settings.progress:
        callbacks.append(TQDMProgressBar(refresh_rate=10))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*GPU available but not used.*")
        return pl.Trainer(
            default_root_dir=output,
            max_steps=settings.max_steps,
            # The windows never end: a step is what is counted, not an epoch.
            max_epochs=-1,
            val_check_interval=settings.validate_every,
            check_val_every_n_epoch=None,
            limit_val_batches=1.0 if splits.dev is not None else 0,
            num_sanity_val_steps=0,
            log_every_n_steps=_LOG_EVERY,
            use_distributed_sampler=False,
            accelerator=settings.accelerator,
            devices=settings.devices,
            num_nodes=settings.nodes,
            strategy=settings.strategy,
            precision=settings.precision,
            callbacks=callbacks,
            logger=_loggers(output, start),
            enable_progress_bar=settings.progress,
            enable_model_summary=False,
        )


def _loggers(output: Path, start: int) -> list[Logger]:
    # A folder for each continuation: the logger removes what it finds in its own.
    version = log_version(start)
    loggers: list[Logger] = [
        CSVLogger(
            output, name=LOGS, version=version, flush_logs_every_n_steps=_LOG_EVERY
        )
    ]
    try:
        from lightning.pytorch.loggers import TensorBoardLogger

        loggers.append(TensorBoardLogger(output, name=LOGS, version=version))
    except ModuleNotFoundError:
        # TensorBoard is an extra of an extra; the CSV log holds the same figures.
        pass
    return loggers


def _checkpoint(output: Path, settings: TrainingSettings, resume: str) -> Path | None:
    """The checkpoint to go on from, once it is sure that it is the same run."""
    earlier = TrainingSettings.read(output)
    if resume == "never":
        for path in (output / FOLDER).glob("*.ckpt"):
            path.unlink()
        shutil.rmtree(output / LOGS, ignore_errors=True)
    elif earlier is not None:
        settings.check_continues(earlier)
    checkpoint = latest_checkpoint(output)
    if checkpoint is None and resume == "must":
        raise ValueError(
            f"output={settings.output!r} has no checkpoint to go on from; use "
            "resume='auto' to begin."
        )
    return checkpoint


def _take_best(output: Path, task: Task) -> None:
    """The parameters that did best on the dev split; without one, the last."""
    checkpoint = read_checkpoint(output / FOLDER / f"{BEST}.ckpt")
    if checkpoint is not None:
        task.model.load_state_dict(model_state(checkpoint))


@contextmanager
def _interruptible() -> Iterator[None]:
    """Ctrl-C is what it is everywhere; Lightning would end the whole process."""
    handler = signal.getsignal(signal.SIGINT)
    try:
        yield
    except SystemExit as error:
        if isinstance(error.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from error
        raise
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, handler)


@contextmanager
def _quiet() -> Iterator[None]:
    """
    Without Lightning's advertisements, and without needless warnings: that there are
    checkpoints is why a run continues, and skipped steps are counted.
    """
    level = _LIGHTNING.level
    _LIGHTNING.setLevel(logging.WARNING)
    with warnings.catch_warnings():
        for message in (
            "Checkpoint directory",
            "Experiment logs",
            "`training_step` ret",
        ):
            warnings.filterwarnings("ignore", f"{message}.*")
        warnings.filterwarnings("ignore", ".*LeafSpec.*")
        try:
            yield
        finally:
            _LIGHTNING.setLevel(level)
