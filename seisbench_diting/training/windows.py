"""Where the windows of a run come from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import lightning.pytorch as pl
import numpy as np
from seisbench.data import WaveformDataset
from torch.utils.data import DataLoader, Dataset

from ..data import open_dataset
from ..generate import (
    DiTingBatches,
    DiTingTestBatches,
    eqt_label,
    lppn_label,
    point_label,
)
from .settings import TrainingSettings


@dataclass(frozen=True)
class Splits:
    """
    What a run learns from, and what it is validated on.

    :param train: Records of the split train
    :param dev: Records of the split dev; None if there are none
    """

    train: WaveformDataset
    dev: WaveformDataset | None


def open_splits(settings: TrainingSettings, needs_train: bool = True) -> Splits:
    """
    :param settings: Settings of the run
    :param needs_train: If records to train on are needed
    :raises ValueError: if there is nothing to train on
    :return: The splits of the dataset; without splits all of it trains
    """
    dataset = open_dataset(
        settings.data,
        component_order=settings.component_order,
        sampling_rate=settings.sampling_rate,
    )
    if "split" not in dataset.metadata.columns:
        return Splits(dataset, None)
    train, dev = dataset.train(), dataset.dev()
    if len(train) == 0 and needs_train:
        raise ValueError(
            f"data={settings.data!r} has no record in its split 'train'. Convert it "
            "with another split, or set the column 'split' of its metadata."
        )
    return Splits(train, dev if len(dev) else None)


def sampling_rate_of(dataset: WaveformDataset) -> float:
    """
    :raises ValueError: if the dataset has none, or several
    :return: Sampling rate of the records that the dataset gives, in Hz
    """
    if dataset.sampling_rate is not None:
        return float(dataset.sampling_rate)
    rates = np.unique(dataset.metadata["trace_sampling_rate_hz"])
    if len(rates) != 1 or not np.isfinite(rates[0]):
        raise ValueError(
            f"The dataset has the sampling rates {rates.tolist()} Hz; choose one with "
            "sampling_rate=."
        )
    return float(rates[0])


class ValidationBatches(Dataset):
    """
    Windows with truth and label: the same ones in every validation.

    :param dataset: Records
    :param settings: Settings of the run
    :param label: Label to make
    """

    def __init__(
        self, dataset: WaveformDataset, settings: TrainingSettings, label: str
    ):
        number = min(len(dataset), settings.validation_windows)
        self._batches = DiTingTestBatches(
            dataset,
            min(settings.batch_size, number),
            n_samples=settings.n_samples,
            padlen=settings.padlen,
        )
        self._number = max(1, number // min(settings.batch_size, number))
        self._label = label
        self._n_samples = settings.n_samples

    def __len__(self) -> int:
        return self._number

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        if index >= self._number:
            raise IndexError(index)
        batch = self._batches[index]
        truth = np.asarray(batch["label"])
        labels = np.stack([self._make(p, s) for p, s in truth[:, :2]])
        return {"wave": batch["wave"], "truth": truth, self._label: labels}

    def _make(self, p: float, s: float) -> np.ndarray:
        first, second = ([x] if x >= 0 else [] for x in (p, s))
        if self._label == "lppn":
            return lppn_label(first, second, self._n_samples)
        if self._label == "point":
            return point_label(first, second, self._n_samples)
        return eqt_label([(first, second)], self._n_samples)

    def __iter__(self) -> Iterator[dict[str, np.ndarray]]:
        return (self[i] for i in range(len(self)))

    def loader(self) -> DataLoader:
        """In this process: a validation is short, and starting processes is not."""
        return DataLoader(self, batch_size=None)


class WindowModule(pl.LightningDataModule):
    """
    Loaders for Lightning. Training begins at the batch after the checkpoint's, so that
    the same batches come whether or not a run was interrupted; several devices take
    them in turn.

    :param splits: Data
    :param settings: Settings of the run
    :param label: Label to make
    """

    def __init__(self, splits: Splits, settings: TrainingSettings, label: str):
        super().__init__()
        self._settings = settings
        self._batches = DiTingBatches(
            splits.train,
            settings.batch_size,
            n_samples=settings.n_samples,
            seed=settings.seed,
            labels=(label,),
            padlen=settings.padlen,
            augmentations=dict(settings.augmentations),
        )
        self._validation = (
            None
            if splits.dev is None
            else ValidationBatches(splits.dev, settings, label)
        )

    def train_dataloader(self) -> DataLoader:
        devices = self.trainer.world_size
        return self._batches.loader(
            num_workers=self._settings.workers,
            start=self.trainer.global_step * devices + self.trainer.global_rank,
            step=devices,
        )

    def val_dataloader(self) -> DataLoader | list:
        return [] if self._validation is None else self._validation.loader()
