"""What added signals leave of arrivals that are known with a probability."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .phases import probability_column, read_arrivals

#: Samples before and after an arrival in which what was added is compared with it.
_BEFORE, _AFTER = 100, 50

#: Quotients of their root mean squares: up to the first an arrival is drowned, from the
#: second on it is as sure as before.
_DROWNED, _FREE = 0.5, 1.5


def drown(
    metadata: dict[str, Any],
    x: np.ndarray,
    added: np.ndarray,
    phases: Mapping[str, str] | None,
) -> None:
    """
    Lowers the probabilities of arrivals by what is added to the window, in place.
    Arrivals without probability, as an analyst gave them, stay what they are.

    :param metadata: Metadata of the window
    :param x: The window, (components, samples)
    :param added: What is added to it
    :param phases: Column to "P" or "S"
    """
    changed: dict[str, np.ndarray] = {}
    for arrival in read_arrivals(metadata, phases):
        name = probability_column(arrival.column)
        if arrival.hidden or arrival.place is None or name not in metadata:
            continue
        first = int(arrival.sample)
        if not 0 <= first < x.shape[1]:
            continue
        noise = rms(added[:, max(0, first - _BEFORE) : first + _AFTER])
        if noise > 0:
            ratio = rms(x[:, first : first + _AFTER]) / noise
            left = np.clip((ratio - _DROWNED) / (_FREE - _DROWNED), 0, 1)
            changed.setdefault(name, metadata[name].copy())[arrival.place] *= left
    metadata.update(changed)


def rms(x: np.ndarray) -> float:
    """:return: Root mean square of all values"""
    return float(np.sqrt(np.mean(np.square(x, dtype=np.float64))))
