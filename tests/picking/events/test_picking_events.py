"""Picks of a known event, from waveforms to the table."""

import numpy as np
import obspy
import pandas as pd
import pytest

from seisbench_diting.picking import pick_event
from seisbench_diting.travel_times import TravelTimes


@pytest.fixture
def pick(event_record, x1_event, x1_stations, model):
    """Function that picks the event, with other values of it or of its station."""

    def pick(event=None, station=None, **options):
        row = x1_event.assign(**(event or {})).iloc[0]
        places = x1_stations.assign(**(station or {}))
        return pick_event(event_record, row, places, model, TravelTimes(), **options)

    return pick


def test_a_real_event_and_its_window(pick, event_record):
    before = event_record.copy()
    picked = pick()

    assert event_record == before
    assert picked.problems == []
    assert picked.picks["phase"].to_list() == ["P", "S"]
    (station,) = picked.stations.itertuples()
    assert station.begin_seconds == pytest.approx(station.p_seconds - 30, abs=0.02)
    assert station.end_seconds == pytest.approx(station.s_seconds + 40, abs=0.02)
    assert len(picked.curves) == 4  # N, P, S and LPPN's offset

    # But never shorter than the model needs.
    result = pick(before=1, after=1)
    assert min(trace.stats.npts for trace in result.waveforms) >= 6144
    assert len(result.picks) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"event": {"time": "2012-07-27T03:00:00"}},
        {"station": {"latitude": -30.0, "longitude": -80.0}},
        {"station": {"station_id": "X1.B.01"}},
    ],
)
def test_stations_that_can_not_be_picked(pick, change):
    result = pick(**change)

    assert len(result.picks) == 0
    assert "event_id" in result.picks
    assert [station for station, _ in result.problems] == ["X1.53085.01"]


def test_discarded_picks_are_counted(pick, x1_event):
    # 26 s late, P of the record is where S of this event would be.
    result = pick({"time": x1_event["time"] - pd.Timedelta(26.0, unit="s")})

    assert result.discarded["wrong_phase"] == 1
    assert len(result.picks) + sum(result.discarded.values()) == len(result.candidates)


@pytest.mark.parametrize(
    ("name", "value"), [("latitude", np.nan), ("time", pd.NaT), ("depth_km", 5500.0)]
)
def test_impossible_events(pick, name, value):
    with pytest.raises(ValueError, match=name):
        pick({name: value})


def test_several_stations(event_record, x1_event, x1_stations, model):
    stream = obspy.Stream()
    for name, location in (("A", "01"), ("B", "00")):
        for trace in event_record.copy():
            trace.stats.update({"station": name, "location": location})
            stream.append(trace)
    stations = pd.concat([x1_stations] * 2, ignore_index=True)
    # One without location code stands for all locations, and another one is near.
    stations["station_id"] = ["X1.A.10", "X1.B."]
    stations["latitude"] += np.array([0.0, 0.05])

    event = next(x1_event.itertuples())
    result = pick_event(stream, event, stations, model, TravelTimes())

    assert result.stations["station_id"].to_list() == ["X1.B.00", "X1.A.01"]
    counts = {"X1.A.01": 2, "X1.B.00": 2}
    assert result.picks["station_id"].value_counts().to_dict() == counts
