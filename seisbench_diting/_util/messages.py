"""Errors of arguments, and words of messages."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class ArgumentError(ValueError):
    """
    An argument has an invalid value.

    :param name: Name of the argument
    :param value: Its value
    :param reason: What is wrong, and what is allowed
    """

    def __init__(self, name: str, value: Any, reason: str) -> None:
        super().__init__(name, value, reason)
        self.problems = [(name, value, reason)]

    def __str__(self) -> str:
        return self.told(lambda name, value: f"{name}={value!r}")

    def told(self, spell: Callable[[str, Any], str]) -> str:
        """
        :param spell: Writes an argument and its value
        :return: All problems, one per line
        """
        return "\n".join(
            f"{spell(name, value)}: {_sentence(reason)}"
            for name, value, reason in self.problems
        )


def _sentence(reason: str) -> str:
    return reason if reason.endswith(("?", ".")) else f"{reason}."


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


class MissingError(ArgumentError):
    """An argument that is needed was not given."""

    def told(self, spell: Callable[[str, Any], str]) -> str:
        return "\n".join(
            f"{spell(name, value).split('=')[0]} is missing: {_sentence(reason)}"
            for name, value, reason in self.problems
        )


@contextmanager
def errors_of(name: str, value: Any, before: str = "") -> Iterator[None]:
    """
    Within it, errors of values and files become those of an argument.

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


def suggestion(word: str, known: Any) -> str:
    """
    :param word: An unknown word
    :param known: The known words
    :return: ``; did you mean 'x'?`` or all known words, if none is near
    """
    known = [str(k) for k in known]
    by_lower = {k.lower(): k for k in known}
    near = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.7)
    if near:
        return f"; did you mean {by_lower[near[0]]!r}?"
    return f"; possible are {', '.join(known)}"


def counted(number: int, noun: str, form: str = "") -> str:
    """
    :param number: Number
    :param noun: Noun in the singular; its plural ends in s
    :param form: How the number is written, as for :py:func:`format`
    :return: Both, such as ``1 step`` or ``2 steps``
    """
    return f"{number:{form}} {noun}{'' if number == 1 else 's'}"


def merged(problems: Iterable[tuple[str, str]], noun: str) -> list[str]:
    """
    Merges problems with the same reason.

    :param problems: Names and reasons
    :param noun: What is named, in the singular
    :return: Lines such as ``part 3: damaged`` or ``28 parts (1, 2, 3, ...): damaged``
    """
    names: dict[str, list[str]] = {}
    for name, reason in problems:
        names.setdefault(reason, []).append(name)
    return [
        f"{noun} {who[0]}: {reason}"
        if len(who) == 1
        else f"{counted(len(who), noun)} ({', '.join(who[:3])}"
        f"{', ...' if len(who) > 3 else ''}): {reason}"
        for reason, who in names.items()
    ]
