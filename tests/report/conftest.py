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

START = obspy.UTCDateTime(2024, 3, 1, 12)
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
            "time": pd.Timestamp((START + origin + factor * travel).ns, tz="UTC"),
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
def waveforms(picks, tmp_path_factory):
    """Folder with miniSEED files, in which each arrival is a peak."""
    folder = tmp_path_factory.mktemp("waveforms")
    rng = np.random.default_rng(0)
    for station, component in itertools.product(STATIONS, "ZNE"):
        data = rng.standard_normal(int(600 * RATE)).astype(np.float32)
        for time in picks["time"][picks["station_id"] == station]:
            data[round((time.timestamp() - START.timestamp) * RATE)] += 100
        names = ("network", "station", "location")
        header = dict(zip(names, station.split("."), strict=True))
        header |= {"channel": f"HH{component}", "sampling_rate": RATE}
        trace = obspy.Trace(data, {**header, "starttime": START})
        trace.write(str(folder / f"{trace.id}.mseed"), "MSEED")
    return folder


@pytest.fixture
def stations(tmp_path):
    """File with the places of the stations."""
    path = tmp_path / "stations.csv"
    rows = [
        {"station_id": name, "latitude": place[0], "longitude": place[1]}
        for name, place in STATIONS.items()
    ]
    write_stations(pd.DataFrame(rows), path)
    return path


@pytest.fixture
def pick_file(tmp_path, picks):
    path = tmp_path / "picks.csv"
    write_picks(picks, path)
    return path


@pytest.fixture
def association(tmp_path, picks):
    """Name of an association."""
    place = {"latitude": 10.05, "longitude": 20.05}
    rows = [
        {"event_id": f"e{number}", "time": START + origin, "depth_km": 5.0 + number}
        for number, origin in enumerate(ORIGINS)
    ]
    events = pd.DataFrame(rows).assign(**place)
    events["time"] = [pd.Timestamp(time.ns, tz="UTC") for time in events["time"]]
    write_association(event_table(events), picks, tmp_path / "found.events.csv")
    return tmp_path / "found"
