"""Building blocks that more than one of the networks uses."""

from collections.abc import Sequence

import torch
from torch import nn

#: Widths and kernel sizes of the seven encoder stages of RNN and EQT.
ENCODER_WIDTHS = (8, 16, 16, 32, 32, 64, 64)
ENCODER_KERNELS = (11, 9, 7, 7, 5, 5, 3)

#: Kernel sizes of the seven decoder stages of RNN and EQT.
DECODER_KERNELS = (3, 5, 5, 7, 7, 9, 11)


def check_length(x: torch.Tensor, multiple: int) -> None:
    """
    :param x: Windows, (batch, components, samples)
    :param multiple: What the number of samples must be a multiple of
    :raises ValueError: If it is not; some networks would return a shorter output
    """
    if x.shape[-1] % multiple != 0:
        raise ValueError(
            f"The window has {x.shape[-1]} samples; its length must be a multiple of "
            f"{multiple}."
        )


class ConvBlock(nn.Module):
    """
    Convolution, batch normalization, ReLU; "same" padding at stride 1.

    :param in_channels: Channels of the input
    :param out_channels: Channels of the output
    :param kernel_size: Odd kernel size
    :param stride: Stride, i.e., the factor by which the output is shorter
    :param groups: Groups of the convolution (the number of channels: depthwise)
    :param bias: If the convolution has a bias of its own
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
        self.conv = nn.Conv1d(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding=(kernel_size - 1) // 2,
            groups=groups,
            bias=bias,
        )
        self.norm = nn.BatchNorm1d(out_channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.norm(self.conv(x)))


class UpsamplingBlock(nn.Module):
    """
    Transposed convolution with stride 2, batch normalization, ReLU: doubles the length.

    :param in_channels: Channels of the input
    :param out_channels: Channels of the output
    :param kernel_size: Odd kernel size
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int):
        super().__init__()
        self.conv = nn.ConvTranspose1d(
            in_channels,
            out_channels,
            kernel_size,
            stride=2,
            padding=(kernel_size - 1) // 2,
            output_padding=1,
        )
        self.norm = nn.BatchNorm1d(out_channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.norm(self.conv(x)))


class ConvEncoder(nn.Module):
    """
    Seven convolution blocks, each followed by max pooling: (B, 3, T) to (B, 64, T/128).

    :param in_channels: Number of components
    """

    def __init__(self, in_channels: int = 3):
        super().__init__()
        widths = (in_channels, *ENCODER_WIDTHS)
        self.blocks = nn.ModuleList(
            ConvBlock(widths[i], widths[i + 1], kernel)
            for i, kernel in enumerate(ENCODER_KERNELS)
        )
        self.pool = nn.MaxPool1d(2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for block in self.blocks:
            x = self.pool(block(x))
        return x


class ConvDecoder(nn.Module):
    """
    Seven upsampling blocks and a final convolution: (B, C, T/128) to (B, classes, T).

    :param widths: Channels of the input and of the seven blocks' outputs
    :param classes: Number of output classes
    """

    def __init__(self, widths: Sequence[int], classes: int):
        super().__init__()
        self.blocks = nn.ModuleList(
            UpsamplingBlock(widths[i], widths[i + 1], kernel)
            for i, kernel in enumerate(DECODER_KERNELS)
        )
        self.out = nn.Conv1d(widths[-1], classes, kernel_size=11, padding=5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for block in self.blocks:
            x = block(x)
        return self.out(x)
