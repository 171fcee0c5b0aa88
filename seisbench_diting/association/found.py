"""What libraries found, made to hold what is promised of all methods."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .inputs import Network
from .interface import Found, Options


def make_found(
    network: Network, options: Options, events: pd.DataFrame, picks: pd.DataFrame
) -> Found:
    """
    Each pick stays with one event, of several the one with most picks; of an event's P,
    or S, picks at one station the most probable one stays. Events whose place or time is
    no number, or that have fewer picks than the options ask for, are left out with their
    picks. The order of rows does not matter.

    :param network: Picks and stations
    :param options: Least picks
    :param events: Columns of :py:class:`.Found`
    :param picks: ``event``, the row of its event, and ``pick``, the network's row
    :return: Events, sorted by time, and their picks
    """
    order = np.lexsort(
        [events[name] for name in ("depth_km", "y_km", "x_km", "time_s")]
    )
    events = events.iloc[order].reset_index(drop=True)
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    finite = np.isfinite(events.to_numpy(dtype=float)).all(axis=1)

    event = rank[picks["event"].to_numpy(dtype=np.int64)]
    row = picks["pick"].to_numpy(dtype=np.int64)
    table = pd.DataFrame(
        {
            "event": event,
            "pick": row,
            "station": network.picks["station"].to_numpy()[row],
            "s": network.is_s()[row],
            "size": np.bincount(event, minlength=len(events))[event],
            "probability": network.picks["probability"].to_numpy()[row],
        }
    )[finite[event]]
    table = (
        table.sort_values(
            ["size", "probability", "event", "pick"],
            ascending=[False, False, True, True],
        )
        .drop_duplicates("pick")
        .drop_duplicates(["event", "station", "s"])
        .sort_values(["event", "pick"])
    )

    keep = _enough(table, len(events), options)
    table = table[keep[table["event"].to_numpy()]]
    new_row = np.cumsum(keep) - 1
    return Found(
        events[keep].reset_index(drop=True),
        pd.DataFrame(
            {
                "event": new_row[table["event"].to_numpy()],
                "pick": table["pick"].to_numpy(),
            }
        ),
    )


def _enough(picks: pd.DataFrame, number: int, options: Options) -> np.ndarray:
    """Which events have the picks that options ask for, and one at least."""
    event, s = picks["event"].to_numpy(), picks["s"].to_numpy()
    # A station has one P and one S at most, so its second pick makes both.
    second = picks.duplicated(["event", "station"]).to_numpy()
    limits = (
        (max(options.min_picks, 1), slice(None)),
        (options.min_p_picks, ~s),
        (options.min_s_picks, s),
        (options.min_both, second),
    )
    return np.all(
        [
            np.bincount(event[which], minlength=number) >= least
            for least, which in limits
        ],
        axis=0,
    )
