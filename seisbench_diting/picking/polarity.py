"""First motions of P, from the onset itself: no network is trained for them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import obspy
from scipy import signal

#: First motions begin up to this far from the pick; the noise is that of this time before.
_AROUND_S, _NOISE_S, _LEAST_NOISE_S = 0.2, 2.0, 0.5

#: Microseisms are below this frequency, which a causal filter removes: it keeps the sign.
_LOW_HZ, _LEAD_S = 1.0, 1.0

#: The first half cycle above the smaller ratio to the noise, and the first one above the
#: larger ratio, must have the same sign.
_RATIOS = (1.2, 2.0)


def first_motion(data: np.ndarray, place: int, rate: float) -> str:
    """
    The sign of the first half cycle that is larger than the noise before.

    :param data: Vertical component, without gaps
    :param place: Sample of the pick
    :param rate: Sampling rate in Hz
    :return: U (up), D (down), or empty if it is not clear
    """
    around = round(_AROUND_S * rate)
    first = max(0, place - around - round((_NOISE_S + _LEAD_S) * rate))
    begin = place - around - first
    part = np.asarray(data[first : place + round(rate)], dtype=float)
    quiet = slice(max(0, begin - round(_NOISE_S * rate)), begin)
    if begin < _LEAST_NOISE_S * rate or rate < 4 * _LOW_HZ:
        return ""
    sections = signal.butter(2, _LOW_HZ, "highpass", fs=rate, output="sos")
    part = signal.sosfilt(sections, part - part[:begin].mean())
    part -= part[quiet].mean()
    noise = np.abs(part[quiet]).max()
    # Half cycles, and their largest values.
    ends = begin + 1 + np.flatnonzero(np.diff(np.sign(part[begin:])))
    starts = np.array([begin, *ends])
    peaks = [one[np.abs(one).argmax()] for one in np.split(part, starts)[1:]]
    near = np.array(peaks)[starts <= begin + 2 * around]
    signs = {
        next(iter(np.sign(near[np.abs(near) > ratio * noise])), 0) for ratio in _RATIOS
    }
    return {1: "U", -1: "D"}.get(signs.pop(), "") if len(signs) == 1 else ""


def first_motion_at(vertical: Iterable[obspy.Trace], time: int) -> str:
    """
    :param vertical: Vertical component of a station, in pieces without gaps
    :param time: Time of a pick in nanoseconds since 1970
    :return: As of :py:func:`first_motion`
    """
    for trace in vertical:
        stats = trace.stats
        if stats.starttime.ns <= time <= stats.endtime.ns:
            place = round((time - stats.starttime.ns) * 1e-9 * stats.sampling_rate)
            return first_motion(trace.data, place, stats.sampling_rate)
    return ""
