"""
Networks between what was there before and what was learned.

What a network learns from few places it pays for elsewhere; between its old parameters and its
new ones lie networks that have most of what is new and most of what was good (Wortsman et al.,
2022, Robust fine-tuning of zero-shot models, https://arxiv.org/abs/2109.01903).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from ..models import PhasePicker

#: Shares of what was learned.
SHARES = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


def blend(learned: PhasePicker, initial: PhasePicker, share: float) -> PhasePicker:
    """
    :param learned: A network
    :param initial: The network that it began with
    :param share: Share of the first, from 0 to 1
    :raises ValueError: if the share is impossible, or the networks are not the same
    :return: A network with the weighted mean of their parameters and statistics
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share={share} must be from 0 to 1.")
    new, old = learned.state_dict(), initial.state_dict()
    if new.keys() != old.keys() or any(new[k].shape != old[k].shape for k in new):
        raise ValueError(
            f"initial is another network than learned={type(learned).__name__}."
        )
    for name, value in new.items():
        if value.is_floating_point():
            new[name] = share * value + (1 - share) * old[name]
    result = copy.deepcopy(learned)
    result.load_state_dict(new)
    return result


def raise_phase(model: PhasePicker, phase: str, by: float) -> PhasePicker:
    """
    A student is less sure of late, blurred arrivals than its threshold expects, on records
    unlike those that it knows.

    :param model: A network
    :param phase: A class of it, such as S
    :param by: What is added to the score of the class before the softmax
    :raises ValueError: if the network has no such class
    :return: A network that is surer of this class
    """
    if phase not in model.labels:
        raise ValueError(
            f"phase={phase!r} is no class of the model, which has "
            f"{', '.join(model.labels)}."
        )
    result = copy.deepcopy(model)
    head = result.get_submodule(result.published_layout.class_head)
    with torch.no_grad():
        head.bias[list(result.labels).index(phase)] += by
    return result


@dataclass(frozen=True)
class Blend:
    """
    :param model: A network
    :param share: Share of what was learned in it
    :param raised: What was added to the scores of S
    """

    model: PhasePicker
    share: float
    raised: float


def choose_blend(
    learned: PhasePicker,
    initial: PhasePicker,
    score: Callable[[PhasePicker], float],
    shares: Sequence[float] = SHARES,
    raises: Sequence[float] = (0.0,),
) -> Blend:
    """
    :param learned: A network
    :param initial: The network that it began with
    :param score: How good a network is; larger is better
    :param shares: Shares to try
    :param raises: What to try to add to the scores of S, see :py:func:`raise_phase`
    :return: The best of the networks between them
    """
    candidates = [
        Blend(raise_phase(blend(learned, initial, share), "S", by), share, by)
        for share in shares
        for by in raises
    ]
    return max(candidates, key=lambda candidate: score(candidate.model))
