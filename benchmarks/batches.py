"""Training windows a second through the published recipe, for each label.

    python -m benchmarks.batches DATASET [--batches 150] [--workers 0 2]

Ours (``DiTingBatches`` and, with the same steps, SeisBench's ``GenericGenerator``) beside
the simplest SeisBench pipeline that gives such windows and the same labels (without the
random factor, and with the mean over the zeros beside the record as well): SeisBench's own
``WindowAroundSample``, ``RandomWindow``, ``Normalize``, ``ChangeDtype`` and labellers
(LPPN's label has none in SeisBench, so ours is in both), with and without SeisBench's
``metadata_cache``. In turn, three times; the best of each is shown. DATASET is a converted
DiTing; ``python -m benchmarks.dataset`` runs this on the part it makes.
"""

import argparse
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import seisbench
import seisbench.data as sbd
import seisbench.generate as sbg
from torch.utils.data import DataLoader

from benchmarks.common import print_header, print_heading, print_row
from seisbench_diting.generate import (
    DiTingBatches,
    LPPNLabeller,
    training_augmentations,
)
from seisbench_diting.generate.arrival_windows import N_SAMPLES, PADLEN

BATCH = 32
ROUNDS = 3
COLUMNS = {"trace_p_arrival_sample": "P", "trace_s_arrival_sample": "S"}
TRIANGLE = {"label_columns": COLUMNS, "shape": "triangle", "sigma": 20, "dim": 0}

SIMPLE_LABELLERS: dict[str, Callable[[], list]] = {
    "lppn": lambda: [LPPNLabeller()],
    "point": lambda: [sbg.ProbabilisticLabeller(model_labels="NPS", **TRIANGLE)],
    "eqt": lambda: [
        sbg.ProbabilisticLabeller(model_labels="PS", noise_column=False, **TRIANGLE),
        sbg.DetectionLabeller(
            ["trace_p_arrival_sample"],
            ["trace_s_arrival_sample"],
            factor=1.4,
            key=("X", "detections"),
        ),
    ],
}


def open_dataset(path: Path, **options) -> sbd.WaveformDataset:
    return sbd.WaveformDataset(path, component_order="ZNE", **options)


def generator(dataset: sbd.WaveformDataset, steps: list, workers: int) -> DataLoader:
    generator = sbg.GenericGenerator(dataset)
    generator.add_augmentations(steps)
    return DataLoader(
        generator,
        batch_size=BATCH,
        shuffle=True,
        num_workers=workers,
        worker_init_fn=seisbench.util.worker_seeding,
    )


def simple_steps(label: str) -> list:
    before = N_SAMPLES - PADLEN
    return [
        sbg.WindowAroundSample(
            list(COLUMNS),
            samples_before=before,
            windowlen=before + N_SAMPLES - PADLEN,
            selection="random",
            strategy="pad",
        ),
        sbg.RandomWindow(windowlen=N_SAMPLES),
        sbg.Normalize(demean_axis=-1, amp_norm_axis=(-2, -1)),
        sbg.ChangeDtype(np.float32),
        *SIMPLE_LABELLERS[label](),
    ]


def ways(path: Path, label: str) -> dict[str, Callable[[int], Iterable]]:
    plain, cached = open_dataset(path), open_dataset(path, metadata_cache=True)
    batches = DiTingBatches(plain, BATCH, labels=(label,))
    return {
        "DiTingBatches": lambda workers: batches.loader(num_workers=workers),
        "our steps, GenericGenerator": lambda workers: generator(
            plain, training_augmentations(label), workers
        ),
        "SeisBench, metadata_cache": lambda workers: generator(
            cached, simple_steps(label), workers
        ),
        "SeisBench": lambda workers: generator(plain, simple_steps(label), workers),
    }


def endless(loader: Iterable) -> Iterator:
    while True:
        yield from loader


def windows_a_second(loader: Iterable, number: int) -> float:
    batches = endless(loader)
    # Processes have started and files are open.
    for _ in range(10):
        next(batches)
    begin = time.perf_counter()
    for _ in range(number):
        next(batches)
    return number * BATCH / (time.perf_counter() - begin)


def compare(path: Path, number: int, workers: list[int]) -> None:
    print_header("label", "way", "workers", "windows/s", "batches/s", "times SeisBench")
    for label in SIMPLE_LABELLERS:
        found = ways(path, label)
        for count in workers:
            best = dict.fromkeys(found, 0.0)
            for _ in range(ROUNDS):
                for name, make in found.items():
                    best[name] = max(best[name], windows_a_second(make(count), number))
            for name, rate in best.items():
                print_row(
                    *(label, name, count, f"{rate:.0f}", f"{rate / BATCH:.1f}"),
                    f"{rate / best['SeisBench']:.2f}",
                )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--batches", type=int, default=150)
    parser.add_argument("--workers", type=int, nargs="+", default=[0, 2])
    arguments = parser.parse_args()
    print_heading("Training windows")
    compare(arguments.dataset, arguments.batches, arguments.workers)


if __name__ == "__main__":
    main()
