"""Windows for training and validation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import numpy as np
from seisbench.data import WaveformDataset
from torch.utils.data import DataLoader, Dataset

from .. import generate
from .._util import ArgumentError
from ..data import open_dataset
from .train_settings import LearnSettings


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


def sampling_rate_of(dataset: WaveformDataset) -> float:
    """
    :raises ArgumentError: if there are several
    :return: Sampling rate of the records that the dataset gives, in Hz
    """
    rates = {dataset.sampling_rate}
    if None in rates:
        rates = set(dataset.metadata["trace_sampling_rate_hz"])
    if len(rates) != 1:
        raise ArgumentError("sampling_rate", None, f"choose one of {sorted(rates)} Hz")
    return float(*rates)


class ValidationBatches(Dataset):
    """
    Windows with truth and label: the same ones in every validation.

    :param dataset: Records
    :param settings: Settings of the run
    :param label: Label to make
    """

    def __init__(
        self, dataset: WaveformDataset, settings: LearnSettings, label: str
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

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        batch = self._batches[index]
        wave, truth = batch["wave"], batch["label"]
        labels = [self._make(p, s, wave.shape[-1]) for p, s in truth[:, :2]]
        return {"wave": wave, "truth": truth, self._label: np.stack(labels)}

    def _make(self, p: float, s: float, n_samples: int) -> np.ndarray:
        first, second = ([x] if x >= 0 else [] for x in (p, s))
        if self._label == "lppn":
            return generate.lppn_label(first, second, n_samples)
        if self._label == "point":
            return generate.point_label(first, second, n_samples)
        return generate.eqt_label([(first, second)], n_samples)


class WindowModule(pl.LightningDataModule):
    """
    Loaders for Lightning. Training begins at the batch after the checkpoint's, so that
    the same batches come whether or not a run was interrupted; several devices take
    them in turn.

    :param batches: Batches to train on, by their numbers
    :param validation: Batches to validate on; None for none
    :param workers: Processes that load windows
    """

    def __init__(
        self, batches: Dataset, validation: Dataset | None, workers: int
    ) -> None:
        super().__init__()
        self._batches = batches
        self.validation = validation
        self._workers = workers

    def train_dataloader(self) -> DataLoader:
        trainer: Any = self.trainer
        return generate.batch_loader(
            self._batches,
            self._workers,
            start=trainer.global_step * trainer.world_size + trainer.global_rank,
            step=trainer.world_size,
        )

    def val_dataloader(self) -> DataLoader | list:
        # In this process: a validation is short, and starting processes is not.
        if self.validation is None:
            return []
        return DataLoader(self.validation, batch_size=None)
