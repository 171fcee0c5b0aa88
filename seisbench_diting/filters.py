"""The filter of frequency bands."""

from __future__ import annotations

import numpy as np
from scipy import signal

#: The filter is that of the published picker: it looks only back, so that nothing of an
#: arrival comes before its onset.
CORNERS = 4


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
