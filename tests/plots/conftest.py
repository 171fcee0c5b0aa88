"""A network on both sides of the date line, with events, picks and waveforms."""

import warnings
from types import SimpleNamespace

import numpy as np
import obspy
import pandas as pd
import pytest
from made_network import (
    TRAVEL_TIMES,
    distance_km,
    make_events,
    make_picks,
    make_stream,
    place,
)

from seisbench_diting import tables


@pytest.fixture(autouse=True)
def _no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.fixture(scope="session")
def stations():
    distance, angle = np.linspace(8, 70, 12), np.arange(12) * np.pi / 6
    return tables.station_table(
        pd.DataFrame(
            {
                "station_id": [f"XX.S{n:02d}." for n in range(12)],
                "elevation_m": 500.0,
                **place(distance * np.cos(angle), distance * np.sin(angle)),
            }
        )
    )


@pytest.fixture
def picked(stations):
    """As ``pick_event`` returns it; one pick was discarded."""
    event = make_events(1, 0).iloc[0]
    distance = distance_km(event, stations)
    p, s = TRAVEL_TIMES.first_arrivals(distance, event["depth_km"])
    around = stations.assign(
        epicentral_distance_km=distance,
        azimuth_deg=0.0,
        p_seconds=p,
        s_seconds=s,
        begin_seconds=-5.0,
        end_seconds=54.99,
    ).sort_values("epicentral_distance_km", ignore_index=True)
    picks = make_picks(pd.DataFrame([event]), stations)
    late = picks[:1].assign(time=picks["time"][:1] + pd.Timedelta(30, unit="s"))
    waveforms = make_stream(picks)
    curves = obspy.Stream()
    for name in ("LPPNM_P", "LPPNM_S"):
        curve = waveforms[0].copy()
        curve.stats.channel, curve.data = name, np.full(750, 0.5)
        curve.stats.sampling_rate = 12.5
        curves += curve
    return SimpleNamespace(
        event=event,
        stations=around,
        picks=picks,
        candidates=pd.concat([picks, late], ignore_index=True),
        waveforms=waveforms,
        curves=curves,
    )
