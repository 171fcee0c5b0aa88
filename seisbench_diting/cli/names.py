"""Models and weights as they are named on the command line."""

from __future__ import annotations


def model_class(name: str):
    from .. import models

    by_name = {cls: getattr(models, cls) for cls in models.PICKERS}
    for known, cls in by_name.items():
        if known.lower() == name.lower():
            return cls
    raise ValueError(f"{name!r} is no model; available: {', '.join(by_name)}.")


def find_set_named(name: str):
    from ..weights import find_set

    model, _, weights = name.partition("/")
    return find_set(model_class(model).__name__, weights or None)
