"""Made-up networks and events, with what is true of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from seisbench_diting.association import Association, compare
from seisbench_diting.association.core import Projection
from seisbench_diting.tables import event_names, event_table, pick_table, station_table

#: Velocities of P and S, km/s, and what `velocity` is with them.
P_KM_S, S_KM_S = 6.0, 3.46
VELOCITY = f"{P_KM_S}/{S_KM_S}"


@dataclass(frozen=True)
class MadeNetwork:
    """
    :param stations: Table of stations
    :param events: Table of true events
    :param picks: Table of picks
    :param truth: For each pick the row of its event, -1 for false ones
    """

    stations: pd.DataFrame
    events: pd.DataFrame
    picks: pd.DataFrame
    truth: np.ndarray


def made_network(
    seed: int,
    events: int,
    *,
    stations: int = 20,
    radius_km: float = 40.0,
    duration_s: float = 600.0,
    start: str = "2022-04-09T02:00:00",
    latitude: float = 25.0,
    longitude: float = 102.0,
    elevation_m: tuple[float, float] = (-300.0, 2000.0),
    noise_s: float = 0.1,
    missed: float = 0.2,
    false: float = 0.2,
) -> MadeNetwork:
    """
    Stations are spread over a disk and events over its inner half, at least
    ``duration_s / events / 2`` apart in time; rays are straight, from the depth below sea
    level to the height of the station.

    :param seed: Of the random numbers
    :param events: Number of events
    :param stations: Number of stations
    :param radius_km: Radius of the disk
    :param duration_s: Length of time with events
    :param start: Its begin, UTC
    :param latitude: Of the disk's centre
    :param longitude: Of the disk's centre
    :param elevation_m: Least and largest elevation of stations
    :param noise_s: Standard deviation of errors of picks; S picks have twice that
    :param missed: Share of arrivals that have no pick
    :param false: False picks, as a share of the arrivals
    :return: Network and events
    """
    rng = np.random.default_rng(seed)
    plane = Projection(latitude, longitude)
    begin = pd.Timestamp(start, tz="UTC")
    sx, sy = _in_disk(rng, stations, radius_km)
    height = rng.uniform(*elevation_m, stations)
    ex, ey = _in_disk(rng, events, radius_km / 2)
    depth = rng.uniform(3.0, 15.0, events)
    origin = (np.arange(events) + rng.uniform(0, 0.5, events)) * duration_s / events

    flat = np.hypot(ex[:, None] - sx, ey[:, None] - sy)
    distance = np.hypot(flat, depth[:, None] + height / 1000)
    # (events, stations, phases)
    travel = np.stack([distance / P_KM_S, distance / S_KM_S], axis=2)
    arrival = origin[:, None, None] + travel
    arrival += rng.normal(0, 1, travel.shape) * noise_s * np.array([1, 2])
    kept = rng.uniform(size=travel.shape) >= missed
    event, station, phase = np.nonzero(kept)
    count = round(false * travel.size)
    seconds = np.concatenate([arrival[kept], rng.uniform(0, duration_s, count)])
    event = np.concatenate([event, np.full(count, -1)])
    station = np.concatenate([station, rng.integers(stations, size=count)])
    phase = np.concatenate([phase, rng.integers(2, size=count)])
    true, not_true = (
        rng.uniform(*limits, len(event)) for limits in ((0.5, 1), (0.3, 0.7))
    )

    # As a table of picks is sorted.
    order = np.lexsort([phase, station, np.round(seconds * 1e6)])
    names = np.array([f"XX.S{number:03d}." for number in range(stations)])
    lat, lon = plane.to_degrees(sx, sy)
    places = {"station_id": names, "latitude": lat, "longitude": lon}
    picks = {
        "station_id": names[station[order]],
        "phase": np.array(["P", "S"])[phase[order]],
        "time": begin + _microseconds(seconds[order]),
        "probability": np.where(event >= 0, true, not_true)[order],
    }
    return MadeNetwork(
        station_table(pd.DataFrame(places | {"elevation_m": height})),
        catalogue(begin + _microseconds(origin), *plane.to_degrees(ex, ey), depth),
        pick_table(pd.DataFrame(picks)),
        event[order],
    )


def catalogue(times, latitude, longitude, depth_km) -> pd.DataFrame:
    """Event table."""
    columns = {"latitude": latitude, "longitude": longitude, "depth_km": depth_km}
    names = event_names(pd.Series(times))
    return event_table(pd.DataFrame({"event_id": names, "time": times, **columns}))


def shares(result: Association, events, seconds=1.0, km=5.0):
    """Precision and recall."""
    limits = {"max_time_s": seconds, "max_distance_km": km}
    found = compare(result.events, events, **limits)
    return found.share_of_a, found.share_of_b


def _in_disk(rng, number, radius_km):
    angle = rng.uniform(0, 2 * np.pi, number)
    radius = radius_km * np.sqrt(rng.uniform(0, 1, number))
    return radius * np.cos(angle), radius * np.sin(angle)


def _microseconds(seconds):
    return pd.to_timedelta(np.round(seconds * 1e6).astype("int64"), unit="us")
