"""The filter of frequency bands."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

_CORNERS = 4


def band_filtered(
    data: np.ndarray, band: tuple[float, float], rate: float
) -> np.ndarray:
    """
    :param data: Samples without gaps
    :param band: Lowest and highest frequency in Hz
    :param rate: Sampling rate in Hz
    :return: The samples without their mean, filtered as :py:func:`band_sections` can
    """
    from scipy import signal

    centred = data.astype(float)
    centred -= centred.mean()
    sections = band_sections(band, rate)
    return centred if sections is None else signal.sosfilt(sections, centred)


def band_sections(band: tuple[float, float], rate: float) -> np.ndarray | None:
    """
    :param band: Lowest and highest frequency in Hz
    :param rate: Sampling rate in Hz
    :return: Second-order sections of the published picker's filter. It is causal, so that
        the signal does not begin before its onset. It is a high-pass if the upper frequency
        is too high for the sampling rate, and None if the lower one is as well.
    """
    from scipy import signal

    low, high = band
    nyquist = rate / 2
    if low >= 0.9 * nyquist:
        return None
    if high >= 0.95 * nyquist:
        return signal.butter(_CORNERS, low, "highpass", fs=rate, output="sos")
    return signal.butter(_CORNERS, [low, high], "bandpass", fs=rate, output="sos")
