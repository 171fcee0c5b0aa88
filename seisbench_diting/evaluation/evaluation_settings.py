"""Settings of ``evaluate`` and ``latency``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, model_validator

from .._util import NetworkFileSettings, option

#: Smallest probability of a pick.
THRESHOLD = 0.3

#: A pick nearer to an arrival than this is right.
TOLERANCE_S = 0.5


def _as_list(value: Any) -> Any:
    if value is None:
        return []
    return value if isinstance(value, list | tuple) else [value]


Models = Annotated[list[Any], BeforeValidator(_as_list)]


class EvaluateSettings(NetworkFileSettings):
    """Settings of evaluating pickers."""

    model: Models = option(
        [],
        "Published set (LPPNM/diting), SeisBench model (PhaseNet/stead), or file as for "
        "`pick`; may be repeated.",
        "-m",
        metavar="NAME",
        many=True,
    )
    data: Any = option(
        None,
        "SeisBench dataset: its folder or its name.",
        *("--input", "-i"),
        metavar="DATASET",
    )
    output: Path | None = option(
        None,
        "Validation text file to write; for several models one each, with the model in "
        "its name.",
        "-o",
        metavar="FILE",
    )
    picks: Path | None = option(
        None, "Evaluate this validation text file instead of models.", metavar="FILE"
    )
    report: Path | None = option(
        None, "Folder for pictures and a page with everything.", metavar="FOLDER"
    )
    split: Literal["train", "dev", "test", "all"] = option(
        "test", "Part of the dataset: train, dev, test or all."
    )
    tolerance: float = option(
        TOLERANCE_S,
        "A pick nearer to an arrival than this, in seconds, is right.",
        gt=0,
    )
    threshold: float = option(
        THRESHOLD, "Smallest probability of a pick.", "height", "prob", ge=0, le=1
    )
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
        if self.picks is not None:
            if self.model or self.data is not None:
                raise ValueError("--picks does not go with --model and --input.")
        elif not self.model or self.data is None:
            raise ValueError("Name models with -m and a dataset with -i, or --picks.")
        return self


class LatencySettings(NetworkFileSettings):
    """Settings of measuring how long networks take."""

    model: Models = option(
        [],
        "Published set (LPPNM/diting), SeisBench pair or network file; may be repeated. "
        "Default: all seven networks with random parameters, which take as long.",
        "-m",
        metavar="NAME",
        many=True,
    )
    device: str = option("cpu", "cpu, cuda, cuda:1, ...", "-d")
    batch: int = option(1440, "Number of windows.", ge=1)
    cycles: int = option(5, "Cycles, whose median counts.", ge=1)
    backend: Literal["auto", "torch", "onnx"] = option(
        "auto", "torch, onnx, or auto: the one that `pick` uses."
    )
