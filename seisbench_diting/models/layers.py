"""Layers that several networks share, and the losses they were trained with."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import nn

#: Share of the squared error of the offset in LPPN's loss.
OFFSET_WEIGHT = 0.1

#: Weights of P, S and detection in the loss of the original EQTransformer.
EQT_WEIGHTS = (0.40, 0.55, 0.05)

# Added inside of the logarithm, as published.
_TINY = 1e-9


def check_length(x: torch.Tensor, multiple: int) -> None:
    """
    :param x: Windows, (batch, components, samples)
    :param multiple: What the number of samples must be a multiple of
    :raises ValueError: If it is not; some networks would return a shorter output
    """
    if x.shape[-1] % multiple != 0:
        raise ValueError(
            f"The window has {x.shape[-1]} samples, not a multiple of {multiple}."
        )


class ConvBlock(nn.Module):
    """
    Convolution, batch normalization, ReLU; "same" padding at stride 1.

    :param in_channels: Channels of the input
    :param out_channels: Channels of the output
    :param kernel_size: Odd kernel size
    :param stride: Stride, i.e., the factor by which the output is shorter
    :param groups: Groups of the convolution (the number of channels: depthwise)
    :param bias: If the convolution has a bias
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        groups: int = 1,
        bias: bool = True,
    ):
        super().__init__()
        padding = (kernel_size - 1) // 2
        self.conv = nn.Conv1d(
            in_channels, out_channels, kernel_size, stride, padding, 1, groups, bias
        )
        self.norm = nn.BatchNorm1d(out_channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.norm(self.conv(x)))


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
    with an arrival; both summed over the batch.

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
    errors = F.binary_cross_entropy(torch.stack([*output], 1), label, reduction="none")
    return (errors.mean(-1).sum(0) * errors.new_tensor(weights)).sum()
