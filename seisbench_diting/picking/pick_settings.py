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
        raise ValueError(f"there is no folder {path.parent}; make it first")
    for file in own_files(path):
        if file.is_dir():
            raise ValueError(f"{file.name} is a folder; choose another name")
        if str(file) in info.data.get("inputs", ()):
            raise ValueError(f"would overwrite the input {file}; choose another name")
    return path


class _Files(Settings):
    inputs: Annotated[list[str], BeforeValidator(check_inputs)] = option(
        ...,
        "What to pick; may be repeated. A folder, searched at any depth (SDS or any other "
        "layout; for known events a folder for each event, named after its id); a "
        "waveform file of any format that ObsPy reads; a text file with a list of files, "
        "one or `root,file1,file2,file3` a line; or - for such a list on standard input.",
        "--input",
        "-i",
        metavar="PATH",
        many=True,
        positional=True,
    )
    output: Annotated[Path, BeforeValidator(_check_output)] = option(
        ...,
        "Name that the files of the run begin with: NAME.csv and NAME.txt, the picks; "
        "NAME.log, what was picked; NAME.err, what was not used and why; NAME.json, a "
        "summary; NAME.state, with which a run continues.",
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
        "CSV. Default: the places in the headers of SAC files.",
        "-s",
        metavar="FILE",
        identity=False,
    )


class _Model(Settings):
    model: Any = option(
        "LPPNM",
        "LPPNT, LPPNM, LPPNL, UNet, UNetPP, RNN or EQT, with /csn for weights of 100 Hz or "
        "/diting for 50 Hz; LPPNT or LPPNM alone for those of the package, /distilled, of "
        "100 Hz; RNN/csn_pnsn tells Pg and Pn apart; a SeisBench model such as "
        "PhaseNet/stead; or a SeisBench pair of files.",
        "-m",
        identity=False,
    )
    device: str = option("auto", "cpu, cuda, cuda:1, mps; auto.", "-d", identity=False)


class PickOptions(Settings):
    """How picks are found, and what is measured of them."""

    threshold: float = option(
        0.3, "Smallest probability of a pick.", "prob", gt=0, le=1
    )
    min_separation: float = option(
        1.0,
        "If two picks of one phase at one station are closer than this, the more probable "
        "one stays.",
        metavar="SECONDS",
        ge=0,
    )
    overlap: float | None = option(
        None,
        "Overlap of windows, as a share or in samples. Default: the model's own.",
        ge=0,
    )
    snr_window: float = option(
        1.0,
        "Length before and after a pick for its SNR and amplitude, at most 30 s.",
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
    """What `pick` and `pick-events` share."""

    inventory: Annotated[Path, AfterValidator(Path.absolute)] | None = option(
        None,
        "Responses, for amplitudes in m/s. Default: the input's unit.",
        metavar="STATIONXML",
    )
    instruments: Annotated[tuple[str, ...], BeforeValidator(check_instruments)] = (
        option(
            INSTRUMENT_PREFERENCE,
            "Which instrument to use where a station has several, by band and instrument "
            "code, the preferred first; `pick` also takes all, which gives picks of each "
            "under one name.",
            metavar="CODES",
        )
    )
    name_pattern: Annotated[str, AfterValidator(check_name_pattern)] | None = option(
        None,
        "Ends of file names, for files whose headers lack codes: "
        "{network}.{station}.{location}.{channel}.*",
        metavar="PATTERN",
    )
    formats: Names = option(
        ("csv", "txt"),
        "Tables to write: csv, parquet, txt (the published text format), pyocto, gamma; "
        "picks of events also quakeml.",
        identity=False,
    )
    plot: bool = option(
        False,
        "Draw in NAME.figures: for `pick` every ten minutes with picks; for `pick-events` "
        "the record section, a map and all stations of each event.",
        "ifplot",
    )
    real: bool = option(
        False, "Write day folders for REAL, in NAME.real.", "ifreal", identity=False
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
                "QuakeML can't hold picks without an event; write csv. associate writes "
                "the events of picks as quakeml"
            )
        return value

    stations: Annotated[tuple[str, ...], BeforeValidator(check_stations)] = option(
        (),
        "Stations to pick, NET.STA or NET.STA.LOC, such as CX.PB*,GE.*",
        metavar="PATTERNS",
    )
    start: Annotated[str | None, BeforeValidator(check_time)] = option(
        None, "First time to pick, UTC: 2014-05-01.", metavar="TIME"
    )
    end: Annotated[str | None, BeforeValidator(check_time)] = option(
        None, "Picks at and after it are left out.", metavar="TIME"
    )
    workers: int = option(
        1,
        "Processes. One uses all cores as well; more help where reading takes long.",
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
    The part of a record around the arrivals of an event. Defaults of 30 and 40 s hold
    what may be picked as P or S at 1000 km, and are 70 s in all, more than a window of
    the models at 100 Hz.
    """

    before: float = option(
        30.0, "Begin of the window before the theoretical P.", metavar="SECONDS", ge=0
    )
    after: float = option(
        40.0,
        "End of the window after the theoretical S. It is longer where the model needs "
        "more samples and the record has them.",
        metavar="SECONDS",
        ge=0,
    )


class FitWidth(Settings):
    """How far picks may deviate from theoretical times."""

    p_width: float = option(
        0.5,
        "A pick that is off by dt has the weight exp(-(dt / width)^2 / 2), and none beyond "
        "3 widths. Width of P at the epicentre; that of S is 1.7 times as large.",
        metavar="SECONDS",
        gt=0,
    )
    p_width_per_km: float = option(
        0.005, "Additional width for each km, to 1000 km.", metavar="SECONDS", ge=0
    )


# Arguments are in the order of the bases, the last one first.
class PickEventsSettings(EventWindow, FitWidth, RunSettings, _Events):
    """Settings of picking known events."""

    positional: ClassVar[int] = 6

    velocity: str | Path = option(
        "iasp91",
        "Velocity model: iasp91, ak135 or another one of ObsPy's, or a .nd or .tvel file.",
        metavar="MODEL",
    )
    default_depth: float = option(10.0, "Depth of events without one.", metavar="KM")

    @field_validator("instruments")
    @classmethod
    def _check_preference(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if value == ALL_INSTRUMENTS:
            raise ValueError(
                "a station has one P and one S of an event; write codes, the preferred "
                "first, such as HH,BH,EH"
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

    fit: Any = option(None, "How picks are chosen, a Fit.")
    inventory: Any = option(None, "Inventory of ObsPy, for amplitudes in m/s.")
    record: str = option("", "Name of the record, for the table of picks.")
