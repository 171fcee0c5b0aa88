"""Settings of picking."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BeforeValidator, ValidationInfo, field_validator

from .._util import (
    INSTRUMENT_PREFERENCE,
    Band,
    Names,
    Settings,
    beside,
    option,
)
from ..waveforms import (
    ALL_INSTRUMENTS,
    NamePattern,
    check_inputs,
    check_instruments,
    check_name_pattern,
    check_stations,
    check_time,
)

#: Formats of the table of picks, and the endings of their files.
FORMATS = {
    "csv": ".csv",
    "parquet": ".parquet",
    "txt": ".txt",
    "quakeml": ".xml",
    "pyocto": ".pyocto.csv",
    "gamma": ".gamma.csv",
}

#: Endings of the other files and folders of a run.
STATE, LOG, ERRORS, SUMMARY = ".state", ".log", ".err", ".json"
REAL, PICTURES = ".real", ".figures"


def own_files(output: Path) -> set[Path]:
    """:return: Files that a run of this name may write, except those in folders"""
    endings = (*FORMATS.values(), STATE, f"{STATE}-journal", LOG, ERRORS, SUMMARY)
    return {beside(output, ending) for ending in endings}


def _check_output(value: Any, info: ValidationInfo) -> Path:
    path = Path(os.path.abspath(os.path.expanduser(str(value))))
    if not str(value) or str(value).endswith(("/", os.sep)) or path.is_dir():
        raise ValueError(
            "write a name that files begin with, such as picks/2024, not a folder"
        )
    if path.suffix in {f".{ending.rpartition('.')[2]}" for ending in FORMATS.values()}:
        name = path.with_suffix("").name
        raise ValueError(
            f"write a name that files begin with: {name!r} makes {name}.csv and others"
        )
    if not path.parent.is_dir():
        raise ValueError(f"the folder {path.parent} does not exist; create it first")
    for file in own_files(path):
        if file.is_dir():
            raise ValueError(f"{file.name} is a folder; choose another name")
        if str(file) in info.data.get("inputs", ()):
            raise ValueError(f"would overwrite the input {file}; choose another name")
    return path


class _Files(Settings):
    inputs: Annotated[list[str], BeforeValidator(check_inputs)] = option(
        ...,
        "Waveforms to pick; may be repeated. A folder, searched recursively (SDS or any "
        "other layout; for known events, one folder per event, named after its id); a "
        "waveform file in any format that ObsPy reads; a text file with a list of files, "
        "one or `root,file1,file2,file3` per line; or - for such a list on standard input.",
        "--input",
        "-i",
        metavar="PATH",
        many=True,
        positional=True,
    )
    output: Annotated[Path, BeforeValidator(_check_output)] = option(
        ...,
        "Prefix of the output files: NAME.csv and NAME.txt, the picks; NAME.log, what was "
        "picked; NAME.err, what was not used and why; NAME.json, a summary; NAME.state, "
        "the state for continuing an interrupted run.",
        "-o",
        metavar="NAME",
        identity=False,
    )


class _Events(_Files):
    catalog: Any = option(
        ...,
        "Events: the published format (#EVENT ID eq YEAR ...), QuakeML, or CSV with id, "
        "time, latitude, longitude and depth in km.",
        "-c",
        metavar="FILE",
        identity=False,
    )
    stations: Any = option(
        None,
        "Stations: the published format (NET STA LOC LON LAT ELEVATION_M), StationXML, or "
        "CSV. Default: coordinates in the headers of SAC files.",
        "-s",
        metavar="FILE",
        identity=False,
    )


class _Model(Settings):
    model: Any = option(
        "LPPNM",
        "LPPNT, LPPNM, LPPNL, UNet, UNetPP, RNN or EQT, with /csn for weights at 100 Hz or "
        "/diting for 50 Hz; LPPNT or LPPNM alone for the bundled weights (/distilled, 100 "
        "Hz); RNN/csn_pnsn to distinguish Pg and Pn; a SeisBench model such as "
        "PhaseNet/stead; or the files of a saved SeisBench model.",
        "-m",
        identity=False,
    )
    device: str = option(
        "auto", "cpu, cuda, cuda:1, mps or auto.", "-d", identity=False
    )


class PickOptions(Settings):
    """Options for detecting and measuring picks."""

    threshold: float = option(
        0.3, "Smallest probability of a pick.", "prob", gt=0, le=1
    )
    min_separation: float = option(
        1.0,
        "If two picks of one phase at one station are closer than this, the more probable "
        "one is kept.",
        metavar="SECONDS",
        ge=0,
    )
    overlap: float | None = option(
        None,
        "Overlap of windows, as a share or in samples. Default: from the model.",
        ge=0,
    )
    snr_window: float = option(
        1.0,
        "Window before and after a pick for its SNR and amplitude, at most 30 s.",
        "snritv",
        metavar="SECONDS",
        gt=0,
        le=30,
    )
    bandpass: Band = option(
        (1.0, 10.0), "Frequencies in Hz for SNR and amplitude.", metavar="LOW,HIGH"
    )

    @field_validator("overlap")
    @classmethod
    def _check_overlap(cls, value: float | None) -> float | None:
        # SeisBench would take 1 for one sample; users mean a whole window.
        if value is not None and 1 <= value < 2:
            raise ValueError(
                "write a share of the window below 1, such as 0.5, or a number of samples "
                "of at least 2"
            )
        return value


def _check_stream(value: Any) -> Any:
    import obspy

    if not isinstance(value, obspy.Stream):
        raise TypeError(
            f"stream must be an obspy.Stream, got {type(value).__name__}. Put single "
            "traces into obspy.Stream([trace])."
        )
    return value


class _Stream(Settings):
    stream: Annotated[Any, BeforeValidator(_check_stream)] = option(
        ..., "Waveforms of any number of stations; they are not modified."
    )


class StreamSettings(PickOptions, _Model, _Stream):
    """Settings of picking a stream."""

    inventory: Any = option(None, "Inventory of ObsPy, for amplitudes in m/s.")
    record: str = option("", "Name of the record, for the column of this name.")


class RunSettings(PickOptions, _Model, _Files):
    """Options shared by `pick` and `pick-events`."""

    inventory: Annotated[Path, AfterValidator(Path.absolute)] | None = option(
        None,
        "Responses, for amplitudes in m/s. Default: the input's unit.",
        metavar="STATIONXML",
    )
    instruments: Annotated[tuple[str, ...], BeforeValidator(check_instruments)] = (
        option(
            INSTRUMENT_PREFERENCE,
            "Instrument to use if a station has several, by band and instrument code, the "
            "preferred first. For `pick`, all uses every instrument; their picks have the "
            "same station name.",
            metavar="CODES",
        )
    )
    name_pattern: Annotated[str, AfterValidator(check_name_pattern)] | None = option(
        None,
        "Pattern of the ends of file names, for files without codes in their headers: "
        "{network}.{station}.{location}.{channel}.*",
        metavar="PATTERN",
    )
    formats: Names = option(
        ("csv", "txt"),
        "Tables to write: csv, parquet, txt (the published text format), pyocto, gamma; "
        "for picks of events also quakeml.",
        identity=False,
    )
    plot: bool = option(
        False,
        "Plot to NAME.figures: for `pick`, every ten minutes with picks; for "
        "`pick-events`, the record section, a map and all stations of each event.",
        "ifplot",
    )
    real: bool = option(
        False, "Write day folders for REAL to NAME.real.", "ifreal", identity=False
    )
    progress: bool = option(
        True, "Show the progress and a summary.", off="--quiet", identity=False
    )

    @field_validator("formats")
    @classmethod
    def _check_formats(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        names = tuple(dict.fromkeys(name.lower() for name in value))
        for name in names:
            if name not in FORMATS:
                raise ValueError(f"{name!r} is unknown; use {', '.join(FORMATS)}")
        if "parquet" in names:
            try:
                import pyarrow  # noqa: F401
            except ImportError:
                raise ValueError(
                    "parquet needs pyarrow: pip install 'seisbench-diting[parquet]'"
                ) from None
        return names

    @property
    def pattern(self) -> NamePattern | None:
        return None if self.name_pattern is None else NamePattern(self.name_pattern)


class PickSettings(RunSettings):
    """Settings of picking an archive."""

    positional: ClassVar[int] = 4

    @field_validator("formats")
    @classmethod
    def _check_events(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if "quakeml" in value:
            raise ValueError(
                "QuakeML can't hold picks without an event; write csv, then use associate "
                "to write events with their picks as quakeml"
            )
        return value

    stations: Annotated[tuple[str, ...], BeforeValidator(check_stations)] = option(
        (),
        "Stations to pick, NET.STA or NET.STA.LOC, such as CX.PB*,GE.*",
        metavar="PATTERNS",
    )
    start: Annotated[str | None, BeforeValidator(check_time)] = option(
        None, "Start of the time to pick, UTC: 2014-05-01.", metavar="TIME"
    )
    end: Annotated[str | None, BeforeValidator(check_time)] = option(
        None, "End of the time to pick, exclusive.", metavar="TIME"
    )
    workers: int = option(
        1,
        "Number of processes. One already uses all cores; more help if reading is slow.",
        ge=1,
        identity=False,
    )
    scheduler: str | Path | None = option(
        None,
        "Pick on a Dask cluster: tcp://HOST:8786, or a scheduler file.",
        metavar="ADDRESS",
        identity=False,
    )


class EventWindow(Settings):
    """
    The part of a record around the arrivals of an event. The defaults of 30 and 40 s
    include what may be picked as P or S at 1000 km. Together they are 70 s, more than a
    window of the models at 100 Hz.
    """

    before: float = option(
        30.0, "Start of the window before the theoretical P.", metavar="SECONDS", ge=0
    )
    after: float = option(
        40.0,
        "End of the window after the theoretical S. The window is extended if the model "
        "needs more samples and the record has them.",
        metavar="SECONDS",
        ge=0,
    )


class FitWidth(Settings):
    """Allowed deviation of picks from theoretical times."""

    p_width: float = option(
        0.5,
        "Width of P at the epicentre; the width of S is 1.7 times as large. A pick with "
        "the residual dt has the weight exp(-(dt / width)^2 / 2), and 0 beyond 3 widths.",
        metavar="SECONDS",
        gt=0,
    )
    p_width_per_km: float = option(
        0.005, "Additional width per km, up to 1000 km.", metavar="SECONDS", ge=0
    )


# Arguments are in the reverse order of the bases.
class PickEventsSettings(EventWindow, FitWidth, RunSettings, _Events):
    """Settings of picking known events."""

    positional: ClassVar[int] = 6

    velocity: str | Path = option(
        "iasp91",
        "Velocity model: iasp91, ak135 or another one of ObsPy, or a .nd or .tvel file.",
        metavar="MODEL",
    )
    default_depth: float = option(10.0, "Depth of events without depth.", metavar="KM")

    @field_validator("instruments")
    @classmethod
    def _check_preference(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if value == ALL_INSTRUMENTS:
            raise ValueError(
                "not possible for events, as a station has one P and one S per event; "
                "write codes, the preferred first, such as HH,BH,EH"
            )
        return value


class _Event(_Stream):
    event: Any = option(..., "Row of an event table, or an Event.")
    stations: Any = option(..., "Station table.")
    model: Any = option(..., "Picker.")
    travel_times: Any = option(..., "Travel times.")


class EventSettings(PickOptions, EventWindow, _Event):
    """Settings of picking an event in memory."""

    positional: ClassVar[int] = 5

    fit: Any = option(None, "A Fit, which chooses the picks.")
    inventory: Any = option(None, "Inventory of ObsPy, for amplitudes in m/s.")
    record: str = option("", "Name of the record, for the table of picks.")
