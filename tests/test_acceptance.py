"""Published weights on real records: scores, picks and what they must not depend on."""

import numpy as np
import obspy
import pandas as pd
import pytest

from benchmarks import ncedc, robustness
from benchmarks.common import is_near
from seisbench_diting.weights import weight_sets

pytestmark = pytest.mark.slow

SETS = [entry for entry in weight_sets() if entry.model != "UNetPP"]


@pytest.fixture(autouse=True)
def _needs(reference):
    pass


@pytest.fixture(scope="module")
def records(reference):
    return ncedc.read_records()


@pytest.mark.parametrize("entry", SETS, ids=lambda entry: entry.title)
def test_scores_on_labelled_records(entry, published, records):
    model = published(entry.model, entry.name)

    scores = ncedc.score_windows(model, records)
    for measured, expected in zip(scores, (entry.p, entry.s), strict=True):
        for name in ("precision", "recall", "f1"):
            value = getattr(expected, name)
            assert getattr(measured, name) == pytest.approx(value, abs=0.005)
        assert measured.deviation_ms == pytest.approx(expected.deviation_ms, abs=1)


@pytest.mark.parametrize("name", ["LPPNT", "LPPNM", "LPPNL"])
def test_picks_of_the_published_pickers(name, reference, published, cx_pb01):
    golden = pd.read_csv(reference / "golden" / "picks_cx_pb01.csv")
    golden = golden[golden.model == name]
    ours = robustness.pick_times(
        published(name, "csn"), cx_pb01, overlap=256, min_separation=10
    )

    shared, back = [], []
    for phase in "PS":
        of_phase = golden[golden.phase == phase]
        times = np.array([obspy.UTCDateTime(t).timestamp for t in of_phase.time_utc])
        sure = of_phase.probability.to_numpy() >= 0.35
        shared.append(is_near(times[sure], ours[phase][:, 0], 0.05))
        sure = ours[phase][:, 1] >= 0.35
        back.append(is_near(ours[phase][sure, 0], times, 0.05))

    assert np.concatenate(shared).mean() >= 0.97
    assert np.concatenate(back).mean() >= 0.97


@pytest.mark.parametrize("arguments", [{"overlap": 256, "min_separation": 10}, {}])
@pytest.mark.parametrize("name", ["LPPNL", "RNN", "EQT"])
def test_picks_of_the_event_record(name, arguments, reference, published):
    stream = obspy.read(str(reference / "data" / "x1_event" / "*.sac"))
    start = stream[0].stats.starttime
    picks = published(name, "csn").classify(stream, **arguments).picks
    for phase, seconds, tolerance in (("P", 96.2, 0.2), ("S", 122.5, 0.15)):
        times = [p.peak_time - start for p in picks if p.phase == phase]
        assert min(abs(time - seconds) for time in times) <= tolerance


@pytest.mark.parametrize("name", ["LPPNM", "RNN", "EQT"])
def test_picks_do_not_depend_on_the_start_of_the_record(name, published, cx_pb01):
    found, back = robustness.shift_test(
        published(name, "csn"), cx_pb01, robustness.random_starts(3)
    )

    assert found >= 0.97
    assert back >= 0.97


@pytest.mark.parametrize("components", ["ZNE", "Z", "N"])
@pytest.mark.parametrize("name", ["LPPNM", "EQT"])
def test_edges_of_gaps_do_not_fire(name, components, published, cx_pb01):
    gaps = robustness.random_gaps(43200)
    cut = robustness.cut_gaps(cx_pb01, gaps, components)

    inside, at_edge, _, _ = robustness.gap_test(
        published(name, "csn"), cx_pb01, cut, gaps
    )

    assert at_edge == 0
    if components == "ZNE":
        assert inside == 0
