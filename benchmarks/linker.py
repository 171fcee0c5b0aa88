"""
Trains the network of the LPPN linker on travel times of TauP.

    python -m benchmarks.linker [-o FILE]

Picks of a class come at the times of its phase, as TauP has them for a distance, with errors
of the velocity model, of the pick, and of the origin, which is known to half a step of the
windows and of the grid. Others come at any time. It takes half a minute on two cores, and
writes the weights that are part of the package. They need not be made again for another
velocity model: the linker shifts its times.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from seisbench_diting._util import replacing
from seisbench_diting.association.lppn_linker import (
    CLASSES,
    DEPTH_KM,
    MODEL,
    OWN_WEIGHTS,
    Linker,
)
from seisbench_diting.travel_times import KM_PER_DEGREE
from seisbench_diting.travel_times.taup import load_taup

from .common import print_heading

#: Names that TauP has for the classes, from above and from below the source.
PHASES = {"Pg": ("p", "Pg"), "Sg": ("s", "Sg"), "Pn": ("Pn",), "Sn": ("Sn",)}
DEPTHS_KM = DEPTH_KM + np.array([-1.0, 0.0, 1.0])
DISTANCES_KM = np.concatenate([np.arange(0, 50, 2.5), np.arange(50, 401, 10.0)])

#: Origins lie within half a step of a window's start, s, and epicentres within half a step
#: of the grid, km.
STEP_S, STEP_KM = 0.25, 2.0
PICK_ERROR_S = 0.15
#: Velocities of the crust differ from the model's by so much.
VELOCITY_ERROR = 0.02
#: Other picks come up to so long after a window's start, s.
LONGEST_S = 130.0


def phase_times() -> np.ndarray:
    """:return: Seconds, (4, depths, distances), NaN where a phase doesn't arrive"""
    taup = load_taup(MODEL)
    times = np.full((len(PHASES), len(DEPTHS_KM), len(DISTANCES_KM)), np.nan)
    for row, names in enumerate(PHASES.values()):
        for i, depth in enumerate(DEPTHS_KM):
            for j, distance in enumerate(DISTANCES_KM):
                arrivals = taup.get_travel_times(depth, distance / KM_PER_DEGREE, names)
                if arrivals:
                    times[row, i, j] = min(arrival.time for arrival in arrivals)
    return times


def sample(
    times: np.ndarray, size: int, rng: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """:return: Distance and time of picks, in hundreds, and their classes"""
    label = rng.integers(0, len(CLASSES), size)
    distance = rng.uniform(0, DISTANCES_KM[-1], size)
    near = rng.random(size) < 0.5
    distance[near] *= 0.35
    depth = rng.integers(0, len(DEPTHS_KM), size)
    at = np.interp(distance, DISTANCES_KM, np.arange(len(DISTANCES_KM)))
    left = np.minimum(at.astype(int), len(DISTANCES_KM) - 2)
    row = np.maximum(label - 1, 0)
    lower, upper = times[row, depth, left], times[row, depth, left + 1]
    seconds = lower + (at - left) * (upper - lower)
    seconds *= rng.normal(1, VELOCITY_ERROR, size)
    seconds += rng.normal(0, PICK_ERROR_S, size)
    seconds += rng.uniform(-STEP_S / 2, STEP_S / 2, size)
    seconds = np.where(label == 0, rng.uniform(-2, LONGEST_S, size), seconds)
    known = np.isfinite(seconds)
    distance = np.abs(distance + rng.uniform(-STEP_KM / 2, STEP_KM / 2, size))
    points = np.stack([distance, seconds], axis=1)[known] / 100
    return torch.from_numpy(points.astype(np.float32)), torch.from_numpy(label[known])


def train(steps: int, batch: int, seed: int) -> Linker:
    """:return: Trained network"""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    times = phase_times()
    linker = Linker()
    optimizer = torch.optim.AdamW(linker.parameters(), lr=1e-2, weight_decay=1e-5)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-2, total_steps=steps)
    for step in range(steps):
        points, label = sample(times, batch, rng)
        loss = cross_entropy(linker(points), label)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % (steps // 10) == 0 or step == steps - 1:
            print(f"step {step:>6}  loss {loss.item():.4f}", flush=True)
    linker.eval()
    points, label = sample(times, 200_000, rng)
    with torch.no_grad():
        right = linker(points).argmax(1) == label
    for number, name in enumerate(CLASSES):
        print(f"{name:>5}: {right[label == number].float().mean():.3f} right")
    return linker


def main() -> None:
    """Runs the script."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--batch", type=int, default=4096)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-o", "--output", type=Path, default=OWN_WEIGHTS)
    arguments = parser.parse_args()
    print_heading("Network of the LPPN linker")
    start = time.perf_counter()
    linker = train(arguments.steps, arguments.batch, arguments.seed)
    with replacing(arguments.output) as temporary, temporary.open("wb") as file:
        torch.save(linker.state_dict(), file)
    size = arguments.output.stat().st_size
    print(f"{arguments.output.name}: {size} bytes, {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
