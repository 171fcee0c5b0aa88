"""How the published text formats write times and stations."""

from __future__ import annotations

import numpy as np
import pandas as pd


def time_texts(times: pd.Series) -> pd.Series:
    """:return: Times as text, to the microsecond; NaN for NaT"""
    return times.dt.strftime("%Y-%m-%d %H:%M:%S.%f")


def parse_time(text: str) -> np.datetime64:
    """
    :param text: ``%Y-%m-%d %H:%M:%S.%f``, UTC
    :raises ValueError: if it is no time
    :return: Time
    """
    return np.datetime64(text.replace(" ", "T"), "us")


def short_station(station_id: str) -> str:
    """:return: NET.STA as in the published files, or NET.STA.LOC if it has a location"""
    return station_id.removesuffix(".")


def full_station(text: str) -> str:
    """
    :param text: NET.STA or NET.STA.LOC
    :raises ValueError: if it is neither
    :return: NET.STA.LOC
    """
    parts = text.split(".")
    if len(parts) not in (2, 3) or not parts[1]:
        raise ValueError(f"station {text!r} is not NET.STA or NET.STA.LOC")
    return ".".join([*parts, ""][:3])
