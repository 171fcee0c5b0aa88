"""Tables of picks of streams, their quality, and what is said of problems."""

import numpy as np
import obspy
import pandas as pd
import pytest
import seisbench
from archives import assert_same_picks, make_inventory

from seisbench_diting.data import open_dataset
from seisbench_diting.generate import DiTingBatches
from seisbench_diting.models import LPPNM
from seisbench_diting.picking import pick_stream
from seisbench_diting.picking.pick_settings import PickOptions
from seisbench_diting.picking.stream_picks import measure, pick_waveforms
from seisbench_diting.plots import plot_picks
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


def test_thresholds_and_separation(published, cx_pb01):
    model = published("RNN", "csn_pnsn")
    start = cx_pb01[0].stats.starttime
    stream = cx_pb01.slice(start, start + 3600)

    table = pick_stream(stream, model, threshold=0.6, min_separation=30)

    arguments = {f"{phase}_threshold": 0.6 for phase in ("Pg", "Sg", "Pn", "Sn")}
    assert_same_picks(
        table, model.classify(stream, min_separation=30, **arguments).picks
    )
    assert set(table["phase"]) <= {"Pg", "Sg", "Pn", "Sn"}
    assert table["probability"].min() >= 0.6


def test_models_of_seisbench(reference, event_record):
    import seisbench.models as sbm

    model = sbm.PhaseNet.load(
        str(reference / "peers" / "phasenet" / "volpick"), version_str="1"
    )
    table = pick_stream(event_record, model)

    expected = model.classify(event_record, P_threshold=0.3, S_threshold=0.3).picks
    assert_same_picks(table, expected)
    assert table["snr"].notna().all()


def test_no_picks_problems_and_impossible_options(fast, event_record):
    assert len(pick_stream(obspy.Stream(), fast)) == 0
    with pytest.warns(UserWarning, match="X1.53085.*no SNR and amplitude"):
        pick_stream(event_record, fast, bandpass=(60, 70))
    for wrong in ({"treshold": 0.2}, {"threshold": 2}):
        with pytest.raises((TypeError, ValueError), match="threshold"):
            pick_stream(obspy.Stream(), fast, **wrong)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: pick_stream(None), "stream"),
        (lambda: pick_stream(obspy.Stream(), model=3), "model"),
        (lambda: plot_picks(None, []), "stream"),
        (lambda: LPPNM(in_samples="x"), "in_samples"),
        (lambda: DiTingBatches("x"), "dataset"),
        (lambda: open_dataset(None), "data"),
    ],
)
def test_wrong_types_are_named(call, name):
    with pytest.raises((TypeError, ValueError), match=f"^{name}"):
        call()


RATE = 100.0


def measured(trace, times, inventory=None, **options):
    return measure([trace], np.asarray(times), PickOptions(**options), inventory)


def step(at: float, quiet: float = 1.0, loud: float = 8.0) -> obspy.Trace:
    """Noise of 5 Hz that becomes louder at a time, on a large offset."""
    time = np.arange(20_000) / RATE
    data = np.sin(2 * np.pi * 5 * time) * np.where(time < at, quiet, loud) + 1e6
    header = {"sampling_rate": RATE, "network": "XX", "station": "A", "channel": "HHZ"}
    return obspy.Trace(data, header)


def test_snr_and_amplitude_of_a_step():
    times = np.array([round(100.0 * 1e9)])

    snr, amplitude, problems = measured(step(100.0), times)

    # The filter needs a moment to follow.
    assert snr[0] == pytest.approx(8, rel=0.15)
    assert amplitude[0] == pytest.approx(8, rel=0.15)
    assert problems == []


def test_a_pick_is_measured_the_same_with_others_around_it():
    trace = step(100.0)
    many = np.arange(1, 199, 3) * 10**9

    together = measured(trace, many)[:2]

    alone = [measured(trace, many[i : i + 1])[:2] for i in range(len(many))]
    np.testing.assert_allclose(together[0], [a[0][0] for a in alone], rtol=1e-3)
    np.testing.assert_allclose(together[1], [a[1][0] for a in alone], rtol=1e-3)


def test_picks_without_data_around_them():
    trace = step(100.0)
    times = np.array([-5.0, 0.1, 100.0, 199.9, 300.0]) * 1e9

    snr, amplitude, _ = measured(trace, times.astype(np.int64))

    assert np.isfinite(snr).tolist() == [False, False, True, False, False]
    assert np.isfinite(amplitude).tolist() == [False, True, True, True, False]
    trace.data[:] = 3
    snr, amplitude, _ = measured(trace, [100 * 10**9])
    assert np.isnan(snr[0])
    assert amplitude[0] == 0


def test_bands_beyond_the_sampling_rate():
    trace = step(100.0)
    trace.stats.sampling_rate = 20.0
    time = np.array([500 * 10**9])

    snr, _, problems = measured(trace, time)
    assert np.isfinite(snr[0])
    assert problems == []
    snr, _, (problem,) = measured(trace, time, bandpass=(9.5, 12.0))
    assert np.isnan(snr[0])
    assert "20 Hz" in problem


def test_a_station_without_response_has_no_amplitude():
    inventory = make_inventory("XX", "B", "", "HHZ", 2e9)
    _, amplitude, (problem,) = measured(step(100.0), [100 * 10**9], inventory)
    assert np.isnan(amplitude[0])
    assert "XX.A..HHZ" in problem


def test_warnings_are_told_in_the_table_of_problems_and_not_shown(fast, caplog):
    options = PickOptions(model=fast)
    stream = obspy.read()[:2]

    picked = pick_waveforms(stream, fast, options, None, [])
    seisbench.logger.warning("outside")

    assert any("has no component" in reason for _, reason in picked.problems)
    assert caplog.messages == ["outside"]
