"""
Picking an archive: our command, and a plain loop with SeisBench's PhaseNet.

    python -m benchmarks.archive [FOLDER] [--stations 10] [--days 3] [--repeats 3]

Builds an archive of STATIONS x DAYS station days in day files of MiniSEED (STEIM2) from 12
h of CX.PB01, for each day twice the record with noise of its own, and picks it: with LPPNM
and RNN, in one process and in two, and in a loop of `obspy.read` and `classify` with
PhaseNet, one station day after the other. All run in turn in processes of their own,
with two threads in all; the median of the rounds is printed. Then cost over the length of
the archive.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import obspy
import torch

from .common import (
    peak_gb,
    peak_gb_of_children,
    print_header,
    print_heading,
    print_row,
    read_cx_pb01,
)

DAY = 86400

#: What is run: model, number of processes.
OURS = (("LPPNM", 1), ("LPPNM", 2), ("RNN", 1), ("RNN", 2))

THREADS = 2


def build(folder: Path, stations: int, days: int) -> None:
    """Day files as in an SDS archive; those that are there stay."""
    record = read_cx_pb01()
    rng = np.random.default_rng(0)
    first = obspy.UTCDateTime(2020, 6, 1)
    for station in range(stations):
        for day in range(days):
            begin = first + day * DAY
            shift = rng.integers(0, record[0].stats.npts)
            for trace in record:
                stats = trace.stats
                name = f"XX.S{station:02d}..{stats.channel}.D.2020.{begin.julday:03d}"
                path = folder / f"2020/XX/S{station:02d}/{stats.channel}.D/{name}"
                if path.is_file():
                    continue
                path.parent.mkdir(parents=True, exist_ok=True)
                data = np.tile(np.roll(trace.data, shift), 2)[: DAY * 100]
                noise = rng.normal(scale=0.1 * np.std(data), size=len(data))
                made = obspy.Trace(
                    (data + noise).astype(np.int32),
                    {
                        "network": "XX",
                        "station": f"S{station:02d}",
                        "channel": stats.channel,
                        "starttime": begin,
                        "sampling_rate": 100.0,
                    },
                )
                made.write(str(path), format="MSEED", encoding="STEIM2", reclen=512)


def run_ours(folder: Path, model: str, workers: int, stations: str) -> dict:
    """One run of the command's function, in this process."""
    from seisbench_diting.picking import pick_archive

    with tempfile.TemporaryDirectory() as output:
        begin = time.perf_counter()
        result = pick_archive(
            folder,
            Path(output) / "out",
            f"{model}/csn",
            device="cpu",
            stations=stations,
            workers=workers,
            progress=False,
        )
        seconds = time.perf_counter() - begin
    children = workers * peak_gb_of_children() if workers > 1 else 0.0
    return {
        "seconds": seconds,
        "days": result.summary["this_run"]["station_days"],
        "picks": result.summary["picks"],
        "memory": peak_gb() + children,
    }


def run_plain(folder: Path, stations: str) -> dict:
    """What a script does: read a station day, classify it, keep the picks."""
    import seisbench.models as sbm

    from .common import reference

    model = sbm.PhaseNet.load(
        str(reference() / "peers/phasenet/volpick"), version_str="1"
    )
    begin = time.perf_counter()
    rows = []
    days = 0
    for station in sorted(folder.glob(f"2020/XX/{stations.partition('.')[2]}")):
        for vertical in sorted(station.glob("HHZ.D/*")):
            name = vertical.name.replace("HHZ", "HH?")
            stream = obspy.read(str(station / "HH?.D" / name))
            rows += [
                (pick.trace_id, pick.phase, str(pick.peak_time), pick.peak_value)
                for pick in model.classify(stream).picks
            ]
            days += 1
    seconds = time.perf_counter() - begin
    return {
        "seconds": seconds,
        "days": days,
        "picks": len(rows),
        "memory": peak_gb(),
    }


def in_process(*arguments: str) -> dict:
    """A run in a process of its own, for its memory and a cold start of everything."""
    said = subprocess.run(
        [sys.executable, "-m", "benchmarks.archive", "--one", *arguments],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return json.loads(said.splitlines()[-1])


def median(runs: list[dict], name: str) -> float:
    return statistics.median(run[name] for run in runs)


def row(name: str, runs: list[dict], plain: float) -> list[object]:
    """Cells of a row; ``plain`` are the seconds a station day of the loop."""
    seconds = median(runs, "seconds")
    days = runs[0]["days"]
    memory = max(run["memory"] for run in runs)
    return [
        *(name, f"{days / seconds * 3600:.0f}", f"{seconds / days:.2f}"),
        *(f"{plain / (seconds / days):.2f}", f"{memory:.2f}", runs[0]["picks"]),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--stations", type=int, default=10)
    parser.add_argument("--days", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--one", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(THREADS)
    if options.one:
        folder, model, workers, stations = options.one
        if model == "PhaseNet":
            found = run_plain(Path(folder), stations)
        else:
            found = run_ours(Path(folder), model, int(workers), stations)
        print(json.dumps(found))
        return

    print_heading("Picking an archive")
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        build(folder, options.stations, options.days)
        compare(folder, options)
        print_lengths(folder, options)


def compare(folder: Path, options: argparse.Namespace) -> None:
    # Once, so that weights and graphs are in the cache.
    for model in ("LPPNM", "RNN"):
        in_process(str(folder), model, "1", "XX.S00")
    runs: dict[tuple[str, int], list[dict]] = {}
    for _ in range(options.repeats):
        for name in (("PhaseNet", 1), *OURS):
            found = in_process(str(folder), name[0], str(name[1]), "XX.S*")
            runs.setdefault(name, []).append(found)
    plain = runs["PhaseNet", 1]
    each = median(plain, "seconds") / plain[0]["days"]
    print_header(
        *("", "station days an hour", "s a station day", "ratio", "peak GB", "picks"),
    )
    print_row(*row("loop of `obspy.read` and PhaseNet's `classify`", plain, each))
    for name in OURS:
        workers = f"{name[1]} process{'es' if name[1] > 1 else ''}"
        print_row(*row(f"{name[0]}, {workers}", runs[name], each))


def print_lengths(folder: Path, options: argparse.Namespace) -> None:
    """Seconds a station day for archives of more and more of them."""
    print_header(
        *("station days", "s a station day", "peak GB"),
        title="LPPNM, one process, over the length of the archive",
    )
    for stations in sorted({1, max(1, options.stations // 3), options.stations}):
        pattern = ",".join(f"XX.S{number:02d}" for number in range(stations))
        runs = [
            in_process(str(folder), "LPPNM", "1", pattern)
            for _ in range(options.repeats)
        ]
        seconds = median(runs, "seconds") / runs[0]["days"]
        memory = max(run["memory"] for run in runs)
        print_row(f"{runs[0]['days']:.1f}", f"{seconds:.2f}", f"{memory:.2f}")


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", str(THREADS))
    main()
