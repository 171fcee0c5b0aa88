"""UNet: a point-to-point picker with four steps of four."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from .base import PhasePicker
from .checkpoints import PublishedLayout
from .layers import ConvBlock, check_length


class UNet(PhasePicker):
    """
    .. document_args:: seisbench_diting.models UNet

    Convolutional encoder and decoder with skip connections, five levels with a
    factor of four between them, 0.17 M parameters.

    :param kwargs: ``in_samples``, ``phases``, ``sampling_rate``, ``component_order``:
                   see :py:class:`~seisbench_diting.models.base.PhasePicker`
    """

    length_multiple = 256

    published_layout = PublishedLayout(
        renames=(
            (r"^inputs\.", "stem."),
            (r"^layer([0-4])\.", r"encoder.\1."),
            (r"^layer5\.layers\.1\.", "decoder.0."),
            (r"^layer6\.layers\.1\.", "decoder.1."),
            (r"^layer7\.layers\.1\.", "decoder.2."),
            (r"^layer8\.layers\.1\.", "decoder.3."),
            (r"^layer9\.", "out."),
            (r"\.layers\.0\.", ".conv."),
            (r"\.layers\.1\.", ".norm."),
        ),
        class_head="out",
        squeeze_axis=3,
    )

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        widths = (8, 8, 16, 32, 64, 128)
        self.stem = ConvBlock(3, widths[0], 7)
        self.encoder = nn.ModuleList(
            ConvBlock(widths[i], widths[i + 1], 7, 1 if i == 0 else 4) for i in range(5)
        )
        # The skip connection doubles the width of every input but the first.
        self.decoder = nn.ModuleList(
            ConvBlock(before, after, 7)
            for before, after in ((128, 64), (128, 32), (64, 16), (32, 8))
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
