"""Runs of training and distillation that are killed, their weights."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch

#: Options of a short run.
SHORT = {
    "max_steps": 6,
    "batch_size": 4,
    "padlen": 64,
    "validate_every": 3,
    "checkpoint_every": 2,
    "accelerator": "cpu",
    "progress": False,
}
#: An end of a run that is not disturbed.
WHOLE = (-1, 0)

RUN = """
import json, os, signal, sys, torch
from seisbench_diting import distillation, training
from seisbench_diting.distillation.labels import _Labeller as Labeller
from seisbench_diting.training import module

# Shells start what runs in the background with Ctrl-C ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
options = json.loads(sys.argv[1])
learn = distillation.distill if "student" in options else training.train
step = module.PickerModule.training_step
write = Labeller._write
torch.set_num_threads(1)

def run(where, number):
    def training_step(self, batch, batch_idx):
        if self.global_step == where:
            os.kill(os.getpid(), number)
        return step(self, batch, batch_idx)

    def write_and_die(self, name, *others):
        write(self, name, *others)
        if name.startswith(str(where)):
            os.kill(os.getpid(), number)

    module.PickerModule.training_step = training_step
    Labeller._write = write_and_die
    learn(**options)

# Each run in a fork, so that what takes long to import is imported once.
for where, number in json.loads(sys.argv[2]):
    child = os.fork()
    if child == 0:
        try:
            run(where, number)
        except BaseException:
            os._exit(1)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


def run_until(options: dict[str, Any], *ends: tuple[int | str, int]) -> list[int]:
    """
    Runs as often as there are ends: steps, or names of labelled station-days, at which a
    signal comes. Gives the exit status of each run, that of a signal negative.
    """
    texts = json.dumps(options, default=str), json.dumps(ends)
    command = [sys.executable, "-c", RUN, *texts]
    output = subprocess.check_output(command, stderr=subprocess.DEVNULL, text=True)
    return [int(line) for line in output.splitlines() if line.lstrip("-").isdigit()]


def weights_of(output: Path) -> dict[str, torch.Tensor]:
    (path,) = Path(output).glob("*.pt")
    return torch.load(path, weights_only=True)


def have_same_weights(first: Path, second: Path) -> bool:
    one, other = weights_of(first), weights_of(second)
    return one.keys() == other.keys() and all(
        torch.equal(value, other[name]) for name, value in one.items()
    )
