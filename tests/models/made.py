"""Streams made for tests."""

import logging

import numpy as np
import obspy
from obspy import UTCDateTime

from seisbench_diting.models import streams

START = UTCDateTime(2024, 1, 1)
RATES = (20, 40, 50, 62.5, 125, 128, 200, 250)


def make_trace(
    data, channel="HHZ", start=START, rate=100.0, station="STA", location=""
):
    return obspy.Trace(
        np.ma.asarray(data) if np.ma.isMaskedArray(data) else np.asarray(data),
        {
            "network": "XX",
            "station": station,
            "location": location,
            "channel": channel,
            "starttime": start,
            "sampling_rate": rate,
        },
    )


def make_stream(*traces):
    return obspy.Stream(list(traces))


def noise(n_samples, seed=0):
    return np.random.default_rng(seed).normal(size=n_samples)


def cut(stream, order="ZNE", strict=False):
    for trace in stream:
        streams.mark_dead(trace, streams.find_dead(trace), 1.0, 0)
    return list(streams.cut_records(stream, order, strict))


def warnings_of(caplog):
    return [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
