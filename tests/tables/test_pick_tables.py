"""Pick tables: what they hold, and that files give them back."""

import obspy
import pandas as pd
import pytest
import seisbench.util as sbu

from seisbench_diting import tables

PUBLISHED = """\
##phase,relative_time_s,probability,time_utc,snr,amplitude,station,...
#path/to/file
Pg,96.300,0.403,2012-07-27 00:00:29.925000,5.782,7809.24,X1.53085
Sg,122.470,0.334,2012-07-27 00:00:56.095000,2.780,13117.51,X1.53085,more,fields
"""

ROW = {
    "station_id": "NA.AB.00",
    "phase": "P",
    "time": "2024-02-29T23:59:59.999999Z",
    "probability": 0.5,
}


def test_the_published_text(tmp_path):
    path = tmp_path / "picks.txt"
    path.write_text(PUBLISHED)
    picks = tables.read_picks(path)

    assert list(picks["phase"]) == ["Pg", "Sg"]
    assert set(picks["station_id"]) == {"X1.53085."}
    assert set(picks["record"]) == {"path/to/file"}
    assert picks["time"][1] == pd.Timestamp("2012-07-27 00:00:56.095", tz="UTC")
    assert picks["snr"][0] == 5.782
    tables.write_picks(picks, path)
    assert path.read_text().splitlines()[1:3] == PUBLISHED.splitlines()[1:3]


@pytest.mark.parametrize(
    ("line", "holds"),
    [
        ("Pg,1,2", "Pg,1,2"),
        ("Pk,1,0.5,2012-07-27 00:00:29,1,1,X1.A", "Pk"),
        ("Pg,1,0.5,2012-07-27 00:00:29,1,1,A", "A"),
        ("Pg,1,0.5,yesterday,1,1,X1.A", "yesterday"),
        ("Pg,one,0.5,2012-07-27 00:00:29,1,1,X1.A", "one"),
    ],
)
def test_lines_that_are_no_picks(line, holds, tmp_path):
    path = tmp_path / "picks.txt"
    path.write_text(f"#record\n{line}\n")
    with pytest.raises(ValueError, match=f"picks.txt.*line 2 holds '{holds}'"):
        tables.read_picks(path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("phase", "Pk"),
        ("probability", 1.5),
        ("probability", "high"),
        ("probability", None),
        ("time", None),
        ("time", "noon"),
        ("station_id", "AB"),
    ],
)
def test_impossible_picks(name, value):
    with pytest.raises(ValueError, match=rf"picks\['{name}'\].*row 1 holds"):
        tables.pick_table([ROW, {**ROW, name: value}])


def test_other_columns_are_ignored():
    picks = tables.pick_table([{**ROW, "network": "NA", "quality": 3}])
    pd.testing.assert_frame_equal(picks, tables.pick_table([ROW]))


def test_what_a_table_holds():
    picks = tables.pick_table([{**ROW, "phase": "S"}, ROW])
    assert {name: str(kind) for name, kind in picks.dtypes.items()} == tables.COLUMNS
    assert list(picks["phase"]) == ["P", "S"]
    assert list(tables.pick_table([])) == list(tables.COLUMNS)
    with pytest.raises(ValueError, match="picks has no column time"):
        tables.pick_table([{k: v for k, v in ROW.items() if k != "time"}])

    of_event = tables.pick_table([{**ROW, "event_id": "one"}])
    assert list(of_event) == [*tables.COLUMNS, *tables.EVENT_COLUMNS]


def test_picks_that_seisbench_wrote(tmp_path):
    time = obspy.UTCDateTime(2024, 2, 29, 23, 59, 59, 999999)
    picks = sbu.PickList([sbu.Pick("NA.AB.00", time - 1, time + 1, time, 0.5, "P")])
    picks.to_dataframe().to_csv(tmp_path / "picks.csv")
    expected = tables.pick_table([ROW])
    pd.testing.assert_frame_equal(tables.read_picks(tmp_path / "picks.csv"), expected)

    (tmp_path / "other.csv").write_text("network,station\nNA,AB\n")
    with pytest.raises(ValueError, match=r"other\.csv: picks\['station_id'\]"):
        tables.read_picks(tmp_path / "other.csv")


def test_other_endings(tmp_path):
    with pytest.raises(ValueError, match=r"must end in .*\.csv or \.txt or"):
        tables.write_picks(tables.pick_table([ROW]), tmp_path / "picks.doc")
    with pytest.raises(ValueError, match=r"must end in .*\.csv or \.txt or"):
        tables.read_picks(tmp_path / "picks.doc")
