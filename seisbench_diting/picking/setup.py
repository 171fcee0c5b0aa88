"""What every worker needs to pick units, as text that may be sent to it."""

from __future__ import annotations

import json
import threading
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from seisbench.models import WaveformModel

from .block import BlockPicker
from .names import NamePattern
from .options import PickOptions
from .quality import read_responses
from .stream import load_on


@dataclass(frozen=True)
class Setup:
    """
    :param model: Name of the model, as :py:func:`load_model` takes it
    :param device: Where it runs, as PyTorch names it
    :param threads: Threads of the network, 0 for PyTorch's default
    :param options: Options
    :param inventory: StationXML file, for amplitudes in m/s
    :param name_pattern: What file names say, for headers that lack codes
    :param pictures: Folder for pictures, if there are to be any
    """

    model: str
    device: str
    threads: int
    options: PickOptions
    inventory: str | None = None
    name_pattern: str | None = None
    pictures: str | None = None

    def to_text(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> Setup:
        values = json.loads(text)
        return cls(**{**values, "options": PickOptions(**values["options"])})

    def make(self, model: WaveformModel | None = None) -> BlockPicker:
        """
        :param model: The model, if it is loaded already
        :return: What picks units here
        """
        if self.threads:
            torch.set_num_threads(self.threads)
        if model is None:
            model = load_on(self.model, self.device)
        return BlockPicker(
            model,
            self.options,
            read_responses(self.inventory) if self.inventory else None,
            NamePattern(self.name_pattern) if self.name_pattern else None,
            Path(self.pictures) if self.pictures else None,
        )


_lock = threading.Lock()
_made: dict[str, BlockPicker] = {}


def block_picker(text: str) -> BlockPicker:
    """
    :param text: Of :py:meth:`Setup.to_text`
    :return: What picks units here, made once in a process
    """
    with _lock:
        if text not in _made:
            # That of another run is not needed any more.
            _made.clear()
            _made[text] = Setup.from_text(text).make()
        return _made[text]
