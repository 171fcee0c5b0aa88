"""Augmentations that add noise."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np

from .augmentation import Augmentation
from .checks import check_span, check_whole
from .drowning import drown, rms
from .phases import check_phases, read_arrivals
from .rates import resample, sampling_rate
from .sources import RecordSource
from .windows import cut_centred, samples_before

#: From an arrival on, the samples that make up the signal of the SNR.
_SIGNAL = 200


class _NoiseAtSNR(Augmentation):
    """
    Adds noise at a drawn signal-to-noise ratio: 20 times the decimal logarithm of the
    root mean square of the signal, all components in the 200 samples from the window's
    first arrival on (the whole window if it has none), over that of the noise, all
    components. Where a component has no data, and so is exactly zero, it stays zero.

    :param snr_db: Smallest and largest SNR in dB, between which one is drawn uniformly
    :param phases: Column to "P" or "S". Default: all columns of direct P and S.
    :param key: Key of the state dict, or keys to read from and to write to
    :raises ValueError: If an argument has an impossible value
    """

    def __init__(
        self,
        snr_db: tuple[float, float] = (0.0, 20.0),
        phases: Mapping[str, str] | None = None,
        key: str | tuple[str, str] = "X",
    ):
        super().__init__(key)
        check_span("snr_db", snr_db)
        check_phases(phases)
        self.snr_db = snr_db
        self.phases = phases

    def apply(
        self, x: np.ndarray, metadata: dict[str, Any]
    ) -> tuple[np.ndarray, dict[str, Any]]:
        snr_db = np.random.uniform(*self.snr_db)
        noise = self._draw(x.shape, metadata)
        if noise.shape != x.shape:
            raise ValueError(
                f"A record of noise_records has {len(noise)} components, but the window "
                f"has {len(x)}; set missing_components='pad' and "
                "dimension_order = 'NCW'."
            )
        level = rms(noise)
        if level == 0:
            return x, metadata
        factor = self._signal(x, metadata) / level * 10 ** (-snr_db / 20)
        noise = noise * factor * (x != 0)
        drown(metadata, x, noise, self.phases)
        return (x + noise).astype(x.dtype, copy=False), metadata

    @abstractmethod
    def _draw(self, shape: tuple[int, int], metadata: Mapping[str, Any]) -> np.ndarray:
        """:return: Noise of any amplitude, (components, samples); zero is none"""

    def _signal(self, x: np.ndarray, metadata: Mapping[str, Any]) -> float:
        samples = [
            int(arrival.sample)
            for arrival in read_arrivals(metadata, self.phases)
            if 0 <= arrival.sample < x.shape[1] and not arrival.hidden
        ]
        first = min(samples, default=0)
        signal = x[:, first : first + _SIGNAL] if samples else x
        return rms(signal) or rms(x)


class GaussianNoiseAtSNR(_NoiseAtSNR):
    __doc__ = _NoiseAtSNR.__doc__.replace("noise at", "white noise at", 1)

    def _draw(self, shape: tuple[int, int], metadata: Mapping[str, Any]) -> np.ndarray:
        return np.random.standard_normal(shape).astype(np.float32)


class RealNoiseAtSNR(_NoiseAtSNR):
    """
    Adds noise of a record chosen at random, at a drawn signal-to-noise ratio; see
    :py:class:`GaussianNoiseAtSNR` for what that is. Of records with arrivals what lies
    before the first one is taken; if there is none of it, nothing is added. Noise
    shorter than the window is mirrored at its ends, and noise at another sampling rate
    is resampled.

    :param records: Records, such as a SeisBench dataset, with the same components in
                    the same order
    :param margin: Samples between the noise and the first arrival
    :param kwargs: ``snr_db``, ``phases``, ``key``
    :raises ValueError: If an argument has an impossible value
    """

    _silent = ("key", "records")

    def __init__(self, records: RecordSource, margin: int = 100, **kwargs: Any):
        super().__init__(**kwargs)
        check_whole("margin", margin, 0)
        self.records = records
        self.margin = margin

    def _draw(self, shape: tuple[int, int], metadata: Mapping[str, Any]) -> np.ndarray:
        index = np.random.randint(len(self.records))
        record, other = self.records.get_sample(index)
        npts = samples_before(record.shape[1], other, self.margin, self.phases)
        record = record[:, : max(npts, 0)]
        rate, its_rate = sampling_rate(metadata), sampling_rate(other)
        if rate and its_rate:
            record, _ = resample(record, dict(other), rate / its_rate)
        spare = record.shape[1] - shape[1]
        if record.shape[1] < 2:
            return np.zeros((len(record), shape[1]), dtype=np.float32)
        begin = np.random.randint(max(spare, 0) + 1)
        noise = cut_centred(record, begin, min(shape[1], record.shape[1]))
        return np.pad(noise, ((0, 0), (0, max(-spare, 0))), mode="symmetric")
