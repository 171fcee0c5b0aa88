"""Options as the program REAL has them on its command line."""

from __future__ import annotations

import numpy as np

#: As REAL has it.
KM_PER_DEGREE = 111.19

_NAMES = {
    "R": ("rx", "rh", "tdx", "tdh", "tint", "gap", "GCarc0", "latref0", "lonref0"),
    "G": ("trx", "trh", "tdx", "tdh"),
    "V": ("vp0", "vs0", "s_vp0", "s_vs0", "ielev"),
    "S": (
        "np0",
        "ns0",
        "nps0",
        "npsboth0",
        "std0",
        "dtps",
        "nrt",
        "drt",
        "nxd",
        "rsel",
        "ires",
    ),
}

#: Step of grids where R says nothing.
GRID_KM = 2.0

#: Expected residuals as a share of a window.
_ERROR = 0.4

_LEAST = {"R": 5, "G": 4, "V": 2, "S": 7}


def read_real_names(R: str, G: str, V: str, S: str) -> dict[str, float | int]:
    """
    :param R: Search
    :param G: Travel-time table
    :param V: Velocities
    :param S: Limits
    :raises ValueError: if one isn't what REAL takes
    :return: Fields of :py:class:`.RealOptions`
    """
    given = {"R": R, "G": G, "V": V, "S": S}
    values = {name: _numbers(name, text) for name, text in given.items() if text}
    found: dict[str, float | int] = {}
    search, limits = values.get("R", {}), values.get("S", {})
    velocities = values.get("V", {"vp0": 6.2, "vs0": 3.5})
    farthest = np.inf
    if search:
        found["search_km"] = search["rx"] * KM_PER_DEGREE
        found["max_depth_km"] = search["rh"]
        found["grid_km"] = search["tdx"] * KM_PER_DEGREE
        found["depth_grid_km"] = search["tdh"]
        found["event_interval_s"] = search["tint"]
        found["max_gap_deg"] = search.get("gap", 360.0)
        farthest = search.get("GCarc0", np.inf)
    if "G" in values:
        farthest = min(farthest, values["G"]["trx"] - 0.05)
    if np.isfinite(farthest):
        found["max_distance_km"] = farthest * KM_PER_DEGREE
    if limits:
        for name, field in (
            ("np0", "min_p_picks"),
            ("ns0", "min_s_picks"),
            ("nps0", "min_picks"),
            ("npsboth0", "min_both"),
        ):
            found[field] = int(limits[name])
        found["max_spread_s"] = limits["std0"]
        found["min_sp_s"] = limits["dtps"]
        if "nxd" in limits and np.isfinite(farthest):
            found["max_nearest_km"] = limits["nxd"] * farthest * KM_PER_DEGREE
    if limits or V:
        # Half the time that waves need from one corner of a cell to the opposite one.
        side, depth = (
            found.get(name, GRID_KM) for name in ("grid_km", "depth_grid_km")
        )
        cell = np.sqrt(2 * side**2 + depth**2)
        half = limits.get("nrt", 1.0) * cell / 2
        for phase in "ps":
            window = half / velocities[f"v{phase}0"]
            found[f"{phase}_window_s"] = window
            # REAL counts all picks in a window alike.
            found[f"{phase}_error_s"] = _ERROR * window
    return {
        name: value if isinstance(value, int) else float(value)
        for name, value in found.items()
    }


def _numbers(option: str, text: str) -> dict[str, float]:
    names = _NAMES[option]
    parts = text.removeprefix(f"-{option}").split("/")
    try:
        numbers = [float(part) for part in parts]
        if not _LEAST[option] <= len(numbers) <= len(names):
            raise ValueError(f"it has {len(numbers)} numbers")
    except ValueError as error:
        least = "/".join(names[: _LEAST[option]])
        more = "/".join(names[_LEAST[option] :])
        raise ValueError(
            f"{option}={text!r} must be {least}{f'[/{more}]' if more else ''}: {error}."
        ) from error
    return dict(zip(names, numbers, strict=False))
