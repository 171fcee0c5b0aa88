"""The part of a record that is cut around an event's arrivals."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seisbench_diting.picking.events import Window, WindowOptions

LEAST = 61.44
EVER = (-1e6, 1e6)


def test_before_p_and_after_s():
    options = WindowOptions(before=20, after=50)
    assert options.around(30.0, 60.0, LEAST, EVER) == Window(10.0, 110.0)
    assert options.around(30.0, float("nan"), LEAST, EVER) == Window(10.0, 80.0)
    assert options.around(float("nan"), 60.0, LEAST, EVER) == Window(40.0, 110.0)
    assert options.around(float("nan"), float("nan"), LEAST, EVER) is None


def test_longer_where_the_model_needs_it():
    options = WindowOptions(before=5, after=5)
    assert options.around(10.0, 20.0, 60, EVER) == Window(-15.0, 45.0)
    # What one side lacks is added on the other.
    assert options.around(10.0, 20.0, 60, (0, 1000)) == Window(0, 60)
    assert options.around(10.0, 20.0, 60, (-1000, 30)) == Window(-30, 30)
    assert options.around(10.0, 20.0, 60, (0, 30)) == Window(0, 30)


def test_records_elsewhere():
    options = WindowOptions(before=5, after=5)
    assert options.around(10.0, 20.0, 60, (25.0, 500.0)) is None
    assert options.around(10.0, 20.0, 60, (-500.0, 5.0)) is None


SECONDS = st.floats(0, 500)


@given(SECONDS, SECONDS, SECONDS, SECONDS, st.floats(-600, 600), st.floats(1, 2000))
def test_inside_the_record_and_as_long_as_needed(p, gap, before, after, begin, length):
    record = (begin, begin + length)
    window = WindowOptions(before, after).around(p, p + gap, LEAST, record)
    if window is None:
        assert p + gap + after <= record[0] or p - before >= record[1]
        return
    assert record[0] <= window.begin < window.end <= record[1]
    assert window.end - window.begin >= min(LEAST, length) - 1e-6
    assert window.begin <= max(p - before, record[0]) + 1e-6
    assert window.end >= min(p + gap + after, record[1]) - 1e-6


@pytest.mark.parametrize("value", [-1, float("nan"), float("inf")])
def test_impossible_lengths(value):
    with pytest.raises(ValueError, match="before="):
        WindowOptions(before=value)
    with pytest.raises(ValueError, match="after="):
        WindowOptions(after=value)
