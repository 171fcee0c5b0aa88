"""Options from a TOML file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
import typer

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

#: What a file can't name: itself.
_NOT_IN_FILE = ("config",)


def read_config(context: typer.Context, path: Path | None) -> Path | None:
    """
    Callback of ``--config``: what the file says takes the place of the defaults of the
    command's options, so that the command line has the last word.

    :param context: Context of the command
    :param path: TOML file whose keys are the names of the options
    :raises ValueError: if it can't be read, or holds other keys
    :return: The file
    """
    if path is None:
        return None
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ValueError(
            f"config={str(path)!r} is no TOML file that can be read: {error}"
        ) from error
    known = {
        name: parameter
        for parameter in context.command.params
        if parameter.name not in _NOT_IN_FILE
        for name in _names(parameter)
    }
    defaults: dict[str, Any] = {}
    for key, value in values.items():
        parameter = known.get(key.replace("_", "-"))
        if parameter is None:
            raise ValueError(
                f"config={str(path)!r} holds {key!r}, which is no option; possible are "
                f"{', '.join(sorted(known))}."
            )
        defaults[parameter.name] = _as_given(value, parameter)
    context.default_map = {**(context.default_map or {}), **defaults}
    return path


def _names(parameter: click.Parameter) -> list[str]:
    return [
        option.removeprefix("--")
        for option in parameter.opts
        if option.startswith("--") and option != "--help"
    ]


def _as_given(value: Any, parameter: click.Parameter) -> Any:
    """As it would be given on the command line, where lists are text with commas."""
    if parameter.multiple or parameter.nargs != 1:
        return value if isinstance(value, list) else [value]
    if isinstance(value, list):
        return ",".join(map(str, value))
    return value if isinstance(value, bool | int | float) else str(value)
