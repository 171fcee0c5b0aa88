"""Precision, recall and residuals of windows, and the validation text file."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seisbench_diting.evaluation import Evaluation, read_validation
from seisbench_diting.evaluation.metrics import make_picks

NAN = math.nan


def evaluation(*rows, **options):
    """Evaluation of windows given as sample of P, sample of S, and a list of picks."""
    windows = pd.DataFrame([(p, s, NAN) for p, s, _ in rows], columns=["P", "S", "snr"])
    picks = make_picks((i, *pick) for i, row in enumerate(rows) for pick in row[2])
    return Evaluation(windows, picks, **{"sampling_rate": 50, **options})


def picked_p(*samples):
    return [("P", sample, 0.5) for sample in samples]


WINDOWS = (
    (1000, NAN, picked_p(1010, 1020, 3000)),  # Right, neither, false.
    (1000, NAN, []),  # Missed.
    (NAN, NAN, picked_p(500)),  # False: there is nothing.
    (NAN, NAN, []),
    # 0.5 s is not near, and S is another phase.
    (1000, NAN, [*picked_p(1025), ("S", 1000, 0.5)]),
    (1000, NAN, picked_p(980)),
)


@pytest.mark.parametrize(
    ("counting", "right", "precision", "recall", "errors"),
    [
        ("correct", 2, 2 / 5, 2 / 4, [-200, 400]),
        ("published", 3, 3 / 6, 3 / 6, [-200, -400, -500, 400]),
    ],
)
def test_counting_by_hand(counting, right, precision, recall, errors):
    found = evaluation(*WINDOWS, counting=counting).measure("P")

    assert (found.arrivals, found.picks, found.right) == (4, 6, right)
    assert found.precision.value == pytest.approx(precision)
    assert found.recall.value == pytest.approx(recall)
    f1 = 2 * precision * recall / (precision + recall)
    assert found.f1.value == pytest.approx(f1)
    assert found.mean_ms.value == pytest.approx(np.mean(errors))
    assert found.deviation_ms.value == pytest.approx(np.std(errors))


def test_tolerance_threshold_rate_and_chosen_windows():
    assert evaluation(*WINDOWS, tolerance=0.51).measure("P").right == 3
    assert evaluation(*WINDOWS, tolerance=0.1).measure("P").right == 0
    assert evaluation(*WINDOWS).measure("P", threshold=0.6).picks == 0
    assert evaluation(*WINDOWS, sampling_rate=100).measure("P").right == 3
    chosen = evaluation(*WINDOWS).measure("P", chosen=[0, 3])
    assert (chosen.arrivals, chosen.picks, chosen.right) == (1, 3, 1)


def test_a_few_right_picks_are_not_certain():
    found = evaluation(*[(100, NAN, [("P", 100, 0.9)])] * 4).measure("P")
    for share in (found.precision, found.recall, found.f1):
        assert share.value == share.high == 1
        assert 0.5 < share.low < 0.7


samples = st.floats(0, 1e6, allow_subnormal=False)
absent = st.just(NAN)
picks = st.tuples(st.sampled_from("PS"), samples, st.floats(0, 1))
rows = st.lists(
    st.tuples(samples | absent, samples | absent, st.lists(picks, max_size=4)),
    min_size=1,
    max_size=8,
)


@given(rows)
def test_shares_are_shares_and_files_are_read_as_they_were_written(
    tmp_path_factory, rows
):
    written = evaluation(*rows, threshold=0.0)
    found = written.measure("P", bootstraps=20)
    for interval in (found.precision, found.recall, found.f1):
        assert math.isnan(interval.value) or 0 <= interval.value <= 1
    assert found.right <= min(found.picks, found.arrivals)
    assert not abs(found.mean_ms.value) > 500
    path = tmp_path_factory.mktemp("validation") / "out.txt"
    written.write(path)
    read = read_validation(path)

    pd.testing.assert_frame_equal(read.windows, written.windows, check_dtype=False)
    pd.testing.assert_frame_equal(read.picks, written.picks, check_dtype=False)


def test_the_published_file_is_written_as_it_is(reference, tmp_path):
    path = reference / "data" / "diting_rnn_validation.txt"
    read = read_validation(path, threshold=0.0)
    read.write(tmp_path / "copy.txt")

    assert len(read.windows) == 9600
    ours = (tmp_path / "copy.txt").read_text().splitlines()
    theirs = path.read_text().splitlines()
    # The published file's signal-to-noise ratio is always 1.0.
    assert [line.removesuffix(".0") for line in theirs] == ours


@pytest.mark.parametrize(
    ("text", "word"), [("", "picks.txt"), ("#phase,1,2,1.0\n1,20\n", "line 2")]
)
def test_other_files_are_refused(tmp_path, text, word):
    (tmp_path / "picks.txt").write_text(text)
    with pytest.raises(ValueError, match=word):
        read_validation(tmp_path / "picks.txt")
