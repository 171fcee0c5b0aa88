"""Settings of picking."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BeforeValidator, ValidationInfo
from pydantic import NonNegativeFloat as NotNegative
from pydantic import PositiveFloat as Positive

from .. import waveforms
from .._util import INSTRUMENT_PREFERENCE, Band, Names, Settings, beside, option

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


def own_folders(output: Path) -> set[Path]:
    """:return: Folders that a run of this name may write"""
    return {beside(output, REAL), beside(output, PICTURES)}


def _check_output(value: Any, info: ValidationInfo) -> Path:
    path = Path(os.path.abspath(os.path.expanduser(str(value))))
    name = path.with_suffix("").name
    if not str(value) or str(value).endswith(("/", os.sep)) or path.is_dir():
        raise ValueError("write a name that files begin with, not a folder")
    if path.suffix in (".csv", ".parquet", ".txt", ".xml"):
        raise ValueError(f"write a name; {name!r} makes {name}.csv and others")
    if not path.parent.is_dir():
        raise ValueError(f"the folder {path.parent} does not exist; create it first")
    for file in own_files(path):
        if file.is_dir():
            raise ValueError(f"{file.name} is a folder; choose another name")
        if str(file) in info.data.get("inputs", ()):
            raise ValueError(f"would overwrite the input {file}; choose another name")
    return path


def _check_overlap(value: float | None) -> float | None:
    # SeisBench would take 1 for one sample; users mean a whole window.
    if value is not None and 1 <= value < 2:
        raise ValueError("write a share below 1, or at least 2 samples")
    return value


def _check_formats(value: tuple[str, ...]) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.lower() for name in value))
    if unknown := [name for name in names if name not in FORMATS]:
        raise ValueError(f"{unknown[0]!r} is unknown; use {', '.join(FORMATS)}")
    if "parquet" in names:
        try:
            import pyarrow  # noqa: F401
        except ImportError:
            extra = "pip install 'seisbench-diting[parquet]'"
            raise ValueError(f"parquet needs pyarrow: {extra}") from None
    return names


def _check_preference(value: tuple[str, ...]) -> tuple[str, ...]:
    if value == waveforms.ALL_INSTRUMENTS:
        raise ValueError(
            "not possible for events, as a station has one P and one S per event; write "
            "codes, the preferred first, such as HH,BH,EH"
        )
    return value


def _check_no_events(value: tuple[str, ...]) -> tuple[str, ...]:
    if "quakeml" in value:
        raise ValueError(
            "QuakeML can't hold picks without an event; write csv, then use associate to "
            "write events with their picks as quakeml"
        )
    return value


def _check_stream(value: Any) -> Any:
    import obspy

    if not isinstance(value, obspy.Stream):
        got = type(value).__name__
        raise TypeError(f"stream must be an obspy.Stream, got {got}.")
    return value


_Codes = Annotated[tuple[str, ...], BeforeValidator(waveforms.check_instruments)]
_Pattern = Annotated[waveforms.NamePattern, BeforeValidator(waveforms.NamePattern)]
_Formats = Annotated[Names, AfterValidator(_check_formats)]
_Time = Annotated[str | None, BeforeValidator(waveforms.check_time)]


class _Files(Settings):
    inputs: Annotated[list[str], BeforeValidator(waveforms.check_inputs)] = option(
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

    threshold: Positive = option(0.3, "Smallest probability of a pick.", "prob", le=1)
    min_separation: NotNegative = option(
        1.0, "Seconds between picks of a phase; if closer, the most probable is kept."
    )
    overlap: Annotated[NotNegative | None, AfterValidator(_check_overlap)] = option(
        None, "Overlap of windows, as a share or in samples. Default: from the model."
    )
    snr_window: Positive = option(
        1.0, "Seconds before and after a pick for SNR and amplitude.", "snritv", le=30
    )
    bandpass: Band = option((1.0, 10.0), "Frequencies in Hz for SNR and amplitude.")


class RunSettings(PickOptions, _Model, _Files):
    """Options shared by `pick` and `pick-events`."""

    inventory: Annotated[Path, AfterValidator(Path.absolute)] | None = option(
        None, "StationXML with responses, for amplitudes in m/s.", metavar="FILE"
    )
    instruments: _Codes = option(
        INSTRUMENT_PREFERENCE,
        "Band and instrument codes, the preferred first, for stations with several. For "
        "`pick`, all uses every instrument; their picks have the same station name.",
        metavar="CODES",
    )
    name_pattern: _Pattern | None = option(
        None,
        "Pattern of the ends of file names, for files without codes in their headers: "
        "{network}.{station}.{location}.{channel}.*",
    )
    formats: _Formats = option(
        ("csv", "txt"),
        "Tables to write: csv, parquet, txt (the published text format), pyocto, gamma; "
        "for picks of events also quakeml.",
        identity=False,
    )
    plot: bool = option(
        False,
        "Plot to NAME.figures every ten minutes with picks; for known events the record "
        "section, a map and all stations.",
        "ifplot",
    )
    real: bool = option(
        False, "Write day folders for REAL to NAME.real.", "ifreal", identity=False
    )
    progress: bool = option(
        True, "Show the progress and a summary.", off="--quiet", identity=False
    )


class PickSettings(RunSettings):
    """Settings of picking an archive."""

    positional: ClassVar[int] = 4

    formats: Annotated[_Formats, AfterValidator(_check_no_events)] = option(
        ("csv", "txt"),
        "Tables to write: csv, parquet, txt (the published text format), pyocto, gamma.",
        identity=False,
    )
    stations: Annotated[tuple[str, ...], BeforeValidator(waveforms.check_stations)] = (
        option((), "Stations, NET.STA or NET.STA.LOC, such as CX.PB*,GE.*")
    )
    start: _Time = option(None, "Start of the time to pick, UTC: 2014-05-01.")
    end: _Time = option(None, "End of the time to pick, exclusive.")
    workers: int = option(
        1,
        "Number of processes; more than one helps if reading is slow.",
        ge=1,
        identity=False,
    )
    scheduler: str | Path | None = option(
        None, "A Dask cluster: tcp://HOST:8786, or a scheduler file.", identity=False
    )


class EventWindow(Settings):
    """
    The part of a record around the arrivals of an event. The defaults of 30 and 40 s
    include what may be picked as P or S at 1000 km. Together they are 70 s, more than a
    window of the models at 100 Hz.
    """

    before: NotNegative = option(30.0, "Seconds of the window before P.")
    after: NotNegative = option(
        40.0, "Seconds of the window after S; more where the model needs more samples."
    )


class FitWidth(Settings):
    """Allowed deviation of picks from theoretical times."""

    p_width: Positive = option(
        0.5,
        "Width of P in seconds; that of S is 1.7 times as large. A pick with the residual "
        "dt has the weight exp(-(dt / width)^2 / 2), and 0 beyond 3 widths.",
    )
    p_width_per_km: NotNegative = option(
        0.005, "Additional width per km, up to 1000 km."
    )


# Arguments are in the reverse order of the bases.
class PickEventsSettings(EventWindow, FitWidth, RunSettings, _Events):
    """Settings of picking known events."""

    positional: ClassVar[int] = 6

    instruments: Annotated[_Codes, AfterValidator(_check_preference)] = option(
        INSTRUMENT_PREFERENCE, "Band and instrument codes, the preferred first."
    )
    velocity: str | Path = option(
        "iasp91",
        "Velocity model: iasp91, ak135, others of ObsPy's, a .nd or .tvel file.",
    )
    default_depth: float = option(10.0, "Depth in km of events without one.")


class _Stream(Settings):
    stream: Annotated[Any, BeforeValidator(_check_stream)] = option(
        ..., "Waveforms of any number of stations; they are not modified."
    )


class _Record(Settings):
    inventory: Any = option(None, "Inventory of ObsPy, for amplitudes in m/s.")
    record: str = option("", "Name of the record, for the column of this name.")


class StreamSettings(_Record, PickOptions, _Model, _Stream):
    """Settings of picking a stream."""


class _Event(_Stream):
    event: Any = option(..., "Row of an event table, or an Event.")
    stations: Any = option(..., "Station table.")
    model: Any = option(..., "Picker.")
    travel_times: Any = option(..., "Travel times.")
    fit: Any = option(None, "A Fit, which chooses the picks.")


class EventSettings(_Record, PickOptions, EventWindow, _Event):
    """Settings of picking an event in memory."""

    positional: ClassVar[int] = 5
