"""What becomes of the cells of DiTing's CSV files."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.original import as_key
from seisbench_diting.data.original import COLUMNS, clean_rows, record_name


@given(st.integers(0, 999_999), st.integers(0, 9999))
def test_a_key_written_as_a_number_names_the_record(event, station):
    name = f"{event:06d}.{station:04d}"

    assert record_name(as_key(name)) == name
    assert record_name(f" {name} ") == name


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("14.01", "000014.0100"),
        ("14.1", "000014.1000"),
        ("14", "000014.0000"),
        ("14.", "000014.0000"),
        ("14.0", "000014.0000"),
        ("000014.0100", "000014.0100"),
        (" 7.0042\t", "000007.0042"),
    ],
)
def test_keys_of_all_kinds(key, name):
    assert record_name(key) == name


@pytest.mark.parametrize("key", ["", "x", "1.4e1", "-14.01", "14.01000", "1234567.1"])
def test_what_is_no_key(key):
    assert record_name(key) is None


def clean(samples=9000, **cells):
    counts = Counter()
    header = ["key", *cells]
    table = clean_rows(
        header, [["14.01", *cells.values()]], ["000014.0100"], [samples], counts
    )
    return {name: values[0] for name, values in table.items()}, dict(counts)


@pytest.mark.parametrize(
    ("original", "name", "text", "value", "count"),
    [
        ("p_pick", "trace_p_arrival_sample", "3042", 3042.0, None),
        ("p_pick", "trace_p_arrival_sample", " 3042.5 ", 3042.5, None),
        ("p_pick", "trace_p_arrival_sample", "0", 0.0, None),
        ("p_pick", "trace_p_arrival_sample", "8999.9", 8999.9, None),
        ("p_pick", "trace_p_arrival_sample", "9000", np.nan, "impossible"),
        ("p_pick", "trace_p_arrival_sample", "-1", np.nan, "impossible"),
        ("s_pick", "trace_s_arrival_sample", "", np.nan, None),
        ("s_pick", "trace_s_arrival_sample", "-12345.0", np.nan, None),
        ("s_pick", "trace_s_arrival_sample", "S", np.nan, "not a number"),
        ("evmag", "source_magnitude", "3.4", 3.4, None),
        ("evmag", "source_magnitude", "10.1", np.nan, "impossible"),
        ("evmag", "source_magnitude", "inf", np.nan, "not a number"),
        ("st_mag", "station_magnitude", "8.7", 8.7, None),
        ("st_mag", "station_magnitude", "86.0", np.nan, "impossible"),
        ("mag_type", "source_magnitude_type", " mL", "ML", None),
        ("mag_type", "source_magnitude_type", "MS", "Ms", None),
        ("mag_type", "source_magnitude_type", "MB ", "mb", None),
        ("mag_type", "source_magnitude_type", "Mwp", "Mwp", None),
        ("baz", "path_back_azimuth_deg", "400.5", 40.5, None),
        ("baz", "path_back_azimuth_deg", "-90", 270.0, None),
        ("baz", "path_back_azimuth_deg", "360", 0.0, None),
        ("baz", "path_back_azimuth_deg", "-1e-18", 0.0, None),
        ("dis", "path_ep_distance_km", "12.5", 12.5, None),
        ("dis", "path_ep_distance_km", "-3", np.nan, "impossible"),
        ("p_motion", "trace_polarity", " c ", "U", None),
        ("p_motion", "trace_polarity", "R", "D", None),
        ("p_motion", "trace_polarity", "N", None, None),
        ("p_motion", "trace_p_motion", "N", "N", None),
        ("p_clarity", "trace_p_onset", "I", "impulsive", None),
        ("p_clarity", "trace_p_onset", "e", "emergent", None),
        ("p_clarity", "trace_p_onset", " ", None, None),
        ("net", "station_network_code", " YN ", "YN", None),
        ("sta_id", "station_code", "7", "0007", None),
        ("sta_id", "station_code", "7.0", "0007", None),
        ("sta_id", "station_code", "", "0100", None),
        ("P_residual", "path_p_residual_s", "-0.25", -0.25, None),
        ("P_residual", "path_p_residual_s", "--", np.nan, "not a number"),
        ("Z_P_power_snr", "trace_Z_P_power_snr", "-2.5", -2.5, None),
        ("ev_id", "source_ev_id", "14.0", "14", None),
        ("ev_id", "source_ev_id", "15", "15", "differs from the record's name"),
        ("part", "trace_part", "3", "3", None),
        ("remark", "trace_original_remark", "what", "what", None),
    ],
)
def test_each_cell(original, name, text, value, count):
    row, counts = clean(**{original: text})

    if isinstance(value, float) and np.isnan(value):
        assert np.isnan(row[name])
    else:
        assert row[name] == value
    assert counts == ({} if count is None else {f"{original}: {count}": 1})


def test_every_original_column_is_kept():
    row, _ = clean()

    assert set(COLUMNS) <= set(row)
    assert row["trace_name_original"] == "earthquake/000014.0100"
    assert row["source_id"] == "000014"
    assert row["trace_npts"] == 9000


@given(st.text(max_size=12))
def test_no_text_is_too_strange(text):
    cells = {original: text for original, _ in COLUMNS.values() if original}
    row, _ = clean(**cells)

    assert 0 <= row["path_back_azimuth_deg"] < 360 or np.isnan(
        row["path_back_azimuth_deg"]
    )
    assert 0 <= row["trace_p_arrival_sample"] < 9000 or np.isnan(
        row["trace_p_arrival_sample"]
    )
    assert row["trace_polarity"] in ("U", "D", None)
    assert isinstance(pd.DataFrame([row]).to_csv(), str)
