"""
Do picks depend on where a record begins, and do the edges of gaps fire?

Shift test: 12 h of CX.PB01 cut at ten random starts. Of the picks with a probability of
at least 0.5 in the common part, the share that is found again within 0.05 s, both ways.
With ``window_origin="record"`` the windows move with the cut, which shows how much the
networks' answers depend on the place of an arrival in the window.

Gap test: 20 gaps of 1 to 60 s; new picks within 2 s of a gap's edges.

    python -m benchmarks.robustness [MODEL ...]
"""

import statistics
import sys
import time
from typing import Any

import numpy as np
import obspy

from benchmarks.common import (
    is_near,
    print_header,
    print_heading,
    print_row,
    published,
    read_cx_pb01,
)
from seisbench_diting.models import PhasePicker

TOLERANCE_S = 0.05

#: Times that each setting is timed.
REPEATS = 3


def pick_times(
    model: PhasePicker, stream: obspy.Stream, **kwargs: Any
) -> dict[str, np.ndarray]:
    """Phase to (picks, 2): POSIX time and probability of each pick."""
    picks = model.classify(stream, **kwargs).picks
    return {
        phase: np.array(
            [[p.peak_time.timestamp, p.peak_value] for p in picks if p.phase == phase]
        ).reshape(-1, 2)
        for phase in "PS"
    }


def annotating(model: PhasePicker, stream: obspy.Stream, **kwargs: Any) -> float:
    """Seconds that it takes."""
    begin = time.perf_counter()
    model.annotate(stream, **kwargs)
    return time.perf_counter() - begin


def random_starts(n: int = 10, seed: int = 0) -> np.ndarray:
    """Seconds into the record at which it is cut."""
    return np.sort(np.random.default_rng(seed).uniform(0, 3 * 3600, n))


def shift_test(
    model: PhasePicker, stream: obspy.Stream, starts: np.ndarray, **kwargs: Any
) -> tuple[float, float]:
    """
    :return: Share of the whole record's sure picks found again in the cut ones, and
             the other way round
    """
    whole = pick_times(model, stream, **kwargs)
    found: list[np.ndarray] = []
    back: list[np.ndarray] = []
    for start in starts:
        begin = stream[0].stats.starttime + start
        cut = pick_times(model, stream.slice(begin), **kwargs)
        for phase in "PS":
            for a, b, result in (
                (whole[phase], cut[phase], found),
                (cut[phase], whole[phase], back),
            ):
                sure = a[(a[:, 1] >= 0.5) & (a[:, 0] >= begin.timestamp)]
                result.append(is_near(sure[:, 0], b[:, 0], TOLERANCE_S))
    return float(np.concatenate(found).mean()), float(np.concatenate(back).mean())


def random_gaps(duration: float, seed: int = 1) -> np.ndarray:
    """Begin and end of 20 gaps of 1 to 60 s, (20, 2), in seconds."""
    rng = np.random.default_rng(seed)
    begin = np.sort(rng.uniform(300, duration - 300, 20))
    return np.stack([begin, begin + rng.permutation(np.geomspace(1, 60, 20))], axis=1)


def cut_gaps(
    stream: obspy.Stream, gaps: np.ndarray, components: str, fill: float | None = None
) -> obspy.Stream:
    """The stream with gaps in some of its components, empty or filled with a value."""
    result = obspy.Stream()
    for trace in stream:
        if trace.stats.channel[-1] not in components:
            result.append(trace.copy())
            continue
        start, end = trace.stats.starttime, trace.stats.endtime
        begins = [start, *(start + float(gap[1]) for gap in gaps)]
        ends = [*(start + float(gap[0]) for gap in gaps), end]
        pieces = obspy.Stream(
            trace.slice(begin, finish)
            for begin, finish in zip(begins, ends, strict=True)
        ).copy()
        result += pieces if fill is None else pieces.merge(fill_value=fill)
    return result


def gap_test(
    model: PhasePicker, whole: obspy.Stream, cut: obspy.Stream, gaps: np.ndarray
) -> tuple[int, int, int, int]:
    """
    :return: Picks inside gaps, new picks within 2 s of an edge, other new picks, and
             lost picks outside of the gaps
    """
    start = whole[0].stats.starttime.timestamp
    before, after = pick_times(model, whole), pick_times(model, cut)
    inside = at_edge = new = lost = 0
    for phase in "PS":
        times, uncut = after[phase][:, 0] - start, before[phase][:, 0] - start
        is_new = ~is_near(times, uncut, 0.1)
        edge = is_near(times, gaps.ravel(), 2.0)
        inside += int(_inside(times, gaps).sum())
        at_edge += int((is_new & edge).sum())
        new += int((is_new & ~edge).sum())
        lost += int((~is_near(uncut, times, 0.1) & ~_inside(uncut, gaps)).sum())
    return inside, at_edge, new, lost


def _inside(times: np.ndarray, gaps: np.ndarray) -> np.ndarray:
    return np.any((times[:, None] > gaps[:, 0]) & (times[:, None] < gaps[:, 1]), axis=1)


def main() -> None:
    print_heading("Robustness of the csn weights on cx_pb01 (12 h)")
    stream = read_cx_pb01()
    names = sys.argv[1:] or ["LPPNT", "LPPNM", "LPPNL", "RNN", "EQT", "UNet"]
    loaded = {name: published(name, "csn") for name in names}

    settings: tuple[dict[str, Any], ...] = (
        {},
        {"window_origin": "record"},
        {"window_origin": "record", "overlap": 0.5},
        {"window_origin": "record", "overlap": 0.75},
        {"window_origin": "record", "overlap": 0.9},
    )
    print_header(
        *("model", "arguments", "found again", "the other way", "s for 12 h", "ratio"),
        title="Shift test",
    )
    for name, model in loaded.items():
        base = None
        # Its graph is made once, and is no part of what arguments cost.
        model.annotate(stream.slice(endtime=stream[0].stats.starttime + 300))
        for kwargs in settings:
            seconds = statistics.median(
                annotating(model, stream, **kwargs) for _ in range(REPEATS)
            )
            base = base or seconds
            forth, back = shift_test(model, stream, random_starts(), **kwargs)
            given = ", ".join(f"{k}={v}" for k, v in kwargs.items()) or "default"
            print_row(
                *(name, given, f"{forth:.3f}", f"{back:.3f}"),
                *(f"{seconds:.1f}", f"{seconds / base:.2f}"),
            )

    gaps = random_gaps(stream[0].stats.npts * stream[0].stats.delta)
    print_header(
        *("model", "what is gone", "picks inside", "new at edges"),
        *("new elsewhere", "lost"),
        title="Gap test",
    )
    variants = {
        "all components": cut_gaps(stream, gaps, "ZNE"),
        "vertical only": cut_gaps(stream, gaps, "Z"),
        "one horizontal only": cut_gaps(stream, gaps, "N"),
        "all filled with zeros": cut_gaps(stream, gaps, "ZNE", fill=0),
    }
    for name, model in loaded.items():
        for title, cut in variants.items():
            counts = gap_test(model, stream, cut, gaps)
            print_row(name, title, *counts)


if __name__ == "__main__":
    main()
