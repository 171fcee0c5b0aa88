"""Settings of a training, and their base class, shared with distillation."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator

from .._util import (
    COMPONENT_ORDERS,
    ArgumentError,
    Folder,
    Names,
    Settings,
    option,
    write_text,
)

if TYPE_CHECKING:
    from seisbench.models import WaveformModel


def _read_augmentations(value: Any) -> dict[str, Any]:
    """Options by name, or texts such as ``gap=0.2`` from the command line."""
    found: dict[str, Any] = {}
    for one in [value] if isinstance(value, Mapping | str) else value:
        if isinstance(one, Mapping):
            found |= one
            continue
        name, _, number = str(one).partition("=")
        try:
            found[name.replace("-", "_")] = json.loads(number)
        except json.JSONDecodeError:
            reason = "must be NAME=VALUE with a number or a list, such as snr_db=[0,20]"
            raise ValueError(f"{one!r} {reason}") from None
    # NumPy's numbers become Python's.
    return json.loads(json.dumps(found, default=lambda number: number.tolist()))


_Augmentations = Annotated[dict[str, Any], BeforeValidator(_read_augmentations)]

Output = Annotated[Folder, option(..., "Folder of the run.", "-o", identity=False)]

# Options that have other defaults in a distillation.
Padlen = Annotated[
    int, option(..., "Smallest distance of an arrival from the edges.", ge=0)
]
Workers = Annotated[
    int, option(..., "Processes that load windows; 0 for none.", ge=0, identity=False)
]


class LearnSettings(Settings):
    """Base class of the settings of training and distillation."""

    #: File in the folder of a run with its settings.
    settings_file: ClassVar[str]

    if TYPE_CHECKING:
        output: Path

    max_steps: int = option(500_000, "Number of steps.", ge=1, identity=False)
    batch_size: int = option(32, "Windows per step and device.", ge=1)
    lr: float = option(1e-4, "Learning rate of Adam.", gt=0)
    init: str | Path | None = option(
        None, "Initial weights: MODEL/SET, or a saved SeisBench model. Default: random."
    )
    augmentations: _Augmentations = option(
        {},
        "Options of the recipe's window_augmentations, such as gap=0.2.",
        "--augment",
        metavar="NAME=VALUE",
        many=True,
    )
    freeze: Names = option(
        (),
        "Parameters that are not trained, as patterns of names such as encoder.*.",
        metavar="PATTERN",
        many=True,
    )
    sampling_rate: float | None = option(
        None, "Sampling rate in Hz. Default: that of init, or of the data.", gt=0
    )
    component_order: str | None = option(
        None,
        "Order of the components. Default: that of init, or ZNE.",
        pattern=COMPONENT_ORDERS,
    )
    n_samples: int = option(6144, "Samples per window.", ge=1)
    padlen: Padlen = 512
    seed: int = option(42, "Seed of all random numbers.", ge=0, lt=2**32)
    validate_every: int = option(500, "Steps between two validations.", ge=1)
    validation_windows: int = option(512, "Maximum windows per validation.", ge=1)
    checkpoint_every: int = option(500, "Steps between two checkpoints.", ge=1)
    workers: Workers = 0
    accelerator: str = option("auto", "Lightning's: cpu, gpu, ...", identity=False)
    devices: int | str = option("auto", "Lightning's, such as 2.", identity=False)
    nodes: int = option(1, "Number of machines.", ge=1, identity=False)
    strategy: str = option("auto", "Lightning's, such as ddp.", identity=False)
    precision: str = option("32-true", "Lightning's, such as bf16-mixed.")
    onnx: bool = option(False, "Also write an ONNX file.", identity=False)
    progress: bool = option(True, "Show the progress.", off="--quiet", identity=False)
    resume: Literal["auto", "never"] = option(
        "auto",
        "auto: continue an earlier run. never: start again, without its checkpoints.",
        identity=False,
    )

    @property
    def folder(self) -> Path:
        """Folder of the run."""
        return self.output.expanduser()

    def completed(self, initial: WaveformModel | None) -> Any:
        """
        Fills in the sampling rate and component order that the weights were trained with.

        :param initial: Initial weights, if any
        :return: Settings with both, unless they are set
        """
        rate = getattr(initial, "sampling_rate", None)
        order = "".join(getattr(initial, "component_order", "ZNE"))
        return self.model_copy(
            update={
                "sampling_rate": self.sampling_rate or rate,
                "component_order": self.component_order or order,
            }
        )

    def store(self, **others: str) -> None:
        """
        Writes the file in the folder of the run.

        :param others: Other values that affect the result
        """
        values = self.model_dump(mode="json", exclude={"resume"}) | others
        path = self.folder / self.settings_file
        write_text(path, json.dumps(values, indent=1) + "\n")

    def earlier(self) -> dict[str, Any]:
        """:return: Settings written by :py:meth:`store`; empty for a new run"""
        path = self.folder / self.settings_file
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}

    def check_continues(self) -> None:
        """:raises ArgumentError: if the folder holds another run"""
        earlier = self.earlier()
        for name, value in self.identity().items():
            if (before := earlier.get(name, value)) != value:
                raise ArgumentError(
                    name,
                    value,
                    f"the run in {str(self.output)!r} has {before!r}. Use the same to "
                    "continue it, another output, or resume='never' to start again there",
                )


class TrainSettings(LearnSettings):
    """Settings of a training."""

    settings_file = "settings.json"
    positional = ("model", "data", "output")

    model: str = option(
        ...,
        "RNN, EQT, UNet, UNetPP, LPPNT, LPPNM, LPPNL, or SeisBench's EQTransformer.",
        "-m",
    )
    data: str | Path = option(
        ..., "Folder of a SeisBench dataset, or its name.", "--input", "-i"
    )
    output: Output
