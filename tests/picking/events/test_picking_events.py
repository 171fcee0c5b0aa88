"""Picks of a known event, from waveforms to the table."""

import numpy as np
import obspy
import pandas as pd
import pytest

from seisbench_diting.picking import pick_event, pick_stream
from seisbench_diting.picking.events import arrivals_at
from seisbench_diting.tables import event_table, station_table


def test_a_real_event(picked, event_record):
    assert picked.picks["phase"].to_list() == ["P", "S"]
    start = event_record[0].stats.starttime
    seconds = [
        obspy.UTCDateTime(time.to_pydatetime()) - start for time in picked.picks["time"]
    ]
    assert seconds == pytest.approx([96.2, 122.5], abs=0.4)
    assert picked.picks["relative_time_s"].to_list() == pytest.approx(seconds, abs=1e-3)
    assert picked.picks["residual_s"].between(1.5, 3).all()
    assert picked.picks["epicentral_distance_km"].to_list() == pytest.approx(
        [float(event_record[0].stats.sac.dist)] * 2, abs=0.01
    )
    assert (picked.picks["event_id"] == "X1.2012").all()
    assert picked.problems == []
    difference = picked.picks["time"] - picked.picks["theoretical_time"]
    assert difference.dt.total_seconds().to_list() == pytest.approx(
        picked.picks["residual_s"].to_list()
    )


def test_the_window(picked):
    (station,) = picked.stations.itertuples()
    assert station.begin_seconds == pytest.approx(station.p_seconds - 30, abs=0.02)
    assert station.end_seconds == pytest.approx(station.s_seconds + 40, abs=0.02)
    assert {trace.stats.npts for trace in picked.waveforms} == {
        round((station.end_seconds - station.begin_seconds) * 100) + 1
    }
    assert len(picked.curves) == 4  # N, P, S and LPPN's offset


def test_at_least_what_the_model_needs(
    event_record, x1_event, x1_stations, model, travel_times
):
    result = pick_event(
        event_record,
        next(x1_event.itertuples()),
        x1_stations,
        model,
        travel_times,
        before=1,
        after=1,
    )
    assert {trace.stats.npts for trace in result.waveforms} <= {6144, 6145}
    assert len(result.picks) == 2


def test_of_many_stations(network, x1_event, model, travel_times):
    stream, stations = network
    event = x1_event.iloc[0]
    for trace in stream.select(station="B"):
        trace.stats.location = "00"  # The table has it without location.
    result = pick_event(stream, event, stations, model, travel_times)

    assert result.problems == [("X1.C.01", "no coordinates in the table of stations")]
    assert result.stations["station_id"].to_list() == ["X1.B.00", "X1.A.01"]
    assert result.stations["epicentral_distance_km"].is_monotonic_increasing
    assert result.picks.groupby("station_id").size().to_dict() == {
        "X1.A.01": 2,
        "X1.B.00": 2,
    }


def test_the_stream_stays_as_it_is(
    event_record, x1_event, x1_stations, model, travel_times
):
    before = event_record.copy()
    pick_event(event_record, x1_event.iloc[0], x1_stations, model, travel_times)
    assert event_record == before


def test_another_time(event_record, x1_event, x1_stations, model, travel_times):
    later = x1_event.assign(time=x1_event["time"] + pd.Timedelta(1, unit="h"))
    result = pick_event(event_record, later.iloc[0], x1_stations, model, travel_times)

    assert len(result.picks) == 0
    assert "event_id" in result.picks
    ((station, reason),) = result.problems
    assert station == "X1.53085.01"
    assert "no data in the window" in reason


def test_too_far(event_record, x1_event, x1_stations, model, travel_times):
    other_side = x1_stations.assign(latitude=-30.0, longitude=-80.0)
    result = pick_event(event_record, x1_event.iloc[0], other_side, model, travel_times)
    assert len(result.picks) == 0
    assert "no theoretical arrival" in result.problems[0][1]


def test_discarded_picks_are_counted(
    event_record, x1_event, x1_stations, model, travel_times
):
    # 26 s late, P of the record is where S of this event would be.
    early = x1_event.assign(time=x1_event["time"] - pd.Timedelta(26.0, unit="s"))
    result = pick_event(event_record, early.iloc[0], x1_stations, model, travel_times)

    assert result.discarded["wrong_phase"] == 1
    assert len(result.picks) + sum(result.discarded.values()) == len(result.candidates)


def test_options_are_those_of_all_picking(
    event_record, x1_event, x1_stations, model, travel_times
):
    result = pick_event(
        event_record,
        x1_event.iloc[0],
        x1_stations,
        model,
        travel_times,
        threshold=0.05,
        min_separation=0.2,
        record="x1",
    )
    expected = pick_stream(
        result.waveforms, model, threshold=0.05, min_separation=0.2, record="x1"
    )
    pd.testing.assert_frame_equal(
        result.candidates.drop(columns="relative_time_s"),
        expected.drop(columns="relative_time_s"),
    )
    assert len(result.picks) <= 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"latitude": np.nan}, "latitude"),
        ({"time": pd.NaT}, "time"),
        ({"depth_km": 5500.0}, "depth_km"),
    ],
)
def test_impossible_events(
    change, message, event_record, x1_event, x1_stations, model, travel_times
):
    with pytest.raises(ValueError, match=message):
        pick_event(
            event_record,
            x1_event.assign(**change).iloc[0],
            x1_stations,
            model,
            travel_times,
        )


def test_places_of_stations(travel_times):
    row = {"event_id": "a", "time": "2020-01-01", "latitude": 0, "longitude": 179.9}
    (event,) = event_table([row | {"depth_km": 10.0}]).itertuples()
    stations = station_table(
        pd.DataFrame(
            {
                "station_id": ["XX.A.", "XX.B.10"],
                "latitude": [0.0, 1.0],
                "longitude": [-179.1, 179.9],
                "elevation_m": [np.nan, 500.0],
            }
        )
    )
    names = ["XX.C.", "XX.B.00", "XX.A.", "XX.E."]
    table, unknown = arrivals_at(event, names, stations, travel_times)

    assert unknown == ["XX.C.", "XX.E."]
    assert table["station_id"].to_list() == ["XX.B.00", "XX.A."]
    # On the ellipsoid degrees along the equator are longer than those of latitude there.
    assert table["epicentral_distance_km"].to_list() == pytest.approx(
        [110.57, 111.32], abs=0.01
    )
    assert table["azimuth_deg"].to_list() == pytest.approx([0, 90])
    assert (table["s_seconds"] > table["p_seconds"]).all()
