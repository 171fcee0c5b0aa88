"""Settings of making datasets, from DiTing's original files and from a catalogue."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, field_validator

from .._util import INSTRUMENT_PREFERENCE, Folder, Settings, option, split_names
from ..waveforms import Inputs, Instruments, NamePatternOption


def _chunk_names(parts: Any) -> tuple[str, ...]:
    names = []
    for item in split_names([parts] if isinstance(parts, int) else parts):
        first, dash, last = item.partition("-")
        if dash and first.isdigit() and last.isdigit():
            names += [f"{n:02d}" for n in range(int(first), int(last) + 1)]
        else:
            names.append(item.zfill(2))
    return tuple(names)


#: Names of chunks, from numbers of parts, or text such as ``0,3,5-8``.
Chunks = Annotated[tuple[str, ...], BeforeValidator(_chunk_names)]


def _split_shares(value: Any) -> Any:
    value = str(value).split(",") if isinstance(value, str | int | float) else value
    return (train := float(value[0]), 0, 1 - train) if len(value) == 1 else value


def _add_up(shares: tuple[float, ...]) -> tuple[float, ...]:
    if len(shares) != 3 or min(shares) < 0 or abs(sum(shares) - 1) > 1e-6:
        raise ValueError("use three shares that add up to 1: train, dev, test")
    return shares


Split = Annotated[
    tuple[float, ...],
    BeforeValidator(_split_shares),
    AfterValidator(_add_up),
    option(
        ...,
        "Shares of train, dev and test; or that of train, and the rest is test.",
        "-s",
        metavar="TRAIN,DEV,TEST",
    ),
]

Seed = Annotated[int, option(..., "Seed of the split by event.")]


class ConvertSettings(Settings):
    """Settings of converting DiTing's original files."""

    positional = ("source", "output")

    source: Path = option(
        ...,
        "Folder of DiTing330km_part_N.hdf5, with a .csv for each or one for all; or the "
        "tutorial's merged file.",
        "--input",
        "-i",
        metavar="PATH",
        identity=False,
    )
    output: Folder = option(..., "Folder of the dataset.", "-o", identity=False)
    compression: Literal["none", "lzf", "gzip", "zstd"] = option(
        "none", "none, lzf, gzip or zstd; true for gzip, as published.", "-c"
    )
    workers: int = option(
        1,
        "Number of processes; each converts one part at a time.",
        ge=1,
        identity=False,
    )
    split_by: Literal["event", "table"] = option(
        "event",
        "event: all records of an event are in one split, drawn by --split and --seed. "
        "table: the split in the tables' names (train, val, dev, test), in their column "
        "'split', or that of the merged file.",
    )
    split: Split = (0.8, 0.1, 0.1)
    seed: Seed = 42
    parts: Chunks = option(
        (), "Parts to convert, such as 0,3,5-8. Default: all.", identity=False
    )
    progress: bool = option(True, "Show the progress.", off="--quiet", identity=False)

    @field_validator("compression", mode="before")
    @classmethod
    def _published(cls, value: Any) -> Any:
        return {"true": "gzip", "false": "none"}.get(str(value).lower(), value)

    @field_validator("compression")
    @classmethod
    def _is_installed(cls, name: str) -> str:
        if name == "zstd" and find_spec("hdf5plugin") is None:
            raise ValueError("zstd needs pip install 'seisbench-diting[zstd]'")
        return name


class DatasetSettings(Settings):
    """Settings of making a dataset from a catalogue and waveforms."""

    positional = ("catalog", "inputs", "output")

    catalog: Path = option(
        ...,
        "Events with their picks: QuakeML, or what `associate` writes.",
        "-c",
        metavar="FILE",
    )
    inputs: Inputs = option(
        ...,
        "Folder, waveform file or list of files, as for `pick`. May be repeated.",
        *("--input", "-i"),
        metavar="PATH",
        many=True,
    )
    output: Path = option(..., "Folder of the dataset.", "-o", metavar="FOLDER")
    before: float = option(30.0, "Seconds before the first pick of a record.", ge=0)
    after: float = option(60.0, "Seconds after its last pick.", ge=0)
    split: Split = (0.8, 0.1, 0.1)
    seed: Seed = 42
    instruments: Instruments = option(
        INSTRUMENT_PREFERENCE, "Codes of band and instrument, the preferred first."
    )
    name_pattern: NamePatternOption = None
    progress: bool = option(True, "Show the progress.", off="--quiet")
