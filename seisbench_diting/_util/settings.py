"""Settings: each option of a command is written once, in a settings class.

The Python function (:py:func:`takes`), the command line, the TOML file and the stored
identity of a run are derived from it.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, ClassVar, TypeVar, cast

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
)
from pydantic.fields import FieldInfo

from .messages import ArgumentError, MissingError, suggestion

_Result = TypeVar("_Result")
_Settings = TypeVar("_Settings", bound="Settings")


class Settings(BaseModel):
    """
    Base of the settings of a command: immutable and checked when they are made. Options
    without a default come first, in Python and on the command line.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", arbitrary_types_allowed=True, allow_inf_nan=False
    )

    #: Fields that may be given by position in Python, in this order.
    positional: ClassVar[tuple[str, ...]] = ()

    def identity(self) -> dict[str, Any]:
        """
        :return: Values that affect the result, ready for JSON; fields made with
            ``option(..., identity=False)`` are left out
        """
        fields = type(self).model_fields.items()
        others = {name for name, field in fields if not extra(field)["identity"]}
        return self.model_dump(mode="json", exclude=others)


def check_type(name: str, value: Any, kind: Any) -> None:
    """
    :param name: Name of an argument
    :param value: Its value
    :param kind: What it must be
    :raises TypeError: if it is not
    """
    if not isinstance(value, kind):
        given = type(value).__name__
        wanted = getattr(kind, "__name__", kind)
        raise TypeError(f"{name} must be of type {wanted}, not {given}.")


@contextmanager
def errors_of(name: str, value: Any, before: str = "") -> Iterator[None]:
    """
    Converts errors of values and files to those of an argument.

    :param name: Name of the argument
    :param value: Its value
    :param before: Start of the reason
    :raises ArgumentError: instead of any ValueError or OSError
    """
    try:
        yield
    except (OSError, ValueError) as error:
        reason = error.problems[0][2] if isinstance(error, ArgumentError) else error
        shown = str(value) if isinstance(value, Path) else value
        raise ArgumentError(name, shown, f"{before}{reason}") from error


def option(
    default: Any,
    help: str,
    *names: str,
    metavar: str = "",
    many: bool = False,
    positional: bool = False,
    identity: bool = True,
    off: str = "",
    **limits: Any,
) -> Any:
    """
    An option of a settings class.

    :param default: Default value; ``...`` if there is none
    :param help: Meaning, with the unit; one sentence or two, shown in Python and on the
        command line
    :param names: More names on the command line and in TOML: a short one (``-i``), words
        of the published scripts (``--prob``). A name of the field in other words comes
        first, if the command line differs from Python (``--input`` for ``inputs``).
    :param metavar: What the value is, for the help: ``SECONDS``, ``FILE``. Default: the
        text in its :py:class:`typing.Annotated` type, or by the type
    :param many: If the option may be repeated on the command line
    :param positional: If the command line also takes its values without the option's name
    :param identity: If the value affects the result of a run
    :param off: For a switch that is on: the option that turns it off, such as ``--quiet``
    :param limits: ``gt``, ``ge``, ``lt``, ``le`` and others of :py:func:`pydantic.Field`
    """
    more: dict[str, Any] = {"names": list(names), "metavar": metavar, "off": off}
    more |= {"many": many, "positional": positional, "identity": identity}
    return Field(
        default,
        description=help,
        json_schema_extra=more,
        validate_default=default is not ... and default is not None,
        **limits,
    )


def extra(field: FieldInfo) -> dict[str, Any]:
    """Properties of an option that pydantic does not store."""
    return cast(dict[str, Any], field.json_schema_extra)


def fields_of(cls: type[Settings]) -> list[tuple[str, FieldInfo]]:
    """Names and fields: by position, those without a default, others, of network files."""
    last = set(NetworkFileSettings.model_fields) - {*cls.__annotations__}

    def place(one: tuple[str, FieldInfo]) -> tuple[int, bool, bool]:
        name, field = one
        at = [*cls.positional, name].index(name)
        return at, name in last, not field.is_required()

    return sorted(cls.model_fields.items(), key=place)


def make(cls: type[_Settings], values: Mapping[str, Any]) -> _Settings:
    """
    :param cls: Settings class
    :param values: Values by the names of its fields; missing ones take their defaults
    :raises ArgumentError: if one is missing or not possible
    :return: Settings
    """
    try:
        return cls(**values)
    except ValidationError as error:
        raise _argument_error(cls, values, error) from None


def _argument_error(
    cls: type[Settings], values: Mapping[str, Any], error: ValidationError
) -> ArgumentError:
    missing, impossible = [], []
    for problem in error.errors():
        cause = problem.get("ctx", {}).get("error")
        if isinstance(cause, ArgumentError):
            impossible += cause.problems
            continue
        name = str(problem["loc"][0]) if problem["loc"] else ""
        reason = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "string_pattern_mismatch":
            allowed = problem["ctx"]["pattern"].strip("^()$").replace("|", ", ")
            reason = f"it must be one of {allowed}"
        if problem["type"] == "missing" and len(problem["loc"]) == 1:
            missing.append((name, None, cls.model_fields[name].description or ""))
        elif problem["type"] == "extra_forbidden":
            reason = "unknown option" + suggestion(name, cls.model_fields)
            impossible.append((name, problem["input"], reason))
        elif not problem["loc"]:
            # Checks of several fields name them in the reason.
            raise ValueError(reason)
        else:
            one, value = problem["input"], values.get(name, problem["input"])
            # Of a list, the one that is wrong.
            value = one if isinstance(value, list) and one in value else value
            impossible.append((name, value, reason[:1].lower() + reason[1:]))
    made = ArgumentError("", None, "") if impossible else MissingError("", None, "")
    made.problems = impossible or missing
    return made


def takes(
    cls: type[_Settings],
) -> Callable[[Callable[[_Settings], _Result]], Callable[..., _Result]]:
    """
    Converts a function that takes settings to one that takes their fields as arguments, or
    ready settings. The fields are in its signature and docstring, and values are checked.

    :param cls: Settings class
    """

    def decorate(function: Callable[[_Settings], _Result]) -> Callable[..., _Result]:
        signature = inspect.Signature([_parameter(cls, *one) for one in fields_of(cls)])

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> _Result:
            if len(args) == 1 and not kwargs and isinstance(args[0], cls):
                return function(args[0])
            # Unknown names get a suggestion from the settings.
            names = kwargs.keys() & signature.parameters.keys()
            known = {name: kwargs[name] for name in names}
            given = signature.bind_partial(*args, **known).arguments
            return function(make(cls, given | kwargs))

        call.__signature__ = signature  # type: ignore[attr-defined]
        call.__doc__ = _docstring(function.__doc__ or "", cls)
        return call

    return decorate


def _parameter(cls: type[Settings], name: str, field: FieldInfo) -> inspect.Parameter:
    kind = "POSITIONAL_OR_KEYWORD" if name in cls.positional else "KEYWORD_ONLY"
    default = inspect.Parameter.empty
    if not field.is_required():
        default = field.get_default(call_default_factory=True)
    return inspect.Parameter(name, getattr(inspect.Parameter, kind), default=default)


def _docstring(text: str, cls: type[Settings]) -> str:
    text = inspect.cleandoc(text)
    lines = [f":param {name}: {field.description}" for name, field in fields_of(cls)]
    before, marker, after = text.partition(":raises")
    if not marker:
        before, marker, after = text.partition(":return")
    return "\n".join([before.rstrip(), "", *lines, marker + after]).strip() + "\n"


def split_names(value: Any) -> Any:
    """Names from a list of them, or from text with commas."""
    if value is None:
        return ()
    if isinstance(value, str | Path):
        value = [value]
    names = (name.strip() for piece in value for name in str(piece).split(","))
    return tuple(filter(None, names))


def _split_numbers(value: Any) -> Any:
    parts = value.split(",") if isinstance(value, str) else value
    if isinstance(parts, list | tuple) and len(parts) != 2:
        raise ValueError("two numbers, such as 1,10")
    return parts


def _check_band(value: tuple[float, float]) -> tuple[float, float]:
    if not 0 < value[0] < value[1]:
        raise ValueError("two frequencies in Hz, the lower one first, such as 1,10")
    return value


def _none_as_text(value: Any) -> Any:
    return None if isinstance(value, str) and value.lower() == "none" else value


def _as_paths(value: Any) -> Any:
    return [value] if isinstance(value, str | Path) else value


def _check_exists(given: Any) -> Any:
    if isinstance(given, str | Path) and not Path(given).exists():
        raise ValueError("there is no such file")
    return given


def _check_folder(path: Path) -> Path:
    if path.exists() and not path.is_dir():
        raise ValueError("is a file; name a folder")
    return path


#: Pattern of the orders of three components.
COMPONENT_ORDERS = "^(ZNE|ZEN|NZE|NEZ|EZN|ENZ)$"

#: Path of a file or folder to read.
Existing = Annotated[Path, AfterValidator(_check_exists)]
#: The same, or a table.
FileOrTable = Annotated[Any, AfterValidator(_check_exists), "FILE"]
#: Path of a folder to write to.
Folder = Annotated[Path, AfterValidator(_check_folder), "FOLDER"]
#: Threshold of picks; its default follows.
Threshold = Annotated[
    float, option(..., "Smallest probability of a pick.", "prob", gt=0, le=1)
]
#: Names in a list, or as text with commas.
Names = Annotated[tuple[str, ...], BeforeValidator(split_names), "NAMES"]
#: Lowest and highest frequency in Hz, or text with a comma between them.
Band = Annotated[
    tuple[float, float],
    BeforeValidator(_split_numbers),
    AfterValidator(_check_band),
    "LOW,HIGH",
]
#: The same, or ``none``.
OptionalBand = Annotated[Band | None, BeforeValidator(_none_as_text), "LOW,HIGH"]
#: One path to read or several.
Paths = Annotated[list[Existing], BeforeValidator(_as_paths)]


class NetworkFileSettings(Settings):
    """Settings of commands that load models, which may be network files."""

    sampling_rate: float | None = option(
        None,
        "Sampling rate in Hz of a TorchScript or ONNX file that does not contain it.",
        "samplerate",
        metavar="HZ",
        gt=0,
    )
    component_order: str | None = option(
        None,
        "Order of its components: ENZ, ZNE, ...",
        metavar="ORDER",
        pattern=COMPONENT_ORDERS,
    )
    labels: Names = option((), "Its classes, in the order of its output: N,P,S.")

    @property
    def told(self) -> dict[str, Any]:
        """The same as arguments of :py:func:`seisbench_diting.models.load_model`."""
        return {name: getattr(self, name) for name in NetworkFileSettings.model_fields}
