"""From the published checkpoints to the parameter names and shapes used here."""

import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch

Rename = tuple[str, str | Callable[[re.Match[str]], str]]


@dataclass(frozen=True)
class PublishedLayout:
    """
    How one network family is written in the published checkpoints.

    :param renames: Regular expressions and their replacements, applied in this order
                    to every parameter name
    :param class_head: Name of the module that gives the classes. It may hold more
                       classes than were trained; only the first ones are kept.
    :param squeeze_axis: Axis of length 1 of the two-dimensional convolutions. Given
                         by number, as others can have length 1 as well.
    :param unused: Regular expressions of parameters that the forward pass ignores
    """

    renames: tuple[Rename, ...]
    class_head: str
    squeeze_axis: int | None = None
    unused: tuple[str, ...] = ()

    def convert(
        self, published: Mapping[str, torch.Tensor], labels: Sequence[str]
    ) -> dict[str, torch.Tensor]:
        """
        :param published: State dict of the published network
        :param labels: Classes to keep
        :return: State dict for the network of this package
        """
        state = {}
        for name, value in published.items():
            if any(re.search(pattern, name) for pattern in self.unused):
                continue
            for pattern, replacement in self.renames:
                name = re.sub(pattern, replacement, name)
            if self.squeeze_axis is not None and value.ndim == 4:
                value = value.squeeze(self.squeeze_axis)
            if name.startswith(f"{self.class_head}."):
                value = value[: len(labels)]
            state[name] = value.clone()
        return state


def read_state_dict(content: bytes) -> dict[str, torch.Tensor]:
    """
    Reads a state dict without running any code that may be hidden in it.

    :param content: A file written by ``torch.save``
    :return: The state dict, on the CPU
    :raises ValueError: If the file holds anything but tensors by name
    """
    try:
        state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:
        raise ValueError(
            "The file is not a plain PyTorch state dict and was not loaded: "
            f"{str(error).splitlines()[0] if str(error) else type(error).__name__}"
        ) from error
    if not isinstance(state, dict) or not all(
        isinstance(value, torch.Tensor) for value in state.values()
    ):
        raise ValueError("The file holds something else than a state dict of tensors.")
    return state


def _half(match: re.Match[str]) -> str:
    # Published encoders count the pooling layers as well.
    return f"encoder.blocks.{int(match[1]) // 2}."


#: Encoder and decoder are the same in RNN and EQT.
CONV_CODER_RENAMES: tuple[Rename, ...] = (
    (r"^encoder\.layers\.(\d+)\.", _half),
    (r"^decoder\.layers\.7\.", "decoder.out."),
    (r"^decoder\.layers\.(\d)\.", r"decoder.blocks.\1."),
    (r"^((?:en|de)coder\.blocks\.\d)\.layers\.0\.", r"\1.conv."),
    (r"^((?:en|de)coder\.blocks\.\d)\.layers\.1\.", r"\1.norm."),
)
