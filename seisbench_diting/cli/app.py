"""The command line, derived from the settings classes."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from cyclopts import App, Parameter

from .. import __version__
from .._util import (
    ArgumentError,
    MissingError,
    Settings,
    extra,
    fields_of,
    make,
    read_toml,
    suggestion,
    terminated_like_interrupted,
)

app = App(
    name="seisbench-diting",
    version=f"seisbench-diting {__version__}",
    help="Phase pickers of the China Seismic Network benchmark, on SeisBench.",
    help_format="plaintext",
)

#: Module -> its commands, and their lines in the list of commands. A command is imported
#: when it is called, so that the others need not wait for its libraries.
COMMANDS: dict[str, dict[str, str]] = {
    "pick": {
        "pick": "Pick continuous records, from one file to years of a network.",
        "pick-events": "Pick the P and S arrivals of known events.",
    },
    "catalogue": {
        "associate": "Find the events that picks belong to.",
        "magnitude": "Local magnitudes of events.",
        "compare": "Compare two catalogues.",
        "export-events": "Write events and picks for other programs.",
    },
    "show": {
        "demo": "Pick an earthquake, print the picks and save a picture.",
        "plot": "Draw waveforms, with picks over them.",
        "report": "Write an interactive HTML page of a run.",
    },
    "learn": {
        "convert": "Convert DiTing's original files to a SeisBench dataset.",
        "dataset": "Make a SeisBench dataset of a catalogue and waveforms.",
        "train": "Train a picker with the published recipe.",
        "distill": "Train a small picker from large ones, without labels.",
    },
    "assess": {
        "evaluate": "Compare the picks of models with the labels of a dataset.",
        "latency": "Measure the speed of networks.",
        "export": "Write a network as ONNX or TorchScript.",
    },
    "weights_files": {"weights": "List, fetch and import published weights."},
}

for _module, _commands in COMMANDS.items():
    for _name, _summary in _commands.items():
        _place = f"{__package__}.{_module}:{_name.replace('-', '_')}"
        app.command(_place, name=_name, help=_summary)
app.register_install_completion_command()


def call(arguments: list[str]) -> None:
    """
    :param arguments: Command and its options
    :raises CycloptsError: if they can't be parsed
    """
    if arguments[:2] == ["pick-events", "0"]:
        # As published.
        del arguments[1]
    for i in range(len(arguments) - 1, 1, -1):
        # The published scripts have values for switches.
        if arguments[i].lower() in ("true", "false") and arguments[i - 1][:2] == "--":
            arguments[i - 1 : i + 1] = ["=".join(arguments[i - 1 : i + 1])]
    known = {name for commands in COMMANDS.values() for name in commands}
    if arguments and arguments[0] in known and app[arguments[0]].default_command:
        # Its own help is that of the function, not the line of the list.
        app[arguments[0]].help = None
    app(arguments, result_action="return_none", print_error=False, exit_on_error=False)


def command_of(
    cls: type[Settings], run: Callable[[Any], object]
) -> Callable[..., object]:
    """
    Makes a command that has an option for each field of a settings class, and ``--config``
    for a TOML file. Values are passed on as they are given: the settings check what comes
    from Python, the command line and TOML in one place.

    :param cls: Settings class
    :param run: Takes settings; its docstring is the help of the command
    """

    def call(*args: Any, **kwargs: Any) -> object:
        given = signature.bind(*args, **kwargs).arguments
        config = given.pop("config", None)
        values = {name: value for name, value in given.items() if value is not None}
        more = values.pop("more", {})
        values |= {name.replace("-", "_"): value for name, value in more.items()}
        try:
            settings = make(cls, _from_file(config, cls) | values)
            values = dict(settings)
            return run(settings)
        except ArgumentError as error:
            told = error.told(lambda *a: _spelt(cls, values, *a))
            print(f"Error: {told}", file=sys.stderr)
            # As for options that can't be parsed.
            sys.exit(2 if isinstance(error, MissingError) else 1)

    parameters = [_parameter(name, field) for name, field in fields_of(cls)]
    parameters.append(_CONFIG)
    if cls.model_config.get("extra") == "allow":
        kind = inspect.Parameter.VAR_KEYWORD
        parameters.append(inspect.Parameter("more", kind, annotation=_MORE))
    parameters.sort(key=lambda parameter: parameter.kind)
    call.__name__ = run.__name__
    # One line a paragraph, which the console wraps at its own width.
    paragraphs = inspect.cleandoc(run.__doc__ or "").split("\n\n")
    call.__doc__ = "\n\n".join(" ".join(p.split()) for p in paragraphs)
    signature = call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    call.__annotations__ = {p.name: p.annotation for p in parameters}
    return call


def _shown_as(metavar: str) -> dict[str, Any]:
    # cyclopts 4, the last one for Python 3.10, always shows the type.
    has = "metavar" in inspect.signature(Parameter).parameters
    return {"metavar": metavar} if has and metavar else {}


def _metavar(field: Any) -> str:
    """That of the option, or of its type."""
    given = [extra(field)["metavar"], *field.metadata]
    if named := [text for text in given if isinstance(text, str) and text]:
        return named[0]
    if get_origin(field.annotation) is Literal:
        return "|".join(get_args(field.annotation))
    kinds = {"NUMBER": r"\b(int|float)\b", "FILE": "Path"}
    text = str(field.annotation)
    return next((name for name in kinds if re.search(kinds[name], text)), "NAME")


_CONFIG = inspect.Parameter(
    "config",
    inspect.Parameter.KEYWORD_ONLY,
    default=None,
    annotation=Annotated[
        str | None,
        Parameter(
            help="File with options; its keys are their names, such as `threshold = 0.5`. "
            "Command-line options override the file.",
            **_shown_as("FILE.toml"),
        ),
    ],
)


_MORE = Annotated[str, Parameter(show=False)]


def _parameter(name: str, field: Any) -> inspect.Parameter:
    more = extra(field)
    default = field.get_default(call_default_factory=True)
    is_switch = field.annotation in (bool, bool | None)
    help = field.description or ""
    if not (is_switch or field.is_required() or default in (None, (), [], {}, "")):
        help += f" [default: {_shown(default)}]"
    off = more["off"] or f"--no-{_option(name, field)[2:]}"
    if is_switch and default:
        help += f" {off} turns it off."
    names = [_option(name, field)]
    names += [o for n in more["names"] if (o := _dashed(n)) not in names]
    kind: Any = bool if is_switch else list[str] if more["many"] else str
    return inspect.Parameter(
        name,
        inspect.Parameter.POSITIONAL_OR_KEYWORD
        if more["positional"]
        else inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[
            kind | None,
            Parameter(
                name=names,
                help=help,
                **_shown_as("" if is_switch else _metavar(field)),
                negative=off if is_switch and default is not False else (),
                show_default=False,
                consume_multiple=more["many"] and more["positional"],
            ),
        ],
    )


def _option(name: str, field: Any) -> str:
    own = [n for n in extra(field)["names"] if n.startswith("--")]
    return own[0] if own else _dashed(name)


def _dashed(name: str) -> str:
    return name if name.startswith("-") else "--" + name.replace("_", "-")


def _spelt(cls: type[Settings], values: dict[str, Any], name: str, value: Any) -> str:
    """An option as it was given; functions may have another name for its value."""
    for own, given in values.items():
        if isinstance(given, dict) and name in given:
            return _spelt(cls, {}, own, f"{name}={value}")
    if name not in cls.model_fields and name not in values:
        for own, given in values.items():
            several = given if isinstance(given, list | tuple) else [given]
            if Path(str(value)) in [Path(str(path)) for path in several]:
                name = own
    field = cls.model_fields.get(name)
    return f"{_option(name, field) if field else _dashed(name)}={_shown(value)}"


def _shown(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ",".join(map(_shown, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _from_file(path: str | None, cls: type[Settings]) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        given = read_toml(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ArgumentError(
            "config", path, f"is not a TOML file that can be read: {error}"
        ) from error
    known, off = {}, {}
    for own, field in cls.model_fields.items():
        off[extra(field)["off"].lstrip("-")] = own
        for spelling in (own, *extra(field)["names"]):
            if spelling[:2] == "--" or spelling[0] != "-":
                known[spelling.lstrip("-").replace("-", "_")] = own
    values = {}
    for key, value in given.items():
        name = known.get(key.replace("-", "_"))
        if key in off and isinstance(value, bool):
            name, value = off[key], not value
        if name is None and cls.model_config.get("extra") == "allow":
            name = key.replace("-", "_")
        elif name is None:
            raise ArgumentError(
                "config", path, f"there is no option {key!r}{suggestion(key, known)}"
            )
        many = name in cls.model_fields and extra(cls.model_fields[name])["many"]
        values[name] = [value] if many and not isinstance(value, list) else value
    return values


@contextmanager
def interruptible(advice: str, *, handles_sigterm: bool = True) -> Iterator[None]:
    """
    Ends the command after Ctrl-C or SIGTERM with a message and the status 130.

    :param advice: How to continue
    :param handles_sigterm: False if a library does
    """
    try:
        with terminated_like_interrupted() if handles_sigterm else nullcontext():
            yield
    except KeyboardInterrupt:
        print(f"Interrupted. {advice}", file=sys.stderr)
        sys.exit(130)
