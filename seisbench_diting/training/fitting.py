"""What runs of all kinds share: the trainer, its checkpoints, and how it is stopped."""

from __future__ import annotations

import logging
import shutil
import signal
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Callback, ModelCheckpoint, TQDMProgressBar
from lightning.pytorch.loggers import CSVLogger, Logger
from lightning.pytorch.utilities import rank_zero_only

from .._util import only_writer, remove_leftovers
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

#: Steps between two lines of the logs.
_LOG_EVERY = 10

_LIGHTNING = logging.getLogger("lightning.pytorch.utilities.rank_zero")

#: Files with the settings of training and of distillation.
_SETTINGS_FILES = ("settings.json", "distillation.json")

RESUME = ("auto", "never", "must")


@dataclass(frozen=True)
class FitOptions:
    """
    How a run goes on, whatever it learns.

    :param max_steps: Number of steps
    :param validate_every: Steps between two validations
    :param checkpoint_every: Steps between two checkpoints
    :param accelerator: Lightning's accelerator
    :param devices: Lightning's devices
    :param nodes: Number of machines
    :param strategy: Lightning's strategy
    :param precision: Lightning's precision
    :param gradient_clip: Largest norm of the gradient; None for any
    :param progress: If true, shows a progress bar
    """

    max_steps: int
    validate_every: int
    checkpoint_every: int
    accelerator: str = "auto"
    devices: int | str = "auto"
    nodes: int = 1
    strategy: str = "auto"
    precision: str = "32-true"
    gradient_clip: float | None = None
    progress: bool = True

    @classmethod
    def of(cls, settings: Any, **others: Any) -> FitOptions:
        """
        :param settings: Settings of a run, which have most of them under the same names
        :param others: Those that they have not
        :return: Options
        """
        names = [entry.name for entry in fields(cls)]
        own = {n: getattr(settings, n) for n in names if hasattr(settings, n)}
        # A run that is shorter is validated at its end.
        own["validate_every"] = min(own["validate_every"], own["max_steps"])
        return cls(**own, **others)


def is_first_process() -> bool:
    """:return: False in the processes that Lightning starts for further devices"""
    return getattr(rank_zero_only, "rank", None) in (None, 0)


@contextmanager
def running_in(output: Path, settings_file: str) -> Iterator[None]:
    """
    :param output: Folder of a run; it is made if it does not exist
    :param settings_file: Name of the file with its settings
    :raises NotADirectoryError: if it is a file
    :raises OSError: if it can't be written to
    :raises ValueError: if another run writes there already, or one of another kind did
    """
    if output.exists() and not output.is_dir():
        raise NotADirectoryError(
            f"output={str(output)!r} is a file; name a folder for the run."
        )
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise type(error)(
            f"output={str(output)!r} can't be made ({error}); name another folder."
        ) from error
    if not is_first_process():
        # They belong to the run that holds the lock.
        yield
        return
    # Their checkpoints have the same names.
    others = [name for name in _SETTINGS_FILES if name != settings_file]
    if found := [name for name in others if (output / name).exists()]:
        raise ValueError(
            f"output={str(output)!r} has a run of another kind, see {found[0]}. Choose "
            "another output."
        )
    with only_writer(output, "run"):
        remove_leftovers(output)
        yield


def bare_trainer(**options: Any) -> pl.Trainer:
    """
    :param options: Of Lightning's trainer
    :return: Trainer that writes and shows nothing
    """
    return pl.Trainer(
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        **options,
    )


def check_devices(options: FitOptions) -> None:
    """
    :param options: Options
    :raises ValueError: if there is no such accelerator, or not so many devices
    """
    if not is_first_process():
        return
    try:
        with quiet():
            bare_trainer(
                accelerator=options.accelerator,
                devices=options.devices,
                num_nodes=options.nodes,
                strategy=options.strategy,
            )
    except Exception as error:
        # Lightning raises errors of many kinds for what is no device.
        raise ValueError(
            f"accelerator={options.accelerator!r}, devices={options.devices!r}, "
            f"nodes={options.nodes} and strategy={options.strategy!r} are not to be had "
            f"together: {error}"
        ) from error


def fit(
    trainer: pl.Trainer,
    module: PickerModule,
    windows: pl.LightningDataModule,
    output: Path,
    checkpoint: Path | None,
) -> None:
    """
    Trains. The model has the parameters that did best in validation at the end; without
    one, the last.

    :param trainer: Of :py:func:`make_trainer`
    :param module: What learns
    :param windows: What it learns from
    :param output: Folder of the run
    :param checkpoint: Checkpoint to go on from; None to begin
    :raises KeyboardInterrupt: after Ctrl-C
    """
    with _interruptible(), quiet():
        trainer.fit(module, datamodule=windows, ckpt_path=checkpoint, weights_only=True)
    best = read_checkpoint(output / FOLDER / f"{BEST}.ckpt")
    if best is None and step_of(checkpoint) >= trainer.max_steps:
        # It had ended before: Lightning puts the last parameters in, not their means.
        best = read_checkpoint(checkpoint)
    if trainer.is_global_zero and best is not None:
        module.model.load_state_dict(model_state(best))


def find_checkpoint(output: Path, resume: str) -> Path | None:
    """
    :param output: Folder of the run
    :param resume: See :py:func:`seisbench_diting.training.train`
    :raises ValueError: if there has to be one, and there is none
    :return: The checkpoint to go on from; None to begin
    """
    checkpoint = latest_checkpoint(output)
    if checkpoint is None and resume == "must":
        raise ValueError(
            f"output={str(output)!r} has no checkpoint to go on from; use "
            "resume='auto' to begin."
        )
    return checkpoint


def forget_checkpoints(output: Path) -> None:
    """Removes what a former run in this folder would be continued from."""
    if not is_first_process():
        return
    for path in (output / FOLDER).glob("*.ckpt"):
        path.unlink()
    shutil.rmtree(output / LOGS, ignore_errors=True)


def make_trainer(
    output: Path,
    options: FitOptions,
    *,
    validates: bool,
    checkpoint: Path | None,
    callbacks: Sequence[Callback] = (),
) -> pl.Trainer:
    """
    :param output: Folder of the run
    :param options: Options
    :param validates: If there is anything to validate on
    :param checkpoint: Checkpoint to go on from; None to begin
    :param callbacks: More of Lightning's callbacks
    :return: Trainer
    """
    with quiet():
        return _trainer(output, options, validates, step_of(checkpoint), callbacks)


def _trainer(
    output: Path,
    options: FitOptions,
    validates: bool,
    start: int,
    others: Sequence[Callback],
) -> pl.Trainer:
    callbacks: list[Callback] = [*others]
    if validates:
        callbacks.append(
            ModelCheckpoint(
                output / FOLDER,
                BEST,
                monitor="validation_f1",
                mode="max",
                enable_version_counter=False,
            )
        )
    callbacks.append(
        _StepCheckpoint(
            options.validate_every if validates else None,
            dirpath=output / FOLDER,
            filename="{step}",
            monitor="step",
            mode="max",
            save_top_k=2,
            every_n_train_steps=options.checkpoint_every,
            enable_version_counter=False,
        )
    )
    if options.progress:
        callbacks.append(TQDMProgressBar(refresh_rate=10))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*GPU available but not used.*")
        return pl.Trainer(
            default_root_dir=output,
            max_steps=options.max_steps,
            # The windows never end: a step is what is counted, not an epoch.
            max_epochs=-1,
            val_check_interval=options.validate_every,
            check_val_every_n_epoch=None,
            limit_val_batches=1.0 if validates else 0,
            num_sanity_val_steps=0,
            log_every_n_steps=_LOG_EVERY,
            use_distributed_sampler=False,
            accelerator=options.accelerator,
            devices=options.devices,
            num_nodes=options.nodes,
            strategy=options.strategy,
            precision=options.precision,
            gradient_clip_val=options.gradient_clip,
            callbacks=callbacks,
            logger=_loggers(output, start),
            enable_progress_bar=options.progress,
            enable_model_summary=False,
        )


class _StepCheckpoint(ModelCheckpoint):
    """
    What a run goes on from. Where it is validated at the same step it is saved afterwards:
    Lightning does not validate again at the step that it goes on from, so a score that is not
    in the checkpoint would be forgotten.
    """

    def __init__(self, validate_every: int | None, **options: Any):
        super().__init__(**options)
        self._validate_every = validate_every

    def on_train_batch_end(self, trainer: pl.Trainer, *others: Any) -> None:
        every = self._validate_every
        if every is None or trainer.global_step % every:
            super().on_train_batch_end(trainer, *others)

    def on_validation_end(
        self, trainer: pl.Trainer, module: pl.LightningModule
    ) -> None:
        super().on_train_batch_end(trainer, module, None, None, 0)


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
def quiet() -> Iterator[None]:
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
