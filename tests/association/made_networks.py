"""Made-up networks and events, with what is true of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmarks.association_truth import Sequence, make_sequence
from seisbench_diting.association import Association, associate, compare
from seisbench_diting.association.core import make_projection
from seisbench_diting.tables import station_table
from seisbench_diting.travel_times import make_table

#: Velocities of P and S, km/s, and what `velocity` is with them.
P_KM_S, S_KM_S = 6.0, 3.46
VELOCITY = f"{P_KM_S}/{S_KM_S}"
TRAVEL_TIMES = make_table(VELOCITY, 200.0, 20.0)


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
    missing: float = 0.2,
    false: float = 0.25,
) -> Sequence:
    """
    Stations are spread over a disk and events over its inner part; rays are straight.

    :param seed: Of the random numbers
    :param events: Number of events
    :param stations: Number of stations
    :param radius_km: Radius of the disk
    :param duration_s: Length of time with events
    :param start: Its begin, UTC
    :param latitude: Of the disk's centre
    :param longitude: Of the disk's centre
    :param elevation_m: Least and largest elevation of stations
    :param noise_s: Standard deviation of errors of P picks; S picks have twice that
    :param missing: Share of arrivals that have no pick
    :param false: False picks for each true one
    :return: Network and events
    """
    rng = np.random.default_rng(seed)
    angle = rng.uniform(0, 2 * np.pi, stations)
    radius = radius_km * np.sqrt(rng.uniform(0, 1, stations))
    x, y = radius * np.cos(angle), radius * np.sin(angle)
    names = [f"XX.S{number:03d}." for number in range(stations)]
    table = pd.DataFrame({"station_id": names})
    table["elevation_m"] = rng.uniform(*elevation_m, stations)
    plane = make_projection([latitude], [longitude])
    table["longitude"], table["latitude"] = plane(x, y, inverse=True)
    return make_sequence(
        station_table(table),
        TRAVEL_TIMES,
        60 * events / duration_s,
        events,
        (noise_s, 2 * noise_s),
        missing,
        false,
        seed,
        pd.Timestamp(start, tz="UTC"),
        is_regular=True,
    )


def associate_by(method: str, made: Sequence, picks=None, **options) -> Association:
    """The association of these picks, or of all, if the method is installed."""
    if method in ("pyocto", "gamma"):
        pytest.importorskip(method, reason=f"{method} is not installed")
    picks = made.picks if picks is None else picks
    usual = {"velocity": VELOCITY, "max_depth_km": 20.0, "threads": 1}
    return associate(picks, made.stations, method, **{**usual, **options})


def shares(result: Association, events, seconds=1.0, km=5.0):
    """Precision and recall."""
    limits = {"max_time_s": seconds, "max_distance_km": km}
    found = compare(result.events, events, **limits)
    return found.share_of_a, found.share_of_b
