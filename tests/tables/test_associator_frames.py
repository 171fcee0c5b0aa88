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

    found = tables.from_pyocto(frame.assign(event_idx=3))
    for name in ("station_id", "time", "probability"):
        pd.testing.assert_series_equal(found[name], PICKS[name])
    assert list(found["phase"]) == list(frame["phase"])
    assert set(tables.from_pyocto(frame.iloc[:, :3])["probability"]) == {1.0}


def test_gamma():
    frame = tables.to_gamma(PICKS)

    assert list(frame) == ["id", "timestamp", "type", "prob", "amp"]
    assert list(frame["type"]) == ["p", "s", "p", "s", "p", "s"]
    found = tables.from_gamma(frame)
    for name in ("station_id", "time", "probability", "amplitude"):
        pd.testing.assert_series_equal(found[name], PICKS[name])


def test_wrong_frames():
    with pytest.raises(ValueError, match="frame has no column time"):
        tables.from_pyocto(tables.to_pyocto(PICKS).drop(columns="time"))
    with pytest.raises(ValueError, match=r"frame\['time'\] must be seconds"):
        tables.from_pyocto(tables.to_pyocto(PICKS).assign(time=np.nan))
    with pytest.raises(ValueError, match=r"picks\['phase'\] must be one of"):
        tables.from_gamma(tables.to_gamma(PICKS).assign(type="x"))


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
