"""Files of tables: which formats there are, and what reads and writes them."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Callable, Iterable, Mapping
from io import StringIO
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import pandas as pd

from .._util import EXPORTS, ArgumentError, replacing
from . import published_text as text
from . import quakeml, schema
from .associators import to_gamma, to_pyocto
from .exports import write_export
from .schema import Picks, event_table, find_column, pick_chunks, pick_table, reading
from .stations import in_metres, read_inventory, read_sac_headers, station_table

_T = TypeVar("_T")

_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"

#: With an offset: Python before 3.11, and so GaMMA, can't read Z.
_GAMMA_TIME = "%Y-%m-%dT%H:%M:%S.%f+00:00"


#: Empty lines, and the first one of tables for Excel.
_NO_ROW = re.compile(r"\s*$|sep=.$", re.IGNORECASE)


def _separator(head: str) -> str:
    sep = max(",\t;|", key=head.count)
    return sep if sep in head else r"\s+"


def _width(line: str, sep: str) -> int:
    text = re.sub('"[^"]*"', "", line)
    return text.count(sep) if len(sep) == 1 else len(text.split()) - 1


def _is_head(line: str, after: str) -> bool:
    sep = _separator(line)
    return after[0] != "#" and _width(line, sep) == _width(after, sep)


def _read_csv(path: Path, is_unclosed: bool = False) -> pd.DataFrame:
    """
    Rows with too many or too few values are set aside.

    :param path: File with a header, divided by commas, tabs, semicolons, bars or blanks
    :param is_unclosed: If a quote is not closed; lines that may be why are set aside
    :raises ValueError: if it is not such a file
    :return: Table of text with the lines as its index: a network may be called NA, and a
        location 00
    """
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        lines = (line for line in enumerate(file, 1) if not _NO_ROW.match(line[1]))
        (number, head), after = next(lines, (1, "")), next(lines, (0, ""))
        # Comments; but a header may begin with #, too.
        while head[:1] == "#" and after[1] and not _is_head(head, after[1]):
            (number, head), after = after, next(lines, (0, ""))
        sep = _separator(head)

        # pandas takes the first row to be as long as it should be.
        aside: dict[int, str] = {}
        for n, line in chain([after], lines):
            if _width(line, sep) <= _width(head, sep):
                break
            aside[n] = "more values than the header"
        else:
            if aside:
                reason = "its rows are longer than its header"
                raise ValueError(f"not a table of text: {reason}")
        if is_unclosed:
            file.seek(0)
            odd = (n for n, line in enumerate(file, 1) if line.count('"') % 2)
            aside |= dict.fromkeys(odd, "a quote is not closed")
        source: Path | StringIO = path
        if aside:
            file.seek(0)
            rest = ("\n" if n in aside else x for n, x in enumerate(file, 1))
            source = StringIO("".join(rest))
    try:
        with warnings.catch_warnings(record=True) as raised:
            warnings.simplefilter("always", pd.errors.ParserWarning)
            table = pd.read_csv(
                source,
                sep=sep,
                dtype=str,
                header=number - 1,
                keep_default_na=False,
                index_col=False,
                skipinitialspace=True,
                skip_blank_lines=False,
                on_bad_lines="warn",
                encoding="utf-8-sig",
                encoding_errors="replace",
            )
    except ValueError as error:
        reason = str(error).strip()
        if "EOF inside string" in reason and not is_unclosed:
            return _read_csv(path, is_unclosed=True)
        raise ValueError(f"not a table of text with a header: {reason}") from error
    told = "".join(str(warning.message) for warning in raised)
    skipped = {int(n): why for n, why in re.findall(r"line (\d+): (.+)", told)}
    schema.set_aside((f"line {n}", why) for n, why in {**aside, **skipped}.items())
    count = number + 1 + len(table) + len(skipped)
    left = [n for n in range(number + 1, count) if n not in skipped]
    table.index = pd.Index(left, name="line")
    # What SeisBench writes if there are no picks has no columns at all.
    names = [n for n in table if len(table) or not str(n).startswith("Unnamed: ")]
    table = pd.DataFrame({name: table[name].str.strip() for name in names})
    table = table[(table != "").any(axis=1)]
    if table.empty and (wrong := {**aside, **skipped}):
        where, why = next(iter(wrong.items()))
        raise ValueError(f"no row can be used; line {where}: {why}")
    return table


def _read_json(path: Path) -> pd.DataFrame:
    """
    :param path: Stations by their names, as of EQTransformer (``coords``) and QuakeFlow
    :raises ValueError: if it is not such a file
    :return: Table
    """
    given = json.loads(path.read_text(encoding="utf-8-sig"))
    try:
        table = pd.DataFrame.from_dict(given, orient="index").rename_axis("id")
    except (AttributeError, TypeError) as error:
        raise ValueError("not stations by their names, with coordinates") from error
    if "coords" in table:
        for i, name in enumerate(("latitude", "longitude", "elevation_m")):
            table[name] = table["coords"].str[i]
    return table.reset_index()


def _read_pick_csv(path: Path) -> pd.DataFrame:
    """
    :param path: Table of text. In those of EQTransformer a row has a P and an S.
    :return: Table with a pick in each row
    """
    table = _read_csv(path)
    if find_column(table, "p_arrival_time") is None:
        return table
    tables = []
    for phase in "ps":
        names = {f"{phase}_arrival_time": "time", f"{phase}_probability": "probability"}
        names |= {f"{phase}_snr": "snr"}
        picks = table.rename(columns=names).assign(phase=phase)
        tables.append(picks[~picks["time"].isin(schema.MISSING)])
    return pd.concat(tables)


def _write_csv(
    tables: Iterable[pd.DataFrame], path: Path, time_format: str = _TIME
) -> None:
    """
    :param tables: Tables with the same columns, of which one is in memory
    :param path: File to write
    :param time_format: Format of times
    """
    options: Any = {"date_format": time_format, "lineterminator": "\n", "index": False}
    with (
        replacing(path) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
    ):
        for number, table in enumerate(tables):
            table.to_csv(file, header=number == 0, **options)


def _write_parquet(tables: Iterable[pd.DataFrame], path: Path) -> None:
    """
    Each table becomes a row group. Columns are text, double, 64-bit integers that may be
    null, and UTC microseconds.

    :param tables: Tables with the same columns; one at least
    :param path: File to write
    :raises ImportError: without pyarrow
    """
    from pyarrow import Table
    from pyarrow.parquet import ParquetWriter

    pieces = (Table.from_pandas(table, preserve_index=False) for table in tables)
    first = next(pieces)
    # Without pandas' own notes, which differ from version to version.
    columns = first.schema.remove_metadata()
    with replacing(path) as temporary, ParquetWriter(temporary, columns) as writer:
        for piece in chain([first], pieces):
            writer.write_table(piece.replace_schema_metadata(None))


class _Format(NamedTuple):
    """Functions that read a file, and write tables to one."""

    read: Callable[[Path], pd.DataFrame]
    write: Callable[..., None]


# Longer endings first.
_PICKS = {
    ".pyocto.csv": _Format(
        _read_pick_csv, lambda picks, path: _write_csv(map(to_pyocto, picks), path)
    ),
    ".gamma.csv": _Format(
        _read_pick_csv,
        lambda picks, path: _write_csv(map(to_gamma, picks), path, _GAMMA_TIME),
    ),
    ".csv": _Format(_read_pick_csv, _write_csv),
    ".txt": _Format(text.read_picks_text, text.write_picks_text),
    ".parquet": _Format(pd.read_parquet, _write_parquet),
    ".xml": _Format(quakeml.read_picks_quakeml, quakeml.write_picks_quakeml),
}

_EVENTS = {
    ".csv": _Format(_read_csv, _write_csv),
    ".parquet": _Format(pd.read_parquet, _write_parquet),
    ".xml": _Format(
        quakeml.read_events_quakeml,
        lambda events, path: quakeml.write_quakeml(next(events), None, path),
    ),
}

_PAIRS = (".events.csv", ".events.parquet")


def read_picks(path: str | Path) -> pd.DataFrame:
    """
    Reads picks of this package and of other programs.

    >>> rows = [{"station_id": "BW.RJOB", "phase": "P", "time": "2009-08-24T00:20:07.7"}]
    >>> write_picks(pd.DataFrame(rows), "picks.csv")
    >>> read_picks("picks.csv")[["station_id", "phase", "probability"]]
      station_id phase  probability
    0   BW.RJOB.     P          1.0

    :param path: File that ends in

        - ``.csv``: all columns of the table; or SeisBench's ``picks.to_dataframe()``, or
          the tables of PyOcto and GaMMA
        - ``.parquet``: the same; needs pyarrow
        - ``.txt``: the published text format, which rounds
        - ``.xml``, ``.quakeml``: QuakeML

        Picks for REAL are in folders, see :py:func:`~seisbench_diting.tables.read_real`.
    :raises ValueError: for another ending, or if it is not such a file
    :raises ImportError: for ``.parquet`` without pyarrow
    :return: Table of picks; without a column ``probability`` each pick has 1
    """
    with reading(path):
        return pick_table(_choose(path, _PICKS).read(Path(path)))


def write_picks(picks: Picks, path: str | Path) -> None:
    """
    Writes picks atomically. Of several tables one is in memory.

    :param picks: Table of picks, or any iterable of tables in order of time
    :param path: File to write, see :py:func:`read_picks`; or ``.pyocto.csv``,
        ``.gamma.csv``: stations, phases (P or S), times and probabilities for these
        associators. QuakeML needs picks with an ``event_id``.
    :raises ValueError: for another ending, or if the picks are not such tables
    :raises ImportError: for ``.parquet`` without pyarrow
    """
    _choose(path, _PICKS).write(pick_chunks(picks), Path(path))


def read_events(
    path: str | Path | pd.DataFrame, lonlat: bool | None = None
) -> pd.DataFrame:
    """
    Reads

    - tables of comma, tab, semicolon or bar separated values, with a header, whose columns
      may have names of the field: ``id``, ``origin_time``, ``lat``, ``lon``, ``depth`` (in
      km), ``mag``, and others, as in the files of USGS and of FDSN services
    - the published catalogue (``#EVENT YN.202001312039.0002 eq 2020 01 31 ...``)
    - the published text of associators (``#EVENT,2022-04-09 02:28:38.021000,...``)
    - QuakeML: the preferred, or else the first, origin and magnitude
    - Parquet files of :py:func:`write_events`

    :param path: File; one that ends neither in ``.csv``, ``.parquet``, ``.xml`` nor
        ``.quakeml`` may be any of these but Parquet. A table of events is only checked.
    :param lonlat: For the text of associators: True if longitudes come first, False if
        latitudes do; only needed if no value is beyond ±90
    :raises ValueError: if it is none of them, or a value is not allowed
    :raises ImportError: for ``.parquet`` without pyarrow
    :return: Table of events
    """
    if isinstance(path, pd.DataFrame):
        return event_table(path)
    path = Path(path)
    with reading(path):
        kind = _event_kind(path)
        if kind == "association":
            return text.read_association_text(path, lonlat)[0]
        if kind == "catalogue":
            return text.read_events_text(path)
        return event_table(_EVENTS[kind].read(path))


def write_events(events: pd.DataFrame, path: str | Path) -> None:
    """
    :param events: Table of events
    :param path: File that ends in ``.csv``, ``.parquet``, ``.xml`` or ``.quakeml``
    :raises ValueError: for another ending, or if it is not a table of events
    :raises ImportError: for ``.parquet`` without pyarrow
    """
    _choose(path, _EVENTS).write(iter([event_table(events)]), Path(path))


def read_association(
    path: str | Path, lonlat: bool | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """
    Reads the files of :py:func:`write_association`, and whatever :py:func:`read_events`
    reads. For files without picks the second table is empty.

    :param path: File to read; of two, that of the events
    :param lonlat: As for :py:func:`read_events`
    :raises ValueError: if it is not such a file, or its picks belong to other events
    :raises ImportError: for ``.parquet`` without pyarrow
    :return: Table of events, and table of assigned picks
    """
    path = Path(path)
    if path.name.lower().endswith(_PAIRS):
        return _read_pair(path)
    with reading(path):
        kind = _event_kind(path)
        if kind == "association":
            return text.read_association_text(path, lonlat)
        if kind == ".xml":
            return quakeml.read_association_quakeml(path)
    return read_events(path), schema.assignment_table([])


def write_association(
    events: pd.DataFrame,
    assignments: pd.DataFrame,
    path: str | Path,
    stations: pd.DataFrame | None = None,
    amplitudes: pd.DataFrame | None = None,
) -> None:
    """
    Writes each file atomically.

    :param events: Table of events
    :param assignments: Table of picks with their events, of which each is in ``events``
    :param path: File to write, which ends in

        - ``.events.csv``: all columns of the events; those of the picks are in another
          file beside it, ``NAME.picks.csv`` for ``NAME.events.csv``
        - ``.events.parquet``: the same, with ``NAME.picks.parquet``; needs pyarrow
        - ``.txt``: the published text, which rounds, and leaves out much
        - ``.xml``, ``.quakeml``: QuakeML with origins, arrivals and picks
        - ``.obs``, ``.pha``, ``.arc``, ``.nordic``, ``.scml``: the formats of NonLinLoc,
          HypoDD, Hypoinverse, SEISAN and SeisComP, which are not read again
    :param stations: Table of stations; only for ``.txt``, which holds their coordinates
    :param amplitudes: Table of amplitudes of local magnitudes; only for QuakeML
    :raises ValueError: for another ending, if the tables don't belong together, or if the
        file can't hold them
    :raises ImportError: for ``.parquet`` without pyarrow
    """
    path = Path(path)
    known = (*_PAIRS, ".txt", ".xml", *EXPORTS.values())
    ending = _choose(path, {e: e for e in known})
    events, assignments = schema.check_association(events, assignments)
    if ending == ".txt":
        text.write_association_text(events, assignments, path, stations)
    elif ending == ".xml":
        quakeml.write_quakeml(events, assignments, path, amplitudes)
    elif ending in EXPORTS.values():
        write_export(events, assignments, path)
    else:
        # Both are written before either takes its place: that of the events last, as it
        # is the one that is read.
        write = _EVENTS[ending.removeprefix(".events")].write
        beside = _picks_beside(path)
        with replacing(path) as events_file, replacing(beside) as picks_file:
            write([events], events_file)
            write([assignments], picks_file)


def _read_pair(path: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    with schema.collected() as left_out:
        events, beside = read_events(path), _picks_beside(path)
    for one in left_out:
        schema.tell(one)
    if not beside.exists():
        warnings.warn(
            f"{path} is read without its picks, as there is no {beside}.", stacklevel=3
        )
        return events, schema.assignment_table([])
    with reading(f"{beside} doesn't have the picks of {path}"):
        picks = read_picks(beside)
        if left_out and "event_id" in picks:
            # Picks of these events go with them.
            lost = ~picks["event_id"].isin(events["event_id"])
            if lost.any():
                counts = picks["event_id"][lost].value_counts().items()
                rows = {f"picks of {k}": f"{n}, without their event" for k, n in counts}
                schema.tell(schema.LeftOut(beside, rows))
            picks = picks[~lost]
        return schema.check_association(events, picks)


def _picks_beside(path: Path) -> Path:
    stem, _, ending = path.name.rsplit(".", maxsplit=2)
    return path.with_name(f"{stem}.picks.{ending}")


def read_stations(
    path: str | Path | pd.DataFrame, elevation_unit: str | None = None
) -> pd.DataFrame:
    """
    Reads

    - tables of comma, tab, semicolon or bar separated values, with a header, whose columns
      may have names of the field: ``station_id`` or ``network``, ``station`` and
      ``location``, ``lat``, ``lon``, ``elevation`` or ``elevation_km``, and others, as in
      the tables of QuakeMigrate, PyOcto, GaMMA and of FDSN services. A ``station`` alone
      may be NET.STA, with more behind it
    - EQTransformer's and QuakeFlow's JSON
    - the published text: ``NET STA LOC LON LAT ELEVATION_M``, where ``LOC`` may be ``--``
      or missing
    - REAL's text: ``LON LAT NET STA COMP ELEVATION_KM``
    - StationXML, and other inventories in XML that ObsPy reads
    - the headers of the SAC files in a folder, at any depth

    Stations that are wrong, at 0/0, or at two places at once, are left out, with a warning.

    :param path: Folder, or file; one that ends neither in ``.csv`` nor in ``.xml`` may be
        any of these. A table of stations is only checked.
    :param elevation_unit: ``m`` or ``km``, for columns of heights without a unit in their
        name. Default: ``m``. If all heights are below 10 and some are fractions, they are
        in ``km``, except in the published text; a warning says so.
    :raises ValueError: if it is none of them, or no station is right
    :return: Table of stations
    """
    if isinstance(path, pd.DataFrame):
        return station_table(path)
    path = Path(path)
    with reading(path):
        if path.is_dir():
            return read_sac_headers(path)
        ending, start = path.suffix.lower(), _start(path)
        if ending == ".xml" or start.startswith("<"):
            return read_inventory(path)
        usual = "km"
        if start.startswith(("{", "[")):
            table = _read_json(path)
        elif ending != ".csv" and (found := text.read_stations_text(path)):
            table, usual = found
        else:
            table = _read_csv(path)
        return station_table(in_metres(table, path, elevation_unit, usual))


def read_station_terms(path: str | Path) -> pd.DataFrame:
    """
    :param path: CSV with ``station_id``, ``phase`` (P or S) and ``term_s``
    :raises ValueError: if a column is missing or a value is not allowed
    :return: Table of station terms: how much later than expected P and S arrive
    """
    with reading(path):
        return schema.TERMS.table(_read_csv(Path(path)))


def read_station_corrections(path: str | Path) -> dict[str, float]:
    """
    :param path: CSV with ``station_id`` and ``correction``
    :raises ValueError: if a column is missing or a value is not allowed
    :return: What is added to magnitudes of stations
    """
    with reading(path):
        table = schema.CORRECTIONS.table(_read_csv(Path(path)))
    return dict(zip(table["station_id"], table["correction"], strict=True))


def read_distance_curve(path: str | Path) -> pd.DataFrame:
    """
    :param path: CSV with ``distance_km`` and ``minus_log_a0``, -log A0 of local magnitudes
    :raises ValueError: if a column is missing or a value is not allowed
    :return: Table with both
    """
    with reading(path):
        return schema.CURVE.table(_read_csv(Path(path)))


def write_station_terms(terms: pd.DataFrame, path: str | Path) -> None:
    """
    :param terms: Table of station terms
    :param path: File that ends in ``.csv``
    """
    _write_csv([schema.TERMS.table(terms)], Path(path))


def write_stations(stations: pd.DataFrame, path: str | Path) -> None:
    """
    :param stations: Table of stations
    :param path: File that ends in ``.csv``, or ``.txt`` for the published text, in which an
        unknown elevation is 0
    :raises ValueError: for another ending
    """
    stations = station_table(stations)
    if _choose(path, {".csv": True, ".txt": False}):
        _write_csv([stations], Path(path))
    else:
        text.write_stations_text(stations, Path(path))


def _choose(path: str | Path, known: Mapping[str, _T]) -> _T:
    name = re.sub(r"\.quakeml$", ".xml", Path(path).name.lower())
    for ending, value in known.items():
        if name.endswith(ending):
            return value
    raise ArgumentError("path", str(path), f"must end in {' or '.join(known)}")


def _start(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(4096).decode("utf-8-sig", errors="replace").lstrip()


def _event_kind(path: Path) -> str:
    """The format of a file with events, by its ending or else by how it begins."""
    ending = path.suffix.lower().replace("quakeml", "xml")
    if ending in _EVENTS:
        return ending
    start = _start(path)
    if start.startswith("<"):
        return ".xml"
    event = re.search(r"^(#EVENT\s|##?EVENT,)", start, re.MULTILINE)
    if event is None:
        return ".csv"
    return "association" if event[0].endswith(",") else "catalogue"
