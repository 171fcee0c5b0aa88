"""Weights to begin with."""

from __future__ import annotations

from pathlib import Path

import torch
from seisbench.models import WaveformModel

from ..models.checkpoints import read_state_dict


def load_initial(model: WaveformModel, init: str) -> None:
    """
    Puts published or own weights into a model.

    :param model: Model
    :param init: ``SET`` or ``MODEL/SET`` of published weights, or the path of a
        SeisBench pair, with or without its ending, or of a state dict
    :raises ValueError: if they are not there, or do not fit the model
    """
    state = _read(model, init)
    own = model.state_dict()
    wrong = [
        name
        for name in own.keys() | state.keys()
        if name not in own or name not in state or own[name].shape != state[name].shape
    ]
    if wrong:
        raise ValueError(
            f"init={init!r} does not fit {type(model).__name__}: {min(wrong)!r} and "
            f"{len(wrong) - 1} more parameters differ in name or shape."
        )
    model.load_state_dict(state)


def _read(model: WaveformModel, init: str) -> dict[str, torch.Tensor]:
    path = Path(init).expanduser()
    for candidate in (path, path.with_name(f"{path.name}.pt")):
        if candidate.is_file():
            return read_state_dict(candidate.read_bytes())
    name = init.partition("/")[2] or init
    try:
        return type(model).from_pretrained(name).state_dict()
    except ValueError as error:
        raise ValueError(
            f"init={init!r} is neither a file nor published weights of "
            f"{type(model).__name__}: {error}"
        ) from error
