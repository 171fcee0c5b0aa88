"""Errors of arguments, and parts of messages."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from typing import Any

#: Beginning of a reason that says how something was used, not why it was not.
USED = "used, but "


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


class MissingError(ArgumentError):
    """A required argument was not given."""

    def told(self, spell: Callable[[str, Any], str]) -> str:
        return "\n".join(
            f"{spell(name, value).split('=')[0]} is missing: {_sentence(reason)}"
            for name, value, reason in self.problems
        )


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


def first_of(names: Sequence[str], most: int = 3, between: str = ", ") -> str:
    """
    :param names: Names
    :param most: Largest number of names
    :param between: Separator
    :return: The first names, with dots if there are more
    """
    return between.join([*names[:most], "..."][: len(names)])


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
        else f"{counted(len(who), noun)} ({first_of(who)}): {reason}"
        for reason, who in names.items()
    ]


def without_notes(problems: Iterable[str]) -> list[str]:
    """
    :param problems: Lines as of :py:func:`merged`
    :return: Those of what was not used at all
    """
    return [line for line in problems if f": {USED}" not in line]
