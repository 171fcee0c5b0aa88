"""Tables of events and associations, and their files in every format."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from made_associations import assert_same, associations, made

from seisbench_diting import tables

ROW = {
    "event_id": "YN.1",
    "time": "2020-01-31T12:39:09.11Z",
    "latitude": 24.514,
    "longitude": 98.035,
}
ENDINGS = ["events.csv", "events.parquet", "txt", "xml", "quakeml"]
PAIRS = ["csv", "parquet"]


class TestTable:
    def test_columns_and_order(self):
        later = {**ROW, "longitude": 300, "place": "here"}
        events = tables.event_table([later, {**ROW, "event_id": "b", "time": "1969"}])
        kinds = {name: str(kind) for name, kind in events.dtypes.items()}
        assert kinds == tables.EVENT_TABLE_COLUMNS
        assert list(events["event_id"]) == ["b", "YN.1"]
        assert events["longitude"][1] == -60
        assert list(tables.event_table([])) == list(kinds)
        with pytest.raises(ValueError, match=r"event_id.*row 2 holds 'YN\.1'"):
            tables.event_table([ROW, {**ROW, "event_id": "x"}, ROW])
        with pytest.raises(ValueError, match="events has no column latitude"):
            tables.event_table([{k: ROW[k] for k in ("event_id", "time")}])

    def test_columns_of_quality(self):
        events = tables.event_table([{**ROW, "score": 1}, {**ROW, "event_id": "b"}])
        kinds = {name: str(kind) for name, kind in events.dtypes.items()}
        assert kinds == {**tables.EVENT_TABLE_COLUMNS, **tables.QUALITY_COLUMNS}
        assert events["pick_count"].isna().all()

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("latitude", 98.0),
            ("latitude", None),
            ("longitude", -181),
            ("longitude", 361),
            ("depth_km", 10_000),
            ("magnitude", np.inf),
            ("event_id", ""),
            ("time", None),
            ("pick_count", -1),
            ("both_count", 1.5),
            ("s_count", np.inf),
            ("p_count", "many"),
            ("rms_residual_s", np.inf),
            ("azimuthal_gap_deg", 360.1),
        ],
    )
    def test_errors_name_column_row_and_value(self, name, value):
        with pytest.raises(ValueError, match=rf"events\['{name}'\].*row 0 holds"):
            tables.event_table([{**ROW, name: value}])


@settings(max_examples=25, deadline=None)
@given(association=associations())
@pytest.mark.parametrize("ending", ["events.csv", "events.parquet", "xml"])
def test_every_digit_comes_back(association, ending, tmp_path_factory):
    events, picks = association
    path = tmp_path_factory.mktemp("association") / f"a.b.{ending}"
    tables.write_association(events, picks, path)

    found, assigned = tables.read_association(path)
    pd.testing.assert_frame_equal(found, events, check_exact=True)
    assert_same(assigned, picks)
    pd.testing.assert_frame_equal(tables.read_events(path), events)
    beside = path.with_name(path.name.replace("events", "picks"))
    if len(picks) or ending != "xml":
        pd.testing.assert_frame_equal(tables.read_picks(beside), assigned)
    assert {*path.parent.iterdir()} == {path, beside}


@pytest.mark.parametrize("ending", ENDINGS)
class TestEveryFormat:
    @pytest.mark.parametrize("number", [0, 2])
    def test_no_events_and_no_picks(self, ending, number, tmp_path):
        path, none = tmp_path / f"a.{ending}", tables.assignment_table([])
        events = made()[0][:number]
        tables.write_association(events, tables.pick_table([]), path)
        found, picks = tables.read_association(path)
        assert list(found["time"]) == list(events["time"])
        pd.testing.assert_frame_equal(picks, none)

    def test_tables_that_do_not_belong_together(self, ending, tmp_path):
        events, picks = made()
        with pytest.raises(ValueError, match=r"assignments\['event_id'\]"):
            tables.write_association(events[1:], picks, tmp_path / f"a.{ending}")
        with pytest.raises(FileNotFoundError, match="Create it first"):
            tables.write_association(events, picks, tmp_path / "no" / f"a.{ending}")
        assert list(tmp_path.iterdir()) == []

    def test_damaged_files(self, ending, tmp_path):
        path = tmp_path / f"a.{ending}"
        tables.write_association(*made(), path)
        path.write_bytes(path.read_bytes()[:-70])
        with pytest.raises(ValueError, match=r"a\.|event"):
            tables.read_association(path)
        with pytest.raises(FileNotFoundError):
            tables.read_association(tmp_path / f"missing.{ending}")


def test_endings(tmp_path):
    for name in ("a.csv", "a.parquet", "a.doc"):
        with pytest.raises(ValueError, match=r"must end in \.events\.csv or "):
            tables.write_association(*made(), tmp_path / name)
    with pytest.raises(ValueError, match=r"must end in \.csv or"):
        tables.write_events(made()[0], tmp_path / "events.doc")
    tables.write_association(*made(), tmp_path / "A.Events.CSV")
    assert len(tables.read_association(tmp_path / "A.Events.CSV")[1]) == 3


@pytest.mark.parametrize("ending", PAIRS)
def test_files_that_are_not_a_pair(ending, tmp_path):
    path = tmp_path / f"a.events.{ending}"
    events, picks = made(events=3)
    tables.write_association(events, picks, path)
    beside = tmp_path / f"a.picks.{ending}"

    tables.write_events(events[1:], path)
    with pytest.raises(ValueError, match=r"a\.picks\..*a\.events\..*'event 0'"):
        tables.read_association(path)
    tables.write_picks(picks[list(tables.COLUMNS)], beside)
    with pytest.raises(ValueError, match=r"a\.picks\..*no column event_id"):
        tables.read_association(path)
    beside.unlink()
    with pytest.warns(UserWarning, match="read without its picks, as there is no"):
        found, none = tables.read_association(path)
    assert (len(found), len(none)) == (2, 0)


def test_assigned_picks_have_an_event():
    events, picks = made()
    found = tables.check_association(events, picks[::-1])
    pd.testing.assert_frame_equal(found[0], events)
    pd.testing.assert_frame_equal(found[1], picks)
    loose = picks.assign(event_id=["event 0", "", "event 0"])
    with pytest.raises(ValueError, match=r"assignments\['event_id'\].*row 1 holds ''"):
        tables.check_association(events, loose)
    with pytest.raises(ValueError, match="no column event_id"):
        tables.check_association(events, picks[list(tables.COLUMNS)])


@pytest.mark.parametrize(
    "text",
    [
        "id,origin_time,lat,lon,depth,mag,place\nNA,2020-01-01 00:00:01,1,2,3,4,here\n",
        "Event_ID;Time;Latitude;Longitude;Depth (km);Magnitude\n"
        "NA;2020-01-01T00:00:01Z;1;2;3;4\n",
        "lon\tlat\tdepth_km\tmagnitude\tdatetime\tevid\n"
        "2\t1\t3\t4\t2020-01-01T00:00:01\tNA\n",
        "#EventID | Time | Latitude | Longitude | Depth/km | Author | MagType | "
        "Magnitude\nNA | 2020-01-01T00:00:01.000 | 1 | 2 | 3 | me | | 4\n",
        "\ufefftime,latitude,longitude,depth,mag,magType,net,id,type\n"
        "2020-01-01T00:00:01.000Z,1,2,3,4,,us,NA,\n",
    ],
)
def test_tables_of_other_programs(text, tmp_path):
    path = tmp_path / "catalogue.dat"
    path.write_text(text, encoding="utf-8")
    row = {"event_id": "NA", "time": "2020-01-01T00:00:01Z", "latitude": 1}
    expected = tables.event_table(
        [{**row, "longitude": 2, "depth_km": 3, "magnitude": 4}]
    )
    pd.testing.assert_frame_equal(tables.read_events(path), expected)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("time,lat,lon\n2020-01-01,1,2\n", "no column event_id or id"),
        ("id,time,lat,lon\na,2020,1,200\nb,2020,x,2\n", r"events\['latitude'\].*'x'"),
        ("", "not a table"),
    ],
)
def test_files_that_are_not_a_catalogue(text, message, tmp_path):
    path = tmp_path / "events.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=rf"events\.csv: .*{message}"):
        tables.read_events(path)
