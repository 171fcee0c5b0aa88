"""Weights to begin with."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from seisbench.models import WaveformModel

from ..models import find_pair, read_state_dict
from .settings import TrainingSettings
from .tasks import model_class

#: Order of components where neither the user nor the weights name one.
_ORDER = "ZNE"


@dataclass(frozen=True)
class Initial:
    """
    Weights to begin with, and what they were made for.

    :param state: State dict
    :param sampling_rate: Sampling rate in Hz; None if the file does not say
    :param component_order: Order of the components; None if the file does not say
    """

    state: dict[str, torch.Tensor]
    sampling_rate: float | None = None
    component_order: str | None = None


def read_initial(cls: type[WaveformModel], init: str) -> Initial:
    """
    :param cls: Class of the model
    :param init: ``SET`` or ``MODEL/SET`` of published weights, or the path of a
        SeisBench pair, with or without its ending, or of a state dict
    :raises ValueError: if they are not there, or can't be read
    :return: The weights
    """
    path = Path(init).expanduser()
    if pair := find_pair(path):
        _, _, weights, arguments = pair
        return Initial(read_state_dict(weights.read_bytes()), *_made_for(arguments))
    if path.is_file():
        return Initial(read_state_dict(path.read_bytes()))
    model_name, slash, name = init.rpartition("/")
    if slash and model_class(model_name) is not cls:
        raise ValueError(
            f"init={init!r} are weights of {model_name}, not of {cls.__name__}."
        )
    try:
        model = cls.from_pretrained(name)
    except ValueError as error:
        raise ValueError(
            f"init={init!r} is neither a file nor published weights of "
            f"{cls.__name__}: {error}"
        ) from error
    order = "".join(model.component_order)
    return Initial(model.state_dict(), model.sampling_rate, order)


def _made_for(arguments: Path) -> tuple[float | None, str | None]:
    try:
        values = json.loads(arguments.read_text(encoding="utf-8"))["model_args"]
        order = values.get("component_order")
        return values.get("sampling_rate"), order and "".join(order)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"init={str(arguments)!r} has no model_args ({error})."
        ) from error


def put_in(model: WaveformModel, initial: Initial, init: str) -> None:
    """
    :param model: Model that gets the weights
    :param initial: Weights
    :param init: How the user named them
    :raises ValueError: if they do not fit the model
    """
    own, state = model.state_dict(), initial.state
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


def complete(settings: TrainingSettings, initial: Initial | None) -> TrainingSettings:
    """
    :param settings: Settings of a run
    :param initial: Weights that it begins with
    :return: The same with the rate and the order of components of these weights, where the
        settings name none: of other components and rates they know nothing
    """
    rate, order = settings.sampling_rate, settings.component_order
    if initial is not None:
        rate = rate or initial.sampling_rate
        order = order or initial.component_order
    return replace(settings, sampling_rate=rate, component_order=order or _ORDER)
