"""The cells of DiTing's CSV files."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.original import as_key
from seisbench_diting.data.original import COLUMNS, Row, clean_rows, record_name

DOCUMENTATION = Path(__file__).parents[2] / "docs" / "diting.md"


@given(st.integers(0, 999_999), st.integers(0, 9999))
def test_a_key_written_as_a_number_names_the_record(event, station):
    name = f"{event:06d}.{station:04d}"
    assert record_name(as_key(name)) == record_name(name) == name


@pytest.mark.parametrize("key", ["", "x", "1.4e1", "-14.01", "14.01000", "1234567"])
def test_other_keys_name_none(key):
    assert record_name(key) is None


def clean(**cells):
    counts = Counter()
    row = Row("line 2 of x.csv", "000014.0100", None, {"key": "14.01", **cells})
    more = [name for name in cells if name == "remark"]
    table = clean_rows([row], [9000], more, counts)
    return {name: values[0] for name, values in table.items()}, list(+counts)


@pytest.mark.parametrize(
    ("original", "name", "text", "value"),
    [
        ("p_pick", "trace_p_arrival_sample", "8999.9", 8999.9),
        ("p_pick", "trace_p_arrival_sample", "9000", np.nan),
        ("s_pick", "trace_s_arrival_sample", "S", np.nan),
        ("mag_type", "source_magnitude_type", "mL", "ML"),
        ("baz", "path_back_azimuth_deg", "400.5", 40.5),
        ("p_motion", "trace_polarity", "c", "U"),
        ("ev_id", "source_ev_id", "14.0", "14"),
        ("remark", "trace_original_remark", "kept", "kept"),
    ],
)
def test_a_cell_is_cleaned_and_a_value_that_is_lost_is_counted(
    original, name, text, value
):
    row, counted = clean(**{original: text})
    np.testing.assert_equal(row[name], value)
    assert [key.split(":")[0] for key in counted] == [original] * (value is np.nan)


@given(st.text(max_size=12))
def test_no_text_is_too_strange(text):
    row, _ = clean(**{original: text for original, _ in COLUMNS.values()})
    assert set(COLUMNS) <= set(row)
    assert row["station_code"] == "0100"


def test_every_column_is_documented():
    text = DOCUMENTATION.read_text(encoding="utf-8")
    for name, (original, _) in COLUMNS.items():
        if not original.endswith("_snr"):
            assert f"`{original}`" in text or original == ""
            assert f"`{name}`" in text
