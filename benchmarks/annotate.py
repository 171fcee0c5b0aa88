"""
Annotating a stream: our pickers on both backends, SeisBench's, and the published ones.

    python -m benchmarks.annotate [STREAM] [--threads 2] [--repeats 3] [--models ...]

Without a stream, 12 h of CX.PB01 from the reference material. All are run in turn, in
one process, each at its default settings, and the median of the rounds is printed;
peak memory is that of a process of its own. UNetPP, the slowest by far, runs once.
"published" is the network as TorchScript, run as the published picking scripts do: windows
of 6144 samples every 5888, each component divided by its own peak, all in one batch.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from functools import partial

import numpy as np
import obspy
import seisbench.models as sbm
import torch

from seisbench_diting import models
from seisbench_diting.models import find_phase_lppn, find_phase_point2point, normalize

from .common import (
    peak_gb,
    print_header,
    print_heading,
    print_row,
    published,
    read_cx_pb01,
    reference,
)

WINDOW, STEP = 6144, 5888

#: Returns what was annotated, and then counts the picks.
Run = tuple[Callable[[obspy.Stream], object], Callable[[object], int]]


def peer(name: str) -> Run:
    model = getattr(sbm, name).load(
        reference() / "peers" / name.lower() / "volpick", version_str="1"
    )
    return _annotation(model.eval())


def ours(name: str, backend: str) -> Run:
    # Those of UNetPP are not at hand; random ones cost the same.
    model = models.UNetPP().eval() if name == "UNetPP" else published(name, "csn")
    return _annotation(model, backend=backend)


def _annotation(model: sbm.WaveformModel, **kwargs: object) -> Run:
    def count(annotations: object) -> int:
        return len(model.classify_aggregate(annotations, model.default_args).picks)

    return lambda stream: model.annotate(stream, **kwargs), count


def as_published(name: str) -> Run:
    model = published(name, "csn")
    script = torch.jit.script(model)

    def run(stream: obspy.Stream) -> object:
        data = np.stack(
            [
                stream.select(component=component)[0].data
                for component in model.component_order
            ]
        ).astype(np.float32)
        starts = range(0, data.shape[1] - WINDOW + 1, STEP)
        windows = np.stack([data[:, start : start + WINDOW] for start in starts])
        with torch.no_grad():
            return script(normalize(torch.from_numpy(windows), per_component=True))

    def count(output: object) -> int:
        if isinstance(output, tuple):
            picks = find_phase_lppn([tensor.numpy() for tensor in output])
        else:
            picks = find_phase_point2point(output.numpy())
        return sum(map(len, picks))

    return run, count


def rows(names: list[str]) -> dict[str, Callable[[], Run]]:
    peers = {
        f"SeisBench {name}": partial(peer, name)
        for name in ("PhaseNet", "EQTransformer")
    }
    fast = {
        f"{name} {backend}": partial(ours, name, backend)
        for name in names
        for backend in ("onnx", "torch")
    }
    slow = {
        f"{name} published": partial(as_published, name)
        for name in names
        if name != "UNetPP"
    }
    return {**peers, **fast, **slow}


def measure_memory(row: str, options: argparse.Namespace) -> int:
    """Peak memory in MB of a process that annotates the stream once."""
    command = [sys.executable, "-m", "benchmarks.annotate", "--only", row]
    command += ["--threads", str(options.threads), "--models", *options.models]
    if options.stream:
        command.insert(3, options.stream)
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return int(done.stdout.split()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stream", nargs="?", help="File or pattern that ObsPy reads")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument(
        "--models", nargs="+", choices=models.PICKERS, default=list(models.PICKERS)
    )
    parser.add_argument("--only", help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    warnings.filterwarnings("ignore")

    stream = obspy.read(options.stream) if options.stream else read_cx_pb01()
    every = rows(options.models)
    if options.only:
        every[options.only]()[0](stream)
        print(round(1000 * peak_gb()))
        return

    print_heading("annotate on 12 h of one station, three components at 100 Hz")
    hours = max(trace.stats.npts * trace.stats.delta for trace in stream) / 3600
    print(f"{stream[0].id[:-1]}, {hours:.1f} h, {len(stream)} traces")
    runs = {row: make() for row, make in every.items()}
    picks = {}
    for row, (annotate, count) in runs.items():
        # Graphs are made, and memory is taken, before the clock runs.
        picks[row] = count(annotate(stream))
    seconds: dict[str, list[float]] = {row: [] for row in runs}
    for _ in range(options.repeats):
        for row, (annotate, _) in runs.items():
            if row.startswith("UNetPP") and seconds[row]:
                continue
            begin = time.perf_counter()
            annotate(stream)
            seconds[row].append(time.perf_counter() - begin)
    base = statistics.median(seconds["SeisBench PhaseNet"])
    print_header("", "s", "least to most", "times PhaseNet's speed", "peak MB", "picks")
    for row, values in seconds.items():
        median = statistics.median(values)
        print_row(
            *(row, f"{median:.2f}", f"{min(values):.2f} to {max(values):.2f}"),
            *(f"{base / median:.2f}", measure_memory(row, options), picks[row]),
        )


if __name__ == "__main__":
    main()
