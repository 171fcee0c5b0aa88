"""Words of what is printed."""

from __future__ import annotations


def counted(number: int, noun: str, form: str = "") -> str:
    """
    :param number: How many
    :param noun: Of what, in the singular; its plural ends in s
    :param form: How the number is written, as of :py:func:`format`
    :return: Both, such as ``1 step`` or ``2 steps``
    """
    return f"{number:{form}} {noun}{'' if number == 1 else 's'}"
