"""An event as ``pick_event`` returns it; no picture may warn."""

import warnings
from types import SimpleNamespace

import numpy as np
import obspy
import pandas as pd
import pytest
from made_events import made_events, make_stream

from seisbench_diting.plots.maps import distances_km
from tests.association.made_networks import TRAVEL_TIMES


@pytest.fixture(autouse=True)
def _no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.fixture
def picked():
    """One pick was discarded."""
    stations, events, picks = made_events(1)
    event = events.iloc[0]
    distance = distances_km(event["latitude"], event["longitude"], stations)
    p, s = TRAVEL_TIMES.first_arrivals(distance, event["depth_km"])
    around = stations.assign(
        epicentral_distance_km=distance,
        azimuth_deg=0.0,
        p_seconds=p,
        s_seconds=s,
        begin_seconds=-5.0,
        end_seconds=54.99,
    ).sort_values("epicentral_distance_km", ignore_index=True)
    late = picks[:1].assign(time=picks["time"][:1] + pd.Timedelta(30, unit="s"))
    waveforms = make_stream(event, picks)
    curves = obspy.Stream()
    (trace,) = waveforms.select(id=f"{picks['station_id'][0]}.HHZ")
    for name in ("LPPNM_P", "LPPNM_S"):
        curve = trace.copy()
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
