"""Folders of picks for REAL."""

import numpy as np
import pandas as pd
import pytest

from seisbench_diting import tables
from seisbench_diting.tables.associators import MARKER

ROWS = [
    ("IV.ARRO.01", "Pg", "2016-10-14T00:00:16.7", 0.645, 2.541e-07),
    ("IV.ARRO.00", "Pn", "2016-10-14T00:00:16.8", 0.5, np.nan),
    ("IV.ARRO.", "P", "2016-10-14T23:59:59.999999", 1.0, 3.0),
    (".NRCA.", "Sn", "2016-10-15T00:00:00", 0.25, 0.1),
    ("IV.ARRO.", "Sg", "2016-10-15T12:00:00", 0.1 + 0.2, 1e9),
]
FILES = {
    "20161014/IV.ARRO.P.txt": "16.700000 0.645 2.541e-07\n16.800000 0.5 0.0\n"
    "86399.999999 1.0 3.0\n",
    "20161014/IV.ARRO.S.txt": "",
    "20161015/--.NRCA.P.txt": "",
    "20161015/--.NRCA.S.txt": "0.000000 0.25 0.1\n",
    "20161015/IV.ARRO.P.txt": "",
    "20161015/IV.ARRO.S.txt": "43200.000000 0.30000000000000004 1000000000.0\n",
}


def make_picks(rows=ROWS):
    names = ["station_id", "phase", "time", "probability", "amplitude"]
    return tables.pick_table(pd.DataFrame(rows, columns=names))


def files_in(folder):
    files = folder.rglob("*.txt")
    return {str(path.relative_to(folder)): path.read_text() for path in files}


@pytest.mark.parametrize("size", [1, 2, 5])
def test_a_folder_for_each_day(size, tmp_path):
    folder, picks = tmp_path / "real", make_picks()
    tables.write_real((picks[i : i + size] for i in range(0, 5, size)), folder)
    assert files_in(folder) == FILES

    found = tables.read_real(folder)
    known = picks.assign(
        station_id=picks["station_id"].str.replace("[0-9]", "", regex=True),
        phase=picks["phase"].str[0],
    )
    pd.testing.assert_frame_equal(found, known, check_exact=True)
    day = tables.read_real(folder / "20161015")
    pd.testing.assert_frame_equal(day, found[3:].reset_index(drop=True))


def test_its_own_folders_are_replaced_whole_or_not_at_all(tmp_path):
    folder = tmp_path / "real"

    def pieces():
        yield make_picks(ROWS[:1])
        raise KeyboardInterrupt

    tables.write_real(make_picks(), folder)
    with pytest.raises(KeyboardInterrupt):
        tables.write_real(pieces(), folder)
    assert files_in(folder) == FILES
    assert [path.name for path in tmp_path.iterdir()] == ["real"]
    tables.write_real(make_picks(ROWS[:1]), folder)
    assert len(files_in(folder)) == 2
    tables.write_real([], folder)
    assert [path.name for path in folder.iterdir()] == [MARKER]
    assert len(tables.read_real(folder)) == 0


def test_other_files_are_left_alone(tmp_path):
    foreign = tmp_path / "20161014" / "IV.ARRO.P.txt"
    foreign.parent.mkdir()
    foreign.write_text("1 1 1\n")
    for path in (foreign, foreign.parent):
        with pytest.raises(FileExistsError, match=r"IV\.ARRO\.P\.txt"):
            tables.write_real(make_picks(), path)

    folder = tmp_path / "real"
    tables.write_real(make_picks(), folder)
    (folder / "20161014" / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError, match=r"notes\.txt"):
        tables.write_real(make_picks(), folder)
    assert (folder / "20161014" / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("code", ["AA./etc/x.", "AA.a\\b.", "AA..", "AA.x%2F."])
def test_codes_that_are_not_names_of_files(code, tmp_path):
    tables.write_real(make_picks([(code, *ROWS[0][1:])]), tmp_path / "real")
    assert list(tables.read_real(tmp_path / "real")["station_id"]) == [code]
    assert [path.name for path in tmp_path.iterdir()] == ["real"]


def test_folders_of_others(tmp_path):
    day = tmp_path / "20161014"
    day.mkdir()
    (day / "IV.T1204.P.txt").write_text("   16.70  0.6450 0.0\n\n-3.5 0.9 1\n")
    (day / "IV.T1204.S.txt").write_text("1 0.5 0\nnan 0.5 0\n")
    (day / "readme").write_text("anything")
    with pytest.warns(tables.LeftOut, match=r"S\.txt.*line 2"):
        picks = tables.read_real(tmp_path)
    seconds = (picks["time"] - pd.Timestamp("2016-10-14", tz="UTC")).dt.total_seconds()
    assert list(seconds) == [-3.5, 1, 16.7]
    assert list(picks["amplitude"].isna()) == [False, True, True]
    (day / "IV.T1204.S.txt").write_text("a 0.5 0\n")
    with pytest.raises(ValueError, match=r"S\.txt.*line 1"):
        tables.read_real(tmp_path)
