"""Waveform files and pictures, as ``demo`` and ``plot`` take them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

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

    from ..picking.formats import Part, UnreadableError, find_format, read_part

    stream = obspy.Stream()
    for path in files:
        if not path.is_file():
            kind = "a folder" if path.is_dir() else "no file"
            raise ValueError(f"{str(path)!r} is {kind}; name files of waveforms.")
        try:
            found, wrong = read_part(Part(str(path), find_format(path)))
        except UnreadableError as error:
            raise ValueError(
                f"{str(path)!r} is no waveform file that ObsPy can read: {error}."
            ) from error
        for reason in wrong:
            typer.echo(f"{path}: {reason}", err=True)
        stream += found
    return stream


def check_picture(path: Path) -> None:
    """
    :param path: Picture to write
    :raises ValueError: if it can't be one
    """
    if path.suffix.lower() not in _PICTURES:
        raise ValueError(
            f"--output={str(path)!r} must end in one of {', '.join(_PICTURES)}."
        )
    if not path.absolute().parent.is_dir():
        raise ValueError(f"--output={str(path)!r}: there is no such folder.")
