"""Tables of picks, and their files in every format, whole and piece by piece."""

import re
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

ROW = {"station_id": "NA.AB.00", "phase": "P", "probability": 0.5}
ROW |= {"time": "2024-02-29T23:59:59.999999Z"}
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
    sure = tables.pick_table(pd.DataFrame([ROW]).drop(columns="probability"))
    assert list(sure["probability"]) == [1.0]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("phase", "Pk"),
        ("probability", 1.5),
        ("time", "noon"),
        ("station_id", "A.B.C.0"),
    ],
)
def test_errors_of_pick_tables_name_column_row_and_value(name, value):
    with pytest.raises(ValueError, match=rf"picks\['{name}'\].*row 1.*{value}"):
        tables.pick_table([ROW, {**ROW, name: value}])


@settings(max_examples=8, deadline=None)
@given(rows=pick_lists() | pick_lists(event_id=st.sampled_from(["", "a:b/c d"])))
@pytest.mark.parametrize("ending", ["csv", "parquet", "xml", "txt", "gamma.csv"])
def test_every_digit_comes_back(rows, ending, tmp_path_factory):
    """The formats of others have less: of them stations, phases and times are compared."""
    path = tmp_path_factory.mktemp("picks") / f"picks.{ending}"
    picks = tables.pick_table(rows)
    if ending == "xml" and rows:
        picks = tables.pick_table(picks.assign(event_id="a:b/c d"))
    same = list(picks)
    if ending in ("txt", "gamma.csv"):
        same = ["station_id", "phase", "time"]
    if ending == "gamma.csv":
        picks = tables.pick_table(picks.assign(phase=picks["phase"].str[0]))
    for written in (picks, pieces_of(picks, 2)):
        tables.write_picks(written, path)
        assert_same(tables.read_picks(path)[same], picks[same])


@pytest.mark.parametrize("ending", ENDINGS)
class TestEveryFormat:
    def test_leaves_the_old_file_until_the_new_one_is_whole(self, ending, tmp_path):
        path, picks = tmp_path / f"picks.{ending}", for_format(ending, make_picks(40))
        path.write_text("before")

        def broken():
            yield picks[:4]
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            tables.write_picks(broken(), path)
        assert path.read_text() == "before"
        assert [p.name for p in tmp_path.iterdir()] == [path.name]
        tables.write_picks(pieces_of(picks, 4), path)
        pd.testing.assert_frame_equal(tables.read_picks(path), picks)

    def test_no_picks_and_damaged_files(self, ending, tmp_path):
        path = tmp_path / f"picks.{ending}"
        tables.write_picks(iter([]), path)
        pd.testing.assert_frame_equal(tables.read_picks(path), tables.pick_table([]))
        tables.write_picks(for_format(ending, make_picks()), path)
        content = path.read_bytes()
        path.write_bytes(content[: len(content) * 96 // 100])
        if ending.endswith(("csv", "txt")):
            with pytest.warns(tables.LeftOut, match=rf"\.{ending}.*line 1"):
                assert len(tables.read_picks(path)) == 11
        else:
            with pytest.raises(ValueError, match=rf"picks\.{ending}"):
                tables.read_picks(path)
        path.write_bytes(b"\x89PNG\r\n\0\0" * 20)
        with pytest.raises(ValueError, match=rf"picks\.{ending}"):
            tables.read_picks(path)


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
    assert picks["time"][1] == pd.Timestamp("2012-07-27 00:00:56.095", tz="UTC")
    first = picks.loc[0, ["station_id", "record", "snr"]]
    assert tuple(first) == ("X1.53085.", "path/to/file", 5.782)
    tables.write_picks(picks, path)
    assert path.read_text().splitlines()[1:3] == PUBLISHED.splitlines()[1:3]


def test_text_names_a_record_when_it_changes(tmp_path):
    picks = make_picks(6, record=["a", "b", "a", "#a", "b", "b"])
    tables.write_picks(pieces_of(picks, 3), tmp_path / "a.txt")
    lines = (tmp_path / "a.txt").read_text().splitlines()
    assert [line for line in lines if line[0] == "#"][1:] == ["#a", "#b", "# #a", "#b"]


def test_lines_of_text_that_are_not_picks_are_named(tmp_path):
    path = tmp_path / "picks.txt"
    path.write_text("#record\nPg,1,2\n")
    with pytest.raises(ValueError, match=r"picks\.txt.*line 2"):
        tables.read_picks(path)
    path.write_text("#record\n\nPg,one,0.5,2012-07-27,1,1,X1.A\n" + PUBLISHED)
    with pytest.warns(tables.LeftOut, match=r"picks\.txt.*line 3"):
        assert len(tables.read_picks(path)) == 2


def test_picks_that_seisbench_wrote(tmp_path):
    time = obspy.UTCDateTime(2024, 2, 29, 23, 59, 59, 999999)
    picks = sbu.PickList([sbu.Pick("NA.AB.00", time - 1, time + 1, time, 0.5, "P")])
    picks.to_dataframe().to_csv(tmp_path / "picks.csv")
    expected = tables.pick_table([ROW | {"polarity": ""}])
    pd.testing.assert_frame_equal(tables.read_picks(tmp_path / "picks.csv"), expected)


HEADS = "phase_score,phase_type,phase_amp\n"
EQT = "detection_probability,p_arrival_time,p_probability,p_snr,s_arrival_time,"


@pytest.mark.parametrize(
    "text",
    [
        # GaMMA, PyOcto, and somebody.
        "id,timestamp,type,prob\nSX.M,2018-01-02 08:25:31.98,p,0.4\n",
        "event_idx,id,timestamp,prob,type\n-1,SX.M..HH,2018-01-02T08:25:31.980,.4,p\n",
        "station,phase,time,probability\nSX.M,P,1514881531.98,0.4\n",
        "station,phase,time,confidence\nSX.M,P,1514881531.98,0.4\n",
        "Station ID;Phase;Time;Prob\nSX.M.;P;2018-01-02T08:25:31.98Z;0.4\n",
        # PhaseNet, QuakeFlow, SeisBench, and EQTransformer.
        f"file_name,begin_time,station_id,phase_index,phase_time,{HEADS}"
        "f,2018-01-02T08:00:00.000,SX.M..HH,9,2018-01-02T08:25:31.980,0.4,P,\n",
        f"station_id,phase_time,{HEADS}SX.M..HH,2018-01-02T08:25:31.98+00:00,0.4,P,\n",
        ",index,station,time,start_time,end_time,probability,phase\n"
        "0,7,SX.M.,2018-01-02 08:25:31.98,2018-01-02,2018-01-03,0.4,P\n",
        f"file_name,network,station,instrument_type,{EQT}s_probability,s_snr\n"
        "f,SX,M,HH,0.99,2018-01-02 08:25:31.98,0.4,,,,\n",
        # A column id that is a number, and codes in three columns.
        "id,network,station,location,phase,time,prob\n"
        "17,SX,M,--,P,2018-01-02 08:25:31.98,0.4\n",
    ],
)
def test_tables_of_other_programs(text, tmp_path):
    (tmp_path / "picks.csv").write_text(text)
    row = {"station_id": "SX.M.", "phase": "P", "time": "2018-01-02T08:25:31.98Z"}
    expected = tables.pick_table([{**row, "probability": 0.4}])
    pd.testing.assert_frame_equal(tables.read_picks(tmp_path / "picks.csv"), expected)


@pytest.mark.parametrize(
    ("text", "needed"),
    [
        ("fname,itp,tp_prob,its,ts_prob\n", "station_id.*phase.*time.*fname.*itp"),
        ("station,phase,time\nA.B,P,29.02.2024 12:00\n", r"line 2.*29\.02\."),
        ('station,phase,time\nA.B,P,"2020-01-01\n', "line 2"),
    ],
)
def test_tables_that_are_not_picks_are_named(text, needed, tmp_path):
    (tmp_path / "picks.csv").write_text(text)
    with pytest.raises(ValueError, match=rf"picks\.csv: .*{needed}"):
        tables.read_picks(tmp_path / "picks.csv")


@pytest.mark.parametrize(
    ("table", "name", "value"),
    [
        (tables.pick_table, "confidence", 40),
        (tables.event_table, "depth_ft", 4000),
        (tables.station_table, "Elevation (yd)", 300),
    ],
)
def test_columns_that_may_be_meant_are_named(table, name, value):
    row = {"station_id": "A.B", "phase": "P", "time": 2e8}
    row |= {"latitude": 1, "longitude": 2}
    with pytest.warns(UserWarning, match=re.escape(name)):
        assert len(table([row | {name: value}])) == 1


@pytest.mark.parametrize("time", [57.5, 1577836801000.0])
def test_numbers_that_are_no_seconds_since_1970(time, tmp_path):
    times = [time, 1577836801.25]
    rows = pd.DataFrame({"station_id": "A.B", "phase": "P", "time": times})
    rows.to_parquet(tmp_path / "picks.parquet")
    with pytest.warns(tables.LeftOut, match=f"row 0.*time.*{time}"):
        picks = tables.read_picks(tmp_path / "picks.parquet")
    assert list(picks["time"]) == [pd.Timestamp("2020-01-01T00:00:01.25Z")]


@pytest.mark.parametrize("number", [2, 4])
@pytest.mark.parametrize(
    "row",
    [
        "A.B,P,,1",
        "A.B,S,02.01.2020,1",
        "A.B,X,2020-01-01T00,1",
        "A.B,S,2020-01-01T00,2",
        "A.B,P,2020-01-01T00,1,more",
        "A.B,P,20200101000001.500,1",
        "A.B,P,123456.7,1",
        *(f"A.B,P,{x},1" for x in ("now", "2020-02", "2020-01-02", "2020010112")),
        '"A.B,P,2020-01-01,1',
    ],
)
def test_one_wrong_row_is_left_out_and_told(row, number, tmp_path):
    lines = ["", "station,phase,time,prob", *["A.B,P,2020-01-01T00:00:01,1"] * 2]
    lines.insert(number, row)
    (tmp_path / "picks.csv").write_text("\n".join(lines))
    with tables.collected() as told:
        assert len(tables.read_picks(tmp_path / "picks.csv")) == 2
    assert told[0].path == tmp_path / "picks.csv"
    assert list(told[0].rows) == [f"line {number + 1}"]


def test_picks_for_pyocto_and_gamma(tmp_path):
    picks = make_picks(6, phase=tables.PHASES, amplitude=[1.0, np.nan, *range(4)])
    pyocto, gamma = tables.to_pyocto(picks), tables.to_gamma(picks)
    assert list(pyocto) == ["station", "phase", "time", "probability"]
    assert list(gamma) == ["id", "timestamp", "type", "prob", "amp"]
    # GaMMA reads them so, on every Python.
    tables.write_picks(picks, tmp_path / "a.gamma.csv")
    texts = pd.read_csv(tmp_path / "a.gamma.csv")["timestamp"]
    assert pd.Timestamp(datetime.fromisoformat(texts[0])) == picks["time"][0]
    for frame in (pyocto.assign(event_idx=3), gamma):
        found = tables.pick_table(frame)
        for name in ("station_id", "time", "probability"):
            pd.testing.assert_series_equal(found[name], picks[name])
