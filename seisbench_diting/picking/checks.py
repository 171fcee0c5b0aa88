"""Checks of what runs of all kinds are given."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import obspy
import torch

from .._util import beside
from .inputs import check_inputs
from .outputs import (
    ERRORS,
    FOLDERS,
    FORMATS,
    LOG,
    STATE,
    SUMMARY,
    own_files,
)
from .quality import read_responses


def check_input_and_output(
    inputs: str | Path | Iterable[str | Path], output: str | Path
) -> tuple[list[str], Path]:
    """
    :raises FileNotFoundError: if an input, or the folder of the output, does not exist
    :raises ValueError: if the output is a folder, or would write over an input
    :return: Absolute paths
    """
    names = check_inputs([inputs] if isinstance(inputs, str | Path) else inputs)
    path = _check_output(output)
    if own := own_files(path) & set(map(Path, names)):
        raise ValueError(
            f"output={str(output)!r} would write over the input {own.pop()}. Choose "
            "another name."
        )
    return names, path


def _check_output(output: str | Path) -> Path:
    path = Path(os.path.abspath(os.path.expanduser(str(output))))
    if not str(output) or str(output).endswith(("/", os.sep)) or path.is_dir():
        raise ValueError(
            f"output={str(output)!r} must be a name that files begin with, such as "
            "picks/2024, not a folder."
        )
    if path.suffix in {f".{ending.rpartition('.')[2]}" for ending in FORMATS.values()}:
        raise ValueError(
            f"output={str(output)!r} must be a name that files begin with: "
            f"{path.with_suffix('').name!r} makes {path.with_suffix('').name}.csv and others."
        )
    for file in own_files(path):
        if file.is_dir():
            raise ValueError(
                f"output={str(output)!r} would write {file.name}, which is a folder. "
                "Choose another name."
            )
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"output={str(output)!r} can't be written: there is no folder "
            f"{path.parent}. Make it first."
        )
    return path


def check_results(output: Path) -> None:
    """Files of a run without its state are somebody's results."""
    if beside(output, STATE).exists():
        return
    for ending in (*FORMATS.values(), LOG, ERRORS, SUMMARY, *FOLDERS):
        if beside(output, ending).exists():
            raise ValueError(
                f"output={str(output)!r}: {beside(output, ending).name} exists, but not "
                f"the state of its run, {output.name}{STATE}. Choose another name, or "
                "remove it."
            )


def check_time(value: Any, name: str) -> int | None:
    """
    :raises ValueError: if it is no time
    :return: Nanoseconds since 1970
    """
    if value is None:
        return None
    try:
        return obspy.UTCDateTime(value).ns
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name}={str(value)!r} is no time; write 2014-05-01 or 2014-05-01T12:30:00."
        ) from error


def check_device(device: str) -> str:
    """
    :raises ValueError: if there is no such device
    :return: The device; for ``auto`` a GPU, if there is one
    """
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=device)
    # PyTorch has an error of its own for each kind of device.
    except Exception as error:
        raise ValueError(
            f"device={device!r} is not possible here: {str(error).splitlines()[0].rstrip('.')}. Use "
            "cpu, or auto."
        ) from error
    return device


def check_inventory(path: str | Path | None) -> str | None:
    """
    :raises ValueError: if it is no file with responses
    :return: Absolute path
    """
    if path is None:
        return None
    try:
        read_responses(path)
    # ObsPy raises whatever its parsers do.
    except Exception as error:
        raise ValueError(
            f"inventory={str(path)!r} is no StationXML file that can be read: {error}"
        ) from error
    return os.path.abspath(path)
