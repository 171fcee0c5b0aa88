"""The filter of frequency bands."""

from __future__ import annotations

import numpy as np
from scipy import signal

#: The filter is that of the published picker: it looks only back, so that nothing of an
#: arrival comes before its onset.
CORNERS = 4


def band_filtered(
    data: np.ndarray, band: tuple[float, float], rate: float
) -> np.ndarray:
    """
    :param data: Samples without gaps
    :param band: Lowest and highest frequency in Hz
    :param rate: Sampling rate in Hz
    :return: The samples without their mean, filtered as :py:func:`band_sections` can
    """
    centred = np.asarray(data, dtype=float)
    centred = centred - centred.mean()
    sections = band_sections(band, rate)
    return centred if sections is None else signal.sosfilt(sections, centred)


def band_sections(band: tuple[float, float], rate: float) -> np.ndarray | None:
    """
    :param band: Lowest and highest frequency in Hz
    :param rate: Sampling rate in Hz
    :return: Second-order sections of a filter that looks only back; a high-pass where
        samples hold no more, and none where they do not hold the band
    """
    low, high = band
    nyquist = rate / 2
    if low >= 0.9 * nyquist:
        return None
    if high >= 0.95 * nyquist:
        return signal.butter(CORNERS, low, "highpass", fs=rate, output="sos")
    return signal.butter(CORNERS, [low, high], "bandpass", fs=rate, output="sos")
