"""
Associators on one day of central Italy, on events with known origins, and over the number of
picks.

    python -m benchmarks.association [day] [truth] [cost] [--methods real,lppn,pyocto,gamma]

``day``: 88,898 picks at 56 stations, beside what the C program REAL finds with its coarse
settings. ``truth``: 500 made-up events at these stations, with 0.1 s of noise, 30 % of the
picks missing and two false ones for each true one, at 1, 10 and 60 events a minute.
``cost``: one hour, six hours, the day, and seven days made by repeating it. Each run is in a
process of its own, so that its peak memory is its own. Needs the records whose folder is in
``SEISBENCH_DITING_REFERENCE``.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

import numpy as np
import pandas as pd

from seisbench_diting.association import associate, compare
from seisbench_diting.tables import event_names, event_table, pick_table, station_table
from seisbench_diting.travel_times import TravelTimes

from .association_truth import make_sequence
from .common import peak_gb, print_heading, reference

DAY = pd.Timestamp("2016-10-14", tz="UTC")

#: REAL's coarse settings; the C program was run with these.
COARSE = {
    "R": "0.1/20/0.04/2/5",
    "G": "1.4/20/0.01/1",
    "V": "6.2/3.3",
    "S": "3/2/12/3/0.5/0.2/1/0.25/0.2/4",
}

#: The same limits in words that all methods have.
LIMITS = {
    "max_depth_km": 20.0,
    "min_picks": 12,
    "min_p_picks": 3,
    "min_s_picks": 2,
    "min_both": 3,
}

#: All know that an event has dozens of picks, and how large their noise is.
TRUTH = {
    "max_depth_km": 20.0,
    "min_picks": 20,
    "min_p_picks": 8,
    "min_s_picks": 8,
    "min_both": 5,
}
ERRORS = {"p_error_s": 0.12, "s_error_s": 0.12, "min_score": 18.0}
NOISE = {
    "real": ERRORS,
    "lppn": ERRORS,
    "pyocto": {"pick_match_tolerance_s": 0.5},
    # It has constant velocities, which are wrong by more than the noise.
    "gamma": {"max_sigma11_s": 1.0},
}

DENSITIES = 1, 10, 60

#: What takes longer is stopped.
LIMIT_MINUTES = 30


@dataclass(frozen=True)
class Italy:
    """
    :param picks: Pick table of a day
    :param stations: Station table
    :param events: Event table of what the C program REAL finds
    """

    picks: pd.DataFrame
    stations: pd.DataFrame
    events: pd.DataFrame


def read_italy() -> Italy:
    """:return: The day, its stations, and the reference's events"""
    data = reference() / "data"
    rows = pd.read_csv(data / "italy_20161014_picks.csv.gz")
    microseconds = np.rint(rows["seconds"].to_numpy() * 1e6).astype("int64")
    picks = pick_table(
        pd.DataFrame(
            {
                "station_id": rows["network"] + "." + rows["station"] + ".",
                "phase": rows["phase"],
                "time": DAY + pd.to_timedelta(microseconds, unit="us"),
                "probability": rows["probability"],
                "amplitude": rows["amplitude"],
            }
        )
    )
    places = pd.read_csv(data / "italy_stations.csv")
    stations = station_table(
        pd.DataFrame(
            {
                "station_id": places["network"] + "." + places["station"] + ".",
                "latitude": places["latitude"],
                "longitude": places["longitude"],
                "elevation_m": places["elevation_km"] * 1000,
            }
        )
    )
    events = pd.read_csv(reference() / "golden" / "real_italy_coarse.csv")
    events["time"] = pd.to_datetime(events["time"], utc=True)
    events["event_id"] = event_names(events["time"])
    columns = ["event_id", "time", "latitude", "longitude", "depth_km"]
    return Italy(picks, stations, event_table(events[columns]))


def velocity() -> str:
    """:return: Velocity model of the region"""
    return str(reference() / "data" / "italy_velocity.nd")


def settings(method: str) -> dict:
    """:return: Method and its options"""
    name, _, network = method.partition(":")
    options: dict = {"method": name, "velocity": velocity()}
    if network:
        options["network"] = str(reference() / "weights" / network)
    return options


@contextmanager
def library_seconds(method: str) -> Iterator[list[float]]:
    """:return: List that gets the seconds that PyOcto itself needs"""
    seconds: list[float] = []
    if method != "pyocto":
        yield seconds
        return
    from pyocto import OctoAssociator

    original = OctoAssociator.associate

    def timed(*arguments: object) -> object:
        start = time.perf_counter()
        found = original(*arguments)
        seconds.append(time.perf_counter() - start)
        return found

    OctoAssociator.associate = timed
    try:
        yield seconds
    finally:
        OctoAssociator.associate = original


def day(method: str) -> dict:
    """:return: Figures of one method on the day"""
    italy = read_italy()
    options = settings(method)
    if method == "real":
        options |= COARSE
    else:
        options |= LIMITS
    if method.startswith("lppn"):
        options["event_interval_s"] = 5.0
    with library_seconds(method) as library:
        start = time.perf_counter()
        result = associate(italy.picks, italy.stations, **options)
        seconds = time.perf_counter() - start
    found = compare(italy.events, result.events)
    return {
        "events": len(result.events),
        "picks": len(result.picks),
        "found": found.share_of_a,
        "seconds": seconds,
        "library": sum(library),
        "gb": peak_gb(),
    }


def truth(method: str, per_minute: float) -> dict:
    """:return: Figures of one method on made-up events"""
    stations = read_italy().stations
    made = make_sequence(stations, TravelTimes(velocity()), per_minute)
    options = settings(method) | TRUTH | NOISE[method.partition(":")[0]]
    start = time.perf_counter()
    result = associate(made.picks, stations, **options)
    seconds = time.perf_counter() - start
    found = compare(made.events, result.events, max_time_s=1.0)
    common = found.common
    recall, precision = found.share_of_a, found.share_of_b
    return {
        "events": len(result.events),
        "precision": precision,
        "recall": recall,
        "f1": 2 * len(common) / (len(made.events) + len(result.events)),
        "km": common["distance_km"].median(),
        "depth": common["depth_difference_km"].abs().median(),
        "time": common["time_difference_s"].abs().median(),
        "seconds": seconds,
    }


def cost(method: str, hours: float) -> dict:
    """:return: Seconds and memory for some hours of picks"""
    italy = read_italy()
    days = int(np.ceil(hours / 24))
    picks = pd.concat(
        [
            italy.picks.assign(time=italy.picks["time"] + pd.Timedelta(days=number))
            for number in range(days)
        ]
    )
    picks = pick_table(picks[picks["time"] < DAY + pd.Timedelta(hours=hours)])
    options = settings(method) | (COARSE if method == "real" else LIMITS)
    # What is compiled, and tables of travel times, are there already in a second run.
    associate(picks.iloc[:2000], italy.stations, **options)
    before = peak_gb()
    start = time.perf_counter()
    result = associate(picks, italy.stations, **options)
    seconds = time.perf_counter() - start
    return {
        "picks": len(picks),
        "events": len(result.events),
        "seconds": seconds,
        "before": before,
        "gb": peak_gb(),
    }


PARTS = {"day": day, "truth": truth, "cost": cost}


def apart(part: str, *arguments: object) -> dict:
    """:return: What a part gives in a process of its own"""
    command = [sys.executable, "-m", "benchmarks.association", "--run", part]
    process = subprocess.Popen(
        [*command, json.dumps(arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # GaMMA has processes of its own, which end with it.
        start_new_session=True,
    )
    try:
        output, errors = process.communicate(timeout=LIMIT_MINUTES * 60)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return {"error": f"stopped after {LIMIT_MINUTES} minutes"}
    if process.returncode:
        return {"error": errors.strip().splitlines()[-1]}
    return json.loads(output.splitlines()[-1])


def print_day(methods: list[str]) -> None:
    """Prints the table."""
    print(
        "## One day of central Italy: 88,898 picks, 56 stations, 1786 events of REAL\n"
    )
    print(
        "| method | events | picks used | of REAL's found | s | its library's s | GB |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for method in methods:
        row = apart("day", method)
        if "error" in row:
            print(f"| {method} | {row['error']} |", flush=True)
            continue
        library = f"{row['library']:.1f}" if row["library"] else "-"
        print(
            f"| {method} | {row['events']} | {row['picks']} | {row['found']:.3f} "
            f"| {row['seconds']:.1f} | {library} | {row['gb']:.2f} |",
            flush=True,
        )


def print_truth(methods: list[str]) -> None:
    """Prints the table."""
    print("\n## 500 events with known origins\n")
    print(
        "| events a minute | method | found | precision | recall | F1 | epicentre km "
        "| depth km | time s | s |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for per_minute in DENSITIES:
        for method in methods:
            row = apart("truth", method, per_minute)
            if "error" in row:
                print(f"| {per_minute} | {method} | {row['error']} |", flush=True)
                continue
            print(
                f"| {per_minute} | {method} | {row['events']} | {row['precision']:.3f} "
                f"| {row['recall']:.3f} | {row['f1']:.3f} | {row['km']:.2f} "
                f"| {row['depth']:.2f} | {row['time']:.3f} | {row['seconds']:.1f} |",
                flush=True,
            )


def print_cost(methods: list[str]) -> None:
    """Prints the table."""
    print("\n## Over the number of picks\n")
    print("| method | hours | picks | events | s | us a pick | GB | kB more a pick |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for method in methods:
        for hours in (1, 6, 24, 168):
            row = apart("cost", method, hours)
            if "error" in row:
                print(f"| {method} | {hours} | {row['error']} |", flush=True)
                continue
            more = (row["gb"] - row["before"]) * 1e6 / row["picks"]
            print(
                f"| {method} | {hours} | {row['picks']} | {row['events']} "
                f"| {row['seconds']:.2f} | {row['seconds'] / row['picks'] * 1e6:.0f} "
                f"| {row['gb']:.2f} | {more:.1f} |",
                flush=True,
            )


def main() -> None:
    """Runs the script."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", default=list(PARTS), help=", ".join(PARTS))
    parser.add_argument("--methods", default="real,lppn,lppn:link32.ckpt,pyocto,gamma")
    parser.add_argument("--run", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.run:
        row = PARTS[arguments.run](*json.loads(arguments.parts[0]))
        print(json.dumps(row, default=float))
        return
    print_heading("Association")
    for package in ("numba", "pyocto", "GMMA"):
        try:
            print(package, version(package))
        except PackageNotFoundError:
            print(package, "is not installed")
    print()
    if unknown := set(arguments.parts) - PARTS.keys():
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    methods = arguments.methods.split(",")
    for part in arguments.parts:
        if part == "cost":
            print_cost([name for name in methods if name in ("real", "lppn")])
        else:
            {"day": print_day, "truth": print_truth}[part](methods)


if __name__ == "__main__":
    main()
