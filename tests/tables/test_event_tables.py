"""Event tables: what they hold, and that files give them back."""

import pickle
import warnings

import numpy as np
import obspy
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from obspy.core.event import Catalog, Event, Magnitude, Origin

from seisbench_diting import tables

PUBLISHED = (
    "#EVENT YN.202001312039.0002 eq 2020 01 31 031 12 39 09 110000 LOC   98.035   "
    "24.514 DEP     NONE MAG   ML  1.0\n"
)

ROW = {
    "event_id": "YN.1",
    "time": "2020-01-31T12:39:09.11Z",
    "latitude": 24.514,
    "longitude": 98.035,
}

ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "event_id": st.from_regex(r"[A-Za-z0-9.:_~/-]{1,12}", fullmatch=True),
            "time": st.integers(-(10**15), 4 * 10**15).map(
                lambda us: pd.Timestamp(us, unit="us", tz="UTC")
            ),
            "latitude": st.integers(-90_000_000, 90_000_000).map(lambda x: x / 1e6),
            "longitude": st.integers(-179_999_999, 180_000_000).map(lambda x: x / 1e6),
            "depth_km": st.integers(-9000, 900_000).map(lambda x: x / 1e3)
            | st.just(np.nan),
            "magnitude": st.integers(-300, 990).map(lambda x: x / 1e2),
            "magnitude_type": st.sampled_from(["", "ML", "Mw", "mb"]),
            "event_type": st.sampled_from(["", "eq", "ep", "earthquake"]),
        }
    ),
    max_size=5,
    unique_by=lambda row: row["event_id"],
)


@settings(max_examples=15, deadline=None)
@given(rows=ROWS)
@pytest.mark.parametrize("ending", ["csv", "txt", "xml"])
def test_files_give_back_the_table(rows, ending, tmp_path_factory):
    path = tmp_path_factory.mktemp("events") / f"events.{ending}"
    events = tables.event_table(rows)
    tables.write_events(events, path)

    found = tables.read_events(path) if rows or ending != "txt" else events
    pd.testing.assert_frame_equal(found, events, rtol=1e-12)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_the_published_catalogue(tmp_path):
    path = tmp_path / "catalogue"
    path.write_text(f"## a comment\n\n{PUBLISHED}PHASE whatever\n# more\n")
    events = tables.read_events(path)

    event = events.iloc[0]
    assert event["event_id"] == "YN.202001312039.0002"
    assert event["time"] == pd.Timestamp("2020-01-31T12:39:09.110Z")
    assert (event["longitude"], event["latitude"]) == (98.035, 24.514)
    assert np.isnan(event["depth_km"])
    assert (event["magnitude_type"], event["magnitude"]) == ("ML", 1.0)
    assert event["event_type"] == "eq"
    tables.write_events(events, tmp_path / "again.txt")
    assert (tmp_path / "again.txt").read_text() == PUBLISHED


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("MAG   ML  1.0", ""),
        ("NONE", "deep"),
        ("2020 01 31", "2020 02 31"),
        ("LOC", "LOK"),
        ("#EVENT", "EVENT"),
        ("eq 2020", "eq MMXX"),
    ],
)
def test_lines_that_are_no_events(old, new, tmp_path):
    path = tmp_path / "catalogue"
    path.write_text(f"{PUBLISHED}\n{PUBLISHED.replace(old, new)}")
    with pytest.raises(ValueError, match=r"catalogue.*line 3 holds"):
        tables.read_events(path)


def test_seconds_that_were_rounded(tmp_path):
    path = tmp_path / "catalogue"
    path.write_text(PUBLISHED.replace("12 39 09 110000", "23 59 60 000000"))
    events = tables.read_events(path)
    assert events["time"][0] == pd.Timestamp("2020-02-01T00:00:00Z")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("latitude", 98.0),
        ("longitude", -181),
        ("longitude", 361),
        ("depth_km", 10_000),
        ("magnitude", np.inf),
        ("event_id", ""),
        ("time", None),
        ("latitude", None),
    ],
)
def test_impossible_events(name, value):
    with pytest.raises(ValueError, match=rf"events\['{name}'\].*row 0 holds"):
        tables.event_table([{**ROW, name: value}])


def test_other_columns_are_ignored():
    events = tables.event_table([{**ROW, "place": "here"}])
    pd.testing.assert_frame_equal(events, tables.event_table([ROW]))


def test_what_a_table_holds():
    events = tables.event_table(
        [{**ROW, "longitude": 300}, {**ROW, "event_id": "YN.0", "time": "2019-01-01"}]
    )
    kinds = {name: str(kind) for name, kind in events.dtypes.items()}
    assert kinds == tables.EVENT_TABLE_COLUMNS
    assert list(events["event_id"]) == ["YN.0", "YN.1"]
    assert events["longitude"][1] == -60
    assert list(tables.event_table([])) == list(tables.EVENT_TABLE_COLUMNS)
    with pytest.raises(ValueError, match=r"event_id.*'YN\.1'"):
        tables.event_table([ROW, {**ROW, "event_id": "x"}, ROW])
    with pytest.raises(ValueError, match="events has no column latitude"):
        tables.event_table([{"event_id": "a", "time": "2020-01-01", "longitude": 0}])


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
def test_tables_of_others(text, tmp_path):
    path = tmp_path / "catalogue.dat"
    path.write_text(text, encoding="utf-8")
    expected = tables.event_table(
        [
            {
                "event_id": "NA",
                "time": "2020-01-01T00:00:01Z",
                "latitude": 1,
                "longitude": 2,
                "depth_km": 3,
                "magnitude": 4,
            }
        ]
    )
    pd.testing.assert_frame_equal(tables.read_events(path), expected)


def test_files_that_are_no_catalogue(tmp_path):
    path = tmp_path / "events.csv"
    path.write_text("time,lat,lon\n2020-01-01,1,2\n")
    with pytest.raises(ValueError, match=r"events\.csv.*no column event_id or id"):
        tables.read_events(path)
    path.write_text("id,time,lat,lon\na,2020-01-01,1,200\nb,2020-01-01,x,2\n")
    with pytest.raises(ValueError, match=r"events.csv: events\['latitude'\].*'x'"):
        tables.read_events(path)
    path.write_text("")
    with pytest.raises(ValueError, match=r"events\.csv: it is not a table"):
        tables.read_events(path)
    with pytest.raises(ValueError, match=r"must end in \.csv or"):
        tables.write_events(tables.event_table([ROW]), tmp_path / "events.doc")
    events = tables.event_table([{**ROW, "event_id": "YN 1"}])
    with pytest.raises(ValueError, match=r"event_id.*'YN 1'"):
        tables.write_events(events, tmp_path / "events.txt")
    assert not (tmp_path / "events.txt").exists()


def _quakeml(path, *events):
    catalog = Catalog([Event(resource_id=name, **parts) for name, parts in events])
    catalog.write(str(path), format="QUAKEML")


def test_quakeml_of_others(tmp_path):
    first = Origin(
        time=obspy.UTCDateTime(2020, 1, 1), latitude=1, longitude=2, depth=99
    )
    best = Origin(
        time=obspy.UTCDateTime(ns=1577836801000001000),
        latitude=1.5,
        longitude=-2.5,
        depth=8123.4,
    )
    path = tmp_path / "events.xml"
    _quakeml(
        path,
        (
            "smi:a.b/query?eventId=17&x=2",
            {
                "origins": [first, best],
                "preferred_origin_id": best.resource_id,
                "magnitudes": [Magnitude(mag=3.1, magnitude_type="ML")],
                "event_type": "earthquake",
            },
        ),
        ("quakeml:us.anss.org/event/20005ysu", {"origins": [first]}),
        ("smi:local/none", {}),
    )
    with pytest.warns(UserWarning, match="1 of 3 events are left out"):
        events = tables.read_events(path)

    assert list(events["event_id"]) == ["20005ysu", "17"]
    event = events.iloc[1]
    assert event["time"] == pd.Timestamp("2020-01-01T00:00:01.000001Z")
    assert (event["latitude"], event["longitude"]) == (1.5, -2.5)
    assert (event["depth_km"], event["magnitude"]) == (8.1234, 3.1)
    assert (event["magnitude_type"], event["event_type"]) == ("ML", "earthquake")
    assert np.isnan(events["magnitude"][0])

    parts = {"origins": [first]}
    _quakeml(path, ("smi:local/one/7", parts), ("smi:local/two/7", parts))
    ids = set(tables.read_events(path)["event_id"])
    assert ids == {"smi:local/one/7", "smi:local/two/7"}


def test_obspy_reads_the_quakeml(tmp_path):
    path = tmp_path / "events.xml"
    rows = [{**ROW, "depth_km": 8.5, "magnitude": 2.5, "event_type": "eq"}]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tables.write_events(tables.event_table(rows), path)
        event = obspy.read_events(str(path), format="QUAKEML")[0]
    assert event.event_type == "earthquake"
    assert event.preferred_origin().depth == 8500
    assert event.preferred_magnitude().mag == 2.5
    before = path.read_bytes()
    tables.write_events(tables.read_events(path), path)
    assert path.read_bytes() == before


def test_pickles_are_not_opened(tmp_path, monkeypatch):
    for name in ("load", "loads", "Unpickler"):
        monkeypatch.setattr(pickle, name, None)
    path = tmp_path / "events.xml"
    path.write_bytes(pickle.dumps(Catalog()))
    with pytest.raises(ValueError, match="not a whole QuakeML file"):
        tables.read_events(path)
    path.write_text("<q:quakeml")
    with pytest.raises(ValueError, match=r"events\.xml"):
        tables.read_events(path)
