"""EQT: the compact variant of EQTransformer of the benchmark paper."""

from typing import Any

import torch
from torch import nn

from .base import PhasePicker
from .checkpoints import CONV_CODER_RENAMES, PublishedLayout
from .layers import ENCODER_WIDTHS, ConvDecoder, ConvEncoder, check_length

#: Channels of everything between encoder and decoder.
WIDTH = 16


class PreActivationBlock(nn.Module):
    """
    Batch normalization, ReLU, convolution, twice; the input is added at the end.

    :param channels: Channels of input and output
    """

    def __init__(self, channels: int):
        super().__init__()
        self.norm1 = nn.BatchNorm1d(channels)
        self.conv1 = nn.Conv1d(channels, channels, 3, padding=1)
        self.norm2 = nn.BatchNorm1d(channels)
        self.conv2 = nn.Conv1d(channels, channels, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.conv1(torch.relu(self.norm1(x)))
        return x + self.conv2(torch.relu(self.norm2(y)))


class BidirectionalBlock(nn.Module):
    """
    Bidirectional LSTM, layer normalization, 1x1 convolution; (B, T, C) in and out.

    :param in_channels: Channels of the input
    """

    def __init__(self, in_channels: int):
        super().__init__()
        self.lstm = nn.LSTM(in_channels, WIDTH, batch_first=True, bidirectional=True)
        self.norm = nn.LayerNorm(2 * WIDTH)
        self.project = nn.Conv1d(2 * WIDTH, WIDTH, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x, _ = self.lstm(x)
        return self.project(self.norm(x).transpose(1, 2)).transpose(1, 2)


class ForwardBlock(nn.Module):
    """Forward LSTM and layer normalization; (B, T, C) in and out."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(WIDTH, WIDTH, batch_first=True)
        self.norm = nn.LayerNorm(WIDTH)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x, _ = self.lstm(x)
        return self.norm(x)


def _attention() -> nn.TransformerEncoderLayer:
    return nn.TransformerEncoderLayer(
        WIDTH, nhead=1, dim_feedforward=2048, batch_first=True
    )


class EQT(PhasePicker):
    """
    .. document_args:: seisbench_diting.models EQT

    The compact variant of EQTransformer that the benchmark paper compares: one
    decoder with softmax over noise, P and S instead of three with sigmoid, 0.44 M
    parameters. For the original network see
    :py:class:`seisbench.models.EQTransformer`.

    :param kwargs: ``in_samples``, ``phases``, ``sampling_rate``, ``component_order``:
                   see :py:class:`~seisbench_diting.models.base.PhasePicker`
    """

    length_multiple = 128

    published_layout = PublishedLayout(
        renames=(
            (r"^encoder1\.", "encoder."),
            (r"^decoder1\.2\.", "decoder."),
            *CONV_CODER_RENAMES,
            (r"^encoder2\.(\d)\.layers\.0\.", r"residual.\1.norm1."),
            (r"^encoder2\.(\d)\.layers\.2\.", r"residual.\1.conv1."),
            (r"^encoder2\.(\d)\.layers\.3\.", r"residual.\1.norm2."),
            (r"^encoder2\.(\d)\.layers\.5\.", r"residual.\1.conv2."),
            (r"^encoder3\.", "recurrent."),
            (r"^trans1\.(\d)\.transformer\.layers\.0\.", r"attention.\1."),
            (r"^decoder1\.0\.", "decoder_recurrent."),
            (r"^decoder1\.1\.transformer\.layers\.0\.", "decoder_attention."),
            (r"^decoder1\.1\.layernorm\.", "decoder_norm."),
            (r"\.rnn\.", ".lstm."),
            (r"\.layernorm\.", ".norm."),
            (r"\.cnn\.", ".project."),
        ),
        class_head="decoder.out",
        # Part of the checkpoint, but not of the forward pass.
        unused=(r"^trans1\.\d\.layernorm\.",),
    )

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.encoder = ConvEncoder()
        self.residual = nn.Sequential(
            *(PreActivationBlock(ENCODER_WIDTHS[-1]) for _ in range(5))
        )
        self.recurrent = nn.Sequential(
            BidirectionalBlock(ENCODER_WIDTHS[-1]),
            BidirectionalBlock(WIDTH),
            ForwardBlock(),
        )
        self.attention = nn.Sequential(_attention(), _attention())
        self.decoder_recurrent = ForwardBlock()
        self.decoder_attention = _attention()
        self.decoder_norm = nn.LayerNorm(WIDTH)
        self.decoder = ConvDecoder((WIDTH, 64, 64, 32, 32, 16, 16, 8), len(self.labels))

    def forward(self, x: torch.Tensor, logits: bool = False) -> torch.Tensor:
        """
        :param x: Normalized waveforms, (batch, 3, samples)
        :param logits: If true, return the class scores before the softmax
        :return: Class probabilities (batch, classes, samples)
        """
        check_length(x, self.length_multiple)
        x = self.residual(self.encoder(x)).transpose(1, 2)
        x = self.decoder_recurrent(self.attention(self.recurrent(x)))

        # Each step of the decoder attends to itself and its two neighbours only.
        steps = torch.arange(x.shape[1], device=x.device)
        too_far = (steps[:, None] - steps[None, :]).abs() > 1
        x = self.decoder_norm(self.decoder_attention(x, src_mask=too_far))

        scores = self.decoder(x.transpose(1, 2))
        return scores if logits else torch.softmax(scores, dim=1)
