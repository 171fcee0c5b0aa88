"""Settings of picking."""

from __future__ import annotations

import math
import os
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, ValidationInfo, field_validator
from pydantic import NonNegativeFloat as NotNegative
from pydantic import PositiveFloat as Positive

from .._util import (
    INSTRUMENT_PREFERENCE,
    ArgumentError,
    Band,
    FileOrTable,
    NetworkFileSettings,
    Threshold,
    option,
    split_names,
)
from ..waveforms import Inputs, Instruments, NamePatternOption, StationPatterns, Time


def _check_output(value: Any) -> Path:
    path = Path(os.path.abspath(os.path.expanduser(str(value))))
    if not str(value) or str(value).endswith(("/", os.sep)) or path.is_dir():
        raise ValueError("write a prefix for the names of files, not a folder")
    if path.suffix in (".csv", ".parquet", ".txt", ".xml"):
        raise ValueError(
            f"write a name; {path.stem!r} makes {path.stem}.csv and others"
        )
    if not path.parent.is_dir():
        raise ValueError(f"the folder {path.parent} does not exist; create it first")
    return path


def _check_parquet(value: tuple[str, ...]) -> tuple[str, ...]:
    if "parquet" in value and find_spec("pyarrow") is None:
        raise ValueError("needs pyarrow: pip install 'seisbench-diting[parquet]'")
    return value


_Table = Literal["csv", "parquet", "txt", "pyocto", "gamma"]
_ForPrograms = Literal["nlloc", "hypodd", "hypoinverse", "nordic", "scml"]
_EventTable = Literal[_Table, "quakeml", _ForPrograms]
_SPLIT, _PYARROW = BeforeValidator(split_names), AfterValidator(_check_parquet)


class PickOptions(NetworkFileSettings):
    """Options for detecting and measuring picks."""

    model: Any = option(
        "LPPNM",
        "LPPNT, LPPNM, LPPNL, UNet, UNetPP, RNN or EQT, with /csn for weights at 100 Hz or "
        "/diting for 50 Hz; LPPNT, LPPNM, RNN or EQT alone for the bundled weights (/distilled, "
        "50 Hz); RNN/csn_pnsn to distinguish Pg and Pn; a SeisBench model such as "
        "PhaseNet/stead; or a file: of a saved SeisBench model, a published one, "
        "TorchScript or ONNX. Name only TorchScript files that you trust: they are programs.",
        "-m",
        identity=False,
    )
    device: str = option(
        "auto", "cpu, cuda, cuda:1, mps or auto.", "-d", identity=False
    )
    threshold: Threshold = 0.3
    nmslen: NotNegative | None = option(
        None,
        "As in the published scripts: --min-separation in samples of --samplerate.",
        metavar="SAMPLES",
        identity=False,
    )
    min_separation: NotNegative = option(
        1.0, "Seconds between picks of a phase; if closer, the most probable is kept."
    )
    overlap: NotNegative | None = option(
        None, "Overlap of windows, as a share or in samples. Default: from the model."
    )
    calibrated: bool = option(
        False,
        "Give calibrated probabilities: the share of such picks that is right on labelled "
        "records. --threshold is a probability before that.",
    )
    snr_window: Positive = option(
        1.0, "Seconds before and after a pick for SNR and amplitude.", "snritv", le=30
    )
    bandpass: Band = option((1.0, 10.0), "Frequencies in Hz for SNR and amplitude.")
    polarity: bool = option(
        False, "Give the first motion of P where it is clear: U (up), D (down)."
    )

    @field_validator("min_separation")
    @classmethod
    def _of_samples(cls, seconds: float, info: ValidationInfo) -> float:
        samples, rate = (info.data.get(name) for name in ("nmslen", "sampling_rate"))
        if samples is not None and rate is None:
            reason = f"is in samples; add samplerate, or write min_separation in seconds: {samples / 100:g} at 100 Hz"
            raise ArgumentError("nmslen", samples, reason)
        return seconds if samples is None else samples / rate


class EventOptions(PickOptions):
    """
    Options for picking a known event. A pick with the residual dt has the weight
    exp(-(dt / width)^2 / 2), and 0 beyond 3 widths.

    Half a second is a typical error of origin times, depths and positions of local events.
    0.005 s/km are 4 % of the travel time of P, because crusts differ from the model. Errors
    of depth, distance and velocity delay S more than P by the ratio of travel times, the
    square root of 3. Beyond 1000 km, rays run in the mantle, which differs less.

    The windows include what may be picked as P or S at 1000 km.
    """

    before: NotNegative = option(30.0, "Seconds of the window before P.")
    after: NotNegative = option(
        40.0, "Seconds of the window after S; more where the model needs more samples."
    )
    p_width: Positive = option(
        0.5,
        "Width (standard deviation) of P in seconds; that of S is 1.7 times as large.",
    )
    p_width_per_km: NotNegative = option(
        0.005, "Additional width per km, up to 1000 km."
    )

    #: Largest residual of a pick, in widths.
    limit: ClassVar[float] = 3.0

    def width(self, phase: str, distance_km: Any) -> Any:
        """
        :param phase: Phase; Pg and Pn count as P
        :param distance_km: Epicentral distance, or several
        :return: Width in seconds (standard deviation)
        """
        import numpy as np

        width = self.p_width + self.p_width_per_km * np.minimum(distance_km, 1000)
        return width if phase[:1] == "P" else width * math.sqrt(3)


class RunSettings(PickOptions):
    """Options shared by `pick` and `pick-events`."""

    inputs: Inputs = option(
        ...,
        "Waveforms to pick; may be repeated. A folder, searched recursively (any layout; for "
        "known events, one folder per event, named after its id); a file in any format that "
        "ObsPy reads; or a list of files, one or `root,file1,file2,file3` per line.",
        *("--input", "-i"),
        metavar="PATH",
        many=True,
        positional=True,
        identity=False,
    )
    output: Annotated[Path, BeforeValidator(_check_output)] = option(
        ...,
        "Prefix of the files: NAME.csv and NAME.txt, picks; NAME.log, what was picked; "
        "NAME.err, what was not used and why; NAME.json, summary; NAME.state, to continue.",
        "-o",
        identity=False,
    )
    inventory: Annotated[Path, AfterValidator(Path.absolute)] | None = option(
        None, "StationXML with responses, for amplitudes in m/s."
    )
    instruments: Instruments = option(
        INSTRUMENT_PREFERENCE,
        "Band and instrument codes, the preferred first, for stations with several. For "
        "`pick`, all uses every instrument; their picks have the same station name.",
    )
    name_pattern: NamePatternOption = None
    formats: Annotated[tuple[_EventTable, ...], _SPLIT, _PYARROW] = option(
        ("csv", "txt"),
        "Tables to write: csv, parquet, txt (published text), quakeml, pyocto, gamma, and "
        "for other programs nlloc, hypodd, hypoinverse, nordic, scml.",
        identity=False,
    )
    plot: bool = option(
        False,
        "Plot to NAME.figures every ten minutes with picks, 0.3 s of a core each; for known "
        "events the record section, a map and all stations.",
        "ifplot",
        identity=False,
    )
    real: bool = option(
        False, "Write day folders for REAL to NAME.real.", "ifreal", identity=False
    )
    progress: bool = option(
        True, "Show the progress and a summary.", off="--quiet", identity=False
    )


class PickSettings(RunSettings):
    """Settings of picking an archive."""

    positional = ("inputs", "output", "model", "device")

    # QuakeML can't hold picks without an event.
    formats: Annotated[tuple[_Table, ...], _SPLIT, _PYARROW] = option(
        ("csv", "txt"),
        "Tables to write: csv, parquet, txt (the published text format), pyocto, gamma.",
        identity=False,
    )
    stations: StationPatterns = option(
        (), "Stations, NET.STA or NET.STA.LOC, such as CX.PB*,GE.*", identity=False
    )
    plot_stations: StationPatterns = option(
        (), "Stations that --plot draws, if not all.", identity=False
    )
    start: Time = option(
        None, "Start of the time to pick, UTC: 2014-05-01.", identity=False
    )
    end: Time = option(None, "End of the time to pick, exclusive.", identity=False)
    workers: int = option(
        1,
        "Number of processes; more than one helps if reading is slow.",
        "npicker",
        ge=1,
        identity=False,
    )
    scheduler: str | Path | None = option(
        None, "A Dask cluster: tcp://HOST:8786, or a scheduler file.", identity=False
    )


class PickEventsSettings(EventOptions, RunSettings):
    """Settings of picking known events."""

    positional = ("inputs", "output", "catalog", "stations", "model", "device")

    catalog: FileOrTable = option(
        ...,
        "Events: the published format (#EVENT ID eq YEAR ...), QuakeML, or CSV with id, "
        "time, latitude, longitude and depth in km.",
        "-c",
        identity=False,
    )
    stations: FileOrTable = option(
        None,
        "Stations: the published format (NET STA LOC LON LAT ELEVATION_M), StationXML, or "
        "CSV. Default: coordinates in the headers of SAC files.",
        "-s",
        identity=False,
    )
    velocity: str | Path = option(
        "iasp91",
        "Velocity model: iasp91, ak135, others of ObsPy's, a .nd or .tvel file.",
    )
    default_depth: float = option(10.0, "Depth in km of events without one.")
    elevation_unit: Literal["m", "km"] | None = option(None, "Elevations: m or km.")
