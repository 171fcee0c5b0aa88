"""Windows for training and validation, cut from stretches with labels."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from torch.utils.data import Dataset

from .. import generate
from .._util import ArgumentError
from .distill_settings import AUGMENTATIONS, DistillSettings
from .labels import SOFT_LABELS
from .teacher_cache import Stretch
from .teachers import PHASES

#: Smallest probability of the arrivals that count in validation.
_TRUE = 0.3

#: Largest probability of an arrival in noise.
_NOISE = 0.2

#: Smallest probability of the arrivals that are used as second events.
_SURE = 0.5

#: Length of a piece around an arrival in windows, so that it can be stretched by two and
#: moved.
_WINDOWS = 2.5

#: A piece of noise counts as loud from this multiple of the median of its instrument.
_LOUD = 4.0

#: Samples over which loudness is measured, and blocks of them at once.
_LOUDNESS, _BLOCKS = 512, 1024

#: Shortest stretch that can be used, as a share of a window.
_SHORTEST = 0.05


@dataclass(frozen=True)
class Pieces:
    """
    Records for SeisBench's generators: numpy arrays (3, samples) and metadata, in which
    ``trace_P_arrival_sample`` and ``trace_S_arrival_sample`` are arrays.

    :param stretches: Where they are cut from
    :param centres: Number of the stretch and sample of each piece's centre, (pieces, 2)
    :param length: Length of a piece in samples
    :param component_order: Order of the components
    :param sampling_rate: Sampling rate in Hz
    """

    stretches: Sequence[Stretch]
    centres: np.ndarray
    length: int
    component_order: str
    sampling_rate: float

    def __len__(self) -> int:
        return len(self.centres)

    def get_sample(self, idx: int) -> tuple[np.ndarray, dict[str, Any]]:
        """
        :param idx: Number of the piece
        :return: Samples (3, samples) and metadata
        """
        number, centre = self.centres[idx]
        stretch = self.stretches[number]
        begin = max(0, int(centre) - self.length // 2)
        waveforms = np.array(stretch.waveforms[:, begin : begin + self.length])
        metadata: dict[str, Any] = {
            "trace_npts": waveforms.shape[1],
            "trace_sampling_rate_hz": self.sampling_rate,
        }
        samples = stretch.arrivals["sample"] - begin
        near = (samples >= 0) & (samples < waveforms.shape[1])
        for phase, code in PHASES.items():
            chosen = near & (stretch.arrivals["phase"] == code)
            if chosen.any():
                probabilities = stretch.arrivals["probability"][chosen].astype(float)
                metadata[f"trace_{phase}_arrival_sample"] = samples[chosen]
                metadata[f"trace_{phase}_arrival_probability"] = probabilities
        return waveforms[_rows(self.component_order)], metadata


def _rows(component_order: str) -> list[int]:
    return ["ZNE".index(code) for code in component_order]


class Corpus(NamedTuple):
    """
    All pieces for making windows.

    :param arrivals: Pieces around arrivals
    :param cumulated: Cumulated chances of drawing them, larger for sure ones
    :param sure: Sure arrivals for second events, or all if there are none
    :param quiet: Quiet noise
    :param other_noise: Noise that is loud or in which a teacher hesitated
    :param noise: Noise of both kinds
    """

    arrivals: Pieces
    cumulated: np.ndarray
    sure: Pieces
    quiet: Pieces
    other_noise: Pieces
    noise: Pieces


def make_corpus(
    stretches: Sequence[Stretch],
    n_samples: int,
    component_order: str,
    sampling_rate: float,
) -> Corpus:
    """
    :param stretches: Stretches with labels
    :param n_samples: Samples a window
    :param component_order: Order of the components
    :param sampling_rate: Sampling rate in Hz
    :raises ArgumentError: if there are no arrivals
    :return: Pieces
    """
    usable = [s for s in stretches if s.n_samples >= _SHORTEST * n_samples]
    centres, weights, sure = _arrival_centres(usable)
    if len(centres) == 0:
        reason = "the teachers find no arrivals; use more data, or other teachers"
        raise ArgumentError("inputs", None, reason)
    quiet, other = _noise_centres(usable, n_samples)

    def make(chosen: np.ndarray, windows: float) -> Pieces:
        length = int(windows * n_samples)
        return Pieces(usable, chosen, length, component_order, sampling_rate)

    return Corpus(
        make(centres, _WINDOWS),
        np.cumsum(weights) / weights.sum(),
        make(centres[sure] if sure.any() else centres, _WINDOWS),
        make(quiet, 1.0),
        make(other, 1.0),
        make(np.concatenate([quiet, other]), 1.0),
    )


def _arrival_centres(
    stretches: Sequence[Stretch],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """
    Centres, weights, and a mask of the sure ones. The weight of a station grows with the
    root of the sum of its arrivals, so that a swarm does not outweigh other stations.
    """
    totals: dict[str, float] = defaultdict(float)
    for stretch in stretches:
        totals[stretch.station_id] += float(stretch.arrivals["probability"].sum())
    rows = [
        (number, int(sample), float(probability), totals[stretch.station_id])
        for number, stretch in enumerate(stretches)
        for _, sample, probability in stretch.arrivals.tolist()
    ]
    values = np.array(rows, dtype=float).reshape(-1, 4)
    weights = values[:, 2] / np.sqrt(values[:, 3])
    return values[:, :2].astype(int), weights, values[:, 2] >= _SURE


def _noise_centres(
    stretches: Sequence[Stretch], n_samples: int
) -> tuple[np.ndarray, np.ndarray]:
    """Centres of windows without arrivals: quiet ones, and the others."""
    quiet: list[tuple[int, int]] = []
    other: list[tuple[int, int]] = []
    for number, stretch in enumerate(stretches):
        loudness = _loudness(stretch.waveforms)
        median = np.median(loudness[loudness > 0]) if (loudness > 0).any() else 0.0
        sure = stretch.arrivals["probability"] > _NOISE
        places = stretch.arrivals["sample"]
        for begin in range(0, stretch.n_samples - n_samples + 1, n_samples // 2):
            end = begin + n_samples
            inside = (places >= begin) & (places < end)
            peak = loudness[begin // _LOUDNESS : -(-end // _LOUDNESS)].max(initial=0)
            if peak > 0 and not (inside & sure).any():
                happens = inside.any() or peak > _LOUD * median
                (other if happens else quiet).append((number, begin + n_samples // 2))
    first, second = (np.array(c, dtype=int).reshape(-1, 2) for c in (quiet, other))
    return first, second


def _loudness(waveforms: np.ndarray) -> np.ndarray:
    """Root mean square of each block of samples, all components; zero without data."""
    loudness = [np.empty(0)]
    step = _LOUDNESS * _BLOCKS
    for begin in range(0, waveforms.shape[1], step):
        some = np.asarray(waveforms[:, begin : begin + step], dtype=np.float64)
        spare = -some.shape[1] % _LOUDNESS
        some = np.pad(some, ((0, 0), (0, spare)), constant_values=np.nan)
        blocks = some.reshape(3, -1, _LOUDNESS)
        known = np.isfinite(blocks)
        count = np.maximum(known.sum(axis=2), 1)
        blocks = np.where(known, blocks, 0)
        variance = (blocks**2).sum(axis=2) / count - (blocks.sum(axis=2) / count) ** 2
        there = np.maximum(known.any(axis=2).sum(axis=0), 1)
        loudness.append(np.sqrt(np.maximum(variance, 0).sum(axis=0) / there))
    return np.concatenate(loudness)


def make_steps(
    settings: DistillSettings, component_order: str, corpus: Corpus | None = None
) -> list[generate.Step]:
    """
    :param settings: Settings of the run
    :param component_order: Order of the components
    :param corpus: Source of second events and noise; None to only check the settings
    :raises ValueError: if an augmentation is invalid
    :return: Steps of a generator, from a piece to a window
    """
    unknown = Pieces([], np.zeros((1, 2)), 1, component_order, 1.0)
    own: dict[str, Any] = {
        "n_samples": settings.n_samples,
        "padlen": settings.padlen,
        "within": True,
        "factor": (1.0, 1.0),
        "component_order": component_order,
        "second_event_records": corpus.sure if corpus else unknown,
        "noise_records": corpus.noise if corpus else unknown,
    }
    options = {**AUGMENTATIONS, **settings.augmentations}
    generate.check_options(options)
    if taken := own.keys() & settings.augmentations.keys():
        reason = f"{min(taken)} is a separate setting, or taken from the data"
        raise ArgumentError("augmentations", settings.augmentations, reason)
    if corpus and len(corpus.noise) == 0:
        options["real_noise"] = 0.0
    return generate.window_augmentations(**own, **options)


class TeacherBatches(Dataset):
    """
    Training batches: ``wave`` (batch, 3, samples) and the label by its name. The n-th
    batch depends only on data, settings and n.

    :param corpus: Pieces for making windows
    :param settings: Settings of the run
    :param label: ``lppn`` or ``point``
    """

    def __init__(self, corpus: Corpus, settings: DistillSettings, label: str) -> None:
        self._corpus = corpus
        self._settings = settings
        self._label = label
        self._steps = make_steps(settings, corpus.arrivals.component_order, corpus)
        kinds = (corpus.arrivals, corpus.quiet, corpus.other_noise)
        shares = np.array(settings.shares) * [len(pieces) > 0 for pieces in kinds]
        self._shares = shares / shares.sum()

    def __getitem__(self, number: int) -> dict[str, np.ndarray]:
        with generate.seeded(self._settings.seed, number):
            windows = [self._window() for _ in range(self._settings.batch_size)]
        waves, labels = zip(*windows, strict=True)
        return {"wave": np.stack(waves), self._label: np.stack(labels)}

    def _window(self) -> tuple[np.ndarray, np.ndarray]:
        corpus = self._corpus
        kind = np.random.choice(3, p=self._shares)
        if kind == 0:
            pieces = corpus.arrivals
            drawn = int(np.searchsorted(corpus.cumulated, np.random.random()))
            piece = pieces.get_sample(min(drawn, len(pieces) - 1))
        else:
            pieces = (corpus.quiet, corpus.other_noise)[kind - 1]
            piece = pieces.get_sample(np.random.randint(len(pieces)))
        state = {"X": piece}
        for step in self._steps:
            step(state)
        wave, metadata = state["X"]
        visible = [
            arrival
            for arrival in generate.read_arrivals(metadata)
            if not arrival.hidden and arrival.probability > 0
        ]
        return _normalized(wave), SOFT_LABELS[self._label](visible, wave.shape[1])


def _normalized(wave: np.ndarray) -> np.ndarray:
    """Windows normalized as by the pickers: no means, joint peak 1; zero without data."""
    centred = generate.without_means(wave)
    peak = np.abs(centred).max(initial=0)
    return (centred / peak if peak > 0 else centred).astype(np.float32)


class HeldOutBatches(Dataset):
    """
    Consecutive windows of held-out stretches: ``wave``, and ``p`` and ``s``, the samples of
    sure arrivals in each window.

    :param stretches: Stretches
    :param settings: Settings of the run
    :param component_order: Order of the components
    """

    def __init__(
        self,
        stretches: Sequence[Stretch],
        settings: DistillSettings,
        component_order: str,
    ) -> None:
        self._n_samples = n_samples = settings.n_samples
        self._batch_size = settings.batch_size
        self._rows = _rows(component_order)
        places = [
            (stretch, begin)
            for stretch in stretches
            for begin in range(0, max(1, stretch.n_samples - n_samples // 2), n_samples)
        ]
        most = settings.validation_windows
        if len(places) > most:
            # From all stations and times.
            chosen = np.linspace(0, len(places) - 1, most).round().astype(int)
            places = [places[i] for i in chosen]
        self._places = places

    def arrivals(self) -> int:
        """:return: Number of arrivals that count"""
        return sum(len(self._inside(*p, k)) for p in self._places for k in (1, 2))

    def __len__(self) -> int:
        return -(-len(self._places) // self._batch_size)

    def __getitem__(self, number: int) -> dict[str, Any]:
        begin = number * self._batch_size
        places = self._places[begin : begin + self._batch_size]
        waves = [
            generate.cut_centred(stretch.waveforms, first, self._n_samples)[self._rows]
            for stretch, first in places
        ]
        p, s = ([self._inside(*place, code) for place in places] for code in (1, 2))
        return {"wave": np.stack([_normalized(wave) for wave in waves]), "P": p, "S": s}

    def _inside(self, stretch: Stretch, begin: int, phase: int) -> np.ndarray:
        """Samples of sure arrivals of a phase in a window."""
        arrivals = stretch.arrivals
        places = arrivals["sample"] - begin
        inside = (places >= 0) & (places < self._n_samples)
        sure = arrivals["probability"] >= _TRUE
        chosen = inside & sure & (arrivals["phase"] == phase)
        return places[chosen].astype(np.float32)


def split_off(
    stretches: Sequence[Stretch], share: float
) -> tuple[list[Stretch], list[Stretch]]:
    """
    :param stretches: Stretches
    :param share: Share of the samples of each station to hold out
    :return: Stretches for training, and the held-out ones, the end of each station
    """
    if share == 0:
        return list(stretches), []
    limits: dict[str, float] = defaultdict(float)
    for stretch in stretches:
        limits[stretch.station_id] += stretch.n_samples
    limits = {station: round((1 - share) * n) for station, n in limits.items()}
    kept, held_out = [], []
    for stretch in sorted(stretches, key=lambda one: one.start_time):
        room = int(max(0, min(stretch.n_samples, limits[stretch.station_id])))
        limits[stretch.station_id] -= stretch.n_samples
        if room > 0:
            kept.append(stretch.part(0, room))
        if room < stretch.n_samples:
            held_out.append(stretch.part(room, stretch.n_samples))
    return kept, held_out
