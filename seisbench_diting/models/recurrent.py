"""RNN and EQT: recurrent layers between a convolutional encoder and decoder."""

import torch
from torch import nn

from .base import PhasePicker
from .layers import ConvBlock, check_length
from .pretrained import LAYOUTS

#: Channels and kernel sizes of the encoder, which shortens the window 128 times.
ENCODER_WIDTHS = (3, 8, 16, 16, 32, 32, 64, 64)
ENCODER_KERNELS = (11, 9, 7, 7, 5, 5, 3)


class ConvEncoder(nn.Module):
    """Seven convolution blocks, each before max pooling: (B, 3, T) to (B, 64, T/128)."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            map(ConvBlock, ENCODER_WIDTHS, ENCODER_WIDTHS[1:], ENCODER_KERNELS)
        )
        self.pool = nn.MaxPool1d(2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for block in self.blocks:
            x = self.pool(block(x))
        return x


class UpsamplingBlock(nn.Module):
    """
    Transposed convolution with stride 2, batch normalization, ReLU: doubles the length.

    :param in_channels: Channels of the input
    :param out_channels: Channels of the output
    :param kernel_size: Odd kernel size
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int):
        super().__init__()
        padding = (kernel_size - 1) // 2
        self.conv = nn.ConvTranspose1d(
            in_channels, out_channels, kernel_size, 2, padding, output_padding=1
        )
        self.norm = nn.BatchNorm1d(out_channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.norm(self.conv(x)))


class ConvDecoder(nn.Module):
    """
    Seven upsampling blocks and a final convolution: (B, C, T/128) to (B, classes, T).

    :param widths: Channels of the input and of the seven blocks' outputs
    :param classes: Number of output classes
    """

    def __init__(self, widths: tuple[int, ...], classes: int):
        super().__init__()
        self.blocks = nn.ModuleList(
            map(UpsamplingBlock, widths, widths[1:], reversed(ENCODER_KERNELS))
        )
        self.out = nn.Conv1d(widths[-1], classes, kernel_size=11, padding=5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for block in self.blocks:
            x = block(x)
        return self.out(x)


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
    RNN, the most accurate of the published networks: 0.45 M parameters. Its two
    bidirectional LSTM blocks work with one step per 128 samples.
    """

    length_multiple = 128

    published_layout = LAYOUTS["RNN"]

    def _make_layers(self) -> None:
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


#: Channels of everything between EQT's encoder and decoder.
EQT_WIDTH = 16


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
        width = EQT_WIDTH
        self.lstm = nn.LSTM(in_channels, width, batch_first=True, bidirectional=True)
        self.norm = nn.LayerNorm(2 * width)
        self.project = nn.Conv1d(2 * width, width, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x, _ = self.lstm(x)
        return self.project(self.norm(x).transpose(1, 2)).transpose(1, 2)


class ForwardBlock(nn.Module):
    """Forward LSTM and layer normalization; (B, T, C) in and out."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(EQT_WIDTH, EQT_WIDTH, batch_first=True)
        self.norm = nn.LayerNorm(EQT_WIDTH)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x, _ = self.lstm(x)
        return self.norm(x)


def _attention() -> nn.TransformerEncoderLayer:
    return nn.TransformerEncoderLayer(EQT_WIDTH, 1, 2048, batch_first=True)


class EQT(PhasePicker):
    """
    EQT, the compact variant of EQTransformer of the benchmark paper: one decoder with
    softmax over noise, P and S instead of three with sigmoid, 0.44 M parameters. The
    original network is :py:class:`seisbench.models.EQTransformer`.
    """

    length_multiple = 128

    published_layout = LAYOUTS["EQT"]

    def _make_layers(self) -> None:
        features = ENCODER_WIDTHS[-1]
        self.encoder = ConvEncoder()
        self.residual = nn.Sequential(*(PreActivationBlock(features) for _ in range(5)))
        self.recurrent = nn.Sequential(
            BidirectionalBlock(features), BidirectionalBlock(EQT_WIDTH), ForwardBlock()
        )
        self.attention = nn.Sequential(_attention(), _attention())
        self.decoder_recurrent = ForwardBlock()
        self.decoder_attention = _attention()
        self.decoder_norm = nn.LayerNorm(EQT_WIDTH)
        self.decoder = ConvDecoder((16, 64, 64, 32, 32, 16, 16, 8), len(self.labels))

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
