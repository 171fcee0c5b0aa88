"""
Peak memory and time for 24 h of three components at 100 Hz, at default settings.

The record is 12 h of CX.PB01 twice. Each model runs in a process of its own.

    python -m benchmarks.memory [MODEL ...]
"""

import subprocess
import sys
import time

import numpy as np
import obspy

from benchmarks.common import (
    peak_gb,
    print_header,
    print_heading,
    print_row,
    published,
    read_cx_pb01,
)
from seisbench_diting import models


def measure(name: str) -> None:
    """Prints peak memory and time of one model, measured in this process."""
    day = obspy.Stream()
    for trace in read_cx_pb01():
        data = np.concatenate([trace.data, trace.data])[: 24 * 3600 * 100]
        day.append(obspy.Trace(data.astype(np.float64), trace.stats))
    # There are no published weights of UNetPP at hand; random ones cost the same.
    model = models.UNetPP() if name == "UNetPP" else published(name, "csn")
    # Its graph is made once, and not for each day.
    model.annotate(day.slice(endtime=day[0].stats.starttime + 300))
    before = peak_gb()
    begin = time.perf_counter()
    model.annotate(day)
    seconds = time.perf_counter() - begin
    print_row(name, f"{before:.2f}", f"{peak_gb():.2f}", f"{seconds:.1f}")


def main() -> None:
    if sys.argv[1:2] == ["--one"]:
        measure(sys.argv[2])
        return
    print_heading("Peak memory for 24 h at 100 Hz, float64 input")
    print_header("model", "GB before", "peak GB", "s of `annotate`")
    for name in sys.argv[1:] or models.PICKERS:
        subprocess.run(
            [sys.executable, "-m", "benchmarks.memory", "--one", name], check=True
        )


if __name__ == "__main__":
    main()
