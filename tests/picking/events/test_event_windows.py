"""The part of a record that is cut around an event's arrivals."""

from hypothesis import given
from hypothesis import strategies as st

from seisbench_diting.picking.events import window_around
from seisbench_diting.picking.pick_settings import EventOptions

LEAST = 61.44
EVER = (-1e6, 1e6)


def test_before_p_and_after_s():
    options = EventOptions(before=20, after=50)
    assert window_around(options, 30.0, 60.0, LEAST, EVER) == (10.0, 110.0)
    assert window_around(options, 30.0, float("nan"), LEAST, EVER) == (10.0, 80.0)
    assert window_around(options, float("nan"), 60.0, LEAST, EVER) == (40.0, 110.0)


def test_longer_where_the_model_needs_it():
    options = EventOptions(before=5, after=5)
    assert window_around(options, 10.0, 20.0, 60, EVER) == (-15.0, 45.0)
    # What one side lacks is added on the other.
    assert window_around(options, 10.0, 20.0, 60, (0, 1000)) == (0, 60)
    assert window_around(options, 10.0, 20.0, 60, (-1000, 30)) == (-30, 30)
    assert window_around(options, 10.0, 20.0, 60, (0, 30)) == (0, 30)


def test_records_elsewhere():
    options = EventOptions(before=5, after=5)
    assert window_around(options, 10.0, 20.0, 60, (25.0, 500.0)) is None
    assert window_around(options, 10.0, 20.0, 60, (-500.0, 5.0)) is None


SECONDS = st.floats(0, 500)


@given(SECONDS, SECONDS, SECONDS, SECONDS, st.floats(-600, 600), st.floats(1, 2000))
def test_inside_the_record_and_as_long_as_needed(p, gap, before, after, begin, length):
    record = (begin, begin + length)
    window = window_around(
        EventOptions(before=before, after=after), p, p + gap, LEAST, record
    )
    if window is None:
        assert p + gap + after <= record[0] or p - before >= record[1]
        return
    assert record[0] <= window[0] < window[1] <= record[1]
    assert window[1] - window[0] >= min(LEAST, length) - 1e-6
    assert window[0] <= max(p - before, record[0]) + 1e-6
    assert window[1] >= min(p + gap + after, record[1]) - 1e-6
