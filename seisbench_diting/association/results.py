"""What an associator found, as tables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ..tables import event_names, event_table, pick_table
from .inputs import Network
from .interface import Found
from .projection import distance_and_azimuth
from .velocities import TravelTimeTable


def make_tables(
    network: Network, travel_times: TravelTimeTable, found: Found
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """
    :param network: Picks and stations
    :param travel_times: For theoretical times and residuals
    :param found: What an associator found
    :return: Event table with columns of quality, and pick table with columns of events
    """
    order = np.argsort(found.events["time_s"].to_numpy(), kind="stable")
    events = found.events.iloc[order].reset_index(drop=True)
    rank = np.empty(len(order), dtype=int)
    rank[order] = np.arange(len(order))
    used = found.picks.assign(event=rank[found.picks["event"].to_numpy(dtype=int)])

    latitude, longitude = network.projection.to_degrees(events["x_km"], events["y_km"])
    times = network.reference + pd.Series(
        pd.to_timedelta((events["time_s"] * 1e6).round().astype("int64"), unit="us")
    )
    names = event_names(times)
    picks = _assigned(network, travel_times, events, used, names)
    rows = event_table(
        pd.DataFrame(
            {
                "event_id": names,
                "time": times,
                "latitude": latitude,
                "longitude": longitude,
                "depth_km": events["depth_km"],
                "event_type": "earthquake",
                "score": events.get("score", np.nan),
                **_quality(network, events, used, picks),
            }
        )
    )
    return rows, pick_table(picks)


def _assigned(
    network: Network,
    travel_times: TravelTimeTable,
    events: pd.DataFrame,
    used: pd.DataFrame,
    names: list[str],
) -> pd.DataFrame:
    event = used["event"].to_numpy(dtype=int)
    rows = used["pick"].to_numpy(dtype=int)
    picks = network.picks.iloc[rows].reset_index(drop=True)
    stations = network.stations.iloc[picks["station"].to_numpy()]
    place = {name: events[name].to_numpy()[event] for name in ("x_km", "y_km")}
    distance, azimuth = distance_and_azimuth(
        stations["x_km"].to_numpy() - place["x_km"],
        stations["y_km"].to_numpy() - place["y_km"],
    )
    depth = events["depth_km"].to_numpy()[event]
    p, s = travel_times.at(distance, depth, stations["elevation_m"].to_numpy() / 1000)
    travel = np.where(network.is_s()[rows], s, p)
    origin = events["time_s"].to_numpy()[event]
    residual = picks["seconds"].to_numpy() - origin - travel
    known = np.isfinite(residual)
    theoretical = picks["time"] - pd.to_timedelta(
        np.round(np.where(known, residual, 0) * 1e6).astype("int64"), unit="us"
    )
    return picks.drop(columns=["station", "seconds"]).assign(
        event_id=np.array(names, dtype=object)[event] if len(names) else "",
        epicentral_distance_km=distance,
        azimuth_deg=azimuth,
        theoretical_time=theoretical.where(known),
        residual_s=residual,
    )


def _quality(
    network: Network, events: pd.DataFrame, used: pd.DataFrame, picks: pd.DataFrame
) -> dict[str, Any]:
    station = network.picks["station"].to_numpy()[used["pick"].to_numpy(dtype=int)]
    table = pd.DataFrame(
        {
            "event": used["event"].to_numpy(),
            "station": station,
            "s": network.is_s()[used["pick"].to_numpy(dtype=int)],
            "azimuth": picks["azimuth_deg"].to_numpy(),
            "squared": picks["residual_s"].to_numpy() ** 2,
        }
    )
    index = range(len(events))
    by_event = table.groupby("event")
    by_station = table.groupby(["event", "station"])["s"]
    both = (by_station.nunique() == 2).groupby("event").sum()
    count = by_event.size().reindex(index, fill_value=0)
    s_count = by_event["s"].sum().reindex(index, fill_value=0)
    return {
        "pick_count": count,
        "p_count": count - s_count,
        "s_count": s_count,
        "station_count": by_event["station"].nunique().reindex(index, fill_value=0),
        "both_count": both.reindex(index, fill_value=0),
        "rms_residual_s": np.sqrt(by_event["squared"].mean()).reindex(index),
        "azimuthal_gap_deg": by_event["azimuth"].agg(largest_gap).reindex(index),
    }


def largest_gap(azimuths: pd.Series) -> float:
    """
    :param azimuths: Azimuths of stations, degrees
    :return: Largest angle without a station, degrees
    """
    values = np.sort(np.asarray(azimuths, dtype=float) % 360)
    return float(np.diff(values, append=values[0] + 360).max())
