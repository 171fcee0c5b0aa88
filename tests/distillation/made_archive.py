"""Stations whose arrivals can be seen, and a teacher that knows them."""

from __future__ import annotations

import numpy as np
import obspy

START = obspy.UTCDateTime(2020, 1, 1, 6)
RATE = 100.0

#: Samples of P and S at each of the stations, over and over again.
PERIOD, P, S = 2500, 700, 1300


def station_stream(code: str, seconds: int, seed: int) -> obspy.Stream:
    """Noise and, every 25 s, an onset of P on the vertical and of S on the others."""
    rng = np.random.default_rng(seed)
    n_samples = int(seconds * RATE)
    data = rng.normal(0, 1, (3, n_samples))
    decay = np.exp(-np.arange(1000) / 200) * np.sin(np.arange(1000) * 0.6)
    for begin in range(0, n_samples - PERIOD + 1, PERIOD):
        for component, place in ((0, P), (1, S), (2, S)):
            here = slice(begin + place, begin + place + 1000)
            data[component, here] += 40 * decay
    header = {"network": "XX", "station": code, "starttime": START}
    header["sampling_rate"] = RATE
    return obspy.Stream(
        obspy.Trace(row.astype(np.float32), header | {"channel": f"HH{component}"})
        for component, row in zip("ZNE", data, strict=True)
    )


def probabilities(code: str, seconds: int) -> dict:
    """What a teacher says that knows it all: triangles, as the published label."""
    n_samples = int(seconds * RATE)
    values = np.zeros((2, n_samples), dtype=np.float16)
    triangle = 0.9 * (1 - np.abs(np.arange(-19, 20)) / 20)
    for begin in range(0, n_samples - PERIOD + 1, PERIOD):
        for row, place in enumerate((P, S)):
            values[row, begin + place - 19 : begin + place + 20] = triangle
    names = {"station_id": f"XX.{code}.", "start_time": str(START)}
    return names | {"sure_100hz": values}
