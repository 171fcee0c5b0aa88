"""Associations that hypothesis makes, and one to look at."""

import string

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from seisbench_diting import tables

#: What loggers and people write, but points, which divide codes.
ODD = "\t|[](){},;:*? /\\'\"%#&+-_@é"
CODE = (
    st.text(string.ascii_uppercase + string.digits + ODD, min_size=1, max_size=5)
    .map(str.strip)
    .filter(lambda code: code.strip("-"))
)
STATION_ID = st.builds("{}.{}.{}".format, CODE, CODE, st.sampled_from(["", "00"]))
#: From 1653 to 2286.
TIME = st.integers(-(10**16), 10**16).map(
    lambda us: pd.Timestamp(0, unit="us", tz="UTC") + pd.Timedelta(us, "us")
)
COUNT = st.integers(0, 10**6) | st.just(pd.NA)
NUMBER = st.floats(-1e6, 1e6) | st.just(np.nan)
#: Or another number that is not negative.
ANGLE = st.floats(0, 360) | st.just(np.nan)
LETTER = st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"])
NAME = st.text(LETTER, min_size=1, max_size=8).map(str.strip).filter(len)
EVENT = {
    "event_id": NAME,
    "time": TIME,
    "latitude": st.floats(-90, 90),
    "longitude": st.floats(-179.99, 180) | st.sampled_from([180.0, -179.99999, 0.0]),
    "depth_km": st.floats(-10, 1000) | st.just(np.nan),
    "magnitude": st.floats(-3, 9.9) | st.just(np.nan),
    "event_type": st.sampled_from(["", "eq", "ep", "earthquake"]),
    **{name: COUNT for name in tables.QUALITY_COLUMNS if name.endswith("_count")},
    # One count is known, as in every association.
    "pick_count": st.just(3),
    "rms_residual_s": ANGLE,
    "azimuthal_gap_deg": ANGLE,
    "score": NUMBER,
}
PICK = {
    "station_id": STATION_ID,
    "phase": st.sampled_from(tables.PHASES),
    "time": TIME,
    "probability": st.floats(0, 1),
    "snr": NUMBER,
    "amplitude": NUMBER,
    "record": st.sampled_from(["", "a b/c,d.mseed", "#x"]),
    "relative_time_s": NUMBER,
    "time_uncertainty_s": ANGLE,
}
OF_EVENT = {"epicentral_distance_km": ANGLE, "azimuth_deg": ANGLE}
#: A residual, and the theoretical time that it is for.
RESIDUAL = st.integers(-(10**9), 10**9) | st.none()


def pick_lists(**columns):
    rows = st.fixed_dictionaries({**PICK, **columns})
    key = lambda row: (row["station_id"], row["phase"][0], row["time"])  # noqa: E731
    return st.lists(rows, max_size=6, unique_by=key)


@st.composite
def associations(draw):
    """Tables of events, with columns of quality, and of assigned picks."""
    rows = st.fixed_dictionaries(EVENT)
    events = draw(st.lists(rows, max_size=4, unique_by=lambda row: row["event_id"]))
    picks = draw(pick_lists(**OF_EVENT)) if events else []
    for pick in picks:
        pick["event_id"] = draw(st.sampled_from([row["event_id"] for row in events]))
        if (late := draw(RESIDUAL)) is not None:
            pick["residual_s"] = late / 1e6
            pick["theoretical_time"] = pick["time"] - pd.Timedelta(late, "us")
    return tables.event_table(events), tables.assignment_table(picks)


def made(events=2, picks=3):
    """Events a minute apart, of which each but the last has picks."""
    minutes = pd.date_range("2022-04-09T02:28:38.021Z", periods=events, freq="min")
    place = {"latitude": 25.366, "longitude": 100.6492, "depth_km": 7.5}
    quality = {"pick_count": picks, "station_count": picks, "rms_residual_s": 0.139}
    quality["azimuthal_gap_deg"] = 200.5
    rows = [
        {"event_id": f"event {i}", "time": time, **place, **quality}
        for i, time in enumerate(minutes)
    ]
    found = [
        {
            "station_id": f"MD.0131{j}.",
            "phase": "PS"[j % 2],
            "time": time + pd.Timedelta(seconds=2.2287 + j),
            "probability": 0.958,
            "snr": 4.5,
            "event_id": f"event {i}",
            "epicentral_distance_km": 13.753,
            "azimuth_deg": 216.0,
            "theoretical_time": time + pd.Timedelta(seconds=2.3677 + j),
            "residual_s": -0.139,
        }
        for i, time in enumerate(minutes[:-1])
        for j in range(picks)
    ]
    return tables.event_table(rows), tables.assignment_table(found)


def ordered(table):
    """Rows in one order, also where times are the same."""
    return table.sort_values(list(table), ignore_index=True)


def assert_same(found, expected):
    pd.testing.assert_frame_equal(ordered(found), ordered(expected), check_exact=True)
