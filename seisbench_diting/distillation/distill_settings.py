"""Settings of a distillation."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, field_validator

from .. import training
from .._util import INSTRUMENT_PREFERENCE, Names, option
from ..waveforms import Inputs, Instruments, NamePatternOption, StationPatterns, Time

#: Augmentations of windows, besides moving and stretching them. They are strong because
#: a few hours of data have to represent everything that a picker may meet.
AUGMENTATIONS: Mapping[str, Any] = {
    "time_stretch": 0.7,
    "second_event": 0.25,
    "second_event_ratio": (0.1, 3.0),
    "component_gain": 0.5,
    "differentiation": 0.12,
    "integration": 0.15,
    "band_limit": 0.45,
    "gaussian_noise": 0.2,
    "real_noise": 0.2,
    "snr_db": (3.0, 30.0),
    "clipping": 0.05,
    "glitch": 0.06,
    "rotation": 0.6,
    "polarity_flip": 0.5,
    "record_edge": 0.3,
    "component_dropout": 0.2,
    "gap": 0.06,
}


_Share = Annotated[float, Field(ge=0)]


class DistillSettings(training.LearnSettings):
    """Settings of a distillation."""

    settings_file = "distillation.json"
    positional = ("student", "teachers", "inputs", "output")

    student: str = option(
        ..., "Picker to train: LPPNT, LPPNM, LPPNL, UNet, UNetPP, RNN, EQT.", "-m"
    )
    teachers: Names = option(
        ...,
        "Pickers to learn from: MODEL/SET, such as RNN/csn,EQT/csn; saved SeisBench "
        "models; files of probabilities or folders of them, with #NAME for one array.",
        *("--teacher", "-t"),
        many=True,
        min_length=1,
    )
    inputs: Inputs = option(
        ...,
        "Folder, waveform file or list of files, as for `pick`. May be repeated.",
        *("--input", "-i"),
        metavar="PATH",
        many=True,
        positional=True,
    )
    output: training.Output
    max_steps: int = option(5000, "Number of steps.", ge=1)
    lr: float = option(2e-3, "Peak of the learning rate.", gt=0)
    init: str | Path | None = option(
        None,
        "Initial weights: MODEL/SET, a saved SeisBench model, or random. Default: the "
        "student's default weights.",
    )
    averaging: float = option(
        0.998, "Decay of the running mean of the parameters; 0 for none.", ge=0, lt=1
    )
    padlen: training.Padlen = 256
    workers: training.Workers = 1
    held_out: float = option(
        0.1, "Share of the data for validation, the end of each station.", ge=0, lt=1
    )
    validation: str | Path | None = option(
        None, "Validate on the split dev of this labelled SeisBench dataset instead."
    )
    shares: tuple[_Share, _Share, _Share, _Share] = option(
        (0.6, 0.08, 0.12, 0.2),
        "Shares of windows with arrivals, with quiet noise, with noise that is loud or in "
        "which a teacher hesitated, and of those that begin in the coda of an earthquake.",
    )
    overlap: float = option(0.75, "Overlap of a teacher's windows.", ge=0, lt=1)
    threshold: float = option(0.05, "Smallest probability of an arrival.", gt=0, lt=1)
    even: float = option(
        0.18,
        "Mean probability of the teachers that becomes a label of 0.5: teachers are too "
        "cautious on records unlike their training data, and students even more so.",
        gt=0,
        lt=1,
    )
    cache_gb: float = option(
        4.0,
        "Disk space for waveforms in the run's folder, in GB. From larger archives, only "
        "some stretches with arrivals and with noise are used.",
        gt=0,
    )
    instruments: Instruments = option(
        INSTRUMENT_PREFERENCE, "Codes of band and instrument, the preferred first."
    )
    stations: StationPatterns = option(
        (), "Patterns of NET.STA or NET.STA.LOC, such as CX.PB*.", many=True
    )
    start: Time = option(None, "Start of the time to use, UTC, such as 2014-05-01.")
    end: Time = option(None, "End of the time to use, exclusive.")
    name_pattern: NamePatternOption = None

    @field_validator("shares", mode="before")
    @classmethod
    def _check_shares(cls, value: Any) -> Any:
        shares = value.split(",") if isinstance(value, str) else value
        if not float(shares[0]) > 0:
            raise ValueError("there must be windows with arrivals")
        return shares
