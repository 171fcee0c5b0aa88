"""Windows for training and validation, cut from labelled stretches."""

from __future__ import annotations

import itertools
import warnings
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from torch.utils.data import Dataset

from .. import generate
from .._util import ArgumentError
from ..generate import Arrival
from .distill_settings import AUGMENTATIONS, DistillSettings
from .labels import Stretch
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

#: A signal is strong from this multiple of the median of its instrument.
_STRONG = 8.0

#: Seconds after a strong arrival at which windows in its coda begin.
_CODA = (10, 18, 30, 50, 80, 120)

#: Samples over which loudness is measured.
_LOUDNESS = 512

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
        piece = stretch.part(begin, min(begin + self.length, stretch.n_samples))
        metadata: dict[str, Any] = {
            "trace_npts": piece.n_samples,
            "trace_sampling_rate_hz": self.sampling_rate,
        }
        for phase, code in PHASES.items():
            chosen = piece.arrivals[piece.arrivals["phase"] == code]
            if len(chosen):
                probabilities = chosen["probability"].astype(float)
                metadata[f"trace_{phase}_arrival_sample"] = chosen["sample"]
                metadata[f"trace_{phase}_arrival_probability"] = probabilities
        return np.array(piece.waveforms)[_rows(self.component_order)], metadata


def _rows(component_order: str) -> list[int]:
    return ["ZNE".index(code) for code in component_order]


class Corpus(NamedTuple):
    """
    All pieces for making windows.

    :param kinds: Pieces around arrivals, quiet noise, noise that is loud or in which a
        teacher hesitated, and codas
    :param cumulated: Cumulated chances of drawing arrivals, larger for sure ones
    :param sure: Sure arrivals for second events, or all if there are none
    :param noise: Noise of both kinds
    """

    kinds: tuple[Pieces, Pieces, Pieces, Pieces]
    cumulated: np.ndarray
    sure: Pieces
    noise: Pieces


def make_corpus(
    stretches: Sequence[Stretch],
    n_samples: int,
    component_order: str,
    sampling_rate: float,
) -> Corpus:
    """
    :param stretches: Stretches with labels
    :param n_samples: Samples per window
    :param component_order: Order of the components
    :param sampling_rate: Sampling rate in Hz
    :raises ArgumentError: if there are no arrivals
    :return: Pieces
    """
    usable = [s for s in stretches if s.n_samples >= _SHORTEST * n_samples]
    centres, probabilities, weights = _arrival_centres(usable)
    if len(centres) == 0:
        reason = "the teachers find no arrivals; use more data, or other teachers"
        raise ArgumentError("inputs", None, reason)
    sure = probabilities >= _SURE
    quiet, other = _noise_centres(usable, n_samples)
    coda = _coda_centres(usable, n_samples, sampling_rate)

    def make(chosen: np.ndarray, windows: float = 1.0) -> Pieces:
        length = int(windows * n_samples)
        return Pieces(usable, chosen, length, component_order, sampling_rate)

    return Corpus(
        (make(centres, _WINDOWS), make(quiet), make(other), make(coda)),
        np.cumsum(weights) / weights.sum(),
        make(centres[sure] if sure.any() else centres, _WINDOWS),
        make(np.concatenate([quiet, other])),
    )


def _arrival_centres(
    stretches: Sequence[Stretch],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """
    Centres, probabilities and weights. The weight of a station grows with the root of the
    sum of its arrivals, so that a swarm does not outweigh other stations.
    """
    totals: dict[str, float] = defaultdict(float)
    for stretch in stretches:
        totals[stretch.station_id] += float(stretch.arrivals["probability"].sum())
    rows = [
        (number, int(sample), probability, totals[stretch.station_id])
        for number, stretch in enumerate(stretches)
        for _, sample, probability in stretch.arrivals.tolist()
    ]
    values = np.array(rows, dtype=float).reshape(-1, 4)
    return values[:, :2].astype(int), values[:, 2], values[:, 2] / np.sqrt(values[:, 3])


def _noise_centres(
    stretches: Sequence[Stretch], n_samples: int
) -> tuple[np.ndarray, np.ndarray]:
    """Centres of windows without arrivals: quiet ones, and the others."""
    quiet: list[tuple[int, int]] = []
    other: list[tuple[int, int]] = []
    for number, stretch in enumerate(stretches):
        loudness = _loudness(stretch.waveforms)
        loud = _LOUD * np.median(loudness[loudness > 0]) if loudness.any() else 0.0
        for begin in range(0, stretch.n_samples - n_samples + 1, n_samples // 2):
            end = begin + n_samples
            arrivals = stretch.part(begin, end).arrivals
            peak = loudness[begin // _LOUDNESS : -(-end // _LOUDNESS)].max(initial=0)
            if peak > 0 and not (arrivals["probability"] > _NOISE).any():
                happens = len(arrivals) > 0 or peak > loud
                (other if happens else quiet).append((number, begin + n_samples // 2))
    first, second = (np.array(c, dtype=int).reshape(-1, 2) for c in (quiet, other))
    return first, second


def _coda_centres(
    stretches: Sequence[Stretch], n_samples: int, sampling_rate: float
) -> np.ndarray:
    """
    Centres of windows that begin in the coda of a strong arrival, whose peak they are
    scaled to: without the arrival, pickers see others in it.
    """
    centres: list[tuple[int, int]] = []
    for number, stretch in enumerate(stretches):
        loudness = _loudness(stretch.waveforms)
        strong = _STRONG * np.median(loudness[loudness > 0]) if loudness.any() else 0.0
        arrivals = stretch.arrivals
        for sample in arrivals["sample"][arrivals["probability"] >= _SURE].astype(int):
            first = sample // _LOUDNESS
            last = first + max(1, int(_CODA[0] * sampling_rate) // _LOUDNESS) + 1
            if loudness[first:last].max(initial=0) < strong:
                continue
            begins = (sample + round(seconds * sampling_rate) for seconds in _CODA)
            centres += [
                (number, begin + n_samples // 2)
                for begin in begins
                if begin + n_samples <= stretch.n_samples
            ]
    return np.array(centres, dtype=int).reshape(-1, 2)


def _loudness(waveforms: np.ndarray) -> np.ndarray:
    """Root mean square of each block of samples, all components; zero without data."""
    blocks = -(-waveforms.shape[1] // _LOUDNESS)
    variances = []
    for component in waveforms:
        padded = np.full(blocks * _LOUDNESS, np.nan)
        padded[: len(component)] = component
        with warnings.catch_warnings():
            # NumPy warns about blocks without data.
            warnings.simplefilter("ignore", RuntimeWarning)
            variances.append(np.nanvar(padded.reshape(blocks, _LOUDNESS), axis=1))
    known = np.isfinite(variances)
    return np.sqrt(np.nansum(variances, axis=0) / np.maximum(known.sum(axis=0), 1))


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
    generate.check_options(options, tuple(own))
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
        self._steps = make_steps(settings, corpus.noise.component_order, corpus)
        shares = np.array(settings.shares) * [len(kind) > 0 for kind in corpus.kinds]
        self._shares = shares / shares.sum()

    def __getitem__(self, number: int) -> dict[str, np.ndarray]:
        with generate.seeded(self._settings.seed, number):
            windows = [self._window() for _ in range(self._settings.batch_size)]
        waves, labels = zip(*windows, strict=True)
        return {"wave": np.stack(waves), self._label: np.stack(labels)}

    def _window(self) -> tuple[np.ndarray, np.ndarray]:
        kind = np.random.choice(len(self._shares), p=self._shares)
        pieces = self._corpus.kinds[kind]
        if kind == 0:
            drawn = int(np.searchsorted(self._corpus.cumulated, np.random.random()))
            piece = pieces.get_sample(min(drawn, len(pieces) - 1))
        else:
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


def soft_lppn_label(
    arrivals: Sequence[Arrival], n_samples: int, stride: int = generate.STRIDE
) -> np.ndarray:
    """
    Label of LPPN with probabilities. If a cell has several arrivals, the most probable one
    counts. The cells next to an arrival are ignored, unless they have an arrival.

    :param arrivals: Arrivals with a signal
    :param n_samples: Length of the window, a multiple of ``stride``
    :param stride: Samples for one cell
    :return: (4, n_samples / stride) float32: probabilities of N, P and S, all zero where
        ignored, and place of the arrival in its cell in samples
    """
    label = np.zeros((4, n_samples // stride), dtype=np.float32)
    label[0] = 1
    inside = [a for a in arrivals if 0 <= a.sample < n_samples]
    cells = {
        int(arrival.sample // stride): arrival
        for arrival in sorted(inside, key=lambda a: a.probability)
    }
    for cell in cells:
        label[0, max(cell - 1, 0) : cell + 2] = 0
    for cell, arrival in cells.items():
        label[0, cell] = 1 - arrival.probability
        label[PHASES[arrival.phase], cell] = arrival.probability
        label[3, cell] = arrival.sample - stride * cell
    return label


def soft_point_label(arrivals: Sequence[Arrival], n_samples: int) -> np.ndarray:
    """
    Label of the pickers with a class at every sample: triangles whose heights are the
    probabilities of the arrivals.

    :param arrivals: Arrivals with a signal
    :param n_samples: Length of the window
    :return: (3, n_samples) float32: N, P, S. Scaled where P and S together would exceed 1;
        N is the rest.
    """
    label = np.zeros((3, n_samples), dtype=np.float32)
    for arrival in arrivals:
        if 0 <= arrival.sample < n_samples:
            row = label[PHASES[arrival.phase]]
            generate.draw_triangle(row, arrival.sample, arrival.probability)
    total = label[1] + label[2]
    label[1:] /= np.maximum(total, 1)
    np.maximum(1 - label[1] - label[2], 0, out=label[0])
    return label


#: Functions that make the labels.
SOFT_LABELS = {"lppn": soft_lppn_label, "point": soft_point_label}


def has_sure_arrivals(stretches: Sequence[Stretch]) -> bool:
    """:return: If a stretch has an arrival that counts in validation"""
    return any((one.arrivals["probability"] >= _TRUE).any() for one in stretches)


class HeldOutBatches(Dataset):
    """
    Consecutive windows of held-out stretches: ``wave``, and ``P`` and ``S``, the samples of
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
        self._size, length = settings.batch_size, settings.n_samples
        centres = [
            (number, begin + length // 2)
            for number, stretch in enumerate(stretches)
            for begin in range(0, max(1, stretch.n_samples - length // 2), length)
        ]
        # From all stations and times.
        most = min(len(centres), settings.validation_windows)
        chosen = np.linspace(0, len(centres) - 1, most).round().astype(int)
        places = np.array(centres)[chosen]
        self._pieces = Pieces(stretches, places, length, component_order, 1.0)

    def __len__(self) -> int:
        return -(-len(self._pieces) // self._size)

    def __getitem__(self, number: int) -> dict[str, Any]:
        numbers = range(number * self._size, (number + 1) * self._size)
        waves, truths = [], []
        for i in numbers[: len(self._pieces) - numbers[0]]:
            wave, metadata = self._pieces.get_sample(i)
            wave = generate.cut_centred(wave, 0, self._pieces.length)
            waves.append(_normalized(wave))
            truths.append(metadata)
        return {
            "wave": np.stack(waves),
            **{phase: [_sure(one, phase) for one in truths] for phase in PHASES},
        }


def _sure(metadata: dict[str, Any], phase: str) -> np.ndarray:
    """Samples of the arrivals that count in validation."""
    name = f"trace_{phase}_arrival"
    samples = metadata.get(f"{name}_sample", np.empty(0))
    return samples[metadata.get(f"{name}_probability", samples) >= _TRUE]


def split_off(
    stretches: Sequence[Stretch], share: float
) -> tuple[list[Stretch], list[Stretch]]:
    """
    :param stretches: Stretches
    :param share: Share of the samples of each station to hold out
    :return: Stretches for training, and the held-out ones, the end of each station
    """
    kept, held_out = [], []
    in_order = sorted(stretches, key=lambda one: (one.station_id, one.start_time))
    for _, group in itertools.groupby(in_order, key=lambda one: one.station_id):
        of_station = list(group)
        left = round((1 - share) * sum(one.n_samples for one in of_station))
        for stretch in of_station:
            room = min(max(left, 0), stretch.n_samples)
            left -= stretch.n_samples
            if room > 0:
                kept.append(stretch.part(0, room))
            if room < stretch.n_samples:
                held_out.append(stretch.part(room, stretch.n_samples))
    return kept, held_out
