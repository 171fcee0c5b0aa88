"""Associations in the published text."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from made_associations import associations, made

from seisbench_diting import tables

HEADER = """\
##EVENT,TIME,LAT,LON,DEP
##PHASE,TIME,LAT,LON,TYPE,PROB,STATION,DIST,DELTA,ERROR
"""
ORDER = "##seisbench-diting: LAT before LON\n"
EVENT = "#EVENT,2022-04-09 02:28:38.021000,25.3660,100.6492,0.0000\n"
PICK = (
    "PHASE,2022-04-09 02:28:40.249700,25.2658,100.5690,P,0.958,MD.01311,13.753,2.229,"
    "-0.139\n"
)


@pytest.fixture
def read(tmp_path):
    def read(text, **options):
        (tmp_path / "text").write_text(text)
        return tables.read_association(tmp_path / "text", **options)

    return read


@pytest.fixture
def write(tmp_path_factory):
    def write(*association):
        path = tmp_path_factory.mktemp("text") / "a.txt"
        tables.write_association(association[0], association[1], path, *association[2:])
        return path.read_text()

    return write


def test_the_published_text(read, write):
    events, picks = read(HEADER + EVENT + PICK)

    event, pick = events.iloc[0], picks.iloc[0]
    assert event["event_id"] == pick["event_id"] == "20220409T022838.021000"
    assert event["time"] == pd.Timestamp("2022-04-09T02:28:38.021Z")
    assert tuple(event[["latitude", "longitude"]]) == (25.366, 100.6492)
    assert event["depth_km"] == 0
    assert (pick["station_id"], pick["phase"]) == ("MD.01311.", "P")
    assert (pick["probability"], pick["residual_s"]) == (0.958, -0.139)
    assert pick["epicentral_distance_km"] == 13.753
    assert pick["theoretical_time"] == pd.Timestamp("2022-04-09T02:28:40.3887Z")
    assert np.isnan(pick["azimuth_deg"])

    stations = pd.DataFrame(
        {"station_id": ["MD.01311"], "latitude": 25.2658, "longitude": 100.569}
    )
    ours = write(events, picks, stations)
    assert ours == HEADER + ORDER + EVENT + PICK


@settings(max_examples=40, deadline=None)
@given(association=associations())
def test_text_comes_back_rounded(association, tmp_path_factory):
    events, picks = association
    path = tmp_path_factory.mktemp("text") / "a.txt"
    tables.write_association(events, picks, path)
    lines = path.read_text().splitlines()
    found, assigned = tables.read_association(path)

    names = dict(
        zip(events["event_id"], tables.event_names(events["time"]), strict=True)
    )
    places = ["latitude", "longitude", "depth_km"]
    assert list(found["event_id"]) == list(names.values())
    assert list(found["time"]) == list(events["time"])
    np.testing.assert_allclose(found[places], events[places], rtol=0, atol=5.1e-5)
    # Rows of one time, station and phase, are in the order of their events.
    order = ["time", "station_id", "phase", "event_id"]
    assigned = assigned.sort_values(order, ignore_index=True)
    picks = picks.assign(event_id=picks["event_id"].map(names))
    picks = picks.sort_values(order, ignore_index=True)
    pd.testing.assert_frame_equal(assigned[order], picks[order])
    rounded = ["probability", "epicentral_distance_km", "residual_s"]
    np.testing.assert_allclose(assigned[rounded], picks[rounded], rtol=0, atol=5.1e-4)
    known = assigned["residual_s"].notna()
    residual = (assigned["time"] - assigned["theoretical_time"]).dt.total_seconds()
    np.testing.assert_allclose(
        residual[known], assigned["residual_s"][known], atol=1e-6
    )
    assert assigned["theoretical_time"][~known].isna().all()
    # What was rounded stays.
    tables.write_association(found, assigned, path)
    again = path.read_text().splitlines()
    assert sorted(line[:60] for line in again) == sorted(line[:60] for line in lines)


def test_stations_that_are_known_and_those_that_are_not(read, write):
    events, picks = made()
    picks["station_id"] = ["MD.A.00", "MD.B.", "MD.C.10"]
    stations = tables.station_table(
        [
            {"station_id": "MD.A", "latitude": 1, "longitude": 359},
            {"station_id": "MD.B.00", "latitude": 2, "longitude": 179.99999},
        ]
    )
    text = write(events, picks, stations)
    lines = text.splitlines()
    places = [",".join(x.split(",")[2:4]) for x in lines if x.startswith("PHASE")]
    assert places == ["1.0000,-1.0000", "2.0000,180.0000", "nan,nan"]
    names = [x.split(",")[6] for x in lines if x.startswith("PHASE")]
    assert names == ["MD.A.00", "MD.B", "MD.C.10"]
    assert list(read(text)[1]["station_id"]) == [
        "MD.A.00",
        "MD.B.",
        "MD.C.10",
    ]

    stations = pd.concat([stations, stations.iloc[1:].assign(latitude=9)])
    stations["station_id"] = ["MD.A.", "MD.B.00", "MD.B.10"]
    with pytest.raises(ValueError, match=r"MD\.B\.00, MD\.B\.10 are at several places"):
        write(events, picks, stations)


def _swapped(text):
    lines = [line.split(",") for line in text.splitlines()]
    for fields in lines:
        if not fields[0].startswith("##"):
            fields[2], fields[3] = fields[3], fields[2]
    return "\n".join(map(",".join, lines))


class TestOrder:
    @pytest.mark.parametrize("lonlat", [None, True])
    def test_longitudes_that_come_first(self, lonlat, read):
        events, picks = read(_swapped(HEADER + EVENT + PICK), lonlat=lonlat)
        expected = read(HEADER + EVENT + PICK, lonlat=None if lonlat is None else False)
        pd.testing.assert_frame_equal(events, expected[0])
        pd.testing.assert_frame_equal(picks, expected[1])

    def test_one_line_tells_for_all(self, read):
        text = HEADER + EVENT.replace("100.6492", "89.9") + PICK
        events, _ = read(_swapped(text))
        assert tuple(events.loc[0, ["latitude", "longitude"]]) == (25.366, 89.9)
        # That an event can't be told by itself, but by its station, holds for both.
        assert read(text)[0].equals(events)

    def test_nothing_tells(self, read):
        event = EVENT.replace("100.6492", "13.2")
        with pytest.raises(ValueError, match=r"text.* lonlat=True \(--"):
            read(HEADER + event)
        for lonlat, expected in [(True, (13.2, 25.366)), (False, (25.366, 13.2))]:
            events, _ = read(HEADER + event, lonlat=lonlat)
            assert tuple(events.loc[0, ["latitude", "longitude"]]) == expected
        events, _ = read(HEADER + ORDER + event)
        assert events["latitude"][0] == 25.366

    def test_longitudes_to_360(self, read):
        events, _ = read(HEADER + EVENT.replace("100.6492", "350"))
        assert events["longitude"][0] == -10

    @pytest.mark.parametrize("lonlat", [None, True, False])
    def test_lines_that_contradict_each_other(self, lonlat, read):
        with pytest.raises(
            ValueError, match="line 4 has the longitude first and line 3"
        ):
            read(HEADER + EVENT + _swapped(PICK), lonlat=lonlat)

    def test_an_order_that_is_contradicted(self, read):
        with pytest.raises(ValueError, match=r"lonlat=True contradicts line 3"):
            read(HEADER + EVENT, lonlat=True)
        with pytest.raises(ValueError, match=r"lonlat=False contradicts line 3"):
            read(HEADER + _swapped(EVENT), lonlat=False)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (HEADER + PICK + EVENT, 3),
        (EVENT + PICK.replace(",-0.139", ""), 2),
        (EVENT + PICK.replace(",P,", ",Pk,"), 2),
        (EVENT + PICK.replace("MD.01311", "01311"), 2),
        (EVENT + PICK.replace("2022-04-09 02:28:40.249700", ""), 2),
        (EVENT + PICK.replace("0.958", "high"), 2),
        ("\n" + EVENT.replace(",0.0000", ""), 2),
        (EVENT.replace("2022", "MMXXII"), 1),
        (HEADER + EVENT[1:], 3),
    ],
)
def test_lines_that_are_wrong(text, number, read):
    with pytest.raises(ValueError, match=f"line {number} holds"):
        read(text)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("25.3660", "nan", r"text: events\['latitude'\] must be"),
        (",0.0000", ",9999", r"text: events\['depth_km'\] must be"),
        ("0.958", "1.5", r"text: picks\['probability'\] must be from 0 to 1"),
    ],
)
def test_impossible_values(old, new, message, read):
    with pytest.raises(ValueError, match=message):
        read((EVENT + PICK).replace(old, new))


def test_events_of_one_time_have_names_that_differ(read):
    events, picks = read(HEADER + (EVENT + PICK) * 2 + EVENT)
    name = "20220409T022838.021000"
    assert list(events["event_id"]) == [name, f"{name}-2", f"{name}-3"]
    assert list(picks["event_id"]) == [name, f"{name}-2"]


def test_further_fields_comments_and_unknown_depths(read):
    event = EVENT.replace(",0.0000", ",nan,more")
    events, picks = read("# by me\n" + event + "\n## a\n" + PICK.strip() + ",more\n")
    assert np.isnan(events["depth_km"][0])
    assert len(picks) == 1


@pytest.mark.parametrize("name", ["MD.A B.", "MD.A,B.", "MD..00"])
def test_stations_that_the_text_cannot_hold(name, tmp_path):
    events, picks = made()
    picks["station_id"] = name
    with pytest.raises(ValueError, match=rf"station_id.*holds '{name}'"):
        tables.write_association(events, picks, tmp_path / "a.txt")
    assert list(tmp_path.iterdir()) == []
