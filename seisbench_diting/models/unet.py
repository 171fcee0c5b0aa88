"""UNet and UNet++: convolutional networks with skip connections."""

# TorchScript takes no comments on types, and for mypy lists of layers hold anything.
# mypy: disable-error-code="arg-type, var-annotated"

import torch
import torch.nn.functional as F
from torch import nn

from .base import PhasePicker
from .layers import ConvBlock, check_length
from .pretrained import LAYOUTS


class UNet(PhasePicker):
    """
    UNet: convolutional encoder and decoder with skip connections, five levels with a
    factor of four between them, 0.17 M parameters.
    """

    length_multiple = 256

    published_layout = LAYOUTS["UNet"]

    def _make_layers(self) -> None:
        widths = (8, 8, 16, 32, 64, 128)
        self.stem = ConvBlock(3, widths[0], 7)
        self.encoder = nn.ModuleList(
            ConvBlock(widths[i], widths[i + 1], 7, 1 if i == 0 else 4) for i in range(5)
        )
        # The skip connection doubles the width of every input but the first.
        self.decoder = nn.ModuleList(
            map(ConvBlock, (128, 128, 64, 32), (64, 32, 16, 8), (7, 7, 7, 7))
        )
        self.out = nn.Conv1d(16, len(self.labels), 7, padding=3)

    def forward(self, x: torch.Tensor, logits: bool = False) -> torch.Tensor:
        """
        :param x: Normalized waveforms, (batch, 3, samples)
        :param logits: If true, return the class scores before the softmax
        :return: Class probabilities (batch, classes, samples)
        """
        check_length(x, self.length_multiple)
        x = self.stem(x)
        skips: list[torch.Tensor] = []
        for block in self.encoder:
            x = block(x)
            skips.append(x)

        skips.pop()
        for block in self.decoder:
            x = block(F.interpolate(x, scale_factor=4.0, mode="nearest"))
            x = torch.cat([skips.pop(), x], dim=1)

        scores = self.out(x)
        return scores if logits else torch.softmax(scores, dim=1)


#: Channels of the five levels of UNet++.
WIDTHS = (32, 64, 128, 256, 512)


class UNetPP(PhasePicker):
    """
    UNet++ of depth four: nested U-shaped networks of depth one to four, 3.06 M
    parameters. The node of level i and column j takes all earlier nodes of its level and
    the node below it in the column before.
    """

    length_multiple = 16

    published_layout = LAYOUTS["UNetPP"]

    def _make_layers(self) -> None:
        self.columns = nn.ModuleList()
        for j in range(len(WIDTHS)):
            column = nn.ModuleList()
            for i, width in enumerate(WIDTHS[: len(WIDTHS) - j]):
                if j > 0:
                    before = j * width + WIDTHS[i + 1]
                else:
                    before = WIDTHS[i - 1] if i > 0 else 3
                column.append(
                    nn.Sequential(
                        ConvBlock(before, width, 3), ConvBlock(width, width, 3)
                    )
                )
            self.columns.append(column)
        self.pool = nn.MaxPool1d(2)
        self.out = nn.Conv1d(WIDTHS[0], len(self.labels), 1)

    def forward(self, x: torch.Tensor, logits: bool = False) -> torch.Tensor:
        """
        :param x: Normalized waveforms, (batch, 3, samples)
        :param logits: If true, return the class scores before the softmax
        :return: Class probabilities (batch, classes, samples)
        """
        check_length(x, self.length_multiple)
        levels: list[list[torch.Tensor]] = []
        for j, column in enumerate(self.columns):
            for i, node in enumerate(column):
                if j == 0:
                    x = node(x if i == 0 else self.pool(x))
                    levels.append([x])
                else:
                    below = F.interpolate(
                        levels[i + 1][j - 1], scale_factor=2.0, mode="nearest"
                    )
                    levels[i].append(node(torch.cat(levels[i] + [below], dim=1)))

        scores = self.out(levels[0][-1])
        return scores if logits else torch.softmax(scores, dim=1)
