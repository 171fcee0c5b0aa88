"""Words of messages."""

from __future__ import annotations

from collections.abc import Iterable


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
