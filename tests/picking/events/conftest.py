"""A real event and its station, from the headers of the records."""

import pandas as pd
import pytest


@pytest.fixture(scope="session")
def x1_event(event_record) -> pd.DataFrame:
    header = event_record[0].stats.sac
    origin = event_record[0].stats.starttime - float(header.b) + float(header.o)
    row = {
        "event_id": "X1.2012",
        "time": pd.Timestamp(origin.ns, tz="UTC"),
        "latitude": float(header.evla),
        "longitude": float(header.evlo),
        "depth_km": float(header.evdp),
        "magnitude": 3.3,
        "magnitude_type": "ML",
    }
    return pd.DataFrame([row])


@pytest.fixture(scope="session")
def x1_stations(event_record) -> pd.DataFrame:
    header = event_record[0].stats.sac
    row = {
        "station_id": "X1.53085.01",
        "latitude": float(header.stla),
        "longitude": float(header.stlo),
        "elevation_m": float(header.stel),
    }
    return pd.DataFrame([row])


@pytest.fixture(scope="session")
def model(published):
    """One that is right about the event."""
    return published("LPPNM", "csn")
