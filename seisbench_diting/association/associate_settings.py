"""Settings of associate and compare, with one class of options for each method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    AfterValidator,
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

from .._util import (
    EXPORTS,
    INSTRUMENT_PREFERENCE,
    ArgumentError,
    Band,
    Existing,
    Names,
    Paths,
    Settings,
    make,
    option,
    suggestion,
)
from ..waveforms import Inputs, Instruments

Text = Annotated[str, BeforeValidator(str)]
Step = Annotated[float, Field(ge=0.01, le=100)]

_MARGIN = "Search for events up to this far outside the network."
_THREADS = "Number of threads or processes; 0 for all processors."

#: Formats of associations, and how their files end.
FORMATS = {
    "csv": ".events.csv",
    "parquet": ".events.parquet",
    "txt": ".txt",
    "quakeml": ".xml",
    **EXPORTS,
}

#: Distance curves of local magnitudes: n, k and the largest R in -log A0 =
#: n log10(R / 100 km) + k (R - 100 km) + 3. R is the hypocentral distance, and amplitudes
#: are in mm on a Wood-Anderson seismogram.
CURVES = {
    # Hutton, L. K., & Boore, D. M. (1987). The ML scale in Southern California. Bulletin of
    # the Seismological Society of America, 77(6), 2074-2094. IASPEI's standard, to 1000 km.
    "hutton_boore": (1.110, 0.00189, 1000),
    # Bakun, W. H., & Joyner, W. B. (1984). The ML scale in central California. Bulletin of
    # the Seismological Society of America, 74(5), 1827-1843.
    "bakun_joyner": (1.000, 0.00301, 400),
}

#: Expected residuals for a global and for a regional velocity model, and the length of a
#: window in multiples of them.
_ERRORS_S, _WINDOW = {"p": (0.3, 0.15), "s": (0.45, 0.25)}, 10 / 3

#: Step of REAL's grids.
_GRID_KM = 2.0

#: The numbers in each of REAL's options. Those with names of our options are the same.
_REAL_WORDS = {
    "R": "search max_depth_km grid depth_grid_km event_interval_s max_gap_deg farthest",
    "G": "table",
    "V": "p s",
    "S": "min_p_picks min_s_picks min_picks min_both max_spread_s min_sp_s cells _ nearest",
}

#: Value used by REAL.
_KM_PER_DEGREE = 111.19


class MethodSettings(Settings):
    """
    Options of all methods.

    The class of each method says where its ``Associator`` is (module and class), which
    package it imports, and which extra of ``seisbench-diting`` installs that.
    """

    place: ClassVar[tuple[str, str]]
    package: ClassVar[str] = "numba"
    extra: ClassVar[str] = "associate"

    velocity: Text = option(
        "iasp91",
        "P/S in km/s, such as 6.2/3.5; a model of ObsPy; a .nd, .tvel or .csv file with "
        "lines of depth, P and S velocity; or REAL's table of travel times (.txt).",
        metavar="MODEL",
    )
    max_depth_km: float = option(30.0, "Largest depth.", "--max-depth", gt=0, le=700)
    station_terms: Path | None = option(
        None,
        "CSV with station_id, phase (P or S) and term_s, which is taken off the times of "
        "picks.",
        metavar="FILE",
    )
    estimate_station_terms: bool = option(
        False, "Locate with terms of the stations, and write them to NAME.terms.csv."
    )


class SearchSettings(MethodSettings):
    """Options of all methods that search for events."""

    min_picks: PositiveInt = option(8, "Minimum number of picks of an event.")
    min_p_picks: Count = option(3, "Minimum number of P picks.", "--min-p")
    min_s_picks: Count = option(2, "Minimum number of S picks.", "--min-s")
    min_both: Count = option(1, "Minimum number of stations with P and S.")


class GreedySettings(SearchSettings):
    """
    Options that real and lppn share.

    The default expected residuals are 0.15 s (P) and 0.25 s (S) if ``velocity`` is a file
    or constant, and 0.3 s and 0.45 s if it is a global model.
    """

    grid_km: Step = option(_GRID_KM, "Step of the grid of epicentres.")
    p_error_s: NotNegative = option(0.0, "Expected residual of P; 0: by velocity.")
    s_error_s: NotNegative = option(0.0, "Expected residual of S; 0: by velocity.")
    p_window_s: NotNegative = option(0.0, "Largest residual of P; 0: 10/3 p_error_s.")
    s_window_s: NotNegative = option(0.0, "Largest residual of S; 0: 10/3 s_error_s.")
    min_score: NotNegative = option(
        16.0, "Smallest log-likelihood ratio of the picks with and without the event."
    )
    max_spread_s: Positive = option(0.5, "Largest standard deviation of residuals.")
    max_gap_deg: Positive = option(360.0, "Largest azimuthal gap.")
    max_nearest_km: Positive | None = option(None, "Largest distance to a station.")
    max_distance_km: Positive = option(200.0, "Ignore stations farther away.")
    min_sp_s: NotNegative = option(0.2, "Smallest time from P to S.")
    event_interval_s: NotNegative = option(0.0, "Keep the best of closer events.")
    threads: Count = option(0, _THREADS)

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
    Options of real. R, G, V and S are options of REAL and replace others. R sets range,
    depth, grid, event interval, azimuthal gap and largest distance; G limits the distance
    by the range of the travel-time table; V sets the velocities for the length of windows;
    S sets the minimum numbers of P, S and all picks and of stations with both, the standard
    deviation, S minus P, windows in grid cells, and the distance of the nearest station as
    a share of the largest distance. Other numbers are ignored.
    """

    place = "real", "Real"

    search_km: float = option(
        0.0, "Range around stations; 0: distance of most neighbours.", ge=0, le=1000
    )
    depth_grid_km: Step = option(_GRID_KM, "Step of the grid in depth.")
    R: str = option("", "Search: rx/rh/tdx/tdh/tint[/gap/GCarc0].")
    G: str = option("", "Travel-time table: trx/trh/tdx/tdh.")
    V: str = option("", "Velocities: vp0/vs0.")
    S: str = option("", "Limits: np0/ns0/nps0/npsboth0/std0/dtps/nrt[/drt/nxd].")

    @model_validator(mode="before")
    @classmethod
    def _read_real_words(cls, values: dict[str, Any]) -> dict[str, Any]:
        given: dict[str, float] = {}
        for word, names in _REAL_WORDS.items():
            text = str(values.get(word) or "").removeprefix(f"-{word}")
            try:
                numbers = [float(part) for part in text.split("/") if text]
            except ValueError:
                reason = "numbers with / between them, as for REAL"
                raise ArgumentError(word, text, reason) from None
            given |= dict(zip(names.split(), numbers, strict=False))
        return values | _from_real(given)


def _from_real(given: dict[str, float]) -> dict[str, float]:
    """Converts numbers of REAL, which are in degrees, to options."""
    found = {n: v for n, v in given.items() if n in RealSettings.model_fields}
    for name in given.keys() & {"search", "grid"}:
        found[f"{name}_km"] = given[name] * _KM_PER_DEGREE
    # The table's range, less a cell.
    table = given["table"] - 0.05 if "table" in given else 180.0
    farthest = min(given.get("farthest", 180.0), table)
    if farthest < 180:
        found["max_distance_km"] = farthest * _KM_PER_DEGREE
        if "nearest" in given:
            found["max_nearest_km"] = given["nearest"] * farthest * _KM_PER_DEGREE
    if "cells" in given or "p" in given:
        # Half the time that waves need from one corner of a cell to the opposite one.
        side = found.get("grid_km", _GRID_KM)
        depth = found.get("depth_grid_km", _GRID_KM)
        half = given.get("cells", 1.0) * (2 * side**2 + depth**2) ** 0.5 / 2
        for phase, default in (("p", 6.2), ("s", 3.5)):
            window = half / given.get(phase, default)
            # REAL gives all picks in a window the same weight.
            found |= {f"{phase}_window_s": window, f"{phase}_error_s": 0.4 * window}
    return found


class LppnSettings(GreedySettings):
    """
    Options of lppn. The published linker uses steps of 1 s. Weights other than those of
    the package are used for all depths at once.
    """

    place = "lppn_linker", "Lppn"

    network: Text = option("", "Weights, such as link32.ckpt. Default: bundled.")
    step_s: float = option(0.25, "Step of origin times.", ge=0.05, le=10)
    window_s: float = option(30.0, "Latest pick after the origin time.", ge=1, le=1000)
    grid_km: float = option(_GRID_KM, "Step of epicentres.", ge=0.1, le=100)
    depth_grid_km: float = option(5.0, "Step of depths.", ge=1, le=100)
    margin_km: float = option(20.0, _MARGIN, ge=0, le=1000)
    peaks: PositiveInt = option(10, "Maximum number of candidates per origin time.")


class PyOctoSettings(SearchSettings):
    """Options of pyocto, named as in PyOcto; see its documentation for details."""

    place, package, extra = ("libraries", "PyOcto"), "pyocto", "pyocto"

    margin_km: float = option(20.0, _MARGIN, gt=0, le=1000)
    tolerance_s: Positive = option(1.5, "Largest misfit of a pick in a box.")
    association_cutoff_distance_km: NotNegative = option(
        0.0, "Use only nearer stations when boxes are divided; 0: by their distances."
    )
    pick_match_tolerance_s: Positive = option(1.5, "Largest residual of a pick.")
    min_interevent_time_s: NotNegative = option(3.0, "Smallest time between events.")
    min_pick_fraction: float = option(
        0.25, "Smallest share of the nearer stations that also have picks.", ge=0, le=1
    )
    min_node_size_km: Positive = option(10.0, "Smallest size of a box.")
    min_node_size_location_km: Positive = option(1.5, "The same for locating.")
    time_slicing_s: Positive = option(1200.0, "Length of the slices of time.")
    threads: Count = option(0, _THREADS)


class GammaSettings(SearchSettings):
    """Options of gamma, named as in GaMMA; see its documentation for details."""

    place, package, extra = ("libraries", "Gamma"), "gamma.utils", "gamma"

    margin_km: float = option(20.0, _MARGIN, gt=0, le=1000)
    dbscan_eps_s: NotNegative = option(
        0.0, "Picks this close are in one cluster; 0: by GaMMA, from station distances."
    )
    dbscan_min_samples: PositiveInt = option(3, "Minimum number of such picks.")
    max_sigma11_s: Positive = option(1.5, "Largest residual of a pick of an event.")
    oversample_factor: PositiveInt = option(5, "Number of events tried for each pick.")
    max_cluster_picks: int = option(500, "Largest number of picks at once.", ge=100)
    threads: Count = option(0, _THREADS)


class KnownSettings(MethodSettings):
    """Options of known, where picks say which event they belong to."""

    place, package = ("known", "Known"), "scipy"

    margin_km: float = option(100.0, "Largest distance outside the network.", ge=0)


#: Options of each method.
METHODS: Mapping[str, type[MethodSettings]] = {
    "real": RealSettings,
    "lppn": LppnSettings,
    "pyocto": PyOctoSettings,
    "gamma": GammaSettings,
    "known": KnownSettings,
}


def method_settings(method: str = "real", **options: Any) -> Any:
    """
    :param method: Name of a method
    :param options: Options of the method
    :raises ValueError: if the method or an option is unknown, or a value is invalid
    :return: All options of the method
    """
    if method not in METHODS:
        reason = f"unknown method{suggestion(method, METHODS)}"
        raise ArgumentError("method", method, reason)
    return make(METHODS[method], options)


def _pairs(values: Any) -> dict[str, str]:
    pairs = [text.partition("=") for text in values]
    if not all(equals for _, equals, _ in pairs):
        raise ValueError("must be NAME=VALUE")
    return {name.strip().replace("-", "_"): v.strip() for name, _, v in pairs}


def _without_txt(path: Path) -> Path:
    """The published scripts name the text file, and here it is the prefix."""
    return path.with_suffix("") if path.suffix == ".txt" else path


def known_formats(names: Sequence[str]) -> Sequence[str]:
    """
    :param names: Names of formats
    :raises ArgumentError: if there is none, or one is unknown
    :return: The same
    """
    for name in names or [""]:
        if name not in FORMATS:
            reason = f"it is not possible{suggestion(name, FORMATS)}"
            raise ArgumentError("formats", name, reason)
    return names


_Formats = Annotated[Names, AfterValidator(known_formats)]
_Prefix = Annotated[Path, AfterValidator(_without_txt)]
_Lonlat = Annotated[
    bool | None,
    option(
        None,
        "Whether longitudes come first, for text of associators that does not say so.",
    ),
]


class AssociateSettings(SearchSettings):
    """Settings of the command associate, besides the options of the method."""

    model_config = ConfigDict(extra="allow")

    positional = ("inputs", "stations", "output", "method")

    inputs: Paths = option(
        [],
        "Picks: .csv, .parquet, .txt (the published text), .xml (QuakeML), .pyocto.csv, "
        ".gamma.csv, or a folder of REAL.",
        *("--input", "-i"),
        metavar="PICKS",
        many=True,
        positional=True,
    )
    stations: Existing = option(
        None,
        "NET STA LOC LON LAT ELEVATION_M, StationXML, CSV, or a folder of SAC files.",
        "-s",
    )
    elevation_unit: Literal["m", "km"] | None = option(None, "Elevations: m or km.")
    output: _Prefix = option(
        None,
        "Prefix of the output files: tables, QuakeML, a figure (NAME.png), a summary "
        "(NAME.json) and the picks that could not be used (NAME.err).",
        "-o",
    )
    method: str = option(
        "real",
        "real: grid searches around stations, as in REAL. lppn: the network of the LPPN "
        "linker. pyocto, gamma: the libraries of these names. known: picks say which event "
        "they belong to (event_id), and events are only located.",
        "-m",
    )
    options: Annotated[dict[str, Any], BeforeValidator(_pairs)] = option(
        [],
        "Any other option of the method; may be repeated. --list-options shows them. "
        "Options of REAL are R, G, V and S: --set R=0.1/20/0.04/2/5",
        "--set",
        metavar="NAME=VALUE",
        many=True,
    )
    list_options: bool = option(False, "Print the options of the method.")
    formats: _Formats = option(("csv", "txt", "quakeml"), f"Of {', '.join(FORMATS)}.")
    plot: bool = option(True, "Plot map, depths, times, picks and residuals.")
    progress: bool = option(True, "Show progress and a summary.", off="--quiet")

    def of_method(self) -> Any:
        """:return: Options of the method"""
        common = self.model_fields_set & SearchSettings.model_fields.keys()
        given = self.model_dump(include=common) | (self.model_extra or {})
        return method_settings(self.method, **given | self.options)


class CompareLimits(Settings):
    """Criteria for events of two catalogues to be the same."""

    max_time_s: NotNegative = option(
        2.0, "Largest difference of origin times.", "--max-time", le=1e9
    )
    max_distance_km: NotNegative = option(
        5.0, "Largest distance between epicentres.", "--max-distance"
    )


class ExportEventsSettings(Settings):
    """Settings of the command export-events."""

    events: Existing = option(
        ...,
        "Events with their picks: NAME.events.csv, QuakeML, the text of associators.",
        metavar="EVENTS",
        positional=True,
    )
    output: _Prefix = option(..., "Prefix of the output files.", "-o")
    formats: _Formats = option(..., f"Of {', '.join(FORMATS)}.")
    lonlat: _Lonlat = None


class MagnitudeSettings(ExportEventsSettings):
    """Settings of the command magnitude."""

    output: _Prefix = option(
        None, "Prefix of the output files; NAME.amplitudes.csv is one of them.", "-o"
    )
    inputs: Inputs = option(
        ...,
        "Waveforms: folders, files or lists of files, as for `pick`; may be repeated.",
        *("--input", "-i"),
        many=True,
    )
    stations: Existing = option(
        ..., "StationXML with responses; any table, if --unit is not counts.", "-s"
    )
    picks: Existing | None = option(
        None, "Picks with event_id, of events from a file without picks.", "-p"
    )
    unit: Literal["counts", "m", "m/s", "m/s2"] = option(
        "counts", "Unit of the samples. The response is removed from counts."
    )
    curve: str = option(
        "hutton_boore",
        f"Amplitudes over distance: {', '.join(CURVES)}, or a CSV file with distance_km "
        "(hypocentral) and minus_log_a0.",
    )
    corrections: Existing | None = option(
        None, "CSV with station_id and correction, which is added to its magnitudes."
    )
    gain: Positive = option(2080.0, "Magnification of the Wood-Anderson seismograph.")
    bandpass: Band = option(
        (0.2, 30.0), "Frequencies in Hz. A higher LOW removes more noise."
    )
    min_snr: NotNegative = option(
        3.0, "Smallest ratio of an amplitude to the largest one of the noise before P."
    )
    min_stations: PositiveInt = option(3, "Fewest stations of a magnitude.")
    instruments: Instruments = option(
        INSTRUMENT_PREFERENCE, "Band and instrument codes, the preferred first."
    )
    formats: _Formats = option(("csv", "quakeml"), f"Of {', '.join(FORMATS)}.")
    progress: bool = option(True, "Show progress and a summary.", off="--quiet")


class CompareSettings(CompareLimits):
    """Settings of the command compare."""

    a: Existing = option(
        ...,
        "Events: CSV, QuakeML, the text of associators, or the published catalogue.",
        metavar="A",
        positional=True,
    )
    b: Existing = option(..., "Events to compare with.", metavar="B", positional=True)
    output: Path | None = option(
        None,
        "Write NAME.common.csv (pairs), NAME.only_a.csv and NAME.only_b.csv.",
        "-o",
    )
    lonlat: _Lonlat = None
