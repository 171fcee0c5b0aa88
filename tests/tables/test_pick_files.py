"""Tables of picks, and their files in every format, whole and piece by piece."""

from datetime import datetime

import numpy as np
import obspy
import pandas as pd
import pytest
import seisbench.util as sbu
from hypothesis import given, settings
from hypothesis import strategies as st
from made_associations import assert_same, pick_lists

from seisbench_diting import tables

ROW = {
    "station_id": "NA.AB.00",
    "phase": "P",
    "time": "2024-02-29T23:59:59.999999Z",
    "probability": 0.5,
}
ENDINGS = ("csv", "txt", "parquet", "xml", "quakeml", "pyocto.csv", "gamma.csv")


def make_picks(number=12, **columns):
    times = pd.date_range("2024-02-28T12:00Z", periods=number, freq="6h")
    rows = {"station_id": "AA.B.", "phase": "P", "time": times, "probability": 0.5}
    return tables.pick_table(pd.DataFrame(rows | columns))


def for_format(ending, picks):
    """QuakeML has picks of events only."""
    is_quakeml = ending in ("xml", "quakeml")
    return tables.pick_table(picks.assign(event_id="e")) if is_quakeml else picks


def pieces_of(picks, size):
    return (picks[i : i + size] for i in range(0, len(picks), size))


def test_a_pick_table_has_its_columns_and_is_sorted_by_time_and_phase():
    picks = tables.pick_table([{**ROW, "phase": "S", "quality": 3}, ROW])
    assert {n: str(kind) for n, kind in picks.dtypes.items()} == tables.COLUMNS
    assert list(picks["phase"]) == ["P", "S"]
    of_event = tables.pick_table([{**ROW, "event_id": "one"}])
    assert list(of_event) == [*tables.COLUMNS, *tables.EVENT_COLUMNS]
    # A table without probabilities has 1.
    sure = tables.pick_table([{k: ROW[k] for k in ("station_id", "phase", "time")}])
    assert list(sure["probability"]) == [1.0]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("phase", "Pk"),
        ("probability", 1.5),
        ("probability", None),
        ("time", "noon"),
        ("station_id", "AB"),
    ],
)
def test_errors_of_pick_tables_name_column_row_and_value(name, value):
    with pytest.raises(ValueError, match=rf"picks\['{name}'\].*row 1 holds"):
        tables.pick_table([ROW, {**ROW, name: value}])


@settings(max_examples=8, deadline=None)
@given(rows=pick_lists() | pick_lists(event_id=st.sampled_from(["", "a:b/c d"])))
@pytest.mark.parametrize("ending", ["csv", "parquet", "xml"])
def test_every_digit_comes_back(rows, ending, tmp_path_factory):
    path = tmp_path_factory.mktemp("picks") / f"picks.{ending}"
    picks = tables.pick_table(rows)
    if ending == "xml" and rows:
        picks = tables.pick_table(picks.assign(event_id="a:b/c d"))
    for written in (picks, pieces_of(picks, 2)):
        tables.write_picks(written, path)
        assert_same(tables.read_picks(path), picks)


@pytest.mark.parametrize("ending", ENDINGS)
class TestEveryFormat:
    def test_takes_pieces_one_at_a_time(self, ending, tmp_path):
        path = tmp_path / f"picks.{ending}"
        picks = for_format(ending, make_picks(40))

        def pieces():
            for piece in pieces_of(picks, 4):
                # The file appears when it is complete.
                assert not path.exists()
                yield piece

        tables.write_picks(pieces(), path)
        pd.testing.assert_frame_equal(tables.read_picks(path), picks)

    @pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
    def test_leaves_the_old_file_when_interrupted(self, ending, error, tmp_path):
        def pieces():
            yield for_format(ending, make_picks(3))
            raise error

        path = tmp_path / f"picks.{ending}"
        path.write_text("before")
        with pytest.raises(error):
            tables.write_picks(pieces(), path)
        assert [p.name for p in tmp_path.iterdir()] == [path.name]
        assert path.read_text() == "before"

    def test_no_picks_and_damaged_files(self, ending, tmp_path):
        path = tmp_path / f"picks.{ending}"
        tables.write_picks(iter([]), path)
        pd.testing.assert_frame_equal(tables.read_picks(path), tables.pick_table([]))
        tables.write_picks(for_format(ending, make_picks()), path)
        content = path.read_bytes()
        for damaged in (content[: len(content) * 96 // 100], b"\x89PNG\r\n\0\0" * 20):
            path.write_bytes(damaged)
            with pytest.raises(ValueError, match=rf"picks\.{ending}"):
                tables.read_picks(path)


def test_parquet_has_types_and_a_group_for_each_piece(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    tables.write_picks(pieces_of(make_picks(), 4), tmp_path / "picks.parquet")

    file = parquet.ParquetFile(tmp_path / "picks.parquet")
    assert file.num_row_groups == 3
    kinds = {field.name: str(field.type) for field in file.schema_arrow}
    assert kinds["time"] == "timestamp[us, tz=UTC]"
    assert kinds["snr"] == "double"


PUBLISHED = """\
##phase,relative_time_s,probability,time_utc,snr,amplitude,station,...
#path/to/file
Pg,96.300,0.403,2012-07-27 00:00:29.925000,5.782,7809.24,X1.53085
Sg,122.470,0.334,2012-07-27 00:00:56.095000,2.780,13117.51,X1.53085,more,fields
"""


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


@pytest.mark.parametrize("line", ["Pg,1,2", PUBLISHED[-70:].replace("2012", "noon")])
def test_lines_of_text_that_are_not_picks_are_named(line, tmp_path):
    (tmp_path / "picks.txt").write_text(f"#record\n{line}\n")
    with pytest.raises(ValueError, match=r"picks\.txt.*line 2"):
        tables.read_picks(tmp_path / "picks.txt")


def test_text_names_a_record_when_it_changes(tmp_path):
    picks = make_picks(6, record=["a", "b", "a", "#a", "b", "b"])
    tables.write_picks(pieces_of(picks, 3), tmp_path / "a.txt")
    lines = (tmp_path / "a.txt").read_text().splitlines()
    assert [line for line in lines if line[0] == "#"][1:] == ["#a", "#b", "# #a", "#b"]


def test_picks_that_seisbench_wrote(tmp_path):
    time = obspy.UTCDateTime(2024, 2, 29, 23, 59, 59, 999999)
    picks = sbu.PickList([sbu.Pick("NA.AB.00", time - 1, time + 1, time, 0.5, "P")])
    picks.to_dataframe().to_csv(tmp_path / "picks.csv")
    expected = tables.pick_table([ROW])
    pd.testing.assert_frame_equal(tables.read_picks(tmp_path / "picks.csv"), expected)


@pytest.mark.parametrize(
    "text",
    [
        "id,timestamp,type,prob\nSX.M,2018-01-02 08:25:31.98,p,0.4\n",
        "station,phase,time,probability\nSX.M,P,1514881531.98,0.4\n",
    ],
)
def test_tables_of_other_programs(text, tmp_path):
    (tmp_path / "picks.csv").write_text(text)
    row = {"station_id": "SX.M.", "phase": "P", "time": "2018-01-02T08:25:31.98Z"}
    expected = tables.pick_table([{**row, "probability": 0.4}])
    pd.testing.assert_frame_equal(tables.read_picks(tmp_path / "picks.csv"), expected)


def test_picks_for_pyocto_and_gamma(tmp_path):
    picks = make_picks(6, phase=tables.PHASES, amplitude=[1.0, np.nan, *range(4)])
    pyocto, gamma = tables.to_pyocto(picks), tables.to_gamma(picks)
    assert list(pyocto) == ["station", "phase", "time", "probability"]
    assert list(pyocto["phase"]) == ["P", "S"] * 3
    assert list(gamma) == ["id", "timestamp", "type", "prob", "amp"]
    # GaMMA reads them so, on every Python.
    tables.write_picks(picks, tmp_path / "a.gamma.csv")
    texts = pd.read_csv(tmp_path / "a.gamma.csv")["timestamp"]
    assert pd.Timestamp(datetime.fromisoformat(texts[0])) == picks["time"][0]
    for frame in (pyocto.assign(event_idx=3), gamma):
        found = tables.pick_table(frame)
        for name in ("station_id", "time", "probability"):
            pd.testing.assert_series_equal(found[name], picks[name])
