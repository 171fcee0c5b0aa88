"""Associate tables of picks: input, output and base class of the methods."""

from __future__ import annotations

import importlib.util
import json
import time
import warnings
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from pyproj import Proj

from .. import __version__
from .._util import (
    ArgumentError,
    beside,
    check_place,
    counted,
    errors_of,
    first_of,
    replacing_together,
    told_files,
    write_text,
)
from ..plots import plot_association, save_figure
from ..tables import (
    LeftOut,
    event_names,
    event_table,
    find_station,
    pick_table,
    read_station_terms,
    station_table,
    write_association,
    write_station_terms,
)
from ..travel_times import TravelTimeTable, make_table
from .associate_settings import (
    FORMATS,
    METHODS,
    MethodSettings,
    SearchSettings,
    known_formats,
    method_settings,
)
from .relocation import Locator, Origins

#: Picks of one phase at one station closer than this are duplicates.
SAME_PICK_S = 0.01

#: Locations of a station closer than this are treated as one station.
SAME_PLACE_KM = 0.5

#: Beyond this distance from the middle, distances on the plane are wrong by more than a few
#: per cent; and the largest share of stations that may be there, and are left out.
MOST_KM, _SHARE_OF_FAR = 1000.0, 0.25

#: In small networks, events need this share of the picks that are possible, but at least this
#: number. No S is needed where less than this share of the picks is S.
_SHARE_OF_PICKS, _LEAST_PICKS, _FEW_S = 0.6, 4, 0.1

#: Rounds in which picks are added to events.
_MORE_PICKS = 2


def make_projection(
    latitude: ArrayLike, longitude: ArrayLike, middle: Callable[..., Any] = np.mean
) -> Proj:
    """
    Azimuthal equidistant projection, in km. Within 300 km distances are right to a
    thousandth, also across the date line and at the poles.

    :param latitude: Latitudes of places, in whose middle the centre is, degrees
    :param longitude: Their longitudes
    :param middle: Computes the middle of numbers
    """
    lat, lon = np.radians(latitude), np.radians(longitude)
    x, y = (middle(np.cos(lat) * axis) for axis in (np.cos(lon), np.sin(lon)))
    up, east = np.arctan2(middle(np.sin(lat)), np.hypot(x, y)), np.arctan2(y, x)
    centre = {"lat_0": np.degrees(up), "lon_0": np.degrees(east)}
    return Proj(proj="aeqd", ellps="WGS84", units="km", **centre)


@dataclass(frozen=True)
class Network:
    """
    Picks and stations in the form that methods use.

    :param picks: Pick table, sorted by time, of the picks that can be used
    :param station: Row of the station of each pick
    :param seconds: Time of each pick after the reference time, less the station's term
    :param is_s: Whether each pick is S, Sg or Sn
    :param stations: Names of the stations with picks
    :param xy: (2, stations), km east and north on the plane of the projection
    :param elevation_km: Elevations of the stations, 0 where it isn't known
    :param reference: Time that seconds count from
    :param projection: Plane
    :param not_used: Picks that can't be used, with ``reason``
    :param term_s: Term of the station and phase of each pick
    """

    picks: pd.DataFrame
    station: np.ndarray
    seconds: np.ndarray
    is_s: np.ndarray
    stations: list[str]
    xy: np.ndarray
    elevation_km: np.ndarray
    reference: pd.Timestamp
    projection: Proj
    not_used: pd.DataFrame
    term_s: np.ndarray

    @cached_property
    def row(self) -> np.ndarray:
        """For each pick, two times the row of its station, and 1 more for S."""
        return 2 * self.station + self.is_s

    @cached_property
    def distances_km(self) -> np.ndarray:
        """(stations, stations) Distances from each other."""
        return np.hypot(*(self.xy[:, :, None] - self.xy[:, None]))

    @property
    def diameter_km(self) -> float:
        """Largest distance between stations."""
        return float(self.distances_km.max())

    def limits_km(self, margin_km: float) -> list[tuple[float, float]]:
        """:return: Least and largest x, and y, of the network with a margin"""
        least, most = self.xy.min(axis=1) - margin_km, self.xy.max(axis=1) + margin_km
        return list(zip(least.tolist(), most.tolist(), strict=True))


def make_network(
    picks: pd.DataFrame, stations: pd.DataFrame, terms: pd.DataFrame | None = None
) -> Network:
    """
    Prepares picks and stations. Picks may be in any order. Picks without a station in the
    table, at a station far from most others, and duplicates except the most probable one,
    are left out and listed. A station that was moved is one station for each place.

    :param picks: Table of picks, see :py:func:`~seisbench_diting.tables.pick_table`
    :param stations: Table of stations
    :param terms: Table of station terms, which are taken off the times
    :raises ValueError: if a value is invalid, no pick has a known station, or stations are
        farther apart than in a regional network
    :return: Input of the methods
    """
    table = pick_table(picks)
    if len(stations) == 0:
        raise ValueError("stations is empty; association needs their coordinates.")
    # On a quiet day there are no picks at all.
    asked = table if len(table) else stations.assign(time=None)
    at = _place_names(asked, stations)
    first = asked[["station_id", "time"]].assign(at=at).drop_duplicates("at")
    known = {
        row.at: place
        for row in first.itertuples()
        if (place := find_station(stations, row.station_id, row.time))
    }
    if not known:
        raise ValueError(
            f"None of the {len(first)} stations of picks, such as "
            f"{first['station_id'].iloc[0]!r}, is in stations, which has "
            f"{stations['station_id'].iloc[0]!r} and {len(stations) - 1} others. Are "
            "network and location codes the same?"
        )
    frame = pd.DataFrame([known[name] for name in sorted(known)], index=sorted(known))
    places = frame["longitude"], frame["latitude"]
    # A few stations that are far from the others, as their places are wrong, don't move the
    # median.
    from_median = make_projection(*places[::-1], np.median)(*places)
    is_far = np.hypot(*from_median) > MOST_KM
    if is_far.mean() > _SHARE_OF_FAR:
        raise ValueError(
            f"{is_far.sum()} of {len(frame)} stations are more than {MOST_KM:.0f} km from "
            "the middle of all; association is limited to regional networks. Split them."
        )
    at = at[table.index]
    reason = pd.Series("", index=table.index)
    reason[~at.isin(frame.index)] = "station unknown"
    reason[at.isin(frame.index[is_far])] = "station far from the others"
    frame = frame[~is_far].copy()
    reason[_doubles(table[at.isin(frame.index)])] = "given twice"
    used = reason == ""
    not_used = table[~used].assign(reason=reason[~used]).reset_index(drop=True)
    table, at = table[used].reset_index(drop=True), at[used]
    projection = make_projection(frame["latitude"], frame["longitude"])
    frame["x"], frame["y"] = projection(frame["longitude"], frame["latitude"])
    # Locations of a station that are almost at the place of the first one are merged.
    frame["row"] = range(len(frame))
    by_station = frame.groupby(frame.index.str.rsplit(".", n=1).str[0])
    beside = by_station[["x", "y", "row"]].transform("first")
    apart_km = np.hypot(frame["x"] - beside["x"], frame["y"] - beside["y"])
    row = beside["row"].where(apart_km < SAME_PLACE_KM, frame["row"])
    kept, row_of = np.unique(row, return_inverse=True)
    row_of = pd.Series(row_of, frame.index)
    frame = frame.iloc[kept]
    first = table["time"].min() if len(table) else pd.Timestamp(0, tz="UTC")
    reference = first.floor("D")
    microseconds = (table["time"] - reference) // pd.Timedelta("1us")
    term_s = np.zeros(len(table))
    if terms is not None:
        row = ["station_id", "phase"]
        given = terms.assign(phase=terms["phase"].str[0]).drop_duplicates(row)
        asked = table.assign(phase=table["phase"].str[0])[row]
        term_s = asked.merge(given, "left")["term_s"].fillna(0.0).to_numpy()
    return Network(
        table,
        at.map(row_of).to_numpy(dtype=np.int64),
        microseconds.to_numpy(dtype=np.float64) * 1e-6 - term_s,
        table["phase"].str.startswith("S").to_numpy(dtype=bool),
        frame.index.to_list(),
        frame[["x", "y"]].to_numpy().T,
        frame["elevation_m"].fillna(0.0).to_numpy() / 1000,
        reference,
        projection,
        not_used,
        term_s,
    )


def _place_names(picks: pd.DataFrame, places: pd.DataFrame) -> pd.Series:
    """NET.STA.LOC of each pick, with a number behind it where its station was moved."""
    names = picks["station_id"]
    if "start_time" not in places or picks["time"].isna().all():
        return names
    times = places.set_index(places["station_id"].str.rsplit(".", n=1).str[0])
    times = pd.concat([times["start_time"], times["end_time"]]).dropna()
    for station, moves in times.groupby(level=0):
        own = picks[picks["station_id"].str.startswith(f"{station}.")]
        edges = pd.DatetimeIndex(moves).sort_values()
        number = edges.searchsorted(pd.DatetimeIndex(own["time"]), side="right")
        at = own["station_id"] + "@" + pd.Series(number, own.index).astype(str)
        names = at.reindex(names.index).fillna(names)
    return names


def _doubles(table: pd.DataFrame) -> pd.Index:
    """Rows of the duplicates of more probable picks."""
    table = table.assign(phase=table["phase"].str[0])
    row = ["station_id", "phase"]
    table = table.sort_values([*row, "time"], kind="stable")
    same = table[row].eq(table[row].shift()).all(axis=1)
    same &= table["time"].diff() < pd.Timedelta(seconds=SAME_PICK_S)
    best = table["probability"].groupby((~same).cumsum()).transform("idxmax")
    return table.index[table.index.to_numpy() != best.to_numpy()]


@dataclass(frozen=True)
class Found:
    """
    Result of a method, in the coordinates of a :py:class:`Network`.

    :param places: (events, 4) x, y and depth in km, and seconds after the network's
        reference time
    :param event: Row of the event, for each pick that was used
    :param pick: Row of this pick among the network's picks
    :param score: (events,) Where the method has them
    :param names: (events,) Where they have names already
    """

    places: np.ndarray
    event: np.ndarray
    pick: np.ndarray
    score: np.ndarray | float = np.nan
    names: Any = None


def nothing_found() -> Found:
    """:return: No events"""
    none = np.empty(0, dtype=np.int64)
    return Found(np.empty((0, 4)), none, none)


class Associator(ABC):
    """
    Base of all methods.

    :param network: Picks and stations
    :param settings: Options of the method
    """

    settings: Any

    def __init__(self, network: Network, settings: MethodSettings) -> None:
        self.network = network
        self.settings = settings

    @property
    def margin_km(self) -> float:
        """Largest distance of events outside the network."""
        return float(self.settings.margin_km)

    @abstractmethod
    def find(self, progress: bool = False) -> Found:
        """
        :param progress: Show a progress bar
        :return: Events and their picks; each pick belongs to at most one event
        """

    @cached_property
    def travel_times(self) -> TravelTimeTable:
        """For all distances from stations to events that are searched."""
        reach = self.network.diameter_km + 2 * self.margin_km
        velocity, depth = self.settings.velocity, self.settings.max_depth_km
        with errors_of("velocity", velocity):
            table = make_table(velocity, reach, depth)
        return table


def _adapted(network: Network, settings: SearchSettings) -> tuple[dict[str, int], str]:
    """
    :return: Limits of picks that were not given, and are lower for this network; and why
        even then no event is possible, or nothing
    """
    p, s = (set(network.station[network.is_s == is_s]) for is_s in (False, True))
    lower: dict[str, int] = {}
    possible = len(p) + len(s)
    if network.is_s.mean() < _FEW_S:
        lower, possible = {"min_s_picks": 0, "min_both": 0}, len(p)
    lower["min_picks"] = max(_LEAST_PICKS, round(_SHARE_OF_PICKS * possible))
    limits = settings.model_dump()
    adapted = {
        name: value
        for name, value in lower.items()
        if name not in settings.model_fields_set and value < limits[name]
    }
    limits |= adapted
    most = {"min_picks": len(p) + len(s), "min_p_picks": len(p), "min_s_picks": len(s)}
    for name, number in (most | {"min_both": len(p & s)}).items():
        if limits[name] > number:
            about = f"with P at {counted(len(p), 'station')} and S at {len(s)}"
            about = f"{name}={limits[name]}, but {about} an event has {number} at most"
            return adapted, f"No event can be found: {about}."
    return adapted, ""


@dataclass(frozen=True)
class Association:
    """
    Events and the picks that belong to them.

    :param events: Event table with columns of quality
    :param picks: Pick table with columns of event picks
    :param not_used: Picks that could not be used, and those that almost fit an event at
        its nearest stations, with ``reason``
    :param summary: Numbers of the run: options, and those of them that were ``adapted``
        to the network; picks given, used, left out and why; events; seconds
    :param station_terms: Table of station terms, if they were estimated
    :param amplitudes: Table of the amplitudes of local magnitudes
    """

    events: pd.DataFrame
    picks: pd.DataFrame
    not_used: pd.DataFrame
    summary: dict[str, Any]
    station_terms: pd.DataFrame | None = None
    amplitudes: pd.DataFrame | None = None


def associate(
    picks: pd.DataFrame,
    stations: pd.DataFrame,
    method: str = "real",
    progress: bool = False,
    **options: Any,
) -> Association:
    """
    Finds the events that picks belong to.

        result = associate(read_picks("picks.csv"), read_stations("stations.csv"))
        result.events, result.picks

    :param picks: Table of picks, in any order; see
        :py:func:`~seisbench_diting.tables.pick_table`. Pg and Pn are P, Sg and Sn are S.
    :param stations: Table of stations
    :param method: Name of the method: real, lppn, pyocto, gamma or known
    :param progress: Show a progress bar
    :param options: Options of the method, such as ``min_picks``
    :raises ValueError: if a table, the method or an option is wrong
    :raises ImportError: if the method needs a package that is not installed
    :return: Events, their picks, and a summary
    """
    settings = method_settings(method, **options)
    cls = find_method(method)
    start = time.perf_counter()
    stations, path = station_table(stations), settings.station_terms
    network = make_network(picks, stations, path and read_station_terms(path))
    adapted, why_none = dict[str, int](), ""
    if len(network.picks) and isinstance(settings, SearchSettings):
        adapted, why_none = _adapted(network, settings)
    if why_none:
        warnings.warn(why_none, stacklevel=2)
    settings = settings.model_copy(update=adapted)
    associator = cls(network, settings)
    is_possible = len(network.picks) and not why_none
    found = associator.find(progress) if is_possible else nothing_found()
    locator = Locator(associator)
    given = found.places, found.event, found.pick
    locator.calibrate(*given)
    origins = locator.locate(*given)
    for _ in range(_MORE_PICKS):
        origins = locator.add_picks(origins)
    terms = None
    if settings.estimate_station_terms:
        origins, more_s = locator.estimate_terms(origins)
        terms = _station_terms(network, origins, more_s)
    times = pd.Series(network.reference + _to_microsecond(origins.place[:, 3]))
    if found.names is None:
        found = replace(found, names=np.array(event_names(times), dtype=object))
    events, used = _tables(network, locator, origins, found, times)
    near = _left_near(network, locator, origins, found)
    summary = {
        "method": method,
        "options": settings.model_dump(),
        "adapted": adapted,
        "picks": len(network.picks) + len(network.not_used),
        "picks_used": len(used),
        "picks_left_out": dict(Counter(network.not_used["reason"]).most_common()),
        "picks_that_almost_fit": len(near),
        "stations": len(np.unique(network.station)),
        "stations_without_elevation": int(stations["elevation_m"].isna().sum()),
        "events": len(events),
        "seconds": round(time.perf_counter() - start, 3),
    }
    not_used = pd.concat([network.not_used, near]) if len(near) else network.not_used
    return Association(events, used, not_used, summary, terms)


def find_method(method: str) -> type[Associator]:
    """
    :param method: Name
    :raises ImportError: if it needs a package that is not installed
    :return: Class that finds events
    """
    options = METHODS[method]
    module, name = options.place
    try:
        importlib.import_module(options.package)
    except ImportError as error:
        raise ImportError(
            f"method={method!r} needs a package that is not installed ({error}): "
            f"pip install 'seisbench-diting[{options.extra}]'."
        ) from error
    return getattr(importlib.import_module(f".{module}", __package__), name)


def _tables(
    network: Network,
    locator: Locator,
    origins: Origins,
    found: Found,
    times: pd.Series,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """:return: Event table with columns of quality, and pick table with columns of events"""
    x, y, depth, _ = origins.place.T
    event, pick, weight = origins.event, origins.pick, origins.weight
    station = network.station[pick]
    east, north = network.xy[0, station] - x[event], network.xy[1, station] - y[event]
    residual = np.where(weight > 0, origins.residual_s, np.nan)
    picks = network.picks.iloc[pick].reset_index(drop=True)
    picks = picks.assign(
        event_id=found.names[event],
        epicentral_distance_km=np.hypot(east, north),
        azimuth_deg=np.degrees(np.arctan2(east, north)) % 360,
        theoretical_time=picks["time"] - _to_microsecond(residual),
        residual_s=residual,
        weight=weight,
    )
    longitude, latitude = network.projection(x, y, inverse=True)
    rows = {
        "event_id": found.names,
        "time": times,
        "latitude": latitude,
        "longitude": longitude,
        "depth_km": depth,
        "event_type": "earthquake",
        "score": found.score,
    }
    quality = _quality(picks.assign(row=network.row[pick]))
    events = pd.DataFrame(rows).join(locator.errors(origins))
    events = events.join(quality, on="event_id")
    return event_table(events), pick_table(picks)


def _to_microsecond(seconds: np.ndarray) -> pd.TimedeltaIndex:
    return pd.to_timedelta(np.round(seconds * 1e6), unit="us")


def _left_near(
    network: Network, locator: Locator, origins: Origins, found: Found
) -> pd.DataFrame:
    """:return: Picks near an event that almost fit it, with ``reason``; warns of many"""
    (event, pick, residual), chance = locator.left_near(origins)
    names = found.names[event]
    if len(pick) > chance:
        unsure = list(pd.unique(names))
        warnings.warn(
            f"{counted(len(pick), 'pick')} at the nearest stations of "
            f"{counted(len(unsure), 'event')} ({first_of(unsure)}) "
            f"almost fit; by chance there would be {chance:.0f}. Depths may be wrong: try wider "
            "windows, or another velocity.",
            stacklevel=3,
        )
    about = zip(names, residual, strict=True)
    reasons = [
        f"{late:+.1f} s off {name}, whose depth may be wrong" for name, late in about
    ]
    return network.picks.iloc[pick].assign(reason=reasons)


def _station_terms(
    network: Network, origins: Origins, more_s: np.ndarray
) -> pd.DataFrame:
    """:return: Table of the terms that were given and those that were added to them"""
    pick = origins.pick
    terms = network.picks.iloc[pick][["station_id"]].assign(
        phase=np.where(network.is_s[pick], "S", "P"),
        term_s=network.term_s[pick] + more_s[network.row[pick]],
    )
    groups = terms.groupby(["station_id", "phase"])["term_s"]
    return groups.agg(term_s="first", pick_count="size").reset_index()


def _quality(used: pd.DataFrame) -> pd.DataFrame:
    """Columns of quality by event, from the picks of all events."""
    used = used.assign(
        station=used["row"] // 2, is_s=used["row"] % 2, square=used["residual_s"] ** 2
    )
    by_event = used.groupby("event_id")
    number, s, stations = by_event.size(), by_event["is_s"].sum(), by_event["station"]
    return pd.DataFrame(
        {
            "pick_count": number,
            "p_count": number - s,
            "s_count": s,
            "station_count": stations.nunique(),
            "both_count": by_event["row"].nunique() - stations.nunique(),
            "rms_residual_s": by_event["square"].mean() ** 0.5,
            "azimuthal_gap_deg": by_event["azimuth_deg"].agg(largest_gap),
            "nearest_station_km": by_event["epicentral_distance_km"].min(),
        }
    )


def largest_gap(azimuths: ArrayLike) -> float:
    """
    :param azimuths: Azimuths of stations, degrees
    :return: Largest angle without a station, degrees
    """
    values = np.sort(azimuths)
    return float(np.diff(values, append=values[0] + 360).max())


def check_size(name: str, value: float, number: int, most: int, noun: str) -> None:
    """
    :param name: Option that the size depends on
    :param value: Its value
    :param number: Size
    :param most: Largest possible size
    :param noun: Unit of the size
    :raises ArgumentError: if it is too large
    """
    if number > most:
        reason = f"it gives {number} {noun}; at most {most} are possible"
        raise ArgumentError(name, value, reason)


def files_of(output: Path, formats: Sequence[str]) -> list[Path]:
    """:return: Files of an association"""
    endings = [FORMATS[kind] for kind in known_formats(formats)]
    endings += [e.replace("events", "picks") for e in endings if "events" in e]
    return [beside(output, ending) for ending in (*endings, ".png", ".err", ".json")]


def _with_earlier(output: Path, formats: Sequence[str]) -> list[str]:
    """Formats, and those of the tables of an earlier run, which are replaced as well."""
    paths = {beside(output, ending): kind for kind, ending in FORMATS.items()}
    earlier = told_files(beside(output, ".json"), "files", paths)
    return [*dict.fromkeys([*formats, *(paths[path] for path in earlier)])]


def check_output(
    output: Path, formats: Sequence[str], inputs: Sequence[str | Path]
) -> None:
    """
    :param output: Prefix of the files
    :param formats: Formats that will be written
    :param inputs: Files that must stay
    :raises ValueError: if the name is a folder, a file of inputs would be replaced, or
        there are files of ``pick`` of this name
    :raises OSError: if nothing can be written there
    :raises ImportError: for ``parquet`` without pyarrow
    """
    name = str(output)
    if output.is_dir():
        raise ArgumentError("output", name, "it is a folder; add a name to it")
    if output.suffix in (".csv", ".parquet", ".txt", ".xml", ".json", ".png"):
        reason = f"write a name; {output.stem} makes {output.stem}.events.csv"
        raise ArgumentError("output", name, reason)
    read = {Path(path).resolve() for path in inputs}
    for path in files_of(output, _with_earlier(output, formats)):
        check_place(path, f"output={name!r}: {path}")
        if path.resolve() in read:
            reason = f"it would replace {path}, which is read. Choose another name"
            raise ArgumentError("output", name, reason)
    if beside(output, ".state").exists():
        reason = "files of a run of pick would be replaced. Choose another name"
        raise ArgumentError("output", name, reason)
    if "parquet" in formats and not importlib.util.find_spec("pyarrow"):
        raise ImportError("parquet needs: pip install 'seisbench-diting[parquet]'.")


def write_files(
    result: Association,
    output: Path,
    stations: pd.DataFrame,
    formats: Sequence[str] = ("csv", "txt", "quakeml"),
    plot: bool = True,
    left_out: Sequence[LeftOut] = (),
) -> list[Path]:
    """
    Writes all files of an association. Earlier files, also of other formats, are replaced
    only when all are complete.

    :param result: Association
    :param output: Prefix of the files
    :param stations: Table of stations
    :param formats: ``csv`` and ``parquet``, each with one file of events and one of picks;
        ``txt``, the published text; ``quakeml``
    :param plot: Draw NAME.png, if there are events
    :param left_out: Rows of files that were not used
    :return: What was written
    """
    picture, terms, amplitudes = (
        beside(output, ending) for ending in (".png", ".terms.csv", ".amplitudes.csv")
    )
    is_old = plot or bool(told_files(beside(output, ".json"), "files", [picture]))
    formats = _with_earlier(output, formats)
    written = files_of(output, formats)
    written += [terms] if result.station_terms is not None else []
    written += [amplitudes] if result.amplitudes is not None else []
    if not (plot and len(result.events)):
        written.remove(picture)
    with replacing_together(written) as new:
        for kind in formats:
            path = new[beside(output, FORMATS[kind])]
            of_result = result.events, result.picks, path, stations, result.amplitudes
            write_association(*of_result)
        if result.station_terms is not None:
            write_station_terms(result.station_terms, new[terms])
        if result.amplitudes is not None:
            result.amplitudes.to_csv(new[amplitudes], index=False, float_format="%.5g")
        if picture in new:
            shown = result.events, result.picks, stations
            save_figure(plot_association(*shown, output.name), new[picture])
        lines = [f"{one.path}, {line}\n" for one in left_out for line in one.lines()]
        lines += [
            f"{row.reason}: {row.station_id} {row.phase} {row.time:%Y-%m-%dT%H:%M:%S.%f}Z\n"
            for row in result.not_used.itertuples(index=False)
        ]
        write_text(new[beside(output, ".err")], lines)
        about = {"version": __version__, "files": [str(path) for path in written]}
        text = json.dumps(result.summary | about, indent=2, default=str)
        write_text(new[beside(output, ".json")], text + "\n")
    if is_old and picture not in written:
        # A figure of an earlier run would not match these tables.
        picture.unlink(missing_ok=True)
    return written
