"""The published catalogue, and the published text of associations."""

import numpy as np
import pandas as pd
import pytest
from made_associations import made

from seisbench_diting import tables

CATALOGUE = (
    "#EVENT YN.202001312039.0002 eq 2020 01 31 031 12 39 09 110000 LOC   98.035   "
    "24.514 DEP     NONE MAG   ML  1.0\n"
)
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
    """Function that reads text as an association."""

    def read(text, **options):
        (tmp_path / "text").write_text(text)
        return tables.read_association(tmp_path / "text", **options)

    return read


def test_the_published_catalogue(read):
    events, _ = read(f"## a comment\n\n{CATALOGUE}PHASE whatever\n# more\n")

    row = {"event_id": "YN.202001312039.0002", "time": "2020-01-31T12:39:09.110Z"}
    row |= {"longitude": 98.035, "latitude": 24.514, "depth_km": np.nan}
    row |= {"magnitude_type": "ML", "magnitude": 1.0, "event_type": "eq"}
    pd.testing.assert_frame_equal(events, tables.event_table([row]))
    # Seconds that were rounded.
    events, _ = read(CATALOGUE.replace("12 39 09 110000", "23 59 60 000000"))
    assert events["time"][0] == pd.Timestamp("2020-02-01T00:00:00Z")


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (CATALOGUE + CATALOGUE.replace("NONE", "deep"), 2),
        (CATALOGUE + CATALOGUE.replace("2020 01 31", "2020 02 31"), 2),
        (HEADER + PICK + EVENT, 3),
        (EVENT + PICK.replace(",-0.139", ""), 2),
        (EVENT + PICK.replace(",P,", ",Pk,"), 2),
        ("\n" + EVENT.replace(",0.0000", ""), 2),
        (EVENT.replace("25.3660", "nan"), 1),
    ],
)
@pytest.mark.filterwarnings("error")
def test_lines_that_are_wrong_are_named(text, number, read):
    """One of several is left out, and one alone is an error."""
    with pytest.raises((ValueError, tables.LeftOut), match=f"line {number}"):
        read(text)


def test_the_published_association(read, tmp_path):
    events, picks = read(HEADER + EVENT + PICK)

    row = {"event_id": "20220409T022838.021000", "time": "2022-04-09T02:28:38.021Z"}
    place = {"latitude": 25.366, "longitude": 100.6492, "depth_km": 0}
    pd.testing.assert_frame_equal(events, tables.event_table([row | place]))
    row |= {"station_id": "MD.01311.", "phase": "P", "probability": 0.958}
    row |= {"time": "2022-04-09T02:28:40.2497Z", "residual_s": -0.139}
    row |= {"theoretical_time": pd.Timestamp("2022-04-09T02:28:40.3887Z")}
    row |= {"epicentral_distance_km": 13.753}
    pd.testing.assert_frame_equal(picks, tables.assignment_table([row]))

    row = {"station_id": "MD.01311", "latitude": 25.2658, "longitude": 100.569}
    tables.write_association(events, picks, tmp_path / "a.txt", pd.DataFrame([row]))
    assert (tmp_path / "a.txt").read_text() == HEADER + ORDER + EVENT + PICK


def test_known_and_unknown_stations(tmp_path):
    events, picks = made()
    picks["station_id"] = ["MD.A.00", "MD.B.", "MD.C.10"]
    rows = [("MD.A", 1, 359), ("MD.B.00", 2, 179.99999)]
    stations = pd.DataFrame(rows, columns=["station_id", "latitude", "longitude"])
    tables.write_association(events, picks, tmp_path / "a.txt", stations)
    lines = [x.split(",") for x in (tmp_path / "a.txt").read_text().splitlines()]
    found = [(x[6], *x[2:4]) for x in lines if x[0] == "PHASE"]
    assert found == [
        ("MD.A.00", "1.0000", "-1.0000"),
        ("MD.B", "2.0000", "180.0000"),
        ("MD.C.10", "nan", "nan"),
    ]
    _, again = tables.read_association(tmp_path / "a.txt")
    assert list(again["station_id"]) == list(picks["station_id"])


@pytest.mark.parametrize("name", ["MD.A B.", "MD.A,%2C.", "MD..00"])
def test_codes_with_blanks_commas_or_nothing_come_back(name, tmp_path):
    events, picks = made()
    picks["station_id"] = name
    tables.write_association(events, picks, tmp_path / "a.txt")
    _, again = tables.read_association(tmp_path / "a.txt")
    assert set(again["station_id"]) == {name}


def _swapped(text):
    lines = [line.split(",") for line in text.splitlines()]
    for fields in lines:
        if not fields[0].startswith("##"):
            fields[2], fields[3] = fields[3], fields[2]
    return "\n".join(map(",".join, lines))


def test_more_fields_comments_unknown_depths_and_equal_times(read):
    event = EVENT.replace(",0.0000", ",nan,more")
    pick = PICK.strip() + ",more\n"
    events, picks = read("# by me\n" + (event + "\n## a\n" + pick) * 2 + EVENT)
    name = "20220409T022838.021000"
    assert list(events["event_id"]) == [name, f"{name}-2", f"{name}-3"]
    assert list(picks["event_id"]) == [name, f"{name}-2"]
    assert events["depth_km"].isna().sum() == 2


class TestOrder:
    """Published files have longitudes under LAT."""

    @pytest.mark.parametrize("lonlat", [None, True])
    def test_a_value_beyond_90_tells(self, lonlat, read):
        text = HEADER + EVENT.replace("100.6492", "89.9") + PICK
        events, picks = read(_swapped(text), lonlat=lonlat)
        expected = read(text, lonlat=None if lonlat is None else False)
        pd.testing.assert_frame_equal(events, expected[0])
        pd.testing.assert_frame_equal(picks, expected[1])
        assert tuple(events.loc[0, ["latitude", "longitude"]]) == (25.366, 89.9)

    def test_without_a_hint_the_order_is_asked_for(self, read):
        event = EVENT.replace("100.6492", "13.2")
        with pytest.raises(ValueError, match=r"lonlat.*text"):
            read(HEADER + event)
        for lonlat, expected in [(True, (13.2, 25.366)), (False, (25.366, 13.2))]:
            events, _ = read(HEADER + event, lonlat=lonlat)
            assert tuple(events.loc[0, ["latitude", "longitude"]]) == expected
        events, _ = read(HEADER + ORDER + event)
        assert events["latitude"][0] == 25.366

    @pytest.mark.parametrize(
        ("text", "lonlat"),
        [
            (HEADER + _swapped(EVENT) + "\n" + PICK, None),
            (HEADER + PICK.replace("PHASE", "#") + EVENT, True),
            (HEADER + "#\n" + _swapped(EVENT), False),
        ],
    )
    def test_lines_that_contradict_are_named(self, text, lonlat, read):
        with pytest.raises(ValueError, match=r"text: .*line 4"):
            read(text, lonlat=lonlat)
