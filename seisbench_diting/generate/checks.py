"""Checks of arguments: each error names the argument, its value and what is possible."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral
from typing import Any

from ..models import is_number


def check_whole(name: str, value: Any, least: int, most: int | None = None) -> None:
    """:raises ValueError: If the value is not a whole number in the range"""
    is_whole = isinstance(value, Integral) and not isinstance(value, bool)
    if not is_whole or value < least or (most is not None and value > most):
        span = f"of at least {least}" if most is None else f"from {least} to {most}"
        raise ValueError(
            f"{name}={value!r} is not possible; use a whole number {span}."
        )


def check_probability(name: str, value: Any) -> None:
    """:raises ValueError: If the value is not a number from 0 to 1"""
    if not (is_number(value) and 0 <= value <= 1):
        raise ValueError(f"{name}={value!r} is not possible; use a number from 0 to 1.")


def check_positive(name: str, value: Any) -> None:
    """:raises ValueError: If the value is not a number above 0"""
    if not (is_number(value) and value > 0):
        raise ValueError(f"{name}={value!r} is not possible; use a number above 0.")


def check_span(
    name: str, value: Any, least: float = -math.inf, whole: bool = False
) -> None:
    """:raises ValueError: If the value is not a pair, the smaller number first"""
    is_pair = (
        isinstance(value, Sequence)
        and len(value) == 2
        and all(is_number(x) for x in value)
        and least <= value[0] <= value[1]
        and (not whole or all(isinstance(x, Integral) for x in value))
    )
    if not is_pair:
        kind = "whole numbers" if whole else "numbers"
        limit = "" if least == -math.inf else f" of at least {least:g}"
        raise ValueError(
            f"{name}={value!r} is not possible; use two {kind}{limit}, the smaller one "
            "first."
        )
