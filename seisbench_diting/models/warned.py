"""What was warned about already."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_here: ContextVar[set[str] | None] = ContextVar("warned", default=None)


@contextmanager
def warning_anew() -> Iterator[None]:
    """Inside, models warn again about what they warned about before, each thing once."""
    token = _here.set(set())
    try:
        yield
    finally:
        _here.reset(token)


def warned_here(by_model: set[str]) -> set[str]:
    """
    :param by_model: What a model warned about in its life
    :return: What counts here: that, or what it warned about inside of
        :py:func:`warning_anew`
    """
    here = _here.get()
    return by_model if here is None else here
