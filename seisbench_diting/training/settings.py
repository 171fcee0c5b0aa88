"""What a training run is made of."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

#: File in a run's folder with its settings.
SETTINGS_FILE = "settings.json"

#: Seeds that NumPy takes.
_SEEDS = 2**32

#: Settings that may differ between a run and its continuation: they decide how long and
#: on what machine it runs, not what it computes.
_FREE = {
    "output",
    "max_steps",
    "workers",
    "accelerator",
    "devices",
    "nodes",
    "strategy",
    "onnx",
    "progress",
}


@dataclass(frozen=True)
class TrainingSettings:
    """
    Settings of a training run.

    :param model: One of this package's pickers in any case (also ``UNet++``), or
        SeisBench's ``EQTransformer``
    :param data: Path or name of a SeisBench dataset
    :param output: Folder of the run
    :param label: ``lppn``, ``point`` or ``eqt``; ``auto`` takes the model's own
    :param max_steps: Number of steps
    :param batch_size: Windows a step (and device)
    :param lr: Learning rate of Adam
    :param seed: Seed of parameters, windows and augmentations
    :param init: Weights to begin with: ``MODEL/SET`` of published ones, or a SeisBench
        pair's path; None for random ones
    :param freeze: Patterns of parameter names that stay as they are, as in file names
        (``encoder.*``)
    :param augmentations: Options of
        :py:func:`seisbench_diting.generate.training_augmentations` beyond the published
        recipe
    :param sampling_rate: Sampling rate of the windows in Hz; None for that of ``init``, or
        the dataset's own
    :param component_order: Order of the components; None for that of ``init``, or ZNE
    :param n_samples: Samples a window
    :param padlen: Least distance of the chosen arrival from the window's edges in samples
    :param validate_every: Steps between two validations
    :param validation_windows: Windows of the dev split in a validation
    :param checkpoint_every: Steps between two checkpoints
    :param workers: Processes that load windows; 0 for none
    :param accelerator: Lightning's accelerator, such as ``cpu`` or ``gpu``
    :param devices: Lightning's devices
    :param nodes: Number of machines
    :param strategy: Lightning's strategy, such as ``ddp``
    :param precision: Lightning's precision, such as ``32-true`` or ``bf16-mixed``
    :param onnx: If true, an ONNX file is among the results; not for EQTransformer
    :param progress: If true, shows a progress bar
    """

    model: str
    data: str
    output: str
    label: str = "auto"
    max_steps: int = 500_000
    batch_size: int = 32
    lr: float = 1e-4
    seed: int = 42
    init: str | None = None
    freeze: tuple[str, ...] = ()
    augmentations: Mapping[str, Any] = field(default_factory=dict)
    sampling_rate: float | None = None
    component_order: str | None = None
    n_samples: int = 6144
    padlen: int = 512
    validate_every: int = 1000
    validation_windows: int = 1024
    checkpoint_every: int = 1000
    workers: int = 0
    accelerator: str = "auto"
    devices: int | str = "auto"
    nodes: int = 1
    strategy: str = "auto"
    precision: str = "32-true"
    onnx: bool = False
    progress: bool = True

    def __post_init__(self) -> None:
        check_counts(self)

    def to_json(self) -> str:
        return to_json(asdict(self))

    @classmethod
    def read(cls, folder: Path) -> TrainingSettings | None:
        """
        Settings of the run in a folder, None if there is none.

        :raises ValueError: if the file is damaged
        """
        path = folder / SETTINGS_FILE
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            return cls(**{**values, "freeze": tuple(values["freeze"])})
        except FileNotFoundError:
            return None
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"{path} holds no settings of a run ({error}). Choose another output."
            ) from error

    def check_continues(self, earlier: TrainingSettings) -> None:
        """
        :param earlier: Settings of the run that is continued
        :raises ValueError: if it would not be the same run
        """
        check_same(
            json.loads(self.to_json()),
            json.loads(earlier.to_json()),
            _FREE,
            self.output,
        )


def to_json(values: Mapping[str, Any]) -> str:
    """
    :param values: Settings by their names; numbers may be NumPy's
    :return: Text of a file
    """

    def plain(value: Any) -> Any:
        return value.item() if isinstance(value, np.generic) else str(value)

    return json.dumps(dict(values), indent=1, default=plain) + "\n"


def check_counts(settings: Any) -> None:
    """
    :param settings: Settings of a training or of a distillation
    :raises ValueError: if a number that both have is impossible
    """
    for least, names in (
        (1, ("max_steps", "batch_size", "validate_every", "checkpoint_every")),
        (1, ("n_samples",)),
        (0, ("workers", "validation_windows", "seed", "padlen")),
    ):
        for name in names:
            value = getattr(settings, name)
            whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
            if not whole or value < least:
                wanted = "at least 1" if least else "no less than 0"
                raise ValueError(f"{name}={value!r} must be a whole number, {wanted}.")
    if not 0 < settings.lr < math.inf:
        raise ValueError(f"lr={settings.lr} must be a positive number.")
    if settings.seed >= _SEEDS:
        raise ValueError(f"seed={settings.seed} must be below {_SEEDS}.")
    rate = settings.sampling_rate
    if rate is not None and not 0 < rate < math.inf:
        raise ValueError(f"sampling_rate={rate} must be positive, in Hz.")


def check_same(
    mine: Mapping[str, Any], theirs: Mapping[str, Any], free: set[str], output: str
) -> None:
    """
    :param mine: Settings of a run
    :param theirs: Those of the run that it continues
    :param free: Names of settings that may differ
    :param output: Folder of both
    :raises ValueError: if another one differs
    """
    for name, value in mine.items():
        if name not in free and value != theirs.get(name):
            raise ValueError(
                f"{name}={value!r} differs from {theirs.get(name)!r} of the run in "
                f"output={output!r}. Use the same to continue it, another output to begin "
                "anew, or resume='never' to begin anew there."
            )
