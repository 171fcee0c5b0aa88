"""Options from a TOML file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import typer

#: A parameter of a command: of click, which Typer needs or has inside, by its version.
_Parameter = Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

#: What a file can't name: itself.
_NOT_IN_FILE = ("config",)

#: Where :py:func:`read_config_of_method` leaves keys that are no options of the command.
OTHERS = "seisbench_diting.others"


def read_config(context: typer.Context, path: Path | None) -> Path | None:
    """
    Callback of ``--config``: what the file says takes the place of the defaults of the
    command's options, so that the command line has the last word.

    :param context: Context of the command
    :param path: TOML file whose keys are the names of the options
    :raises ValueError: if it can't be read, or holds other keys
    :return: The file
    """
    values = _read(path)
    known = _known(context)
    for key in values:
        if key.replace("_", "-") not in known:
            raise ValueError(
                f"config={str(path)!r} holds {key!r}, which is no option; possible are "
                f"{', '.join(sorted(known))}."
            )
    _make_defaults(context, values, known)
    return path


def read_config_of_method(context: typer.Context, path: Path | None) -> Path | None:
    """
    As :py:func:`read_config`, for commands whose options depend on a method: keys that are
    no options of the command are kept in the context for it to check.

    :param context: Context of the command
    :param path: TOML file
    :raises ValueError: if it can't be read
    :return: The file
    """
    values = _read(path)
    known = _known(context)
    context.meta[OTHERS] = {
        key: value
        for key, value in values.items()
        if key.replace("_", "-") not in known
    }
    _make_defaults(context, values, known)
    return path


def _read(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ValueError(
            f"config={str(path)!r} is no TOML file that can be read: {error}"
        ) from error


def _known(context: typer.Context) -> dict[str, _Parameter]:
    return {
        name: parameter
        for parameter in context.command.params
        if parameter.name not in _NOT_IN_FILE
        for name in _names(parameter)
    }


def _make_defaults(
    context: typer.Context, values: dict[str, Any], known: dict[str, _Parameter]
) -> None:
    defaults = {
        parameter.name: _as_given(value, parameter)
        for key, value in values.items()
        if (parameter := known.get(key.replace("_", "-")))
    }
    context.default_map = {**(context.default_map or {}), **defaults}


def _names(parameter: _Parameter) -> list[str]:
    return [
        option.removeprefix("--")
        for option in parameter.opts
        if option.startswith("--") and option != "--help"
    ]


def _as_given(value: Any, parameter: _Parameter) -> Any:
    """As it would be given on the command line, where lists are text with commas."""
    if parameter.multiple or parameter.nargs != 1:
        return value if isinstance(value, list) else [value]
    if isinstance(value, list):
        return ",".join(map(str, value))
    return value if isinstance(value, bool | int | float) else str(value)
