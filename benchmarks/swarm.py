"""
Small events of a swarm, and what finds more of them.

    python -m benchmarks.swarm [MODEL/NAME ...]

A window is divided by its peak, so a strong arrival hides small ones near it. The records are
80 min of 14 stations at Ridgecrest, 4 July 2019, and the arrivals those of eight events (M 0.1 to
4.4) that template matching found, at the times of a uniform velocity. Extra picks match none of
them: they are false, or of unknown events. ``distilled`` has seen these stations. NAME may be a
saved pair, too. Without names, pickers that have not seen the stations.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import obspy
import pandas as pd
from obspy.geodetics import gps2dist_azimuth

from benchmarks.accuracy import pickers
from benchmarks.common import (
    is_near,
    print_header,
    print_heading,
    print_row,
    reference,
)
from seisbench_diting.models import PhasePicker

NAMES = ("LPPNM/diting", "LPPNM/csn", "RNN/diting", "RNN/csn")

#: Velocities in km/s, and what a pick may be off in s.
VELOCITIES, TOLERANCES = {"P": 6.0, "S": 3.45}, {"P": 1.0, "S": 1.6}

#: Smallest probability that is looked at, and the usual threshold.
FLOOR, USUAL = 0.03, 0.3

#: What counts as strong in a second pass, and what is cut out around it, in s.
STRONG, BEFORE_S, AFTER_S = 0.5, 0.5, 5.0

#: Of picks and arrivals.
COLUMNS = ["station", "phase", "time", "probability"]


def read_swarm() -> tuple[obspy.Stream, pd.DataFrame]:
    """:return: Records, and the arrivals in them"""
    data = reference() / "data"
    events = pd.read_csv(data / "association/ridgecrest2019/catalogue_mess_hypodd.csv")
    events["time"] = pd.to_datetime(events["time"]).map(pd.Timestamp.timestamp)
    places = pd.read_csv(data / "association/ridgecrest2019/stations.csv")
    stream, rows = obspy.Stream(), []
    for one in places.itertuples():
        name = f"{one.network}.{one.station}"
        stream += obspy.read(data / f"unlabelled/ridgecrest_ci_pb/{name}.*")
        stats = stream[-1].stats
        begin, end = stats.starttime.timestamp, stats.endtime.timestamp - 20
        for event in events[events["time"].between(begin, end)].itertuples():
            ends = event.latitude, event.longitude, one.latitude, one.longitude
            km = np.hypot(gps2dist_azimuth(*ends)[0] / 1000, event.depth_km)
            rows += [(name, k, event.time + km / v, 1.0) for k, v in VELOCITIES.items()]
    return stream, pd.DataFrame(rows, columns=COLUMNS)


def find(model: PhasePicker, stream: obspy.Stream, **arguments: Any) -> pd.DataFrame:
    """:return: Picks of at least ``FLOOR``"""
    arguments |= {f"{phase}_threshold": FLOOR for phase in VELOCITIES}
    rows = [
        (p.trace_id.rpartition(".")[0], p.phase[0], p.peak_time.timestamp, p.peak_value)
        for p in model.classify(stream, **arguments).picks
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def in_windows(model: PhasePicker, stream: obspy.Stream, times: float) -> pd.DataFrame:
    """:return: Picks with windows of another length"""
    usual = model.in_samples
    model.in_samples = round(times * usual)
    picks = find(model, stream)
    model.in_samples = usual
    return picks


def twice(model: PhasePicker, stream: obspy.Stream) -> pd.DataFrame:
    """:return: Picks, and those of a second pass without what is around strong ones"""
    first, rest = find(model, stream), obspy.Stream()
    strong = first[first["probability"] >= STRONG].sort_values("time")
    for trace in stream:
        begin = trace.stats.starttime
        here = strong["station"] == f"{trace.stats.network}.{trace.stats.station}"
        for moment in map(obspy.UTCDateTime, strong.loc[here, "time"]):
            if moment - BEFORE_S > begin:
                rest += trace.slice(begin, moment - BEFORE_S)
            begin = max(begin, moment + AFTER_S)
        rest += trace.slice(begin)
    second = find(model, rest)
    return pd.concat([first, second[~match(second, first)]])


def match(picks: pd.DataFrame, others: pd.DataFrame) -> np.ndarray:
    """:return: Mask of the picks with one of the others near"""
    found = np.zeros(len(picks), dtype=bool)
    for (station, phase), own in picks.reset_index().groupby(["station", "phase"]):
        same = others[(others["station"] == station) & (others["phase"] == phase)]
        times = own["time"].to_numpy(), same["time"].to_numpy()
        found[own.index] = is_near(*times, TOLERANCES[phase])
    return found


WAYS: dict[str, Callable[..., pd.DataFrame]] = {
    "as it is": find,
    "half windows": partial(in_windows, times=0.5),
    "quarter windows": partial(in_windows, times=0.25),
    "overlap 0.5": partial(find, overlap=0.5),
    "overlap 0.75": partial(find, overlap=0.75),
    "overlap 0.9": partial(find, overlap=0.9),
    "overlap 0.5, largest": partial(find, overlap=0.5, stacking="max"),
    "second pass": twice,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("names", nargs="*", default=NAMES)
    print_heading("Small events of a swarm")
    stream, arrivals = read_swarm()
    paths = sorted((reference() / "data/unlabelled").glob("noise_*/*.mseed"))
    noise = [obspy.read(path) for path in paths]
    hours = sum(t.stats.npts * t.stats.delta for s in noise for t in s) / 3 / 3600
    print_header(
        *("weights", "way", "times the time", "found / extra", "noise", "threshold"),
        "found / extra at it",
        title=f"Found of {len(arrivals)} arrivals, extra picks, and picks an hour of noise, at "
        "0.3; the threshold with the noise that the picker has as it is, and what is found at it",
    )
    for name, model in pickers(parser.parse_args().names):
        usual, allowed = 0.0, 0
        for way, picked in WAYS.items():
            picked(model, stream[:3])  # Makes the graph.
            begin = time.process_time()
            picks = picked(model, stream)
            seconds = time.process_time() - begin
            quiet = pd.concat([picked(model, one) for one in noise])["probability"]
            if way == "as it is":
                usual, allowed = seconds, (quiet >= USUAL).sum()
            equal = max(FLOOR, *quiet.nlargest(allowed + 1).iloc[allowed:]) + 1e-6
            cells = []
            for least in (USUAL, equal):
                kept = picks[picks["probability"] >= least]
                found = match(arrivals, kept).sum()
                extra = (~match(kept, arrivals)).sum()
                cells.append(f"{found} / {extra}")
            rate = f"{(quiet >= USUAL).sum() / hours:.1f}"
            cost = f"{seconds / usual:.1f}"
            print_row(name, way, cost, cells[0], rate, f"{equal:.2f}", cells[1])


if __name__ == "__main__":
    main()
