"""Files that commands read and write: waveforms, pictures and others."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from .._util import check_place

if TYPE_CHECKING:
    import obspy

_PICTURES = (".png", ".pdf", ".svg", ".jpg")


def read_files(files: list[Path]) -> obspy.Stream:
    """
    :param files: Waveform files, in any format of ObsPy's but pickles, which may hold code
    :raises ValueError: if one is none
    :return: All their traces
    """
    import obspy

    from ..waveforms import UnreadableError, read_file

    stream = obspy.Stream()
    for path in files:
        if not path.is_file():
            kind = "a folder" if path.is_dir() else "no file"
            raise ValueError(f"{str(path)!r} is {kind}; name files of waveforms.")
        try:
            found, wrong = read_file(path)
        except UnreadableError as error:
            raise ValueError(
                f"{str(path)!r} is no waveform file that ObsPy can read: {error}."
            ) from error
        for reason in wrong:
            typer.echo(f"{path}: {reason}", err=True)
        stream += found
    return stream


def check_new_folder(path: Path, name: str) -> None:
    """
    :param path: Folder that is made with those above it
    :param name: Option that names it
    :raises OSError: if it can't be written
    """
    if path.exists() and not path.is_dir():
        raise NotADirectoryError(f"--{name}={str(path)!r} is a file; name a folder.")
    there = next(p for p in (path.absolute(), *path.absolute().parents) if p.exists())
    if not os.access(there, os.W_OK | os.X_OK):
        raise PermissionError(
            f"--{name}={str(path)!r}: no rights to write in {there}. Choose another "
            "place."
        )


def check_picture(path: Path) -> None:
    """
    :param path: Picture to write
    :raises ValueError: if it can't be one
    """
    if path.suffix.lower() not in _PICTURES:
        raise ValueError(
            f"--output={str(path)!r} must end in one of {', '.join(_PICTURES)}."
        )
    check_place(path, f"--output={str(path)!r}")
