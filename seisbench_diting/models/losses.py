"""The losses that the published weights were trained with."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F

# Added inside of the logarithm, as published.
_TINY = 1e-9

#: Share of the squared error of the offset in LPPN's loss.
OFFSET_WEIGHT = 0.1

#: Weights of P, S and detection in the loss of the original EQTransformer.
EQT_WEIGHTS = (0.40, 0.55, 0.05)


def point_loss(prob: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
    """
    Loss of the networks with a softmax at every sample: minus the sum of label times
    logarithm of the probability, over classes, samples and batch.

    :param prob: Probabilities, (batch, classes, samples)
    :param label: Labels of the same shape
    :return: Loss, a scalar
    """
    return -(label * torch.log(prob + _TINY)).sum()


def lppn_loss(
    output: tuple[torch.Tensor, torch.Tensor], label: torch.Tensor
) -> torch.Tensor:
    """
    Loss of LPPN: cross entropy of the classes, summed over all cells but those that are
    labelled -1, and a tenth of the squared error of the offset, summed over the cells
    that hold an arrival; both summed over the batch.

    :param output: Class scores before the softmax (batch, classes, cells), and offset in
        samples (batch, cells)
    :param label: Class and offset of each cell, (batch, 2, cells)
    :return: Loss, a scalar
    """
    scores, offset = output
    classes = label[:, 0].long()
    cross_entropy = F.cross_entropy(scores, classes, ignore_index=-1, reduction="sum")
    error = (offset - label[:, 1]) ** 2
    return cross_entropy + OFFSET_WEIGHT * error[classes > 0].sum()


def eqt_loss(
    output: Sequence[torch.Tensor],
    label: torch.Tensor,
    weights: Sequence[float] = EQT_WEIGHTS,
) -> torch.Tensor:
    """
    Loss of the original EQTransformer: the weighted sum of the binary cross entropies of
    P, S and detection, each the mean over samples, summed over the batch.

    :param output: Probabilities of P, S and detection, (batch, samples) each
    :param label: Labels, (batch, 3, samples)
    :param weights: Weights of P, S and detection
    :return: Loss, a scalar
    """
    return sum(
        weight
        * F.binary_cross_entropy(prob, label[:, i], reduction="none").mean(-1).sum()
        for i, (prob, weight) in enumerate(zip(output, weights, strict=True))
    )
