"""Picks for PyOcto and GaMMA."""

from datetime import datetime

import numpy as np
import pandas as pd
import pytest

from seisbench_diting import tables

PICKS = tables.pick_table(
    [
        {
            "station_id": f"AA.B{i % 3}.0{i % 2}",
            "phase": tables.PHASES[i],
            "time": f"2024-02-29T23:59:59.{999_990 + i}Z",
            "probability": i / 7,
            "amplitude": np.nan if i == 3 else i / 3,
        }
        for i in range(6)
    ]
)


def test_pyocto():
    frame = tables.to_pyocto(PICKS)

    assert list(frame) == ["station", "phase", "time", "probability"]
    assert list(frame["phase"]) == ["P", "S", "P", "S", "P", "S"]
    assert frame["time"].dtype == np.float64
    assert frame["time"][1] == pytest.approx(1709251199.999991, abs=3e-7)
    assert list(frame["station"]) == list(PICKS["station_id"])

    found = tables.pick_table(frame.assign(event_idx=3))
    for name in ("station_id", "time", "probability"):
        pd.testing.assert_series_equal(found[name], PICKS[name])
    assert list(found["phase"]) == list(frame["phase"])
    assert set(tables.pick_table(frame.iloc[:, :3])["probability"]) == {1.0}


def test_gamma():
    frame = tables.to_gamma(PICKS)

    assert list(frame) == ["id", "timestamp", "type", "prob", "amp"]
    assert list(frame["type"]) == ["p", "s", "p", "s", "p", "s"]
    found = tables.pick_table(frame)
    for name in ("station_id", "time", "probability", "amplitude"):
        pd.testing.assert_series_equal(found[name], PICKS[name])


def test_wrong_frames():
    with pytest.raises(ValueError, match=r"no column time or timestamp"):
        tables.pick_table(tables.to_pyocto(PICKS).drop(columns="time"))
    with pytest.raises(ValueError, match=r"picks\['time'\]"):
        tables.pick_table(tables.to_pyocto(PICKS).assign(time=np.nan))
    with pytest.raises(ValueError, match=r"picks\['phase'\]"):
        tables.pick_table(tables.to_gamma(PICKS).assign(type="x"))


def test_tables_with_short_names_of_stations(tmp_path):
    files = {
        "a.gamma.csv": "id,timestamp,type,prob\nSX.M,2018-01-02 08:25:31.98,p,0.4\n",
        "b.csv": "id,timestamp,type,prob\nSX.M,2018-01-02 08:25:31.98,p,0.4\n",
        "a.pyocto.csv": "station,phase,time,probability\nSX.M,P,1514881531.98,0.4\n",
    }
    row = {"station_id": "SX.M.", "phase": "P", "time": "2018-01-02T08:25:31.98Z"}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
        expected = tables.pick_table([{**row, "probability": 0.4}])
        pd.testing.assert_frame_equal(tables.read_picks(tmp_path / name), expected)


def test_files(tmp_path):
    pieces = [PICKS[:2], PICKS[2:]]
    tables.write_picks(iter(pieces), tmp_path / "run.2024.gamma.csv")
    tables.write_picks(iter(pieces), tmp_path / "run.2024.pyocto.csv")

    gamma = pd.read_csv(tmp_path / "run.2024.gamma.csv")
    # What GaMMA does with text, on every Python.
    times = [datetime.fromisoformat(text) for text in gamma["timestamp"]]
    assert pd.Timestamp(times[0]) == PICKS["time"][0]
    pd.testing.assert_series_equal(
        tables.read_picks(tmp_path / "run.2024.gamma.csv")["amplitude"],
        PICKS["amplitude"],
    )
    pyocto = pd.read_csv(tmp_path / "run.2024.pyocto.csv", dtype={"station": "str"})
    pd.testing.assert_frame_equal(pyocto, tables.to_pyocto(PICKS), check_exact=True)
    found = tables.read_picks(tmp_path / "run.2024.pyocto.csv")
    assert list(found["time"]) == list(PICKS["time"])
