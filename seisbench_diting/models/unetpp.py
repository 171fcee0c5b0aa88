"""UNet++: nested U-shaped networks of depth one to four in one."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from .base import PhasePicker
from .checkpoints import PublishedLayout
from .layers import ConvBlock, check_length

#: Channels of the five levels.
WIDTHS = (32, 64, 128, 256, 512)


class UNetPP(PhasePicker):
    """
    .. document_args:: seisbench_diting.models UNetPP

    UNet++ of depth four, 3.06 M parameters. The node of level i and column j takes
    all earlier nodes of its level and the node below it in the column before.

    :param kwargs: ``in_samples``, ``phases``, ``sampling_rate``, ``component_order``:
                   see :py:class:`~seisbench_diting.models.base.PhasePicker`
    """

    length_multiple = 16

    published_layout = PublishedLayout(
        renames=(
            (r"^conv(\d)_(\d)\.conv\.0\.", r"columns.\2.\1.0.conv."),
            (r"^conv(\d)_(\d)\.conv\.1\.", r"columns.\2.\1.0.norm."),
            (r"^conv(\d)_(\d)\.conv\.3\.", r"columns.\2.\1.1.conv."),
            (r"^conv(\d)_(\d)\.conv\.4\.", r"columns.\2.\1.1.norm."),
            (r"^final\.", "out."),
        ),
        class_head="out",
    )

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.columns = nn.ModuleList()
        for j in range(len(WIDTHS)):
            column = nn.ModuleList()
            for i in range(len(WIDTHS) - j):
                if j == 0:
                    before = WIDTHS[i - 1] if i > 0 else 3
                else:
                    before = j * WIDTHS[i] + WIDTHS[i + 1]
                column.append(
                    nn.Sequential(
                        ConvBlock(before, WIDTHS[i], 3),
                        ConvBlock(WIDTHS[i], WIDTHS[i], 3),
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
