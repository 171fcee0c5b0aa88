"""Settings of ``evaluate`` and ``latency``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from .._util import Existing, Folder, NetworkFileSettings, Threshold, option

#: Smallest probability of a pick.
THRESHOLD = 0.3

#: A pick nearer to an arrival than this is right.
TOLERANCE_S = 0.5


def _as_list(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else [value]


Models = Annotated[
    list[Any],
    BeforeValidator(_as_list),
    option(
        ...,
        "Published set (LPPNM/diting), SeisBench model (PhaseNet/stead), SeisBench pair, "
        "or TorchScript or ONNX file; may be repeated.",
        "-m",
        many=True,
    ),
]


class EvaluateSettings(NetworkFileSettings):
    """Settings of evaluating pickers."""

    positional = ("model", "data")

    model: Models = Field(default_factory=list)
    data: Any = option(
        None,
        "SeisBench dataset: its folder or its name.",
        *("--input", "-i"),
        metavar="DATASET",
    )
    output: Path | None = option(
        None,
        "Validation text file to write; of several models, each name is added.",
        "-o",
    )
    picks: Existing | None = option(
        None, "Evaluate this validation text file instead of models."
    )
    report: Folder | None = option(
        None, "Folder for pictures and a page with everything."
    )
    split: Literal["train", "dev", "test", "all"] = option(
        "test", "Part of the dataset: train, dev, test or all."
    )
    tolerance: float = option(
        TOLERANCE_S,
        "A pick nearer to an arrival than this, in seconds, is right.",
        gt=0,
    )
    threshold: Threshold = THRESHOLD
    counting: Literal["correct", "published"] = option(
        "correct",
        "correct: the first pick near an arrival is right, further ones near it do not "
        "count, and a window without a phase can't miss it. published: every pick near "
        "an arrival is right, every window counts as one with an arrival, and residuals "
        "are those up to 1.5 s.",
    )
    workers: int = option(0, "Processes that load windows.", ge=0)
    progress: bool = option(True, "Show the progress.", off="--quiet")

    @model_validator(mode="after")
    def _check_what(self) -> EvaluateSettings:
        given = bool(self.model), self.data is not None
        if any(given) if self.picks is not None else not all(given):
            raise ValueError("Use either --picks, or both --model and --input.")
        return self


class LatencySettings(NetworkFileSettings):
    """Settings of measuring how long networks take."""

    positional = ("model", "device")

    model: Models = Field(default_factory=list)
    device: str = option("cpu", "cpu, cuda, cuda:1, ...", "-d")
    batch: int = option(1440, "Number of windows.", ge=1)
    cycles: int = option(5, "Cycles, whose median counts.", ge=1)
    backend: Literal["auto", "torch", "onnx"] = option(
        "auto", "torch, onnx, or auto: the one that `pick` uses."
    )
