"""Settings of associate and compare; the options of each method are one class."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    PositiveInt,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic import NonNegativeFloat as NotNegative
from pydantic import NonNegativeInt as Count
from pydantic import PositiveFloat as Positive

from .._util import ArgumentError, Names, Settings, make, option, suggestion

Text = Annotated[str, BeforeValidator(str)]
Step = Annotated[float, Field(ge=0.01, le=100)]

_MARGIN = "How far outside the network events are searched."

#: Formats of associations, and how their files end.
FORMATS = dict(csv=".events.csv", parquet=".events.parquet", txt=".txt", quakeml=".xml")

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
        "P/S in km/s, such as 6.2/3.5; a model of ObsPy's; a .nd or .tvel file; or REAL's "
        "table of travel times (.txt).",
        metavar="MODEL",
    )
    max_depth_km: float = option(
        30.0, "Depth that events are searched to.", "--max-depth", gt=0, le=700
    )
    min_picks: Count = option(8, "Least picks of an event.")
    min_p_picks: Count = option(3, "Least P picks.", "--min-p")
    min_s_picks: Count = option(2, "Least S picks.", "--min-s")
    min_both: Count = option(1, "Least stations with P and S.")


class GreedySettings(MethodSettings):
    """
    Options that real and lppn share.

    Residuals are expected to be 0.15 s (P) and 0.25 s (S) where ``velocity`` is a file or
    constant, and 0.3 s and 0.45 s where it is a model of the whole Earth.
    """

    grid_km: Step = option(_GRID_KM, "Step of the grid of epicentres.")
    p_error_s: NotNegative = option(0.0, "Expected residual of P; 0: see the docs.")
    s_error_s: NotNegative = option(0.0, "Expected residual of S; 0: see the docs.")
    p_window_s: NotNegative = option(0.0, "Largest residual of P; 0: 10/3 p_error_s.")
    s_window_s: NotNegative = option(0.0, "Largest residual of S; 0: 10/3 s_error_s.")
    min_score: NotNegative = option(
        16.0,
        "Least logarithm of how much likelier picks are with an event than without.",
    )
    max_spread_s: Positive = option(0.5, "Largest standard deviation of residuals.")
    max_gap_deg: Positive = option(360.0, "Largest azimuthal gap.")
    max_nearest_km: Positive | None = option(None, "Nearest station at most this far.")
    max_distance_km: Positive = option(200.0, "Stations farther away do not count.")
    min_sp_s: NotNegative = option(0.2, "Least time from P to S.")
    event_interval_s: NotNegative = option(0.0, "Of closer events the best one stays.")
    threads: Count = option(0, "Threads; 0 for all processors.")

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
    """
    Options of real. R, G, V and S are REAL's own and replace others: range, depth, grid,
    event interval, azimuthal gap and largest distance; the range of the travel-time table,
    which limits the distance; velocities, for the length of windows; and least picks of P
    and S, both, stations with both, standard deviation, S minus P, windows in grid cells,
    and the nearest station as a share of the largest distance. Other numbers have no
    counterpart.
    """

    search_km: float = option(
        0.0,
        "Events are searched this far around the station of each P pick; 0 for as far as "
        "most stations are from the next one, and at least 10 km.",
        ge=0,
        le=1000,
    )
    depth_grid_km: Step = option(_GRID_KM, "Step of the grid in depth.")
    R: str = option("", "Search: rx/rh/tdx/tdh/tint[/gap/GCarc0].")
    G: str = option("", "Travel-time table: trx/trh/tdx/tdh.")
    V: str = option("", "Velocities: vp0/vs0.")
    S: str = option(
        "", "Limits: np0/ns0/nps0/npsboth0/std0/dtps/nrt[/drt/nxd/rsel/ires]."
    )

    @model_validator(mode="before")
    @classmethod
    def _read_real_words(cls, values: dict[str, Any]) -> dict[str, Any]:
        words = {name: str(values[name]) for name in _REAL_WORDS if values.get(name)}
        return values | _of_real_words(words)

    @field_validator("search_km")
    @classmethod
    def _has_a_step(cls, value: float, info: ValidationInfo) -> float:
        if 0 < value < info.data.get("grid_km", 0):
            raise ValueError("must be 0, or not smaller than grid_km")
        return value


class LppnSettings(GreedySettings):
    """
    Options of lppn. The published linker has steps of 1 s. Other weights than the package's
    own serve all depths at once.
    """

    network: Text = option("", "Weights, such as link32.ckpt. Default: our own.")
    step_s: float = option(0.25, "Step of origin times.", ge=0.05, le=10)
    window_s: float = option(30.0, "Longest time of picks after it.", ge=1, le=1000)
    grid_km: float = option(_GRID_KM, "Step of epicentres.", ge=0.1, le=100)
    depth_grid_km: float = option(5.0, "Step of depths.", ge=0.1, le=100)
    margin_km: float = option(20.0, _MARGIN, ge=0, le=1000)
    peaks: int = option(10, "Most candidates of one origin time.", ge=1, le=1000)


class PyOctoSettings(MethodSettings):
    """Options of pyocto, with the names of PyOcto, whose documentation says more."""

    margin_km: float = option(20.0, _MARGIN, gt=0, le=1000)
    tolerance_s: Positive = option(1.5, "Largest misfit of a pick in a box.")
    association_cutoff_distance_km: NotNegative = option(
        0.0,
        "Only stations this near count when boxes are divided; 0 for twice the distance "
        "within which half of the stations have min_picks others.",
    )
    pick_match_tolerance_s: Positive = option(1.5, "Largest residual of a pick.")
    min_interevent_time_s: NotNegative = option(3.0, "Least time between events.")
    min_pick_fraction: float = option(
        0.25, "Least share of nearer stations that have picks, too.", ge=0, le=1
    )
    min_node_size_km: Positive = option(10.0, "Boxes of this size are not divided.")
    min_node_size_location_km: Positive = option(1.5, "The same in locating.")
    location_split_depth: PositiveInt = option(6, "Divisions that rate a box.")
    location_split_return: Count = option(4, "Divisions of these not searched.")
    refinement_iterations: PositiveInt = option(3, "Rounds of locating and matching.")
    exponential_edt: bool = option(True, "Locate with less weight of large residuals.")
    edt_pick_std_s: Positive = option(0.5, "Standard deviation of picks in that.")
    time_slicing_s: Positive = option(1200.0, "Picks are associated in such slices.")
    threads: Count = option(0, "Threads; 0 for all processors.")

    @field_validator("location_split_return")
    @classmethod
    def _is_less(cls, value: int, info: ValidationInfo) -> int:
        if value >= info.data.get("location_split_depth", value + 1):
            raise ValueError("must be less than location_split_depth")
        return value


class GammaSettings(MethodSettings):
    """
    Options of gamma, with the names of GaMMA, whose documentation says more. Its time and
    memory grow with the square of the picks of a cluster.
    """

    margin_km: float = option(20.0, _MARGIN, gt=0, le=1000)
    dbscan_eps_s: NotNegative = option(
        0.0, "Picks this near are in one cluster; 0 for what GaMMA makes of distances."
    )
    dbscan_min_samples: PositiveInt = option(3, "Least picks that are so near.")
    dbscan_min_cluster_size: PositiveInt = option(500, "Smaller ones are not divided.")
    dbscan_max_time_space_ratio: Positive = option(10.0, "Nor are shorter ones.")
    max_sigma11_s: Positive = option(1.5, "Largest residual of a pick of an event.")
    oversample_factor: PositiveInt = option(5, "Events that are tried, for each pick.")
    max_cluster_picks: PositiveInt = option(500, "Larger clusters are cut over time.")
    threads: Count = option(0, "Processes; 0 for one a processor.")

    @field_validator("max_cluster_picks")
    @classmethod
    def _is_enough(cls, value: int, info: ValidationInfo) -> int:
        if value < (least := 2 * info.data.get("min_picks", 1)):
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
    pairs = [text.partition("=") for text in values]
    if not all(equals for _, equals, _ in pairs):
        raise ValueError("must be NAME=VALUE")
    return {name.strip().replace("-", "_"): v.strip() for name, _, v in pairs}


class _Files(Settings):
    inputs: Names = option(
        (),
        "Picks: .csv, .parquet, .txt (the published text), .xml (QuakeML), .pyocto.csv, "
        ".gamma.csv, or a folder of REAL's.",
        *("--input", "-i"),
        metavar="PICKS",
        many=True,
        positional=True,
    )
    stations: Path = option(
        None,
        "The published format (NET STA LOC LON LAT ELEVATION_M), StationXML, CSV, or a "
        "folder with SAC files.",
        "-s",
        metavar="FILE",
    )
    output: Path = option(
        None,
        "Name that the files begin with: tables, QuakeML, a picture (NAME.png), a summary "
        "(NAME.json) and the picks that could not be used (NAME.err).",
        "-o",
        metavar="NAME",
    )
    method: str = option(
        "real",
        "real: grid searches around stations, as in REAL. lppn: the network of the LPPN "
        "linker. pyocto, gamma: these libraries.",
        "-m",
    )


class AssociateSettings(MethodSettings, _Files):
    """Settings of the command associate. Other options are those of the method."""

    model_config = ConfigDict(extra="allow")

    options: Annotated[dict[str, Any], BeforeValidator(_pairs)] = option(
        [],
        "Any other option of the method; may be repeated. --list-options shows them. "
        "REAL's own are R, G, V and S: --set R=0.1/20/0.04/2/5",
        "--set",
        metavar="NAME=VALUE",
        many=True,
    )
    list_options: bool = option(False, "Print the options of the method.")
    formats: Names = option(("csv", "txt", "quakeml"), f"Of {', '.join(FORMATS)}.")
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
        common = self.model_fields_set & MethodSettings.model_fields.keys()
        more = {**(self.model_extra or {}), **self.options}
        try:
            return method_settings(
                self.method, **self.model_dump(include=common) | more
            )
        except ArgumentError as error:
            error.problems = [
                (f"set {name}" if name in more else name, *rest)
                for name, *rest in error.problems
            ]
            raise


class CompareLimits(Settings):
    """Which events of two catalogues are the same."""

    max_time_s: NotNegative = option(
        2.0,
        "Events are one if their origin times differ by no more than this and their "
        "epicentres by no more than the largest distance.",
        "--max-time",
    )
    max_distance_km: NotNegative = option(
        5.0, "Largest distance of epicentres.", "--max-distance"
    )
    min_shared: NotNegative = option(
        0.5,
        "Events are one, too, if they share so much of the picks of the one with fewer, "
        "and no fewer than 3: at the same station, P or S, within 0.1 s. Above 1 only "
        "time and place tell.",
    )


class CompareSettings(CompareLimits):
    """Settings of the command compare."""

    a: Path = option(
        ...,
        "Events, with their picks or without: NAME.events.csv, QuakeML, the text of "
        "associators, the published catalogue, or CSV.",
        metavar="A",
        positional=True,
    )
    b: Path = option(..., "Events to compare with.", metavar="B", positional=True)
    output: Path | None = option(
        None,
        "Write NAME.common.csv, the pairs and their differences, and NAME.only_a.csv and "
        "NAME.only_b.csv.",
        "-o",
        metavar="NAME",
    )
    lonlat: bool | None = option(
        None, "If longitudes come first, in text of associators where nothing tells."
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
