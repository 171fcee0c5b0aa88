"""Tables of events and associations, and their files in every format."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from made_associations import assert_same, associations, made

from seisbench_diting import tables

ROW = {"event_id": "YN.1", "time": "2020-01-31T12:39:09.11Z"}
ROW |= {"latitude": 24.514, "longitude": 98.035}
ENDINGS = ["events.csv", "events.parquet", "txt", "xml", "quakeml"]
PAIRS = ["csv", "parquet"]


def test_an_event_table_has_its_columns_and_is_sorted_by_time():
    later = {**ROW, "longitude": 300, "place": "here"}
    events = tables.event_table(
        [later, {**ROW, "event_id": "b", "time": "1969-01-01T00"}]
    )
    assert events.dtypes.astype(str).to_dict() == tables.EVENT_TABLE_COLUMNS
    assert list(events["event_id"]) == ["b", "YN.1"]
    assert events["longitude"][1] == -60
    assert list(tables.event_table([])) == list(events)
    # One column of quality brings all of them.
    events = tables.event_table([{**ROW, "score": 1}])
    of_quality = {**tables.EVENT_TABLE_COLUMNS, **tables.QUALITY_COLUMNS}
    assert events.dtypes.astype(str).to_dict() == of_quality


@pytest.mark.parametrize(
    ("name", "value"),
    [("latitude", 98.0), ("magnitude", np.inf), ("event_id", "YN.1"), ("p_count", 1.5)],
)
def test_errors_of_event_tables_name_column_row_and_value(name, value):
    other = {**ROW, "event_id": "b", name: value}
    with pytest.raises(ValueError, match=rf"events\['{name}'\].*row 1.*{value}"):
        tables.event_table([ROW, other])


@settings(max_examples=8, deadline=None)
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
        loose = picks.assign(event_id=["event 0", "", "event 0"])
        for tables_ in ((events[1:], picks), (events, loose)):
            with pytest.raises(ValueError, match=r"assignments\['event_id'\]"):
                tables.write_association(*tables_, tmp_path / f"a.{ending}")
        assert list(tmp_path.iterdir()) == []

    # A row that is left out.
    @pytest.mark.filterwarnings("error")
    def test_a_file_that_ends_early_is_refused_or_a_row_named(self, ending, tmp_path):
        path = tmp_path / f"a.{ending}"
        tables.write_association(*made(), path)
        path.write_bytes(path.read_bytes()[:-70])
        with pytest.raises((ValueError, tables.LeftOut), match=r"a\.|event"):
            tables.read_association(path)


def test_the_ending_of_a_name_is_its_format(tmp_path):
    for name in ("a.csv", "a.parquet", "a.doc"):
        with pytest.raises(ValueError, match=rf"{name}.*\.events\.csv"):
            tables.write_association(*made(), tmp_path / name)
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
    with pytest.raises(ValueError, match=r"a\.picks\..*event_id"):
        tables.read_association(path)
    beside.unlink()
    with pytest.warns(UserWarning, match=rf"a\.picks\.{ending}"):
        found, none = tables.read_association(path)
    assert (len(found), len(none)) == (2, 0)


@pytest.mark.parametrize(
    "text",
    [
        "id,origin_time,lat,lon,depth,mag,place\nNA,2020-01-01 00:00:01,1,2,3,4,here\n",
        "Event_ID;Time;Latitude;Longitude;Depth (km);Magnitude\n"
        "NA;2020-01-01T00:00:01Z;1;2;3;4\n",
        "#EventID | Time | Latitude | Longitude | Depth/km | Author | MagType | "
        "Magnitude\nNA | 2020-01-01T00:00:01.000 | 1 | 2 | 3 | me | | 4\n",
        "\ufefftime,latitude,longitude,depth,mag,magType,net,id,type\n"
        "2020-01-01T00:00:01.000Z,1,2,3,4,,us,NA,\n",
        "time,latitude,longitude,depth_m,mag\n1577836801.0,1,2,3000,4\n",
        "time,latitude,longitude,depth_km,magnitude\n1577836801.0,1,2,3,4\n",
    ],
)
def test_tables_of_other_programs(text, tmp_path):
    path = tmp_path / "catalogue.dat"
    path.write_text(text, encoding="utf-8")
    name = "NA" if "NA" in text else "20200101T000001.000000"
    row = {"event_id": name, "time": "2020-01-01T00:00:01Z", "latitude": 1}
    row |= {"longitude": 2, "depth_km": 3, "magnitude": 4}
    pd.testing.assert_frame_equal(tables.read_events(path), tables.event_table([row]))


def test_files_that_are_not_a_catalogue_are_named(tmp_path):
    path = tmp_path / "events.csv"
    for text in ("time,lat,long_name\n", "id,time,lat,lon\na,2020-01-01T00,y,2\n", ""):
        path.write_text(text)
        with pytest.raises(ValueError, match=r"events\.csv: "):
            tables.read_events(path)
