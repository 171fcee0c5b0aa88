"""
Picks as the associators PyOcto and GaMMA want them.

PyOcto: Münchmeyer, J. (2024). PyOcto: A high-throughput seismic phase associator.
Seismica, 3(1). <https://doi.org/10.26443/seismica.v3i1.1130>

GaMMA: Zhu, W., et al. (2022). Earthquake Phase Association Using a Bayesian Gaussian
Mixture Model. Journal of Geophysical Research: Solid Earth, 127.
<https://doi.org/10.1029/2021JB023249>
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from .chunks import Picks, pick_chunks
from .columns import TIME, typed, with_gaps
from .comma import read_text, write_csv
from .picks import pick_table

# An offset, not Z, which Python before 3.11 and so GaMMA can't read.
_GAMMA_TIME = "%Y-%m-%dT%H:%M:%S.%f+00:00"

_PYOCTO = {
    "station": "str",
    "phase": "str",
    "time": "float64",
    "probability": "float64",
}

_GAMMA = {
    "id": "str",
    "timestamp": TIME,
    "type": "str",
    "prob": "float64",
    "amp": "float64",
}


def to_pyocto(picks: pd.DataFrame) -> pd.DataFrame:
    """
    For ``pyocto.OctoAssociator.associate``. Stations are NET.STA.LOC, so the ``id`` of its
    stations must be the ``station_id`` of the table of stations, as from
    ``inventory_to_df``. Pg and Pn are P, Sg and Sn are S. The rows are in the order of
    ``pick_table(picks)``, so PyOcto's ``pick_idx`` counts that.

    :param picks: Table of picks
    :return: Table with ``station``, ``phase``, ``time`` (seconds since 1970, within a
        microsecond) and ``probability``
    """
    picks = pick_table(picks)
    return pd.DataFrame(
        {
            "station": picks["station_id"],
            "phase": picks["phase"].str[:1],
            "time": picks["time"].astype("int64") / 1e6,
            "probability": picks["probability"],
        }
    )


def from_pyocto(frame: pd.DataFrame) -> pd.DataFrame:
    """
    :param frame: Table with ``station``, ``phase`` and ``time`` in seconds since 1970, and
        ``probability``, which is 1 where there is none; other columns are left out
    :raises ValueError: if a column is missing
    :return: Table of picks
    """
    frame = frame.filter(list(_PYOCTO))
    table = typed(frame, _PYOCTO, ("station", "phase", "time"), "frame")
    if not np.isfinite(table["time"]).all():
        raise ValueError("frame['time'] must be seconds since 1970, but holds NaN.")
    return pick_table(
        pd.DataFrame(
            {
                "station_id": table["station"],
                "phase": table["phase"],
                "time": pd.to_datetime(
                    (table["time"] * 1e6).round().astype("int64"), unit="us", utc=True
                ),
                "probability": _sure(table["probability"], frame),
            }
        )
    )


def to_gamma(picks: pd.DataFrame) -> pd.DataFrame:
    """
    For ``gamma.utils.association``. The ``id`` is NET.STA.LOC, and must be that of its
    table of stations. Pg and Pn are p, Sg and Sn are s. GaMMA takes amplitudes for m/s;
    with others, or where they are NaN, set its ``use_amplitude`` to False.

    :param picks: Table of picks
    :return: Table with ``id``, ``timestamp`` (UTC), ``type``, ``prob`` and ``amp``
    """
    picks = pick_table(picks)
    return pd.DataFrame(
        {
            "id": picks["station_id"],
            "timestamp": picks["time"],
            "type": picks["phase"].str[:1].str.lower(),
            "prob": picks["probability"],
            "amp": picks["amplitude"],
        }
    )


def from_gamma(frame: pd.DataFrame) -> pd.DataFrame:
    """
    :param frame: Table with ``id``, ``timestamp`` (UTC), ``type``, and ``prob``, which is 1
        where there is none, and ``amp``; other columns are left out
    :raises ValueError: if a column is missing
    :return: Table of picks
    """
    frame = frame.filter(list(_GAMMA))
    table = typed(frame, _GAMMA, ("id", "timestamp", "type"), "frame")
    return pick_table(
        pd.DataFrame(
            {
                "station_id": table["id"],
                "phase": table["type"].str.upper(),
                "time": table["timestamp"],
                "probability": _sure(table["prob"], frame),
                "amplitude": table["amp"],
            }
        )
    )


def _sure(probability: pd.Series, frame: pd.DataFrame) -> pd.Series:
    return probability if probability.name in frame else probability.fillna(1.0)


def write_pyocto(picks: Picks, path: str | Path) -> None:
    """
    :param picks: Table of picks, or tables in order of time
    :param path: CSV file to write, with the columns of :py:func:`to_pyocto`
    """
    write_csv(map(to_pyocto, pick_chunks(picks)), path)


def write_gamma(picks: Picks, path: str | Path) -> None:
    """
    :param picks: Table of picks, or tables in order of time
    :param path: CSV file to write, with the columns of :py:func:`to_gamma`
    """
    write_csv(map(to_gamma, pick_chunks(picks)), path, _GAMMA_TIME)


def read_pyocto(path: str | Path) -> pd.DataFrame:
    """
    :param path: CSV file, see :py:func:`from_pyocto`
    :return: Table of picks
    """
    return from_pyocto(with_gaps(read_text(path), _PYOCTO))


def read_gamma(path: str | Path) -> pd.DataFrame:
    """
    :param path: CSV file, see :py:func:`from_gamma`
    :return: Table of picks
    """
    return from_gamma(with_gaps(read_text(path), _GAMMA))
