"""
What the rewritten graphs and the threads are worth: `seisbench-diting latency` beside the
same networks in plain ONNX Runtime, exported as they are, in batches of 64.

    python -m benchmarks.latency [--threads 2] [--cycles 6] [--models ...]

Both take the same windows in turn, in one process. "ratio" is ours over the plain one.
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np
import onnxruntime
import torch

from seisbench_diting import models
from seisbench_diting.evaluation import measure_latency
from seisbench_diting.runtime import fold_batch_norms, trace_onnx

from .common import print_header, print_heading, print_row


def plain_session(model: torch.nn.Module, threads: int) -> onnxruntime.InferenceSession:
    """The network as PyTorch's exporter writes it, on all threads."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(
        trace_onnx(fold_batch_norms(model)), options, providers=["CPUExecutionProvider"]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--cycles", type=int, default=6)
    parser.add_argument(
        "--models",
        nargs="+",
        default=[name for name in models.PICKERS if name != "UNetPP"],
    )
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print_heading("Networks alone, windows of noise")
    wave = np.random.default_rng(0).standard_normal((1440, 3, 6144))
    wave = (wave / np.abs(wave).max(axis=(1, 2), keepdims=True)).astype(np.float32)
    print_header("model", "windows", "ours, ms", "plain, ms", "ratio")
    for name in options.models:
        model = getattr(models, name)().eval()
        session = plain_session(model, options.threads)
        for batch in (1440, 64):
            ours, plain = [], []
            for _ in range(options.cycles):
                found = measure_latency(model, batch=batch, cycles=2, backend="onnx")
                ours.append(found["ms"][0])
                begin = time.perf_counter()
                for first in range(0, batch, 64):
                    session.run(None, {"wave": wave[first : first + 64]})
                plain.append(1000 * (time.perf_counter() - begin))
            one, other = statistics.median(ours), statistics.median(plain)
            print_row(name, batch, f"{one:.0f}", f"{other:.0f}", f"{one / other:.2f}")


if __name__ == "__main__":
    main()
