"""Checkpoints of a run: which there are, and which one it goes on from."""

from __future__ import annotations

import pickle
import re
from pathlib import Path

import torch

_LATEST = re.compile(r"step=(\d+)\.ckpt")

#: Folder of the checkpoints in a run's folder.
FOLDER = "checkpoints"

#: File name of the checkpoint with the best score on the dev split, without its ending.
BEST = "best"


def latest_checkpoint(output: Path) -> Path | None:
    """
    The newest checkpoint that is whole. Two are kept, so that there is one even if the
    machine went down while the newer one was written.

    :param output: Folder of the run
    :return: Checkpoint, or None if there is none
    """
    found = {}
    for path in (output / FOLDER).glob("step=*.ckpt"):
        if match := _LATEST.fullmatch(path.name):
            found[int(match[1])] = path
    for step in sorted(found, reverse=True):
        if read_checkpoint(found[step]) is not None:
            return found[step]
    return None


def step_of(path: Path | None) -> int:
    """Steps that were done at a checkpoint; 0 without one."""
    return 0 if path is None else int(_LATEST.fullmatch(path.name)[1])


def read_checkpoint(path: Path) -> dict | None:
    """
    :param path: Checkpoint
    :return: Its content, or None if it is damaged
    """
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except (
        EOFError,
        KeyError,
        OSError,
        RuntimeError,
        ValueError,
        pickle.UnpicklingError,
    ):
        return None


def model_state(checkpoint: dict) -> dict[str, torch.Tensor]:
    """The parameters of the model in a checkpoint."""
    prefix = "model."
    return {
        name.removeprefix(prefix): value
        for name, value in checkpoint["state_dict"].items()
        if name.startswith(prefix)
    }
