"""Pieces of what teachers went through: around arrivals, and noise of two kinds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .arrivals import PHASES
from .store import Stretch

#: Noise has no arrival surer than this.
NOISE = 0.2

#: Arrivals as sure as this are put on top of others.
SURE = 0.5

#: A piece is so many windows long: room to be stretched by two and to lie anywhere.
_WINDOWS = 2.5

#: A piece of noise is as loud as this many times the median of its instrument, or more, if
#: something happens in it.
_LOUD = 4.0

#: Samples over which loudness is measured.
_LOUDNESS = 512

#: Blocks of them at once.
_BLOCKS = 1024

#: Stretches in which at least so much of a window lies can be used.
_SHORTEST = 0.05


class Pieces:
    """
    Records for SeisBench's generators: numpy arrays (3, samples) and metadata, in which
    ``trace_P_arrival_sample`` and ``trace_S_arrival_sample`` are arrays.

    :param stretches: Where they are cut from
    :param centres: Number of the stretch and sample of each piece's centre, (pieces, 2)
    :param n_samples: Samples a window
    :param component_order: Order of the components
    :param windows: Length of a piece in windows
    """

    def __init__(
        self,
        stretches: Sequence[Stretch],
        centres: np.ndarray,
        n_samples: int,
        component_order: str,
        sampling_rate: float,
        windows: float,
    ):
        self.component_order = component_order
        self._stretches = stretches
        self._centres = centres
        self._length = int(windows * n_samples)
        self._rows = ["ZNE".index(code) for code in component_order]
        self._rate = sampling_rate

    @classmethod
    def unknown(cls, component_order: str) -> Pieces:
        """
        :param component_order: Order of the components
        :return: What stands for pieces that are not there yet, where options are checked
        """
        return cls([], np.zeros((1, 2), dtype=int), 1, component_order, 1.0, 1.0)

    def __len__(self) -> int:
        return len(self._centres)

    def get_sample(self, idx: int) -> tuple[np.ndarray, dict[str, Any]]:
        """
        :param idx: Number of the piece
        :return: Samples (3, samples) and metadata
        """
        number, centre = self._centres[idx]
        stretch = self._stretches[number]
        begin = max(0, int(centre) - self._length // 2)
        waveforms = np.array(stretch.waveforms[:, begin : begin + self._length])
        metadata: dict[str, Any] = {
            "trace_npts": waveforms.shape[1],
            "trace_sampling_rate_hz": self._rate,
        }
        samples = stretch.arrivals["sample"] - begin
        near = (samples >= 0) & (samples < waveforms.shape[1])
        for phase, code in PHASES.items():
            chosen = near & (stretch.arrivals["phase"] == code)
            if chosen.any():
                metadata[f"trace_{phase}_arrival_sample"] = samples[chosen]
                metadata[f"trace_{phase}_arrival_probability"] = stretch.arrivals[
                    "probability"
                ][chosen].astype(float)
        return waveforms[self._rows], metadata


class Corpus:
    """
    All pieces that windows are made of.

    :param stretches: What teachers went through
    :param n_samples: Samples a window
    :param component_order: Order of the components
    :param sampling_rate: Sampling rate in Hz
    :raises ValueError: if there are no arrivals
    """

    def __init__(
        self,
        stretches: Sequence[Stretch],
        n_samples: int,
        component_order: str,
        sampling_rate: float,
    ):
        usable = [s for s in stretches if s.n_samples >= _SHORTEST * n_samples]
        centres, weights, sure = _arrival_centres(usable)
        if len(centres) == 0:
            raise ValueError(
                "The teachers see no arrivals in inputs: there is nothing to learn. Use "
                "more data, or other teachers."
            )
        quiet, other = _noise_centres(usable, n_samples)

        def make(chosen: np.ndarray, windows: float) -> Pieces:
            return Pieces(
                usable, chosen, n_samples, component_order, sampling_rate, windows
            )

        self.component_order = component_order
        self.arrivals = make(centres, _WINDOWS)
        #: Those that are sure, or all if there are none: what is put on top of others.
        self.sure = make(centres[sure] if sure.any() else centres, _WINDOWS)
        #: Sums of the arrivals' probabilities, for drawing sure ones more often.
        self.cumulated = np.cumsum(weights) / weights.sum()
        self.quiet = make(quiet, 1.0)
        self.other_noise = make(other, 1.0)
        self.noise = make(np.concatenate([quiet, other]), 1.0)

    def draw_arrival(self) -> int:
        """Number of a piece around an arrival, drawn by NumPy's global state."""
        drawn = np.searchsorted(self.cumulated, np.random.random())
        return min(int(drawn), len(self.arrivals) - 1)


def _arrival_centres(
    stretches: Sequence[Stretch],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """
    Centres, weights, and which of them are sure. A station with many arrivals counts with
    the root of their sum: one swarm must not drown the other stations.
    """
    of_station: dict[str, float] = {}
    for stretch in stretches:
        total = float(stretch.arrivals["probability"].sum())
        of_station[stretch.station_id] = of_station.get(stretch.station_id, 0) + total
    centres, weights, sure = [], [], []
    for number, stretch in enumerate(stretches):
        for arrival in stretch.arrivals:
            centres.append((number, int(arrival["sample"])))
            total = of_station[stretch.station_id]
            weights.append(float(arrival["probability"]) / np.sqrt(total))
            sure.append(arrival["probability"] >= SURE)
    return (
        np.array(centres, dtype=int).reshape(-1, 2),
        np.array(weights),
        np.array(sure, dtype=bool),
    )


def _noise_centres(
    stretches: Sequence[Stretch], n_samples: int
) -> tuple[np.ndarray, np.ndarray]:
    """Centres of windows without arrivals: quiet ones, and those that are not."""
    quiet, other = [], []
    for number, stretch in enumerate(stretches):
        length = stretch.n_samples
        loudness = _loudness(stretch.waveforms)
        median = np.median(loudness[loudness > 0]) if (loudness > 0).any() else 0.0
        sure = stretch.arrivals["probability"] > NOISE
        places = stretch.arrivals["sample"]
        for begin in range(0, length - n_samples + 1, n_samples // 2):
            end = begin + n_samples
            inside = (places >= begin) & (places < end)
            if (inside & sure).any():
                continue
            peak = loudness[begin // _LOUDNESS : -(-end // _LOUDNESS)].max(initial=0)
            if peak == 0:
                continue
            happens = inside.any() or peak > _LOUD * median
            (other if happens else quiet).append((number, begin + n_samples // 2))
    return tuple(np.array(c, dtype=int).reshape(-1, 2) for c in (quiet, other))


def _loudness(waveforms: np.ndarray) -> np.ndarray:
    """Root mean square of each block of samples, all components; zero without data."""
    loudness = []
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
    return np.concatenate([*loudness, np.empty(0)])
