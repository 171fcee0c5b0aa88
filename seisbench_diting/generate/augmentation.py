"""What the augmentations share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np


class Augmentation(ABC):
    """
    One step of a SeisBench generator. Random numbers come from NumPy's global state, as
    in SeisBench, so that all steps of a pipeline are reproducible from one seed.
    Neither waveforms nor metadata of the input are changed.

    :param key: Key of the state dict that is read and written, or a pair of keys
    """

    #: Attributes that are not worth printing.
    _silent: ClassVar = ("key",)

    def __init__(self, key: str | tuple[str, str] = "X"):
        self.key = (key, key) if isinstance(key, str) else key

    def __call__(self, state_dict: dict[str, tuple[Any, Any]]) -> None:
        x, metadata = state_dict[self.key[0]]
        state_dict[self.key[1]] = self.apply(x, dict(metadata))

    @abstractmethod
    def apply(
        self, x: np.ndarray, metadata: dict[str, Any]
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """
        :param x: Waveforms, (components, samples)
        :param metadata: Metadata, a copy that may be changed
        :return: Waveforms and metadata
        """

    def __str__(self) -> str:
        shown = ", ".join(
            f"{name}={value}"
            for name, value in vars(self).items()
            if name not in self._silent
        )
        return f"{type(self).__name__} ({shown})"
