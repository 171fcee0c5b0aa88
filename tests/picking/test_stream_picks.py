"""Tables of picks of streams, their quality, and what is said of problems."""

import numpy as np
import obspy
import pandas as pd
import pytest
import seisbench.models as sbm
from archives import assert_same_picks

from seisbench_diting.picking import pick_stream
from seisbench_diting.picking.pick_settings import PickOptions
from seisbench_diting.picking.stream_picks import measure
from seisbench_diting.tables import COLUMNS


def test_a_table_of_a_stream(fast, event_record):
    before = event_record.copy()

    table = pick_stream(event_record, fast, record="event")

    assert list(table.columns) == list(COLUMNS)
    assert_same_picks(table, fast.classify(event_record).picks)
    assert event_record == before
    assert set(table["record"]) == {"event"}
    start = pd.Timestamp(event_record[0].stats.starttime.datetime, tz="UTC")
    seconds = (table["time"] - start).dt.total_seconds()
    np.testing.assert_allclose(table["relative_time_s"], seconds, atol=1e-5)


@pytest.mark.parametrize("name", ["RNN/csn_pnsn", "PhaseNet"])
def test_thresholds_and_separation(name, reference, published, event_record):
    if name == "PhaseNet":
        path = reference / "peers" / "phasenet" / "volpick"
        model = sbm.PhaseNet.load(str(path), version_str="1")
    else:
        model = published(*name.split("/"))
    thresholds = {f"{x}_threshold": 0.4 for x in ("P", "S", "Pg", "Sg", "Pn", "Sn")}

    table = pick_stream(event_record, model, threshold=0.4, min_separation=10)

    expected = model.classify(event_record, min_separation=10, **thresholds).picks
    assert_same_picks(table, expected)
    assert table["snr"].notna().all()
    assert table["time_uncertainty_s"].isna().all() == (name == "PhaseNet")


def test_calibrated_picks_are_the_same_picks(event_record, fast, command, tmp_path):
    plain, table = (
        pick_stream(event_record, fast, calibrated=x) for x in (False, True)
    )

    assert_same_picks(table, fast.classify(event_record, calibrated=True).picks)
    same = ["station_id", "phase", "time", "time_uncertainty_s"]
    pd.testing.assert_frame_equal(table[same], plain[same])
    for phase, rows in plain.groupby("phase"):
        calibrated = fast.reliability[phase].calibrated(rows["probability"])
        np.testing.assert_allclose(table["probability"][rows.index], calibrated)
    assert table["time_uncertainty_s"].between(0.01, 0.5).all()
    fast.save(tmp_path / "own")
    own = ("-m", tmp_path / "own", "-o", tmp_path / "out", "--calibrated")
    result = command("pick", tmp_path, *own)
    assert result.status != 0
    assert "--calibrated" in result.errors


def test_no_picks_and_problems(fast, event_record):
    assert len(pick_stream(obspy.Stream(), fast)) == 0
    with pytest.warns(UserWarning, match="X1.53085.*60.*70"):
        pick_stream(event_record, fast, bandpass=(60, 70))


def measured(trace, seconds, inventory=None, **options):
    """SNR and amplitude at some seconds, and the problems."""
    times = (np.asarray(seconds) * 1e9).astype(np.int64)
    return measure([trace], times, PickOptions(**options), inventory)


@pytest.fixture
def trace():
    """5 Hz on a large offset, eight times louder after 100 s."""
    time = np.arange(20_000) / 100
    data = np.sin(2 * np.pi * 5 * time) * np.where(time < 100, 1, 8) + 1e6
    header = {"sampling_rate": 100, "network": "XX", "station": "A", "channel": "HHZ"}
    return obspy.Trace(data, header)


def test_snr_and_amplitude(trace):
    snr, amplitude, problems = measured(trace, [-5.0, 0.1, 100.0, 199.9, 300.0])

    # The filter needs a moment to follow.
    near_one, near_eight = (pytest.approx(x, rel=0.15) for x in (1, 8))
    none = pytest.approx(np.nan, nan_ok=True)
    assert snr.tolist() == [none, none, near_eight, none, none]
    assert amplitude.tolist() == [none, near_one, near_eight, near_eight, none]
    assert problems == []
    trace.data[:] = 3
    snr, amplitude, _ = measured(trace, [100])
    assert np.isnan(snr[0])
    assert amplitude[0] == 0


def test_what_can_not_be_measured_is_a_problem(trace):
    _, amplitude, (problem,) = measured(trace, [100], obspy.read_inventory())
    assert np.isnan(amplitude[0])
    assert "XX.A..HHZ" in problem
    trace.stats.sampling_rate = 20.0
    snr, _, (problem,) = measured(trace, [500], bandpass=(9.5, 12.0))
    assert np.isnan(snr[0])
    assert "20 Hz" in problem
    snr, _, problems = measured(trace, [500])
    assert np.isfinite(snr[0])
    assert problems == []
