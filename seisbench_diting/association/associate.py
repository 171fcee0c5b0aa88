"""From picks to events: one function for all methods."""

from __future__ import annotations

import dataclasses
import difflib
import importlib
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .inputs import make_network
from .interface import Association, Associator, Options, nothing_found
from .results import make_tables

#: Methods by name: module and class. They are imported when they are asked for, as some
#: need packages that not everyone has.
METHODS: Mapping[str, tuple[str, str]] = {
    "real": ("real", "Real"),
    "lppn": ("lppn", "Lppn"),
    "pyocto": ("pyocto", "PyOcto"),
    "gamma": ("gamma", "Gamma"),
}

#: What options may be, by the types of their fields.
_TYPES: Mapping[str, tuple[type, ...]] = {
    "bool": (bool,),
    "int": (int, np.integer),
    "float": (float, int, np.floating, np.integer),
    "str": (str, Path),
}


def associate(
    picks: pd.DataFrame,
    stations: pd.DataFrame,
    method: str = "real",
    progress: bool = False,
    **options: Any,
) -> Association:
    """
    Finds the events that picks belong to.

        result = associate(read_picks("picks.csv"), read_stations("stations.csv"))
        result.events, result.picks

    :param picks: Table of picks, in any order; see
        :py:func:`~seisbench_diting.tables.pick_table`. Pg and Pn are P, Sg and Sn are S.
    :param stations: Table of stations
    :param method: Name of the method, one of :py:data:`METHODS`
    :param progress: Show a progress bar
    :param options: Options of the method, see :py:func:`options_of`
    :raises ValueError: if a table, the method or an option is wrong
    :raises ImportError: if the method needs a package that isn't there; the error says
        which
    :return: Events, their picks, and a summary
    """
    cls = find_method(method)
    checked = make_options(method, **options)
    start = time.perf_counter()
    network = make_network(picks, stations)
    associator = cls(network, checked)
    found = associator.find(progress) if len(network.picks) else nothing_found()
    events, used = make_tables(network, associator.travel_times, found)
    summary = {
        "method": method,
        "options": dataclasses.asdict(checked),
        "picks": len(network.picks) + len(network.not_used),
        "picks_used": len(used),
        "picks_left_out": network.reasons,
        "stations": network.picks["station"].nunique(),
        "events": len(events),
        "seconds": round(time.perf_counter() - start, 3),
    }
    return Association(events, used, network.not_used, summary)


def make_options(method: str = "real", **options: Any) -> Options:
    """
    :param method: See :py:func:`associate`
    :param options: Options of the method
    :raises ValueError: if there is no such method or option, or a value is wrong
    :raises ImportError: if the method needs a package that isn't there
    :return: All its options
    """
    kind = find_method(method).options_type
    known = {field.name: str(field.type) for field in dataclasses.fields(kind)}
    for name, value in options.items():
        if name not in known:
            close = difflib.get_close_matches(name, known, 3)
            raise ValueError(
                f"{name!r} is no option of method={method!r}; "
                + (f"did you mean {' or '.join(close)}? " if close else "")
                + f"Possible are {', '.join(sorted(known))}."
            )
        if not isinstance(value, _TYPES[known[name]]) or (
            isinstance(value, bool) and known[name] != "bool"
        ):
            raise ValueError(f"{name}={value!r} must be of the type {known[name]}.")
    return kind(**options)


def options_of(method: str) -> dict[str, Any]:
    """
    :param method: See :py:func:`associate`
    :return: The method's options and their defaults
    """
    return dataclasses.asdict(make_options(method))


def find_method(method: str) -> type[Associator]:
    """
    :param method: Name
    :raises ValueError: if there is no such method
    :raises ImportError: if it needs a package that isn't there
    :return: Its associator
    """
    if method not in METHODS:
        raise ValueError(f"method={method!r} must be one of {', '.join(METHODS)}.")
    module, name = METHODS[method]
    return getattr(importlib.import_module(f".{module}", __package__), name)
