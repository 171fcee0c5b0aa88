"""Columns of DiTing's CSV files, and the names that they get in SeisBench's format."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

#: Sampling rate of all records.
SAMPLING_RATE_HZ = 50.0

#: What the tutorial's merged file writes for a missing number.
MISSING = -12345.0

_KEY = re.compile(r"(\d{1,6})(?:\.(\d{0,4}))?")
_EMPTY = {"", "nan", "none", "null", "-12345", str(MISSING)}
_MAGNITUDE_TYPES = {"ml": "ML", "ms": "Ms", "mb": "mb", "mw": "Mw"}

# Half of the Earth's circumference.
_LARGEST_DISTANCE_KM = 20040.0
_LARGEST_MAGNITUDE = 10.0


def record_name(key: str) -> str | None:
    """
    Name of a record in the HDF5 file, from the ``key`` of the CSV file, which was
    written as a number: ``14.01`` stands for ``000014.0100``.

    :param key: Text of the cell
    :return: Name, or None if the text is no key
    """
    match = _KEY.fullmatch(key.strip())
    if match is None:
        return None
    return f"{match[1]:0>6}.{match[2] or '':0<4}"


def record_number(name: str) -> int:
    """A record's name as one number, which takes less memory than the text."""
    return int(name.replace(".", ""))


@dataclass(frozen=True)
class Cells:
    """
    A column's text in some rows.

    :param text: Text, without blanks around it
    :param name: Name of the column in the original
    :param samples: Number of samples of each record
    :param counts: How many values were taken out, by column and reason; is added to
    """

    text: Sequence[str]
    name: str
    samples: np.ndarray
    counts: Counter[str]

    def numbers(self) -> np.ndarray:
        """What is not a finite number is NaN; what is not empty either is counted."""
        text = np.array(self.text, dtype=object)
        values = np.asarray(pd.to_numeric(text, errors="coerce"), dtype=float)
        values = np.where(np.isfinite(values) & (values != MISSING), values, np.nan)
        strange = [
            i for i in np.flatnonzero(np.isnan(values)) if not _is_empty(text[i])
        ]
        self.count("not a number", len(strange))
        return values

    def possible(self, values: np.ndarray, is_wrong: np.ndarray) -> np.ndarray:
        """The values, NaN where they are wrong, which is counted."""
        self.count("impossible", int(is_wrong.sum()))
        return np.where(is_wrong, np.nan, values)

    def words(self) -> list[str | None]:
        """The text, None where it is empty."""
        return [None if _is_empty(text) else text for text in self.text]

    def count(self, reason: str, number: int) -> None:
        if number:
            self.counts[f"{self.name}: {reason}"] += number


@dataclass(frozen=True)
class Column:
    """
    One column of the CSV file.

    :param original: Its name there
    :param name: Its name in SeisBench's format
    :param clean: Function that gives clean values, and counts what it takes out
    """

    original: str
    name: str
    clean: Callable[[Cells], np.ndarray | list[str | None]]


def _is_empty(text: str) -> bool:
    return text.lower() in _EMPTY


def _sample(cells: Cells) -> np.ndarray:
    values = cells.numbers()
    return cells.possible(values, (values < 0) | (values >= cells.samples))


def _magnitude(cells: Cells) -> np.ndarray:
    values = cells.numbers()
    return cells.possible(values, np.abs(values) > _LARGEST_MAGNITUDE)


def _distance(cells: Cells) -> np.ndarray:
    values = cells.numbers()
    return cells.possible(values, (values < 0) | (values > _LARGEST_DISTANCE_KM))


def _azimuth(cells: Cells) -> np.ndarray:
    values = cells.numbers() % 360.0
    # A tiny negative angle is rounded to 360; adding zero turns -0.0 into 0.0.
    return np.where(values == 360.0, 0.0, values) + 0.0


def _code(cells: Cells) -> list[str | None]:
    """Text; the merged file holds codes that are digits as floats."""
    return [
        word[:-2] if word and word.endswith(".0") and word[:-2].isdigit() else word
        for word in cells.words()
    ]


def _station(cells: Cells) -> list[str | None]:
    """As in the record's name: four digits."""
    return [code.zfill(4) if code and code.isdigit() else code for code in _code(cells)]


def _choice(values: dict[str, str]) -> Callable[[Cells], list[str | None]]:
    def clean(cells: Cells) -> list[str | None]:
        return [values.get(text.lower()) for text in cells.text]

    return clean


def _magnitude_type(cells: Cells) -> list[str | None]:
    return [word and _MAGNITUDE_TYPES.get(word.lower(), word) for word in cells.words()]


_SNR = tuple(
    Column(
        f"{component}_{phase}_{kind}_snr",
        f"trace_{component}_{phase}_{kind}_snr",
        Cells.numbers,
    )
    for component in "ZNE"
    for phase in "PS"
    for kind in ("amplitude", "power")
)

#: Every column of the original, in the order of the output. ``p_motion`` gives two.
COLUMNS = (
    Column("p_pick", "trace_p_arrival_sample", _sample),
    Column("s_pick", "trace_s_arrival_sample", _sample),
    Column(
        "p_motion", "trace_polarity", _choice({"u": "U", "c": "U", "d": "D", "r": "D"})
    ),
    Column("p_motion", "trace_p_motion", Cells.words),
    Column("p_clarity", "trace_p_onset", _choice({"i": "impulsive", "e": "emergent"})),
    Column("ev_id", "source_ev_id", _code),
    Column("evmag", "source_magnitude", _magnitude),
    Column("mag_type", "source_magnitude_type", _magnitude_type),
    Column("net", "station_network_code", _code),
    Column("sta_id", "station_code", _station),
    Column("st_mag", "station_magnitude", _magnitude),
    Column("dis", "path_ep_distance_km", _distance),
    Column("baz", "path_back_azimuth_deg", _azimuth),
    Column("P_residual", "path_p_residual_s", Cells.numbers),
    Column("S_residual", "path_s_residual_s", Cells.numbers),
    *_SNR,
    Column("part", "trace_part", _code),
    Column("", "trace_original_index", _code),
)

#: ``key`` gives ``trace_name_original``, ``source_id`` and, where ``sta_id`` is empty,
#: ``station_code``.
KNOWN_ORIGINALS = {"key", *(column.original for column in COLUMNS)}


def clean_rows(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    names: Sequence[str],
    samples: Sequence[int],
    counts: Counter[str],
) -> pd.DataFrame:
    """
    Metadata in SeisBench's names and units.

    :param header: Names of the columns in the CSV file
    :param rows: Text of the cells
    :param names: Name of each record, such as ``000014.0100``
    :param samples: Number of samples of each record
    :param counts: How many values were taken out, by column and reason; is added to
    :return: Metadata, a row a record
    """
    columns = zip(*rows, strict=True)
    text = {
        name: [cell.strip() for cell in cells]
        for name, cells in zip(header, columns, strict=True)
    }
    nothing = [""] * len(rows)
    lengths = np.array(samples)
    events, stations = zip(*(name.split(".") for name in names), strict=True)
    metadata = {
        "trace_name_original": [f"earthquake/{name}" for name in names],
        "trace_npts": lengths,
        "source_id": events,
    }
    for column in COLUMNS:
        original = column.original
        cells = Cells(text.get(original, nothing), original, lengths, counts)
        metadata[column.name] = column.clean(cells)
    metadata["station_code"] = [
        code or station
        for code, station in zip(metadata["station_code"], stations, strict=True)
    ]
    for event, code in zip(events, metadata["source_ev_id"], strict=True):
        if code is not None and code.zfill(6) != event:
            counts["ev_id: differs from the record's name"] += 1
    for name in header:
        own = f"trace_original_{name}"
        if name not in KNOWN_ORIGINALS and own not in metadata:
            metadata[own] = text[name]
    # Not pandas' own text type, which is slower to write.
    return pd.DataFrame(
        {
            name: values if isinstance(values, np.ndarray) else _objects(values)
            for name, values in metadata.items()
        }
    )


def _objects(values: Sequence[str | None]) -> pd.Series:
    return pd.Series(values, dtype=object)
