"""Batches of windows with soft labels, and those that a student is validated on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import lightning.pytorch as pl
import numpy as np
from torch.utils.data import DataLoader, Dataset

from ..generate import (
    RecordSource,
    Step,
    batch_loader,
    check_options,
    cut_centred,
    seeded,
    window_augmentations,
    without_means,
)
from .labels import SOFT_LABELS, visible_arrivals
from .pieces import Corpus
from .settings import AUGMENTATIONS, DistillationSettings
from .store import Stretch

#: From what probability on an arrival of the teachers is to be found, in validation.
TRUE = 0.3

#: Options of augmentations that are a probability, and need noise to draw from.
_NEED_NOISE = "real_noise"


def make_steps(
    settings: DistillationSettings,
    component_order: str,
    sure: RecordSource,
    noise: RecordSource,
) -> list[Step]:
    """
    :param settings: Settings of the run
    :param component_order: Order of the components
    :param sure: What second events are taken from
    :param noise: What noise is taken from; it may be empty
    :raises ValueError: if an augmentation is impossible
    :return: Steps of a generator, from a piece to a window
    """
    own = {
        "n_samples": settings.n_samples,
        "padlen": settings.padlen,
        "within": True,
        "factor": (1.0, 1.0),
        "component_order": component_order,
        "second_event_records": sure,
        "noise_records": noise,
    }
    options = {**AUGMENTATIONS, **settings.augmentations}
    check_options(options)
    if taken := own.keys() & settings.augmentations.keys():
        raise ValueError(
            f"augmentations has {min(taken)}, which is no augmentation; it is a setting "
            "of its own, or told by the data."
        )
    if len(noise) == 0:
        options[_NEED_NOISE] = 0.0
    return window_augmentations(**own, **options)


class TeacherBatches(Dataset):
    """
    Training batches: ``wave`` (batch, 3, samples) and the label by its name. The n-th
    batch hangs on data, settings and n alone.

    :param corpus: Pieces that windows are made of
    :param settings: Settings of the run
    :param label: ``lppn`` or ``point``
    """

    def __init__(self, corpus: Corpus, settings: DistillationSettings, label: str):
        self._corpus = corpus
        self._settings = settings
        self._label = label
        self._steps = make_steps(
            settings, corpus.component_order, corpus.sure, corpus.noise
        )
        noise = (corpus.quiet, corpus.other_noise)
        shares = np.array(settings.shares, dtype=float)
        shares[1:] *= [len(pieces) > 0 for pieces in noise]
        self._shares = shares / shares.sum()

    def __getitem__(self, number: int) -> dict[str, np.ndarray]:
        """
        :param number: Number of the batch
        :return: Arrays of the batch
        """
        with seeded(self._settings.seed, number):
            windows = [self._window() for _ in range(self._settings.batch_size)]
        return {
            "wave": np.stack([wave for wave, _ in windows]),
            self._label: np.stack([label for _, label in windows]),
        }

    def _window(self) -> tuple[np.ndarray, np.ndarray]:
        kind = np.random.choice(3, p=self._shares)
        if kind == 0:
            piece = self._corpus.arrivals.get_sample(self._corpus.draw_arrival())
        else:
            pieces = (self._corpus.quiet, self._corpus.other_noise)[kind - 1]
            piece = pieces.get_sample(np.random.randint(len(pieces)))
        state = {"X": piece}
        for step in self._steps:
            step(state)
        wave, metadata = state["X"]
        label = SOFT_LABELS[self._label](visible_arrivals(metadata), wave.shape[1])
        return normalized(wave), label


def normalized(wave: np.ndarray) -> np.ndarray:
    """
    :param wave: Window, (3, samples), zero where there is no data
    :return: Means of the data removed, divided by the joint peak, as pickers do; float32
    """
    centred = without_means(wave)
    peak = np.abs(centred).max(initial=0)
    return (centred / peak if peak > 0 else centred).astype(np.float32)


class HeldOutBatches(Dataset):
    """
    Windows one after the other, from stretches that are not learned from: ``wave``, and
    ``p`` and ``s``, the samples of arrivals that are sure enough, (batch, most), NaN where
    there are fewer.

    :param stretches: Stretches
    :param settings: Settings of the run
    :param component_order: Order of the components
    """

    def __init__(
        self,
        stretches: Sequence[Stretch],
        settings: DistillationSettings,
        component_order: str,
    ):
        self._settings = settings
        self._stretches = stretches
        self._rows = ["ZNE".index(code) for code in component_order]
        n_samples = settings.n_samples
        places = [
            (number, begin)
            for number, stretch in enumerate(stretches)
            for begin in range(0, max(1, stretch.n_samples - n_samples // 2), n_samples)
        ]
        most = settings.validation_windows
        if len(places) > most:
            # From all stations and times.
            chosen = np.linspace(0, len(places) - 1, most).round().astype(int)
            places = [places[i] for i in chosen]
        self._places = places

    def arrivals(self) -> int:
        """:return: Number of arrivals that are to be found"""
        return sum(
            len(p) + len(s) for p, s in (self._arrivals(*at) for at in self._places)
        )

    def __len__(self) -> int:
        return -(-len(self._places) // self._settings.batch_size)

    def __getitem__(self, number: int) -> dict[str, np.ndarray]:
        if number >= len(self):
            raise IndexError(number)
        begin = number * self._settings.batch_size
        places = self._places[begin : begin + self._settings.batch_size]
        windows = [self._window(*place) for place in places]
        return {
            "wave": np.stack([normalized(wave) for wave, _, _ in windows]),
            "p": _padded([p for _, p, _ in windows]),
            "s": _padded([s for _, _, s in windows]),
        }

    def _window(
        self, number: int, begin: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        stretch = self._stretches[number]
        n_samples = self._settings.n_samples
        wave = cut_centred(stretch.waveforms, begin, n_samples)[self._rows]
        return wave, *self._arrivals(number, begin)

    def _arrivals(self, number: int, begin: int) -> tuple[np.ndarray, np.ndarray]:
        """Samples of P and of S in a window."""
        arrivals = self._stretches[number].arrivals
        places = arrivals["sample"] - begin
        sure = arrivals["probability"] >= TRUE
        inside = (places >= 0) & (places < self._settings.n_samples) & sure
        p, s = (places[inside & (arrivals["phase"] == phase)] for phase in (1, 2))
        return p, s

    def __iter__(self) -> Iterator[dict[str, np.ndarray]]:
        return (self[i] for i in range(len(self)))


def _padded(rows: Sequence[np.ndarray]) -> np.ndarray:
    padded = np.full((len(rows), max(1, *map(len, rows))), np.nan, dtype=np.float32)
    for i, row in enumerate(rows):
        padded[i, : len(row)] = row
    return padded


class StudentWindows(pl.LightningDataModule):
    """
    Loaders for Lightning; training begins at the batch after the checkpoint's.

    :param batches: Training batches
    :param validation: Batches to validate on, None for none
    :param workers: Processes that load windows
    """

    def __init__(self, batches: Dataset, validation: Dataset | None, workers: int):
        super().__init__()
        self._batches = batches
        self._validation = validation
        self._workers = workers

    def train_dataloader(self) -> DataLoader:
        devices = self.trainer.world_size
        return batch_loader(
            self._batches,
            self._workers,
            start=self.trainer.global_step * devices + self.trainer.global_rank,
            step=devices,
        )

    def val_dataloader(self) -> DataLoader | list:
        if self._validation is None:
            return []
        return DataLoader(self._validation, batch_size=None)


def split_off(
    stretches: Sequence[Stretch], share: float
) -> tuple[list[Stretch], list[Stretch]]:
    """
    :param stretches: Stretches
    :param share: Share of the samples of each station to hold out
    :return: What is learned from, and what is held out: the last of each station
    """
    if share == 0:
        return list(stretches), []
    left: dict[str, int] = {}
    for stretch in stretches:
        length = stretch.n_samples
        left[stretch.station_id] = left.get(stretch.station_id, 0) + length
    limits = {station: round((1 - share) * total) for station, total in left.items()}
    taken = dict.fromkeys(limits, 0)
    kept, held_out = [], []
    for stretch in sorted(stretches, key=lambda one: one.start_time):
        length = stretch.n_samples
        room = limits[stretch.station_id] - taken[stretch.station_id]
        taken[stretch.station_id] += length
        if room >= length:
            kept.append(stretch)
        elif room <= 0:
            held_out.append(stretch)
        else:
            kept.append(stretch.part(0, room))
            held_out.append(stretch.part(room, length))
    return kept, held_out
