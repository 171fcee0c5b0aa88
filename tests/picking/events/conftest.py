"""A real event at one station, and the same one as if at several."""

import numpy as np
import obspy
import pandas as pd
import pytest

from seisbench_diting.picking import pick_event
from seisbench_diting.travel_times import TravelTimes

NETWORK = ("A", "B", "C")


@pytest.fixture(scope="session")
def x1_event(event_record) -> pd.DataFrame:
    """Event table with the one in the headers."""
    header = event_record[0].stats.sac
    origin = event_record[0].stats.starttime - float(header.b) + float(header.o)
    return pd.DataFrame(
        {
            "event_id": ["X1.2012"],
            "time": [pd.Timestamp(origin.ns, tz="UTC")],
            "latitude": [float(header.evla)],
            "longitude": [float(header.evlo)],
            "depth_km": [float(header.evdp)],
            "magnitude": [3.3],
            "magnitude_type": ["ML"],
        }
    )


@pytest.fixture(scope="session")
def x1_stations(event_record) -> pd.DataFrame:
    """Station table with the one in the headers."""
    header = event_record[0].stats.sac
    return pd.DataFrame(
        {
            "station_id": ["X1.53085.01"],
            "latitude": [float(header.stla)],
            "longitude": [float(header.stlo)],
            "elevation_m": [float(header.stel)],
        }
    )


@pytest.fixture(scope="session")
def model(published):
    """One that is right about the event."""
    return published("LPPNM", "csn")


@pytest.fixture(scope="session")
def travel_times() -> TravelTimes:
    return TravelTimes()


@pytest.fixture(scope="session")
def picked(event_record, x1_event, x1_stations, model, travel_times):
    """What comes of the event."""
    return pick_event(event_record, x1_event.iloc[0], x1_stations, model, travel_times)


@pytest.fixture
def network(event_record, x1_stations) -> tuple[obspy.Stream, pd.DataFrame]:
    """The record under three names, and the places of two of them and one more."""
    stream = obspy.Stream()
    for name in NETWORK:
        for trace in event_record.copy():
            trace.stats.station = name
            stream.append(trace)
    stations = pd.concat([x1_stations] * 3, ignore_index=True)
    stations["station_id"] = ["X1.A.01", "X1.B.", "X1.D.01"]
    stations["latitude"] += np.array([0.0, 0.05, 0.1])
    return stream, stations
