"""Codes of stations, spans of time, frequency bands."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    import numpy as np
    import obspy

#: Order of preference if several instruments record at one station and location, by band
#: and instrument code; others follow in alphabetical order.
INSTRUMENT_PREFERENCE = ("HH", "BH", "EH", "SH", "HN", "EI", "EN", "SN", "BN")

#: Formats of other programs for events with their picks, and how their files end.
EXPORTS = {
    "nlloc": ".obs",
    "hypodd": ".pha",
    "hypoinverse": ".arc",
    "nordic": ".nordic",
    "scml": ".scml",
}


def instrument_order(
    codes: Iterable[str], preference: Sequence[str] = INSTRUMENT_PREFERENCE
) -> list[str]:
    """
    :param codes: Codes of band and instrument
    :param preference: Codes, the preferred first
    :return: The codes in the order of preference, then of the alphabet
    """
    return sorted(codes, key=lambda code: ([*preference, code].index(code), code))


def station_id(trace: obspy.Trace) -> str:
    """NET.STA.LOC of a trace."""
    stats = trace.stats
    return f"{stats.network}.{stats.station}.{stats.location}"


@lru_cache(10_000)
def quoted(code: str, safe: str = "") -> str:
    """
    :param code: Code of a network, station or location
    :param safe: ``%`` for codes that may be escaped already
    :return: The code without what has a meaning in ids, patterns or tables
    """
    return quote(code.strip(), safe=safe).replace(".", "%2E")


#: Other names of components: those of K-NET, KiK-net and Hi-net, and words.
_COMPONENT_NAMES = {
    **dict.fromkeys(("U", "UD", "U-D", "UP", "VERT", "VERTICAL"), "Z"),
    **dict.fromkeys(("NS", "N-S", "NORTH"), "N"),
    **dict.fromkeys(("EW", "E-W", "EAST"), "E"),
}


def seed_channel(channel: str) -> str:
    """
    :param channel: Channel code
    :return: A code whose last letter is the component. KiK-net's sensors 1 (in the
        borehole) and 2 (at the surface) become instruments: UD2 is called 2Z.
    """
    name = channel.upper()
    number = name[-1:] if name[-1:].isdigit() else ""
    component = _COMPONENT_NAMES.get(name.removesuffix(number))
    if component is not None:
        return number + component
    return name if len(name) <= 3 and channel[-1:] in ("z", "n", "e") else channel


def components_of(channels: Iterable[str]) -> dict[str, str]:
    """
    :param channels: Channel codes of one instrument
    :return: Components Z, N, E, 1, 2 or 3 of those that have one. Where there are other
        numbers, such as 0, 1 and 2, numbers count channels; codes of more than three
        characters end in numbers of other kinds.
    """
    last = {channel: channel[-1:] for channel in channels}
    counted = any(code.isdigit() and code not in "123" for code in last.values())
    return {
        channel: code
        for channel, code in last.items()
        if code in ("Z", "N", "E")
        or (code in ("1", "2", "3") and not counted and len(channel) <= 3)
    }


def join_spans(
    spans: Iterable[tuple[int, int]], tolerance: int = 0, least: int = 1
) -> list[tuple[int, int]]:
    """
    :param spans: Begin and end of each
    :param tolerance: Largest gap between spans that are joined
    :param least: Number of spans that must cover a time
    :return: Disjoint spans covered by at least this many, sorted
    """
    edges = [(at, step) for b, e in spans for at, step in ((b, -1), (e + tolerance, 1))]
    joined: list[tuple[int, int]] = []
    count = start = 0
    for at, step in sorted(edges):
        count -= step
        if step < 0 and count == least:
            start = at
        elif step > 0 and count == least - 1:
            joined.append((start, at - tolerance))
    return joined


def for_each_rate(
    stream: obspy.Stream, process: Callable[[obspy.Stream], object]
) -> None:
    """
    Applies a function that merges traces separately to the traces of each sampling rate,
    in place, as ObsPy refuses to merge others. It refuses types and calibration factors
    as well: the traces of a channel get one type, and each factor is merged separately.

    :param stream: Stream, modified in place
    :param process: Function that modifies a stream in place
    """
    # Not above: importing the package must not import ObsPy.
    import numpy as np
    import obspy

    types = defaultdict(set)
    for trace in stream:
        types[trace.id].add(trace.data.dtype)
    groups: dict[tuple[float, float], obspy.Stream] = {}
    for trace in stream:
        if len(types[trace.id]) > 1:
            trace.data = trace.data.astype(np.float64)
        key = (trace.stats.sampling_rate, trace.stats.calib)
        groups.setdefault(key, obspy.Stream()).append(trace)
    for group in groups.values():
        process(group)
    stream.traces = [trace for group in groups.values() for trace in group]


def wilson(part: int, whole: int) -> tuple[float, float]:
    """
    :param part: Number of those that are right
    :param whole: Number of all
    :return: Limits of Wilson's interval of the share, with 95 % confidence; it is also right
        for few counts
    """
    from scipy.stats import binomtest

    found = binomtest(part, whole).proportion_ci(method="wilson")
    return float(found.low), float(found.high)


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
        return signal.butter(4, low, "highpass", fs=rate, output="sos")
    return signal.butter(4, [low, high], "bandpass", fs=rate, output="sos")
