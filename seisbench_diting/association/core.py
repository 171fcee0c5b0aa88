"""Associate tables of picks: input, output and base class of the methods."""

from __future__ import annotations

import importlib.util
import json
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from .. import __version__
from .._util import ArgumentError, beside, check_place, replacing_together, write_text
from ..plots import plot_association, plot_moveout, save_figure  # noqa: F401
from ..tables import (
    Station,
    event_names,
    event_table,
    find_station,
    pick_table,
    station_table,
    write_association,
)
from ..travel_times import KM_PER_DEGREE, TravelTimeTable, make_table
from .associate_settings import FORMATS, MethodSettings, method_settings

#: Picks of one phase at one station closer than this are duplicates.
SAME_PICK_S = 0.01

#: Locations of a station closer than this are treated as one station.
SAME_PLACE_KM = 0.5

#: Beyond this, distances on the plane are wrong by more than a few per cent.
MOST_KM = 1000.0

# WGS84: equatorial radius in km, and first eccentricity squared.
_EQUATOR_KM, _E2 = 6378.137, 6.69437999014e-3

_Settings = TypeVar("_Settings", bound=MethodSettings)


class Projection:
    """
    Azimuthal equidistant on a sphere, with the radii of curvature that the ellipsoid has
    at its centre. Within 300 km distances are right to a thousandth, also across the date
    line and at the poles.

    :param latitude: Centre, degrees
    :param longitude: Centre, degrees
    """

    def __init__(self, latitude: float, longitude: float) -> None:
        self.latitude, self.longitude = latitude, longitude
        up = _unit_vectors(latitude, longitude)
        east = _unit_vectors(0, longitude + 90)
        self._axes = np.stack([east, np.cross(up, east), up])
        root = 1 - _E2 * up[2] ** 2
        radii = [_EQUATOR_KM / root**0.5, _EQUATOR_KM * (1 - _E2) / root**1.5]
        self._radii = np.array(radii)

    @classmethod
    def around(cls, latitude: ArrayLike, longitude: ArrayLike) -> Projection:
        """:return: Projection whose centre is in the middle of places in degrees"""
        x, y, z = _unit_vectors(latitude, longitude).mean(axis=1)
        middle = np.degrees([np.arctan2(z, np.hypot(x, y)), np.arctan2(y, x)])
        return cls(float(middle[0]), float(middle[1]))

    def to_km(
        self, latitude: ArrayLike, longitude: ArrayLike
    ) -> tuple[np.ndarray, np.ndarray]:
        """:return: Kilometres east and north of the centre, of places in degrees"""
        vectors = _unit_vectors(latitude, longitude)
        east, north, up = np.tensordot(self._axes, vectors, 1)
        angle = np.arctan2(np.hypot(east, north), up)
        # np.sinc has its own pi.
        stretch = 1 / np.sinc(angle / np.pi)
        return east * stretch * self._radii[0], north * stretch * self._radii[1]

    def to_degrees(
        self, x_km: ArrayLike, y_km: ArrayLike
    ) -> tuple[np.ndarray, np.ndarray]:
        """:return: Latitude and longitude, of places in km east and north"""
        x, y = np.asarray(x_km) / self._radii[0], np.asarray(y_km) / self._radii[1]
        angle = np.hypot(x, y)
        shrink = np.sinc(angle / np.pi)
        vectors = np.stack([x * shrink, y * shrink, np.cos(angle)])
        x, y, z = np.tensordot(self._axes.T, vectors, 1)
        return np.degrees(np.arctan2(z, np.hypot(x, y))), np.degrees(np.arctan2(y, x))


def _unit_vectors(latitude: ArrayLike, longitude: ArrayLike) -> np.ndarray:
    lat, lon = np.radians(latitude), np.radians(longitude)
    lat, lon = np.broadcast_arrays(lat, lon)
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])


@dataclass(frozen=True)
class Network:
    """
    Picks and stations in the form that methods use.

    :param picks: Pick table, sorted by time, of the picks that can be used, with
        ``station``, the row of its station, and ``seconds`` after the reference time
    :param stations: Stations with picks: ``station_id``, ``latitude``, ``longitude``,
        ``elevation_m`` (0 where it isn't known), ``x_km`` and ``y_km``
    :param reference: Time that seconds count from
    :param projection: Plane that ``x_km`` and ``y_km`` are on
    :param not_used: Picks that can't be used, with ``reason``
    """

    picks: pd.DataFrame
    stations: pd.DataFrame
    reference: pd.Timestamp
    projection: Projection
    not_used: pd.DataFrame

    @cached_property
    def seconds(self) -> np.ndarray:
        """Times of the picks after the reference time, float64."""
        return self.picks["seconds"].to_numpy()

    @cached_property
    def is_s(self) -> np.ndarray:
        """Mask of the picks that are S, Sg or Sn."""
        return self.picks["phase"].str.startswith("S").to_numpy(dtype=bool)

    @cached_property
    def xy(self) -> np.ndarray:
        """(2, stations), km east and north."""
        return self.stations[["x_km", "y_km"]].to_numpy().T

    @cached_property
    def elevation_km(self) -> np.ndarray:
        """Elevations of the stations."""
        return self.stations["elevation_m"].to_numpy() / 1000

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


def make_network(picks: pd.DataFrame, stations: pd.DataFrame) -> Network:
    """
    Prepares picks and stations. Picks may be in any order. Picks without a station in the
    table, and duplicates except the most probable one, are left out and listed.

    :param picks: Table of picks, see :py:func:`~seisbench_diting.tables.pick_table`
    :param stations: Table of stations
    :raises ValueError: if a value is invalid, no pick has a known station, or stations are
        farther apart than in a regional network
    :return: Input of the methods
    """
    table, places = pick_table(picks), station_table(stations)
    if len(places) == 0:
        raise ValueError("stations is empty; association needs their coordinates.")
    ids = table["station_id"].unique()
    known = {name: place for name in ids if (place := find_station(places, name))}
    if len(ids) and not known:
        raise ValueError(
            f"None of the {len(ids)} stations of picks, such as {ids[0]!r}, is in "
            f"stations, which has {places['station_id'].iloc[0]!r} and "
            f"{len(places) - 1} others. Are network and location codes the same?"
        )
    is_known = table["station_id"].isin(known)
    reason = pd.Series("", index=table.index).where(is_known, "station unknown")
    reason[_doubles(table[is_known])] = "given twice"
    used = reason == ""
    not_used = table[~used].assign(reason=reason[~used]).reset_index(drop=True)
    table = table[used].reset_index(drop=True)

    frame, row_of = _one_row_a_place(known)
    if len(frame) == 0:
        # No picks at all, as on a quiet day.
        frame = places.assign(elevation_m=places["elevation_m"].fillna(0.0))
    projection = Projection.around(frame["latitude"], frame["longitude"])
    x, y = projection.to_km(frame["latitude"], frame["longitude"])
    if (farthest := float(np.hypot(x, y).max())) > MOST_KM:
        raise ValueError(
            f"stations reach {farthest:.0f} km from their middle; association is limited "
            f"to regional networks of at most {MOST_KM:.0f} km. Split them."
        )
    first = table["time"].min() if len(table) else pd.Timestamp(0, tz="UTC")
    reference = first.floor("D")
    microseconds = (table["time"] - reference) // pd.Timedelta("1us")
    table["station"] = table["station_id"].map(row_of).astype(np.int64).to_numpy()
    table["seconds"] = microseconds.to_numpy(dtype=np.float64) * 1e-6
    return Network(table, frame.assign(x_km=x, y_km=y), reference, projection, not_used)


def _doubles(table: pd.DataFrame) -> pd.Index:
    """Rows of the duplicates of more probable picks."""
    table = table.assign(kind=table["phase"].str[0])
    table = table.sort_values(["station_id", "kind", "time"], kind="stable")
    row = ["station_id", "kind"]
    step = pd.Timedelta(seconds=SAME_PICK_S)
    same = table[row].eq(table[row].shift()).all(axis=1) & (table["time"].diff() < step)
    chain = (~same).cumsum()
    # However many there are in a row, each is compared with one that is kept.
    since = table["time"] - table["time"].groupby(chain).transform("first")
    best = table["probability"].groupby([chain, since // step]).transform("idxmax")
    return table.index[table.index.to_numpy() != best.to_numpy()]


def _one_row_a_place(
    known: dict[str, Station],
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Merges locations of a station that are almost at the same place."""
    rows: list[Station] = []
    row_of: dict[str, int] = {}
    for name, place in sorted(known.items()):
        station = name.rpartition(".")[0]
        for other, row in row_of.items():
            near = _apart_km(rows[row], place) < SAME_PLACE_KM
            if near and other.rpartition(".")[0] == station:
                row_of[name] = row
                break
        else:
            row_of[name] = len(rows)
            rows.append(place._replace(station_id=name))
    frame = pd.DataFrame(rows, columns=Station._fields)
    return frame.assign(elevation_m=frame["elevation_m"].fillna(0.0)), row_of


def _apart_km(a: Station, b: Station) -> float:
    turn = (b.longitude - a.longitude + 180) % 360 - 180
    east = turn * np.cos(np.radians(b.latitude))
    return float(np.hypot(b.latitude - a.latitude, east)) * KM_PER_DEGREE


@dataclass(frozen=True)
class Found:
    """
    Result of a method, in the coordinates of a :py:class:`Network`.

    :param events: One row an event: ``time_s`` after the network's reference time,
        ``x_km``, ``y_km``, ``depth_km``, and ``score`` where the method has one
    :param picks: One row a pick that was used: ``event``, the row of its event, and
        ``pick``, the row of the network's picks
    """

    events: pd.DataFrame
    picks: pd.DataFrame


def nothing_found() -> Found:
    """:return: No events"""
    columns = ("time_s", "x_km", "y_km", "depth_km", "score")
    return Found(
        pd.DataFrame({name: np.zeros(0) for name in columns}),
        pd.DataFrame({"event": np.zeros(0, int), "pick": np.zeros(0, int)}),
    )


class Associator(ABC, Generic[_Settings]):
    """
    Base of all methods.

    :param network: Picks and stations
    :param settings: Options of the method
    """

    def __init__(self, network: Network, settings: _Settings) -> None:
        self.network = network
        self.settings = settings

    @property
    @abstractmethod
    def margin_km(self) -> float:
        """Largest distance of events outside the network."""

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
        return make_table(self.settings.velocity, reach, self.settings.max_depth_km)


@dataclass(frozen=True)
class Association:
    """
    Events and the picks that belong to them.

    :param events: Event table with columns of quality
    :param picks: Pick table with columns of event picks
    :param not_used: Picks that could not be used, with ``reason``
    :param summary: Numbers of the run: picks given, used, left out and why, events,
        seconds
    """

    events: pd.DataFrame
    picks: pd.DataFrame
    not_used: pd.DataFrame
    summary: dict[str, Any]


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
    :param method: Name of the method: real, lppn, pyocto or gamma
    :param progress: Show a progress bar
    :param options: Options of the method, see :py:func:`options_of`
    :raises ValueError: if a table, the method or an option is wrong
    :raises ImportError: if the method needs a package that is not installed
    :return: Events, their picks, and a summary
    """
    settings = method_settings(method, **options)
    cls = find_method(method)
    start = time.perf_counter()
    network = make_network(picks, stations)
    associator = cls(network, settings)
    found = associator.find(progress) if len(network.picks) else nothing_found()
    events, used = make_tables(network, associator.travel_times, found)
    summary = {
        "method": method,
        "options": settings.model_dump(),
        "picks": len(network.picks) + len(network.not_used),
        "picks_used": len(used),
        "picks_left_out": dict(Counter(network.not_used["reason"]).most_common()),
        "stations": network.picks["station"].nunique(),
        "events": len(events),
        "seconds": round(time.perf_counter() - start, 3),
    }
    return Association(events, used, network.not_used, summary)


def find_method(method: str) -> type[Associator[Any]]:
    """
    :param method: Name
    :raises ImportError: if it needs a package that is not installed
    :return: The class of its module that finds events
    """
    try:
        # `lppn` is a file of the models.
        file = "lppn_linker" if method == "lppn" else method
        module = importlib.import_module(f".{file}", __package__)
    except ImportError as error:
        extra = method if method in ("pyocto", "gamma") else "associate"
        raise ImportError(
            f"method={method!r} needs a package that is not installed ({error}): "
            f"pip install 'seisbench-diting[{extra}]'."
        ) from error
    return module.METHOD


def make_found(
    network: Network,
    settings: MethodSettings,
    events: pd.DataFrame,
    picks: pd.DataFrame,
) -> Found:
    """
    Cleans the results of libraries, so that all methods keep the same rules. If several
    events have the same pick, the event with the most picks keeps it. If an event has
    several picks of P, or of S, at one station, the most probable one is kept. Events
    without a finite place or time, or with fewer picks than the options require, are
    removed with their picks. The order of rows does not matter.

    :param network: Picks and stations
    :param settings: Minimum numbers of picks
    :param events: Columns of :py:class:`Found`
    :param picks: ``event``, the row of its event, and ``pick``, the network's row
    :return: Events, sorted by time, and their picks
    """
    by = ["time_s", "x_km", "y_km", "depth_km"]
    events, rank = _sorted(events, by)
    event = rank[picks["event"].to_numpy(dtype=np.int64)]
    row = picks["pick"].to_numpy(dtype=np.int64)
    table = pd.DataFrame(
        {
            "event": event,
            "pick": row,
            "station": network.picks["station"].to_numpy()[row],
            "s": network.is_s[row],
            "size": np.bincount(event, minlength=len(events))[event],
            "probability": network.picks["probability"].to_numpy()[row],
        }
    )
    finite = np.isfinite(events[by].to_numpy(dtype=float)).all(axis=1)
    table = (
        table[finite[event]]
        .sort_values(
            ["size", "probability", "event", "pick"],
            ascending=[False, False, True, True],
        )
        .drop_duplicates("pick")
        .drop_duplicates(["event", "station", "s"])
        .sort_values(["event", "pick"])
    )
    keep = np.ones(len(events), dtype=bool)
    for which, least in (
        (slice(None), max(settings.min_picks, 1)),
        (~table["s"], settings.min_p_picks),
        (table["s"], settings.min_s_picks),
        # A station has at most one P and one S, so a second pick means that it has both.
        (table.duplicated(["event", "station"]), settings.min_both),
    ):
        keep &= np.bincount(table["event"][which], minlength=len(events)) >= least
    table = table[keep[table["event"]]]
    new_row = np.cumsum(keep) - 1
    return Found(
        events[keep].reset_index(drop=True),
        pd.DataFrame({"event": new_row[table["event"]], "pick": table["pick"]}),
    )


def _sorted(events: pd.DataFrame, by: list[str]) -> tuple[pd.DataFrame, np.ndarray]:
    """Events in order, and the new row of each."""
    order = np.lexsort([events[name] for name in reversed(by)])
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return events.iloc[order].reset_index(drop=True), rank


def make_tables(
    network: Network, travel_times: TravelTimeTable, found: Found
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """
    :param network: Picks and stations
    :param travel_times: For theoretical times and residuals
    :param found: What a method found
    :return: Event table with columns of quality, and pick table with columns of events
    """
    events, rank = _sorted(found.events, ["time_s"])
    event = rank[found.picks["event"].to_numpy(dtype=int)]
    row = found.picks["pick"].to_numpy(dtype=int)
    times = network.reference + pd.Series(
        pd.to_timedelta((events["time_s"] * 1e6).round().astype("int64"), unit="us")
    )
    names = event_names(times)
    picks = network.picks.iloc[row].reset_index(drop=True)
    station = picks["station"].to_numpy()
    place = events[["x_km", "y_km", "depth_km", "time_s"]].to_numpy()[event].T
    east, north = network.xy[:, station] - place[:2]
    distance = np.hypot(east, north)
    azimuth = np.degrees(np.arctan2(east, north)) % 360
    p, s = travel_times.first_arrivals(
        distance, place[2], network.elevation_km[station]
    )
    is_s = network.is_s[row]
    residual = network.seconds[row] - place[3] - np.where(is_s, s, p)
    known = np.isfinite(residual)
    theoretical = picks["time"] - pd.to_timedelta(
        np.round(np.where(known, residual, 0) * 1e6).astype("int64"), unit="us"
    )
    picks = picks.drop(columns=["station", "seconds"]).assign(
        event_id=np.array(names, dtype=object)[event] if len(names) else "",
        epicentral_distance_km=distance,
        azimuth_deg=azimuth,
        theoretical_time=theoretical.where(known),
        residual_s=residual,
    )
    columns = {"event": event, "station": station, "s": is_s, "azimuth": azimuth}
    used = pd.DataFrame(columns | {"squared": residual**2})
    latitude, longitude = network.projection.to_degrees(events["x_km"], events["y_km"])
    rows = {
        "event_id": names,
        "time": times,
        "latitude": latitude,
        "longitude": longitude,
        "depth_km": events["depth_km"],
        "event_type": "earthquake",
        "score": events.get("score", np.nan),
        **_quality(used, len(events)),
    }
    return event_table(pd.DataFrame(rows)), pick_table(picks)


def _quality(used: pd.DataFrame, number: int) -> dict[str, pd.Series]:
    """Columns of quality, from the picks of all events."""
    by_event = used.groupby("event")
    by_station = used.groupby(["event", "station"])["s"]
    both = (by_station.nunique() == 2).groupby("event").sum()
    index = range(number)
    counts = {
        "pick_count": by_event.size(),
        "p_count": by_event.size() - by_event["s"].sum(),
        "s_count": by_event["s"].sum(),
        "station_count": by_event["station"].nunique(),
        "both_count": both,
    }
    return {
        **{
            name: column.reindex(index, fill_value=0) for name, column in counts.items()
        },
        "rms_residual_s": np.sqrt(by_event["squared"].mean()).reindex(index),
        "azimuthal_gap_deg": by_event["azimuth"].agg(_largest_gap).reindex(index),
    }


def _largest_gap(azimuths: pd.Series) -> float:
    """Largest angle without a station, degrees."""
    values = np.sort(azimuths.to_numpy())
    return float(np.diff(values, append=values[0] + 360).max())


def files_of(output: Path, formats: Sequence[str]) -> list[Path]:
    """:return: Files of an association"""
    endings = [FORMATS[kind] for kind in formats]
    endings += [e.replace("events", "picks") for e in endings if "events" in e]
    return [beside(output, ending) for ending in (*endings, ".png", ".err", ".json")]


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
    if not output.name or output.is_dir():
        raise ArgumentError("output", name, "it is a folder; add a name to it")
    read = {Path(path).resolve() for path in inputs}
    for path in files_of(output, formats):
        check_place(path, f"output={name!r}: {path}")
        if path.resolve() in read:
            reason = f"it would replace {path}, which is read. Choose another name"
            raise ArgumentError("output", name, reason)
    for path in (beside(output, ".state"), beside(output, ".log")):
        if path.exists():
            reason = f"{path} belongs to a run of pick, whose files would be replaced"
            raise ArgumentError("output", name, f"{reason}. Choose another name")
    if "parquet" in formats and not importlib.util.find_spec("pyarrow"):
        raise ImportError("parquet needs: pip install 'seisbench-diting[parquet]'.")


def write_files(
    result: Association,
    output: Path,
    stations: pd.DataFrame,
    formats: Sequence[str] = ("csv", "txt", "quakeml"),
    plot: bool = True,
) -> list[Path]:
    """
    Writes all files of an association. Earlier files are replaced only when all are complete.

    :param result: Association
    :param output: Prefix of the files
    :param stations: Table of stations
    :param formats: ``csv`` and ``parquet``, each with one file of events and one of picks;
        ``txt``, the published text; ``quakeml``
    :param plot: Draw NAME.png, if there are events
    :return: What was written
    """
    picture = beside(output, ".png")
    written = files_of(output, formats)
    if not (plot and len(result.events)):
        written.remove(picture)
    with replacing_together(written) as new:
        for kind in formats:
            path = new[beside(output, FORMATS[kind])]
            write_association(result.events, result.picks, path, stations)
        if picture in new:
            figure = plot_association(
                result.events, result.picks, stations, output.name
            )
            save_figure(figure, new[picture])
        left_out = (
            f"{row.reason}: {row.station_id} {row.phase} {row.time:%Y-%m-%dT%H:%M:%S.%f}Z\n"
            for row in result.not_used.itertuples(index=False)
        )
        write_text(new[beside(output, ".err")], left_out)
        about = {"version": __version__, "files": [str(path) for path in written]}
        text = json.dumps(result.summary | about, indent=2, default=str)
        write_text(new[beside(output, ".json")], text + "\n")
    if plot and picture not in written:
        # A figure of an earlier run would not match these tables.
        picture.unlink(missing_ok=True)
    return written
