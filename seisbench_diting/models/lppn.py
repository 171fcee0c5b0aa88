"""LPPN: classification and regression in cells of eight samples, in three sizes."""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import nn

from .base import PhasePicker
from .layers import ConvBlock, check_length
from .pretrained import LAYOUTS


class InvertedResidual(nn.Module):
    """
    Expand, filter each channel separately, and project, without a final activation.

    :param in_channels: Channels of the input
    :param out_channels: Channels of the output
    :param kernel_size: Kernel size of the depthwise convolution
    :param stride: Stride of the depthwise convolution
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int, stride: int
    ):
        super().__init__()
        wide = 2 * in_channels
        self.expand = ConvBlock(in_channels, wide, 1, bias=False)
        self.depthwise = ConvBlock(wide, wide, kernel_size, stride, wide, bias=False)
        self.project = nn.Conv1d(wide, out_channels, 1, bias=False)
        self.norm = nn.BatchNorm1d(out_channels)
        self.residual = stride == 1 and in_channels == out_channels

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.norm(self.project(self.depthwise(self.expand(x))))
        return x + y if self.residual else y


class PlainResidual(nn.Module):
    """
    One full convolution block; the input is added after its activation.

    Parameters as for :py:class:`InvertedResidual`.
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int, stride: int
    ):
        super().__init__()
        self.block = ConvBlock(
            in_channels, out_channels, kernel_size, stride, bias=False
        )
        self.residual = stride == 1 and in_channels == out_channels

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.block(x)
        return x + y if self.residual else y


class _LPPN(PhasePicker):
    """
    What the three sizes share. A size is its class attributes.

    The features have one cell per eight samples. A context branch goes down
    three further octaves and comes back, so that each cell sees about the whole
    window. Two heads on both give the classes of a cell and the position of the
    arrival inside it.
    """

    stride = 8
    regression = True
    length_multiple = 64

    _stem_kernel: int
    _kernel: int
    _widths: tuple[int, ...]
    _block: type[nn.Module] = InvertedResidual

    published_layout = LAYOUTS["LPPN"]

    def _make_layers(self) -> None:
        widths, kernel, block = self._widths, self._kernel, self._block
        stem = ConvBlock(3, widths[0], self._stem_kernel, bias=False)
        self.encoder = nn.ModuleList([stem])
        for i, (before, after) in enumerate(pairwise(widths)):
            self.encoder.append(block(before, after, kernel, 2 if i % 2 == 0 else 1))
        features = widths[-1]
        self.context = nn.ModuleList(
            block(features, features, kernel, 2 if i < 3 else 1) for i in range(6)
        )
        self.class_head = nn.Conv1d(2 * features, len(self.labels), 1)
        self.offset_head = nn.Conv1d(2 * features, 1, 1)

    def forward(
        self, x: torch.Tensor, logits: bool = False
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """
        :param x: Normalized waveforms, (batch, 3, samples)
        :param logits: If true, return the class scores before the softmax
        :return: Class probabilities (batch, classes, samples / 8) and the position
                 of the arrival in its cell in samples, 0 to 8, (batch, samples / 8)
        """
        check_length(x, self.length_multiple)
        for block in self.encoder:
            x = block(x)

        context = x
        for i, block in enumerate(self.context):
            if i >= 3:
                context = F.interpolate(context, scale_factor=2.0, mode="nearest")
            context = block(context)

        x = torch.cat([x, context], dim=1)
        scores = self.class_head(x)
        offset = self.stride * torch.sigmoid(self.offset_head(x))[:, 0]
        return (scores if logits else torch.softmax(scores, dim=1)), offset


class LPPNT(_LPPN):
    """
    LPPN, the local point picking network, in its tiny size: 0.01 M parameters. Arrivals
    are classified in cells of eight samples and placed inside the cell by regression.
    """

    _stem_kernel = 3
    _kernel = 3
    _widths = (4, 8, 8, 12, 12, 16, 16)


class LPPNM(_LPPN):
    """
    LPPN, the local point picking network, in its medium size: 0.04 M parameters. Arrivals
    are classified in cells of eight samples and placed inside the cell by regression.

    >>> import obspy
    >>> from seisbench_diting.models import LPPNM
    >>> model = LPPNM.from_pretrained()
    >>> for pick in model.classify(obspy.read()).picks:
    ...     print(pick.trace_id, pick.phase, pick.peak_time.strftime("%H:%M:%S"))
    BW.RJOB. P 00:20:07
    BW.RJOB. S 00:20:08
    """

    _stem_kernel = 5
    _kernel = 5
    _widths = (8, 16, 16, 24, 24, 32, 32)


class LPPNL(_LPPN):
    """
    LPPN, the local point picking network, in its large size: 0.66 M parameters, with full
    convolutions. Arrivals are classified in cells of eight samples and placed inside the
    cell by regression.
    """

    _stem_kernel = 3
    _kernel = 5
    _widths = (16, 32, 32, 64, 64, 128, 128)
    _block = PlainResidual
