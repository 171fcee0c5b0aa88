"""Settings of associate and compare; the options of each method are one class."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import (
    BeforeValidator,
    ConfigDict,
    ValidationInfo,
    field_validator,
    model_validator,
)

from .._util import ArgumentError, Names, Settings, make, option, suggestion

Text = Annotated[str, BeforeValidator(str)]

#: Formats of associations, and how their files end.
FORMATS = {
    "csv": ".events.csv",
    "parquet": ".events.parquet",
    "txt": ".txt",
    "quakeml": ".xml",
}

#: Residuals that are expected with a velocity model of the whole Earth and with one of a
#: region; and how many of them a window is long.
_ERRORS_S, _WINDOW = {"p": (0.3, 0.15), "s": (0.45, 0.25)}, 10 / 3

#: As REAL has it.
_KM_PER_DEGREE = 111.19

#: Step of REAL's grids.
_GRID_KM = 2.0

#: The numbers in each of REAL's options, and how many of them are needed.
_REAL_WORDS = {
    "R": ("rx rh tdx tdh tint gap GCarc0 latref0 lonref0", 5),
    "G": ("trx trh tdx tdh", 4),
    "V": ("vp0 vs0 s_vp0 s_vs0 ielev", 2),
    "S": ("np0 ns0 nps0 npsboth0 std0 dtps nrt drt nxd rsel ires", 7),
}


class MethodSettings(Settings):
    """Options of all methods."""

    velocity: Text = option(
        "iasp91",
        "Velocity model: P/S in km/s, such as 6.2/3.5; a model of ObsPy's; a .nd or .tvel "
        "file; or REAL's table of travel times (.txt).",
        metavar="MODEL",
    )
    max_depth_km: float = option(
        30.0,
        "Depth that events are searched to, from sea level.",
        *("--max-depth", "max_depth_km"),
        metavar="KM",
        gt=0,
        le=700,
    )
    min_picks: int = option(8, "Least picks of an event.", ge=0)
    min_p_picks: int = option(3, "Least P picks.", "--min-p", "min_p_picks", ge=0)
    min_s_picks: int = option(2, "Least S picks.", "--min-s", "min_s_picks", ge=0)
    min_both: int = option(1, "Least stations with P and S.", ge=0)


class GreedySettings(MethodSettings):
    """Options that real and lppn share."""

    grid_km: float = option(_GRID_KM, "Step of the grid.", ge=0.01, le=100)
    p_error_s: float = option(
        0.0,
        "Expected residual of P picks, of the velocity model's errors, too; 0 for 0.15 s "
        "where velocity is a file or constant, and 0.3 s where it is of the whole Earth.",
        ge=0,
    )
    s_error_s: float = option(
        0.0, "Expected residual of S picks; 0 for 0.25 s or 0.45 s.", ge=0
    )
    p_window_s: float = option(
        0.0, "Largest residual of a P pick; 0 for 10/3 of what is expected.", ge=0
    )
    s_window_s: float = option(0.0, "Largest residual of an S pick; the same.", ge=0)
    min_score: float = option(
        16.0,
        "Least score: the logarithm of how much likelier the picks are with the event than "
        "by chance, at the rate of picks around it.",
        ge=0,
    )
    max_spread_s: float = option(
        0.5, "Largest standard deviation of the residuals.", gt=0
    )
    max_gap_deg: float = option(360.0, "Largest azimuthal gap.", gt=0)
    max_nearest_km: float | None = option(
        None, "Largest distance to the nearest station.", gt=0
    )
    max_distance_km: float = option(
        200.0, "Stations farther from the epicentre do not count.", gt=0
    )
    min_sp_s: float = option(0.2, "S picks less than this after P are left out.", ge=0)
    event_interval_s: float = option(
        0.0, "Of events closer in time only the one with the highest score stays.", ge=0
    )
    threads: int = option(0, "Threads; 0 for all processors.", ge=0)

    @field_validator("p_error_s", "s_error_s", "p_window_s", "s_window_s")
    @classmethod
    def _depends_on_others(cls, value: float, info: ValidationInfo) -> float:
        phase, _, kind = str(info.field_name).partition("_")
        if value > 0:
            return value
        if kind == "window_s":
            return round(_WINDOW * info.data.get(f"{phase}_error_s", 1.0), 3)
        velocity = info.data.get("velocity", "")
        return _ERRORS_S[phase]["/" in velocity or bool(Path(velocity).suffix)]


class RealSettings(GreedySettings):
    """Options of real. R, G, V and S are REAL's own, and replace others."""

    search_km: float = option(
        0.0,
        "Events are searched this far around the station of each P pick, to the north, "
        "south, east and west; 0 for as far as most stations are from the next one, and "
        "at least 10 km.",
        ge=0,
        le=1000,
    )
    depth_grid_km: float = option(
        _GRID_KM, "Step of the grid in depth.", ge=0.01, le=100
    )
    R: str = option(
        "",
        "Search, rx/rh/tdx/tdh/tint[/gap/GCarc0]: range (degrees), depth (km), grid "
        "(degrees), grid (km), event interval (s), azimuthal gap (degrees), largest "
        "distance (degrees).",
    )
    G: str = option(
        "", "Travel-time table, trx/trh/tdx/tdh: its range limits the distance."
    )
    V: str = option("", "Velocities, vp0/vs0: they tell how long the windows are.")
    S: str = option(
        "",
        "Limits, np0/ns0/nps0/npsboth0/std0/dtps/nrt[/drt/nxd/rsel/ires]: picks of P, S, "
        "and both together, stations with both, standard deviation (s), least S minus P "
        "(s), windows in grid cells; nxd, the nearest station as a share of the largest "
        "distance. The others have no counterpart here.",
    )

    @model_validator(mode="before")
    @classmethod
    def _read_real_words(cls, values: dict[str, Any]) -> dict[str, Any]:
        return values | _of_real_words(
            {name: str(values[name]) for name in _REAL_WORDS if values.get(name)}
        )

    @field_validator("search_km")
    @classmethod
    def _has_a_step(cls, value: float, info: ValidationInfo) -> float:
        if 0 < value < info.data.get("grid_km", 0):
            raise ValueError("must be 0, or not smaller than grid_km")
        return value


class LppnSettings(GreedySettings):
    """Options of lppn."""

    network: Text = option(
        "",
        "Weights of the network, such as the published link32.ckpt. Default: the "
        "package's own.",
        metavar="FILE",
    )
    step_s: float = option(
        0.25,
        "Step of the origin times that are tried; the published linker has 1 s.",
        ge=0.05,
        le=10,
    )
    window_s: float = option(
        30.0,
        "Longest time after an origin that picks count; the published linker has 30 s.",
        ge=1,
        le=1000,
    )
    grid_km: float = option(_GRID_KM, "Step of the epicentres.", ge=0.1, le=100)
    depth_grid_km: float = option(
        5.0,
        "Step of depths, which begin at half of it. Other weights than the package's own "
        "serve all depths at once.",
        ge=0.1,
        le=100,
    )
    margin_km: float = option(
        20.0, "How far outside the network events are searched.", ge=0, le=1000
    )
    peaks: int = option(10, "Most candidates of one origin time.", ge=1, le=1000)


class PyOctoSettings(MethodSettings):
    """Options of pyocto, with the names of PyOcto, whose documentation says more."""

    margin_km: float = option(
        20.0, "How far outside the network events are searched.", gt=0, le=1000
    )
    tolerance_s: float = option(
        1.5,
        "Largest misfit of a pick in a box that may hold an event: how wrong the velocity "
        "model's times are.",
        gt=0,
    )
    association_cutoff_distance_km: float = option(
        0.0,
        "Only stations within this distance count when boxes are divided; 0 for twice the "
        "distance within which half of the stations have min_picks others.",
        ge=0,
    )
    pick_match_tolerance_s: float = option(
        1.5, "Largest residual of a pick of an event.", gt=0
    )
    min_interevent_time_s: float = option(3.0, "Least time between two events.", ge=0)
    min_pick_fraction: float = option(
        0.25,
        "A station's picks are left out if less than this share of the stations that are "
        "closer to the event has picks.",
        ge=0,
        le=1,
    )
    min_node_size_km: float = option(10.0, "Boxes of this size are not divided.", gt=0)
    min_node_size_location_km: float = option(1.5, "The same in locating.", gt=0)
    location_split_depth: int = option(
        6, "How often a box is divided to tell how good it is.", gt=0
    )
    location_split_return: int = option(
        4,
        "How many of these divisions are left out of the search; less than "
        "location_split_depth.",
        ge=0,
    )
    refinement_iterations: int = option(
        3, "Rounds of locating events and matching picks.", gt=0
    )
    exponential_edt: bool = option(
        True,
        "Locate with a loss that makes less of large residuals: where the velocity model "
        "is wrong, or picks are false, epicentres are better.",
    )
    edt_pick_std_s: float = option(
        0.5, "Standard deviation of picks in that loss.", gt=0
    )
    time_slicing_s: float = option(
        1200.0,
        "Picks are associated in slices of this length, and at least of twice the time "
        "that S waves need through the network.",
        gt=0,
    )
    threads: int = option(0, "Threads; 0 for all processors.", ge=0)

    @field_validator("location_split_return")
    @classmethod
    def _is_less(cls, value: int, info: ValidationInfo) -> int:
        if value >= info.data.get("location_split_depth", value + 1):
            raise ValueError("must be less than location_split_depth")
        return value


class GammaSettings(MethodSettings):
    """Options of gamma, with the names of GaMMA, whose documentation says more."""

    margin_km: float = option(
        20.0, "How far outside the network events are searched.", gt=0, le=1000
    )
    dbscan_eps_s: float = option(
        0.0,
        "Picks this near in time, and in space by the time that P needs, are in one "
        "cluster; 0 for what GaMMA makes of the distances between stations.",
        ge=0,
    )
    dbscan_min_samples: int = option(
        3,
        "Least sum of the probabilities of the picks near one in the middle of a cluster.",
        gt=0,
    )
    dbscan_min_cluster_size: int = option(
        500, "Clusters with fewer picks are not divided.", gt=0
    )
    dbscan_max_time_space_ratio: float = option(
        10.0,
        "Nor are those shorter than so many times what P needs through them.",
        gt=0,
    )
    max_sigma11_s: float = option(1.5, "Largest residual of a pick of an event.", gt=0)
    oversample_factor: int = option(
        5,
        "Events that are tried, for each pick of the station and phase with most of them.",
        gt=0,
    )
    max_cluster_picks: int = option(
        500,
        "Clusters with more picks are cut over time: time and memory grow with the square "
        "of a cluster's picks.",
        ge=2,
    )
    threads: int = option(0, "Processes; 0 for one a processor.", ge=0)

    @field_validator("max_cluster_picks")
    @classmethod
    def _is_enough(cls, value: int, info: ValidationInfo) -> int:
        if value < (least := 2 * info.data.get("min_picks", 0)):
            raise ValueError(f"must be {least} at least, twice min_picks")
        return value


#: The options of each method, which is the module of the same name.
METHODS: Mapping[str, type[MethodSettings]] = {
    "real": RealSettings,
    "lppn": LppnSettings,
    "pyocto": PyOctoSettings,
    "gamma": GammaSettings,
}


def method_settings(method: str = "real", **options: Any) -> Any:
    """
    :param method: Name of a method
    :param options: Options of the method
    :raises ValueError: if there is no such method or option, or a value is not possible
    :return: All its options
    """
    if method not in METHODS:
        raise ArgumentError(
            "method", method, f"there is no such method{suggestion(method, METHODS)}"
        )
    return make(METHODS[method], options)


def options_of(method: str) -> dict[str, Any]:
    """
    :param method: Name of a method
    :return: Its options and their defaults
    """
    return method_settings(method).model_dump()


def _pairs(values: Any) -> dict[str, str]:
    if isinstance(values, Mapping):
        return dict(values)
    pairs = [text.partition("=") for text in values]
    if not all(equals for _, equals, _ in pairs):
        raise ValueError("must be NAME=VALUE")
    return {name.strip().replace("-", "_"): v.strip() for name, _, v in pairs}


class AssociateFiles(Settings):
    """Files of associate; the command needs those without a default."""

    inputs: Names = option(
        (),
        "Picks; may be repeated: .csv, .parquet, .txt (the published text), .xml "
        "(QuakeML), .pyocto.csv, .gamma.csv, or a folder of REAL's.",
        *("--input", "-i"),
        metavar="PICKS",
        many=True,
        positional=True,
    )
    stations: Path = option(
        None,
        "Stations: the published format (NET STA LOC LON LAT ELEVATION_M), StationXML, "
        "CSV, or a folder with SAC files, whose headers tell.",
        "-s",
        metavar="FILE",
    )
    output: Path = option(
        None,
        "Name that the files begin with: NAME.events.csv and NAME.picks.csv, NAME.txt (the "
        "published text), NAME.xml (QuakeML), NAME.png, NAME.json (a summary), and "
        "NAME.err, the picks that could not be used.",
        "-o",
        metavar="NAME",
    )
    method: str = option(
        "real",
        "real: grid searches around stations, as in REAL. lppn: the network of the LPPN "
        "linker. pyocto, gamma: these libraries.",
        "-m",
    )


class AssociateSettings(MethodSettings, AssociateFiles):
    """Settings of the command associate. Other options are those of the method."""

    model_config = ConfigDict(extra="allow")

    options: Annotated[dict[str, Any], BeforeValidator(_pairs)] = option(
        {},
        "Any other option of the method; may be repeated. --list-options shows them. "
        "REAL's own are R, G, V and S: --set R=0.1/20/0.04/2/5",
        "--set",
        metavar="NAME=VALUE",
        many=True,
    )
    list_options: bool = option(False, "Print the method's options and their defaults.")
    formats: Names = option(
        ("csv", "txt", "quakeml"), f"Files to write: {', '.join(FORMATS)}."
    )
    plot: bool = option(True, "Draw map, depths, times, picks and residuals.")
    progress: bool = option(True, "Show progress and a summary.", off="--quiet")

    @field_validator("formats")
    @classmethod
    def _are_known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names or [""]:
            if name not in FORMATS:
                raise ValueError(f"{name!r} is not possible{suggestion(name, FORMATS)}")
        return names

    def of_method(self) -> Any:
        """:return: Options of the method"""
        given = self.model_dump(include=self.model_fields_set & _COMMON)
        more = {**(self.model_extra or {}), **self.options}
        try:
            return method_settings(self.method, **given | more)
        except ArgumentError as error:
            error.problems = [
                (f"set {name}" if name in more else name, *rest)
                for name, *rest in error.problems
            ]
            raise


_COMMON = MethodSettings.model_fields.keys()


class CompareTables(Settings):
    """Tables that are compared."""

    positional: ClassVar[int] = 7

    a: Any = option(..., "Table of events.")
    b: Any = option(..., "Table of events.")
    a_picks: Any = option(
        None, "Picks with the event_id of A's events; others are left out."
    )
    b_picks: Any = option(None, "Picks with the event_id of B's events.")


class CompareFiles(Settings):
    """Files that are compared."""

    a: Path = option(
        ...,
        "Events, with their picks or without: any file that holds events, such as "
        "NAME.events.csv, QuakeML, the text of associators, the published catalogue, or "
        "CSV with id, time, latitude, longitude and depth in km.",
        metavar="A",
        positional=True,
    )
    b: Path = option(..., "Events to compare with.", metavar="B", positional=True)


class CompareLimits(Settings):
    """Which events are the same."""

    max_time_s: float = option(
        2.0,
        "Events are one if their origin times differ by no more than this and their "
        "epicentres by no more than the largest distance.",
        *("--max-time", "max_time_s"),
        metavar="SECONDS",
        ge=0,
    )
    max_distance_km: float = option(
        5.0,
        "Largest distance of epicentres.",
        *("--max-distance", "max_distance_km"),
        metavar="KM",
        ge=0,
    )
    min_shared: float = option(
        0.5,
        "Events are one, too, if they share so much of the picks of the one with fewer, "
        "and no fewer than 3: at the same station, P or S, within 0.1 s. Above 1 only "
        "time and place tell.",
        metavar="SHARE",
        ge=0,
    )


class TableComparison(CompareLimits, CompareTables):
    """Settings of compare in Python."""


class CompareSettings(CompareLimits, CompareFiles):
    """Settings of the command compare."""

    output: Path | None = option(
        None,
        "Write NAME.common.csv, the pairs and their differences, and NAME.only_a.csv and "
        "NAME.only_b.csv.",
        "-o",
        metavar="NAME",
    )
    lonlat: bool | None = option(
        None,
        "Longitudes or latitudes come first, in the text of associators where nothing "
        "tells.",
    )


def _of_real_words(texts: Mapping[str, str]) -> dict[str, float]:
    """Options that REAL's own stand for."""
    given = {name: _numbers(name, text) for name, text in texts.items()}
    search, limits = given.get("R", {}), given.get("S", {})
    found: dict[str, float] = {}
    farthest = search.get("GCarc0", float("inf"))
    if "G" in given:
        farthest = min(farthest, given["G"]["trx"] - 0.05)
    if farthest < float("inf"):
        found["max_distance_km"] = farthest * _KM_PER_DEGREE
        if "nxd" in limits:
            found["max_nearest_km"] = limits["nxd"] * farthest * _KM_PER_DEGREE
    if search:
        found["search_km"] = search["rx"] * _KM_PER_DEGREE
        found["max_depth_km"] = search["rh"]
        found["grid_km"] = search["tdx"] * _KM_PER_DEGREE
        found["depth_grid_km"] = search["tdh"]
        found["event_interval_s"] = search["tint"]
        found["max_gap_deg"] = search.get("gap", 360.0)
    if limits:
        found["min_p_picks"] = int(limits["np0"])
        found["min_s_picks"] = int(limits["ns0"])
        found["min_picks"] = int(limits["nps0"])
        found["min_both"] = int(limits["npsboth0"])
        found["max_spread_s"] = limits["std0"]
        found["min_sp_s"] = limits["dtps"]
    if limits or "V" in given:
        # Half the time that waves need from one corner of a cell to the opposite one.
        side = found.get("grid_km", _GRID_KM)
        depth = found.get("depth_grid_km", _GRID_KM)
        half = limits.get("nrt", 1.0) * (2 * side**2 + depth**2) ** 0.5 / 2
        for phase, default in (("p", 6.2), ("s", 3.5)):
            window = half / given.get("V", {}).get(f"v{phase}0", default)
            found[f"{phase}_window_s"] = window
            # REAL counts all picks in a window alike.
            found[f"{phase}_error_s"] = 0.4 * window
    return found


def _numbers(word: str, text: str) -> dict[str, float]:
    names, least = _REAL_WORDS[word][0].split(), _REAL_WORDS[word][1]
    try:
        numbers = [float(part) for part in text.removeprefix(f"-{word}").split("/")]
    except ValueError:
        numbers = []
    if not least <= len(numbers) <= len(names):
        more = f"[/{'/'.join(names[least:])}]" if names[least:] else ""
        raise ValueError(f"{word}={text!r} must be {'/'.join(names[:least])}{more}.")
    return dict(zip(names, numbers, strict=False))
