"""Train a model: the folder of the run, checkpoints, and Lightning's trainer."""

from __future__ import annotations

import logging
import shutil
import signal
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch
from lightning.pytorch.callbacks import ModelCheckpoint, WeightAveraging
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from lightning.pytorch.utilities import rank_zero_only
from seisbench.data import WaveformDataset
from torch.utils.data import DataLoader, Dataset

from .. import generate
from .._util import ArgumentError, only_writer, remove_leftovers, takes
from ..data import open_dataset
from ..models import PhasePicker
from .module import PickerModule, load_initial, make_model, model_class
from .results import LOGS, TrainingResult, write_results
from .train_settings import LearnSettings, TrainSettings

#: Folder of the checkpoints in a run's folder.
CHECKPOINTS = "checkpoints"

#: File name of the checkpoint with the best score on the dev split, without its ending.
_BEST = "best"

#: Steps between two lines of the logs.
_LOG_EVERY = 10

#: Settings that are options of Lightning's trainer.
_OF_TRAINER = {"accelerator", "devices", "strategy", "precision"}

#: Options of Lightning's trainer that write or show something.
_SILENT = [
    "logger",
    "enable_checkpointing",
    "enable_progress_bar",
    "enable_model_summary",
]

#: Functions that make the labels, of the samples of P and S.
_LABELS: dict[str, Callable[[np.ndarray, np.ndarray, int], np.ndarray]] = {
    "lppn": generate.lppn_label,
    "point": generate.point_label,
    "eqt": lambda p, s, n_samples: generate.eqt_label([(p, s)], n_samples),
}

_LIGHTNING = logging.getLogger("lightning.pytorch.utilities.rank_zero")

#: Warnings that tell nothing: checkpoints are why a run continues, and skipped steps are
#: counted.
_NEEDLESS = (
    "Checkpoint directory|Experiment logs|`training_step` ret|.*LeafSpec|"
    ".*GPU available but not used"
)


@takes(TrainSettings)
def train(settings: TrainSettings) -> TrainingResult:
    """
    Trains a picker with the published recipe, loss and optimizer.

    If a run is interrupted, even by force, start it again with the same settings. It
    continues from its last checkpoint with the same windows. On a CPU, the final weights
    are the same as without the interruption.

    :raises ArgumentError: for invalid settings, or if the folder has another run
    :raises NotFiniteError: if the loss was not finite in 100 steps in a row
    :raises KeyboardInterrupt: after Ctrl-C; call the same again to continue
    :return: Files of the run, and its scores
    """
    cls = model_class(settings.model)
    initial = load_initial(cls, settings.init)
    settings = settings.completed(initial)
    order, rate = settings.component_order, settings.sampling_rate
    records, dev = open_splits(settings.data, order, rate)
    if len(records) == 0:
        reason = "no record is in its split 'train'; set the column 'split'"
        raise ArgumentError("data", str(settings.data), reason)
    torch.manual_seed(settings.seed)
    # Batches refuse records of several rates.
    rate = rate or float(records.metadata["trace_sampling_rate_hz"].iloc[0])
    model = make_model(cls, settings, rate, initial)
    if settings.onnx and not isinstance(model, PhasePicker):
        raise ArgumentError("onnx", True, f"{cls.__name__} can't be exported")
    module = PickerModule(model, settings)
    batches = generate.DiTingBatches(
        records,
        settings.batch_size,
        n_samples=settings.n_samples,
        seed=settings.seed,
        labels=(module.label,),
        padlen=settings.padlen,
        augmentations=settings.augmentations,
    )
    validation = ValidationBatches(dev, settings, module.label) if dev else None
    # Before anything is written.
    make_trainer(settings)
    with run_folder(settings) as checkpoint:
        # The settings are valid, so the run may be continued with them.
        settings.store()
        trainer = fit(settings, module, batches, validation, checkpoint)
        result = TrainingResult.of(settings, module, trainer.global_step)
        if trainer.is_global_zero:
            counts = f"{len(records)} records to train, {len(dev or ())} to validate"
            data = f"{records.name}, {counts}.\n\n{getattr(records, 'citation', '')}"
            write_results(settings, module, result, "trained", data, result.scores)
        return result


def open_splits(
    data: str | Path, component_order: str | None, sampling_rate: float | None
) -> tuple[WaveformDataset, WaveformDataset | None]:
    """
    :param data: Folder of a dataset, or its name
    :param component_order: Order of the components
    :param sampling_rate: Sampling rate in Hz; None for its own
    :return: Records to train on and to validate on; without splits all of them train
    """
    options = {"component_order": component_order, "sampling_rate": sampling_rate}
    dataset = open_dataset(data, **options)
    if "split" not in dataset.metadata.columns:
        return dataset, None
    return dataset.train(), dataset.dev() or None


class ValidationBatches(Dataset):
    """
    Windows with their label, and the samples of arrivals in ``P`` and ``S``: the same ones
    in every validation.

    :param dataset: Records
    :param settings: Settings of the run
    :param label: Label to make, None for none
    """

    def __init__(
        self, dataset: WaveformDataset, settings: LearnSettings, label: str | None
    ) -> None:
        number = min(len(dataset), settings.validation_windows)
        size = min(settings.batch_size, number)
        self._batches = generate.DiTingTestBatches(
            dataset, size, n_samples=settings.n_samples, padlen=settings.padlen
        )
        self._number = number // size
        self._label = label

    def __len__(self) -> int:
        return self._number

    def __getitem__(self, index: int) -> dict[str, Any]:
        batch = self._batches[index]
        p, s = ([row[row >= 0] for row in batch["arrivals"][:, k]] for k in (0, 1))
        made: dict[str, Any] = {"wave": batch["wave"], "P": p, "S": s}
        if self._label is not None:
            make, length = _LABELS[self._label], batch["wave"].shape[-1]
            labels = [make(*both, length) for both in zip(p, s, strict=True)]
            made[self._label] = np.stack(labels)
        return made


def is_first_process() -> bool:
    """:return: False in the processes that Lightning starts for further devices"""
    return getattr(rank_zero_only, "rank", None) in (None, 0)


@contextmanager
def run_folder(settings: LearnSettings) -> Iterator[Path | None]:
    """
    Makes the folder of a run, and locks it against other runs.

    :param settings: Settings of the run
    :raises OSError: if it can't be written to
    :raises ArgumentError: if another run writes there, or another one did
    :return: The checkpoint to go on from; None to begin
    """
    output = settings.folder
    output.mkdir(parents=True, exist_ok=True)
    if not is_first_process():
        # The first process holds the lock.
        yield _latest_checkpoint(output)
        return
    with only_writer(output, "run"):
        remove_leftovers(output)
        checkpoint = _latest_checkpoint(output)
        if checkpoint and not settings.earlier():
            reason = "it holds a run of another kind; choose another output"
            raise ArgumentError("output", str(output), reason)
        if settings.resume == "never":
            checkpoint = None
            for path in (output / CHECKPOINTS).glob("*.ckpt"):
                path.unlink()
            shutil.rmtree(output / LOGS, ignore_errors=True)
            (output / settings.settings_file).unlink(missing_ok=True)
        settings.check_continues()
        yield checkpoint


def _latest_checkpoint(output: Path) -> Path | None:
    """
    The newest checkpoint that is whole. Two are kept, so that there is one even if the
    machine went down while the newer one was written.
    """
    found = sorted((output / CHECKPOINTS).glob("step=*.ckpt"), key=_step_of)
    return next((path for path in reversed(found) if _read_checkpoint(path)), None)


def _step_of(path: Path) -> int:
    return int(path.stem.removeprefix("step="))


def _read_checkpoint(path: Path) -> dict[str, Any]:
    """Content of a checkpoint, nothing if it is missing or damaged."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    # Damaged files raise errors of many kinds.
    except Exception:
        return {}


def make_trainer(settings: LearnSettings, **options: Any) -> pl.Trainer:
    """
    :param settings: Settings of the run
    :param options: Options of Lightning's trainer; without any it writes and shows nothing
    :raises ArgumentError: if there are no such devices
    :return: Trainer
    """
    of_run = settings.model_dump(include=_OF_TRAINER) | {"num_nodes": settings.nodes}
    try:
        with quiet():
            return pl.Trainer(**of_run | dict.fromkeys(_SILENT, False) | options)
    # Lightning raises errors of many kinds.
    except Exception as error:
        value = of_run.pop("accelerator")
        raise ArgumentError("accelerator", value, f"with {of_run}: {error}") from error


def fit(
    settings: LearnSettings,
    module: PickerModule,
    batches: Dataset,
    validation: Dataset | None,
    checkpoint: Path | None,
    averaging: float = 0.0,
    **options: Any,
) -> pl.Trainer:
    """
    Trains. At the end the model has the parameters that did best in validation, or the
    last ones if nothing was validated.

    :param settings: Settings of the run
    :param module: Model that is trained
    :param batches: Batches to train on, by their numbers, without end
    :param validation: Batches to validate on; None for none
    :param checkpoint: Checkpoint to go on from; None to begin
    :param averaging: Decay of the running mean of the parameters; 0 for none
    :param options: More options of Lightning's trainer
    :raises KeyboardInterrupt: after Ctrl-C
    :return: Trainer
    """
    folder = settings.folder / CHECKPOINTS
    validates = validation is not None
    kept: dict[str, Any] = {"dirpath": folder, "mode": "max"}
    kept["enable_version_counter"] = False
    best = ModelCheckpoint(filename=_BEST, monitor="validation_f1", **kept)
    steps = _StepCheckpoint(
        filename="{step}",
        monitor="step",
        save_top_k=2,
        every_n_train_steps=settings.checkpoint_every,
        **kept,
    )
    start = _step_of(checkpoint) if checkpoint else 0
    # A folder for each continuation: the logger removes what it finds in its own.
    place: dict[str, Any] = {"name": LOGS, "version": f"from_step_{start:07d}"}
    trainer = make_trainer(
        settings,
        default_root_dir=settings.folder,
        max_steps=settings.max_steps,
        # The windows never end: steps are counted, not epochs.
        max_epochs=-1,
        # A run that is shorter is validated at its end.
        val_check_interval=min(settings.validate_every, settings.max_steps),
        check_val_every_n_epoch=None,
        limit_val_batches=1.0 if validates else 0,
        num_sanity_val_steps=0,
        log_every_n_steps=_LOG_EVERY,
        use_distributed_sampler=False,
        callbacks=[
            *([_averaging(averaging)] if averaging else []),
            *([best] if validates else []),
            steps,
        ],
        logger=[
            CSVLogger(settings.folder, flush_logs_every_n_steps=_LOG_EVERY, **place),
            TensorBoardLogger(settings.folder, **place),
        ],
        enable_checkpointing=True,
        enable_progress_bar=settings.progress,
        **options,
    )
    # From the batch after the checkpoint's on, so that a run that was interrupted gets the
    # same batches; several devices take them in turn.
    loader = generate.batch_loader(
        batches,
        settings.workers,
        start=start * trainer.world_size + trainer.global_rank,
        step=trainer.world_size,
    )
    # In this process: a validation is short, and starting processes is not.
    held_out = [] if validation is None else [DataLoader(validation, batch_size=None)]
    with _interruptible(), quiet():
        trainer.fit(module, loader, held_out, ckpt_path=checkpoint, weights_only=True)
    found = _read_checkpoint(folder / f"{_BEST}.ckpt")
    if not found and checkpoint and start >= settings.max_steps:
        # It had ended before: Lightning restores the last parameters, not their means.
        found = _read_checkpoint(checkpoint)
    if trainer.is_global_zero and found:
        state = {n: v for n, v in found["state_dict"].items() if n.startswith("model.")}
        module.load_state_dict(state)
    return trainer


def _averaging(decay: float) -> WeightAveraging:
    def average(
        mean: torch.Tensor, value: torch.Tensor, number: torch.Tensor
    ) -> torch.Tensor:
        # Early in training, the mean follows the parameters quickly.
        now = min(decay, (1 + int(number)) / (50 + int(number)))
        return mean * now + value * (1 - now)

    return WeightAveraging(avg_fn=average)


class _StepCheckpoint(ModelCheckpoint):
    """
    Checkpoints to go on from. Where the run is validated at the same step, they are saved
    afterwards: Lightning does not validate again at the step that it goes on from, so a
    score that is not in the checkpoint would be forgotten.
    """

    def on_train_batch_end(self, trainer: pl.Trainer, *others: Any) -> None:
        every = trainer.val_check_interval
        if not trainer.enable_validation or trainer.global_step % every:
            super().on_train_batch_end(trainer, *others)

    def on_validation_end(
        self, trainer: pl.Trainer, module: pl.LightningModule
    ) -> None:
        super().on_train_batch_end(trainer, module, None, None, 0)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Ctrl-C raises KeyboardInterrupt; Lightning would end the whole process."""
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
    """Without Lightning's advertisements and needless warnings."""
    level = _LIGHTNING.level
    _LIGHTNING.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", _NEEDLESS)
            yield
    finally:
        _LIGHTNING.setLevel(level)
