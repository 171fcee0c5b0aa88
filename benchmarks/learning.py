"""What LPPNT learns from 80 records and nothing else.

    python -m benchmarks.learning [--steps 6000] [--folder FOLDER]

Trains it from random parameters on 80 of the 115 labelled Californian records with the
published recipe and some augmentations, on the CPU, and measures it on the other 35. Its
curve is in FOLDER/loss.png.
"""

import argparse
import tempfile
import time
from pathlib import Path

import seisbench
import torch

from benchmarks.common import print_header, print_heading, print_row
from benchmarks.ncedc_dataset import write_ncedc
from seisbench_diting.evaluation import evaluate, table
from seisbench_diting.training import read_log, train

AUGMENTATIONS = {
    "within": True,
    "rotation": 0.5,
    "polarity_flip": 0.5,
    "rate_jitter": 0.5,
    "rate_jitter_share": 0.2,
    "gaussian_noise": 0.3,
    "snr_db": [5, 30],
    "component_dropout": 0.05,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--folder", type=Path)
    arguments = parser.parse_args()
    # More wait for each other on layers this small.
    torch.set_num_threads(1)
    print_heading("LPPNT from 80 records")
    seisbench.logger.setLevel("ERROR")
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        data = write_ncedc(folder / "ncedc", train=80)
        begin = time.perf_counter()
        result = train(
            model="LPPNT",
            data=data,
            output=folder / "run",
            max_steps=arguments.steps,
            batch_size=16,
            lr=3e-3,
            component_order="ZNE",
            augmentations=AUGMENTATIONS,
            validate_every=min(250, arguments.steps),
            checkpoint_every=500,
            workers=1,
            accelerator="cpu",
            progress=False,
        )
        minutes = (time.perf_counter() - begin) / 60
        curves = read_log(result.output)
        print(f"{result.steps} steps in {minutes:.1f} min\n")
        print_header("step", "loss", "dev loss", "F1 P", "F1 S")
        losses = dict(curves["loss"])
        for step, value in curves["validation_loss"]:
            near = [v for k, v in losses.items() if step - 250 < k <= step]
            print_row(
                *(step + 1, f"{sum(near) / len(near):.1f}", f"{value:.1f}"),
                f"{dict(curves['validation_f1_P'])[step]:.3f}",
                f"{dict(curves['validation_f1_S'])[step]:.3f}",
            )
        print("\nBest checkpoint, one window of each of the 35 records:")
        found = evaluate(result.weights, data, split="dev", progress=False)
        print(table([found]))


if __name__ == "__main__":
    main()
