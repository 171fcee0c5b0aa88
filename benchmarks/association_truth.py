"""A made-up sequence of earthquakes, with what is true of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from seisbench_diting.association.core import make_projection
from seisbench_diting.tables import COLUMNS, event_names, event_table, pick_table
from seisbench_diting.travel_times import TravelTimes, TravelTimeTable

#: Events lie within so many km east and north of the stations' middle, and so deep.
HALF_WIDTHS_KM = 15.0, 20.0
DEPTHS_KM = 2.0, 15.0

START = pd.Timestamp("2020-01-01T01:00:00Z")


@dataclass(frozen=True)
class Sequence:
    """
    :param stations: Station table
    :param events: Event table
    :param picks: Pick table
    :param truth: For each pick the name of its event, empty for false ones
    """

    stations: pd.DataFrame
    events: pd.DataFrame
    picks: pd.DataFrame
    truth: np.ndarray


def make_sequence(
    stations: pd.DataFrame,
    travel_times: TravelTimes | TravelTimeTable,
    per_minute: float,
    number: int = 500,
    noise_s: tuple[float, float] = (0.1, 0.1),
    missing: float = 0.3,
    false: float = 2.0,
    seed: int = 0,
    start: pd.Timestamp = START,
    is_regular: bool = False,
) -> Sequence:
    """
    :param stations: Table of stations
    :param travel_times: Travel times
    :param per_minute: Events a minute, at random times
    :param number: Events
    :param noise_s: Standard deviations of the errors of P and of S picks
    :param missing: Share of arrivals without a pick
    :param false: False picks for each true one, at random stations, phases and times
    :param seed: Of the random numbers
    :param start: Begin
    :param is_regular: If true, events are at least half a mean interval apart
    :return: Sequence
    """
    rng = np.random.default_rng(seed)
    plane = make_projection(stations["latitude"], stations["longitude"])
    station_x, station_y = map(
        np.array, plane(stations["longitude"], stations["latitude"])
    )
    interval_s = 60 / per_minute
    if is_regular:
        origin = (np.arange(number) + rng.uniform(0, 0.5, number)) * interval_s
    else:
        origin = np.sort(rng.uniform(0, interval_s * number, number))
    x, y = (rng.uniform(-half, half, number) for half in HALF_WIDTHS_KM)
    depth = rng.uniform(*DEPTHS_KM, number)
    distance = np.hypot(x[:, None] - station_x, y[:, None] - station_y)
    travel = travel_times.first_arrivals(
        distance, depth[:, None], stations["elevation_m"].to_numpy() / 1000
    )
    ids = stations["station_id"].to_numpy()
    parts = []
    origins = pd.Series(start + pd.to_timedelta(np.rint(origin * 1e6), unit="us"))
    names = np.array(event_names(origins), dtype=object)
    for phase, times, sigma in zip("PS", travel, noise_s, strict=True):
        event, station = np.nonzero(rng.random(times.shape) >= missing)
        error = rng.normal(0, sigma, len(event))
        seconds = origin[event] + times[event, station] + error
        parts.append((names[event], ids[station], np.full(len(event), phase), seconds))
    count = round(false * sum(len(part[-1]) for part in parts))
    first = min(part[-1].min() for part in parts)
    last = max(part[-1].max() for part in parts)
    parts.append(
        (
            np.full(count, "", dtype=object),
            ids[rng.integers(0, len(ids), count)],
            rng.choice(["P", "S"], count),
            rng.uniform(first, last, count),
        )
    )
    event_id, station, phase, seconds = (
        np.concatenate(column) for column in zip(*parts, strict=True)
    )
    longitude, latitude = plane(x, y, inverse=True)
    events = event_table(
        pd.DataFrame(
            {
                "event_id": names,
                "time": origins,
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
                "time": start + pd.to_timedelta(np.rint(seconds * 1e6), unit="us"),
                "probability": 0.8,
                "event_id": event_id,
            }
        )
    )
    truth = picks["event_id"].to_numpy()
    return Sequence(stations, events, picks[list(COLUMNS)], truth)
