"""A day of two stations with two events, and runs of it."""

import itertools

import numpy as np
import obspy
import pandas as pd
import pytest

from seisbench_diting.tables import (
    event_table,
    pick_table,
    write_association,
    write_picks,
    write_stations,
)

pytest.importorskip("plotly")

START = pd.Timestamp("2024-03-01T12:00Z")
RATE = 100.0
STATIONS = {"XX.AA.": (10.0, 20.0), "XX.BB.00": (10.1, 20.1)}

#: Origin times in seconds after the begin of the records, and travel times of P at the
#: two stations; S takes twice as long.
ORIGINS, TRAVEL = (100.0, 300.0), (2.0, 3.0)


@pytest.fixture(scope="session")
def picks() -> pd.DataFrame:
    rows = [
        {
            "station_id": station,
            "phase": phase,
            "time": START + pd.Timedelta(seconds=origin + factor * travel),
            "probability": 0.5 + 0.1 * event,
            "snr": 10.0 if phase == "P" else np.nan,
            "event_id": f"e{event}",
            "epicentral_distance_km": 6 * travel,
            "residual_s": 0.01,
        }
        for event, origin in enumerate(ORIGINS)
        for travel, station in zip(TRAVEL, STATIONS, strict=True)
        for phase, factor in (("P", 1), ("S", 2))
    ]
    return pick_table(rows)


@pytest.fixture(scope="session")
def many(picks):
    """Function that repeats the picks a number of times, a minute apart."""

    def repeat(number):
        later = (pd.Timedelta(minutes=n) for n in range(number))
        return pd.concat([picks.assign(time=picks["time"] + shift) for shift in later])

    return repeat


@pytest.fixture(scope="session")
def waveforms(picks, tmp_path_factory):
    """Folder with miniSEED files, in which each arrival is a peak."""
    folder = tmp_path_factory.mktemp("waveforms")
    rng = np.random.default_rng(0)
    for station, component in itertools.product(STATIONS, "ZNE"):
        data = rng.standard_normal(int(600 * RATE)).astype(np.float32)
        for time in picks["time"][picks["station_id"] == station]:
            data[round((time - START).total_seconds() * RATE)] += 100
        trace = obspy.Trace(data, {"sampling_rate": RATE})
        trace.id = f"{station}.HH{component}"
        trace.stats.starttime = obspy.UTCDateTime(START)
        trace.write(str(folder / f"{trace.id}.mseed"), "MSEED")
    return folder


@pytest.fixture
def stations(tmp_path):
    """File with the places of the stations."""
    rows = [(name, *place) for name, place in STATIONS.items()]
    table = pd.DataFrame(rows, columns=["station_id", "latitude", "longitude"])
    write_stations(table, tmp_path / "stations.csv")
    return tmp_path / "stations.csv"


@pytest.fixture
def pick_file(tmp_path, picks):
    write_picks(picks, tmp_path / "picks.csv")
    return tmp_path / "picks.csv"


@pytest.fixture
def association(tmp_path, picks):
    """Name of an association."""
    times = START + pd.to_timedelta(ORIGINS, unit="s")
    columns = {"event_id": ["e0", "e1"], "time": times, "depth_km": [5.0, 6.0]}
    events = pd.DataFrame(columns).assign(latitude=10.05, longitude=20.05)
    ellipse = {"max_horizontal_error_km": 2.0, "min_horizontal_error_km": 1.0}
    events = events.assign(**ellipse, max_error_azimuth_deg=45.0)
    events = events.assign(magnitude=[2.5, 1.5], depth_error_km=[1.5, np.nan])
    write_association(event_table(events), picks, tmp_path / "found.events.csv")
    return tmp_path / "found"
