"""What each kind of label means for training: its loss, and the picks of an output."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from seisbench.models import EQTransformer, WaveformModel

from .. import models
from ..models import (
    eqt_loss,
    find_phase_lppn,
    find_phase_point2point,
    lppn_loss,
    point_loss,
)

_ALIASES = {"unet++": "UNetPP"}

#: Threshold and smallest distance, in samples, of the picks in validation.
_HEIGHT = 0.3
_DISTANCE = 50


@dataclass(frozen=True)
class Task:
    """
    A model to be trained.

    :param model: Model
    :param label: ``lppn``, ``point`` or ``eqt``
    """

    model: WaveformModel
    label: str

    def forward(self, wave: torch.Tensor) -> Any:
        """
        :param wave: Windows, normalized, (batch, 3, samples)
        :return: What :py:meth:`loss` takes
        """
        if self.label == "lppn":
            return self.model(wave, logits=True)
        return self.model(wave)

    def loss(self, output: Any, label: torch.Tensor) -> torch.Tensor:
        """
        :param output: What :py:meth:`forward` gave
        :param label: Label of the batch
        :return: Loss, summed over the batch
        """
        if self.label == "lppn":
            return lppn_loss(output, label)
        if self.label == "point":
            return point_loss(output, label)
        detection, p, s = output
        return eqt_loss((p, s, detection), label)

    def curves(self, output: Any) -> dict[str, np.ndarray]:
        """
        :param output: What :py:meth:`forward` gave, of one window
        :return: Probability of P, S and, if there is one, of a detection
        """
        if self.label == "eqt":
            detection, p, s = (array[0] for array in _arrays(*output))
            return {"P": p, "S": s, "detection": detection}
        if self.label == "lppn":
            output = torch.softmax(output[0], dim=1)
        (prob,) = _arrays(output)
        return {"P": prob[0, 1], "S": prob[0, 2]}

    def picks(self, output: Any) -> list[list[list[float]]]:
        """
        :param output: What :py:meth:`forward` gave
        :return: For each window a list of type (1 P, 2 S), sample and probability
        """
        if self.label == "lppn":
            scores, offset = output
            prob = torch.softmax(scores, dim=1)
            distance = max(1, _DISTANCE // self.model.stride)
            return find_phase_lppn(_arrays(prob, offset), _HEIGHT, distance)
        if self.label == "point":
            return find_phase_point2point(_arrays(output)[0], _HEIGHT, _DISTANCE)
        _, p, s = _arrays(*output)
        prob = np.stack([1 - np.maximum(p, s), p, s], axis=1)
        return find_phase_point2point(prob, _HEIGHT, _DISTANCE)


def model_class(name: str) -> type[WaveformModel]:
    """
    :param name: Name of a model, in any case
    :raises ValueError: if there is no such model that can be trained
    :return: Its class
    """
    known = {cls.lower(): cls for cls in models.PICKERS}
    found = known.get(_ALIASES.get(name.lower(), name).lower())
    if found is not None:
        return getattr(models, found)
    if name.lower() == "eqtransformer":
        return EQTransformer
    raise ValueError(
        f"model={name!r} can't be trained; there are {', '.join(models.PICKERS)} "
        "(UNet++ is UNetPP) and SeisBench's EQTransformer."
    )


def make_task(
    name: str,
    label: str = "auto",
    *,
    n_samples: int = 6144,
    sampling_rate: float = 50.0,
    component_order: str = "ZNE",
) -> Task:
    """
    :param name: Name of a model, in any case
    :param label: ``auto``, or the label that the model is known to have
    :param n_samples: Samples a window
    :param sampling_rate: Sampling rate in Hz
    :param component_order: Order of the components
    :raises ValueError: if there is no such model, or it can't learn that label
    :return: The model with random parameters, and its label
    """
    cls = model_class(name)
    if cls is not EQTransformer:
        model = cls(
            in_samples=n_samples,
            phases="NPS",
            sampling_rate=sampling_rate,
            component_order=component_order,
        )
        own = "lppn" if model.regression else "point"
    else:
        model = EQTransformer(
            in_samples=n_samples,
            phases="PS",
            sampling_rate=sampling_rate,
            component_order=component_order,
        )
        own = "eqt"
    if label not in ("auto", own):
        raise ValueError(
            f"label={label!r} does not go with model={name!r}, which learns {own!r}. "
            "Leave it out, or choose another model."
        )
    return Task(model, own)


def _arrays(*tensors: torch.Tensor) -> Sequence[np.ndarray]:
    return [tensor.detach().float().cpu().numpy() for tensor in tensors]
