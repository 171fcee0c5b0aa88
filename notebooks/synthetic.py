"""
A network and its earthquakes, made up, for machines that have no records at hand.

Waves are bursts of filtered noise that begin at the times of P and S in a half-space; the
noise around them has the spectrum of a quiet site. Pickers that never saw anything but
real records find them, but what they find says nothing about how good they are.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import obspy
import pandas as pd
from obspy.geodetics import gps2dist_azimuth
from scipy import signal

RATE = 100.0
START = obspy.UTCDateTime(2024, 5, 1, 3)

#: Velocities in km/s.
VP, VS = 6.0, 3.5

#: Seconds of each record.
LENGTH = 900.0


def write_network(
    folder: str | Path, seed: int = 1
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """
    Writes 15 minutes of ten stations as miniSEED.

    :param folder: Folder, which is made
    :param seed: Of all that is random
    :return: Stations, and earthquakes as they were made
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    stations = pd.DataFrame(
        {
            "station_id": [f"XX.S{number:02d}." for number in range(10)],
            "latitude": 38 + rng.uniform(-0.3, 0.3, 10),
            "longitude": 21 + rng.uniform(-0.4, 0.4, 10),
            "elevation_m": 0.0,
        }
    )
    events = pd.DataFrame(
        {
            "event_id": [f"true{number}" for number in range(8)],
            "time": [
                pd.Timestamp(
                    (START + 60 + 100 * n + rng.uniform(0, 40)).datetime, tz="UTC"
                )
                for n in range(8)
            ],
            "latitude": 38 + rng.uniform(-0.2, 0.2, 8),
            "longitude": 21 + rng.uniform(-0.25, 0.25, 8),
            "depth_km": rng.uniform(4, 14, 8),
        }
    )
    for station in stations.itertuples():
        stream = _noise(station.station_id, rng)
        for event in events.itertuples():
            _add(stream, station, event, rng)
        stream.write(str(folder / f"{station.station_id}mseed"), "MSEED")
    return stations, events


def _noise(station_id: str, rng: np.random.Generator) -> obspy.Stream:
    network, station, location = station_id.split(".")
    number = int(LENGTH * RATE)
    stream = obspy.Stream()
    for component in "ZNE":
        white = rng.standard_normal(number)
        # Microseism of some seconds, and what people and wind do.
        slow = signal.sosfilt(
            signal.butter(2, [0.1, 0.4], "band", fs=RATE, output="sos"), white
        )
        fast = signal.sosfilt(
            signal.butter(2, [2, 20], "band", fs=RATE, output="sos"), white
        )
        header = {
            "network": network,
            "station": station,
            "location": location,
            "channel": f"HH{component}",
            "sampling_rate": RATE,
            "starttime": START,
        }
        data = 60 * slow + 8 * fast
        stream.append(obspy.Trace(data.astype(np.float32), header))
    return stream


def _add(stream: obspy.Stream, station, event, rng: np.random.Generator) -> None:
    metres, _, _ = gps2dist_azimuth(
        event.latitude, event.longitude, station.latitude, station.longitude
    )
    distance = np.hypot(metres / 1000, event.depth_km)
    origin = event.time.timestamp() - START.timestamp
    strength = 20_000 * rng.lognormal(0, 0.2) / distance**1.3
    for velocity, factors, frequency, decay in (
        (VP, (1.0, 0.35, 0.35), (4, 16), 0.25 * distance / VP),
        (VS, (0.7, 1.8, 1.8), (2, 9), 0.35 * distance / VP),
    ):
        place = (origin + distance / velocity) * RATE
        for trace, factor in zip(stream, factors, strict=True):
            burst = _burst(rng, frequency, max(decay, 1.0), place % 1)
            first = int(place)
            data = trace.data[first : first + len(burst)]
            data += (factor * strength * burst[: len(data)]).astype(np.float32)


def _burst(
    rng: np.random.Generator, frequency: tuple[float, float], decay: float, shift: float
) -> np.ndarray:
    seconds = (np.arange(int(6 * decay * RATE)) - shift) / RATE
    sections = signal.butter(2, frequency, "band", fs=RATE, output="sos")
    waves = signal.sosfilt(sections, rng.standard_normal(len(seconds) + 200))[200:]
    rise = np.clip(seconds / 0.05, 0, 1)
    return waves / waves.std() * rise * np.exp(-np.maximum(seconds, 0) / decay)
