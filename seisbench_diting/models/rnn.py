"""RNN: a convolutional encoder and decoder around two bidirectional LSTM blocks."""

from typing import Any

import torch
from torch import nn

from .base import PhasePicker
from .checkpoints import CONV_CODER_RENAMES, PublishedLayout
from .layers import ENCODER_WIDTHS, ConvDecoder, ConvEncoder, check_length


class RecurrentBlock(nn.Module):
    """
    Bidirectional LSTM over time and a 1x1 convolution, (B, C, T) in and out.

    :param in_channels: Channels of the input
    :param hidden: Channels of each direction and of the output
    """

    def __init__(self, in_channels: int, hidden: int):
        super().__init__()
        self.lstm = nn.LSTM(in_channels, hidden, batch_first=True, bidirectional=True)
        self.project = nn.Conv1d(2 * hidden, hidden, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x, _ = self.lstm(x.transpose(1, 2))
        return self.project(x.transpose(1, 2))


class RNN(PhasePicker):
    """
    .. document_args:: seisbench_diting.models RNN

    The most accurate of the published networks: 0.45 M parameters, of which the two
    bidirectional LSTM blocks work on one step for 128 samples.

    :param kwargs: ``in_samples``, ``phases``, ``sampling_rate``, ``component_order``:
                   see :py:class:`~seisbench_diting.models.base.PhasePicker`
    """

    length_multiple = 128

    published_layout = PublishedLayout(
        renames=(
            *CONV_CODER_RENAMES,
            (r"^rnns\.(\d)\.rnn\.", r"recurrent.\1.lstm."),
            (r"^rnns\.(\d)\.cnn\.", r"recurrent.\1.project."),
        ),
        class_head="decoder.out",
    )

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.encoder = ConvEncoder()
        self.recurrent = nn.Sequential(
            RecurrentBlock(ENCODER_WIDTHS[-1], 96), RecurrentBlock(96, 96)
        )
        self.decoder = ConvDecoder((96, 96, 96, 32, 32, 16, 16, 8), len(self.labels))

    def forward(self, x: torch.Tensor, logits: bool = False) -> torch.Tensor:
        """
        :param x: Normalized waveforms, (batch, 3, samples)
        :param logits: If true, return the class scores before the softmax
        :return: Class probabilities (batch, classes, samples)
        """
        check_length(x, self.length_multiple)
        scores = self.decoder(self.recurrent(self.encoder(x)))
        return scores if logits else torch.softmax(scores, dim=1)
