"""A made-up sequence of earthquakes at real stations, with what is true of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from seisbench_diting.association.core import Projection
from seisbench_diting.tables import event_names, event_table, pick_table
from seisbench_diting.travel_times import TravelTimes

#: Events lie within so many km east and north of the stations' middle, and so deep.
HALF_WIDTHS_KM = 15.0, 20.0
DEPTHS_KM = 2.0, 15.0

START = pd.Timestamp("2020-01-01T01:00:00Z")


@dataclass(frozen=True)
class Sequence:
    """
    :param events: Event table
    :param picks: Pick table
    """

    events: pd.DataFrame
    picks: pd.DataFrame


def make_sequence(
    stations: pd.DataFrame,
    velocity: str,
    per_minute: float,
    number: int = 500,
    noise_s: float = 0.1,
    missing: float = 0.3,
    false: float = 2.0,
    seed: int = 0,
) -> Sequence:
    """
    :param stations: Table of stations
    :param velocity: Velocity model
    :param per_minute: Events a minute, at random times
    :param number: Events
    :param noise_s: Standard deviation of the picks' errors
    :param missing: Share of arrivals without a pick
    :param false: False picks for each true one, at random stations, phases and times
    :param seed: Of the random numbers
    :return: Sequence
    """
    rng = np.random.default_rng(seed)
    plane = Projection(stations["latitude"], stations["longitude"])
    station_x, station_y = plane.to_km(stations["latitude"], stations["longitude"])
    origin = np.sort(rng.uniform(0, 60 * number / per_minute, number))
    x, y = (rng.uniform(-half, half, number) for half in HALF_WIDTHS_KM)
    depth = rng.uniform(*DEPTHS_KM, number)
    distance = np.hypot(x[:, None] - station_x, y[:, None] - station_y)
    travel = TravelTimes(velocity).first_arrivals(
        distance, depth[:, None], stations["elevation_m"].to_numpy() / 1000
    )
    ids = stations["station_id"].to_numpy()
    parts = []
    for phase, times in zip("PS", travel, strict=True):
        event, station = np.nonzero(rng.random(times.shape) >= missing)
        error = rng.normal(0, noise_s, len(event))
        seconds = origin[event] + times[event, station] + error
        parts.append((ids[station], np.full(len(event), phase), seconds))
    count = round(false * sum(len(part[2]) for part in parts))
    first = min(part[2].min() for part in parts)
    last = max(part[2].max() for part in parts)
    parts.append(
        (
            ids[rng.integers(0, len(ids), count)],
            rng.choice(["P", "S"], count),
            rng.uniform(first, last, count),
        )
    )
    station, phase, seconds = (
        np.concatenate(column) for column in zip(*parts, strict=True)
    )
    latitude, longitude = plane.to_degrees(x, y)
    times = pd.Series(START + pd.to_timedelta(np.rint(origin * 1e6), unit="us"))
    events = event_table(
        pd.DataFrame(
            {
                "event_id": event_names(times),
                "time": times,
                "latitude": latitude,
                "longitude": longitude,
                "depth_km": depth,
            }
        )
    )
    picks = pick_table(
        pd.DataFrame(
            {
                "station_id": station,
                "phase": phase,
                "time": START + pd.to_timedelta(np.rint(seconds * 1e6), unit="us"),
                "probability": 0.8,
            }
        )
    )
    return Sequence(events, picks)
