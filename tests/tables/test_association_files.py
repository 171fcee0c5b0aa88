"""Associations in files of every format, whole or not there."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from made_associations import associations, made, ordered

from seisbench_diting import tables

ENDINGS = ["events.csv", "events.parquet", "txt", "xml", "quakeml"]
PAIRS = ["csv", "parquet"]


@settings(max_examples=25, deadline=None)
@given(association=associations())
@pytest.mark.parametrize("ending", PAIRS)
def test_every_digit_comes_back(association, ending, tmp_path_factory):
    events, picks = association
    folder = tmp_path_factory.mktemp("association")
    path = folder / f"a.b.events.{ending}"
    tables.write_association(events, picks, path)

    found, assigned = tables.read_association(path)
    pd.testing.assert_frame_equal(found, events, check_exact=True)
    pd.testing.assert_frame_equal(ordered(assigned), ordered(picks), check_exact=True)
    names = [f"a.b.{kind}.{ending}" for kind in ("events", "picks")]
    assert sorted(file.name for file in folder.iterdir()) == names
    pd.testing.assert_frame_equal(tables.read_events(path), events)
    pd.testing.assert_frame_equal(tables.read_picks(folder / names[1]), assigned)


@pytest.mark.parametrize("ending", ENDINGS)
class TestEveryFormat:
    def test_no_events(self, ending, tmp_path):
        path = tmp_path / f"a.{ending}"
        tables.write_association(tables.event_table([]), tables.pick_table([]), path)
        events, picks = tables.read_association(path)
        pd.testing.assert_frame_equal(events, tables.event_table([]))
        pd.testing.assert_frame_equal(picks, tables.assignment_table([]))
        pd.testing.assert_frame_equal(tables.read_events(path), events)

    def test_events_without_picks(self, ending, tmp_path):
        path = tmp_path / f"a.{ending}"
        events, _ = made()
        tables.write_association(events, tables.assignment_table([]), path)
        found, picks = tables.read_association(path)
        assert list(found["time"]) == list(events["time"])
        pd.testing.assert_frame_equal(picks, tables.assignment_table([]))

    def test_tables_that_do_not_belong_together(self, ending, tmp_path):
        events, picks = made()
        with pytest.raises(ValueError, match=r"assignments\['event_id'\]"):
            tables.write_association(events[1:], picks, tmp_path / f"a.{ending}")
        with pytest.raises(FileNotFoundError, match="create the folder"):
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
    tables.write_association(*made(), tmp_path / "A.Events.CSV")
    assert len(tables.read_association(tmp_path / "A.Events.CSV")[1]) == 3


@pytest.mark.parametrize("ending", PAIRS)
def test_pairs_that_are_none(ending, tmp_path):
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


@pytest.mark.parametrize("name", ["a.csv", "a.txt", "a.parquet", "a.xml"])
def test_catalogues_without_picks(name, tmp_path):
    events, _ = made()
    events = events.assign(event_id=["one", "two"])
    tables.write_events(events, tmp_path / name)
    found, picks = tables.read_association(tmp_path / name)
    pd.testing.assert_frame_equal(found, tables.read_events(tmp_path / name))
    pd.testing.assert_frame_equal(picks, tables.assignment_table([]))
    assert ("pick_count" in found) == (name != "a.txt")


def test_text_under_any_name(tmp_path):
    path = tmp_path / "association"
    tables.write_association(*made(), tmp_path / "a.txt")
    (tmp_path / "a.txt").rename(path)
    events, picks = tables.read_association(path)
    assert (len(events), len(picks)) == (2, 3)
    pd.testing.assert_frame_equal(tables.read_events(path), events)

    path.write_text("#EVENT,2022-04-09 02:28:38.021000,25.3660,13.6492,0.0000\n")
    for read in (tables.read_events, tables.read_association):
        with pytest.raises(ValueError, match=r"association.*lonlat"):
            read(path)
    assert tables.read_events(path, lonlat=True)["longitude"][0] == 25.366
    assert tables.read_association(path, lonlat=True)[0]["latitude"][0] == 13.6492


class TestCheck:
    def test_tables_that_belong_together(self):
        events, picks = made()
        found = tables.check_association(events, picks[::-1])
        pd.testing.assert_frame_equal(found[0], events)
        pd.testing.assert_frame_equal(found[1], picks)

    def test_picks_of_no_event(self):
        events, picks = made()
        picks.loc[1, "event_id"] = ""
        with pytest.raises(
            ValueError, match=r"assignments\['event_id'\].*row 1 holds ''"
        ):
            tables.check_association(events, picks)
        without = picks[list(tables.COLUMNS)]
        with pytest.raises(ValueError, match="no column event_id"):
            tables.check_association(events, without)

    @pytest.mark.parametrize("phase", ["P", "Pg", "Pn"])
    def test_picks_of_several_events(self, phase):
        events, picks = made()
        other = picks[:1].assign(event_id="event 1", phase=phase)
        message = (
            r"P pick of MD\.01310\. at 2022-04-09T02:28:40\.249700\+00:00.*'event "
        )
        with pytest.raises(ValueError, match=message):
            tables.check_association(events, pd.concat([picks, other]))
        # An S pick, or one of another time, is another pick.
        later = other["time"] + pd.Timedelta("1us")
        for others in (other.assign(phase="S"), other.assign(time=later)):
            tables.check_association(events, pd.concat([picks, others]))


def test_columns_of_quality():
    row = {"event_id": "a", "time": "1969-07-20", "latitude": 0, "longitude": 0}
    assert list(tables.event_table([row])) == list(tables.EVENT_TABLE_COLUMNS)
    events = tables.event_table([{**row, "score": 1}, {**row, "event_id": "b"}])
    kinds = {name: str(kind) for name, kind in events.dtypes.items()}
    assert kinds == {**tables.EVENT_TABLE_COLUMNS, **tables.QUALITY_COLUMNS}
    assert events["pick_count"].isna().all()
    assert np.isnan(events["score"][1])

    empty = tables.event_table(pd.DataFrame(columns=["pick_count"]))
    assert list(empty) == list(kinds)
    for name, value in [
        ("pick_count", -1),
        ("both_count", 1.5),
        ("s_count", np.inf),
        ("p_count", "many"),
        ("rms_residual_s", -0.1),
        ("rms_residual_s", np.inf),
        ("azimuthal_gap_deg", 360.1),
    ]:
        with pytest.raises(
            ValueError, match=rf"events\['{name}'\].*row 0 holds {value!r}"
        ):
            tables.event_table([{**row, name: value}])
