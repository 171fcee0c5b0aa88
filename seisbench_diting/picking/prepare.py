"""What is done to waveforms before the model gets them, beside what it does itself."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import obspy

from ..models import for_each_rate


def share(stream: obspy.Stream) -> obspy.Stream:
    """Traces of their own over the same samples, so that headers may be changed."""
    return obspy.Stream(obspy.Trace(trace.data, trace.stats.copy()) for trace in stream)


def cut_overlaps(stream: obspy.Stream) -> list[tuple[str, str]]:
    """
    Joins traces that follow or repeat each other, in place. Where two of one channel
    overlap and do not agree, the samples of the one that began first stay.

    :param stream: Stream, modified in place
    :return: Channels and what of them was not used
    """
    for_each_rate(stream, lambda group: group.merge(-1))
    channels: dict[tuple[str, float], list[obspy.Trace]] = defaultdict(list)
    for trace in stream:
        channels[trace.id, trace.stats.sampling_rate].append(trace)
    problems = []
    kept = []
    for (name, rate), traces in channels.items():
        lost = 0.0
        last: obspy.Trace | None = None
        for trace in sorted(traces, key=lambda trace: trace.stats.starttime):
            if last is not None:
                behind = last.stats.endtime + 0.5 / rate - trace.stats.starttime
                repeated = max(0, int(np.ceil(behind * rate)))
                lost += min(repeated, trace.stats.npts) / rate
                if repeated >= trace.stats.npts:
                    continue
                if repeated:
                    trace.data = trace.data[repeated:]
                    trace.stats.starttime += repeated / rate
            kept.append(trace)
            last = trace
        if lost:
            problems.append(
                (
                    name,
                    f"{lost:.2f} s of it overlap with other samples; those of the trace "
                    "that began first are used",
                )
            )
    stream.traces = kept
    return problems
