"""What a distillation is made of."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..picking.checks import check_time
from ..picking.options import check_instruments
from ..training.settings import check_counts, check_same, to_json

#: File in a run's folder with its settings.
SETTINGS_FILE = "distillation.json"

#: Folder of what the teachers said, in a run's folder; what its digest is called in that file.
LABELS = "labels"

#: Settings that may differ between a run and its continuation.
_FREE = {"output", "workers", "accelerator", "devices", "progress"}

#: What is done to windows, beside moving and stretching them: hours of data have to stand
#: for all that a picker may meet.
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


@dataclass(frozen=True)
class DistillationSettings:
    """
    Settings of a distillation.

    :param student: One of this package's pickers, in any case
    :param teachers: Pickers as :py:func:`seisbench_diting.models.load_model` takes them,
        and files or folders of probabilities, see
        :py:class:`seisbench_diting.distillation.teachers.FileTeacher`
    :param inputs: Folders, waveform files and lists of files, as for picking
    :param output: Folder of the run
    :param init: Weights to begin with, such as ``LPPNM/csn``; ``random`` for none, None
        for the student's default weights
    :param max_steps: Number of steps
    :param batch_size: Windows a step
    :param lr: Largest learning rate; it rises at first and falls to nothing
    :param averaging: Decay of the running mean of the parameters, which is what is kept;
        0 for none
    :param seed: Seed of windows and augmentations
    :param augmentations: Options of
        :py:func:`seisbench_diting.generate.window_augmentations` that differ from
        :py:data:`AUGMENTATIONS`
    :param shares: Shares of windows with arrivals, of quiet noise, and of noise in which a
        teacher hesitated or something happens
    :param sampling_rate: Of the student in Hz; None for that of the weights it begins with
    :param component_order: Of the student, the same
    :param n_samples: Samples a window
    :param padlen: Least distance of the chosen arrival from the window's edges in samples
    :param overlap: Share of a teacher's window that its next one repeats
    :param least: Smallest probability of an arrival
    :param even: Mean probability of the teachers at which there is an arrival as likely as
        not. What the student learns rises steeply there: on records unlike those that they
        know, teachers are too cautious, and a student would be even more so.
    :param held_out: Share of the data, the last of each station, that is not learned from
        but validated on
    :param validation: Labelled SeisBench dataset to validate on instead; its split dev
    :param validate_every: Steps between two validations
    :param validation_windows: Most windows of a validation
    :param checkpoint_every: Steps between two checkpoints
    :param cache_gb: Most disk that waveforms take. Arrivals are kept beside them, some hundred
        bytes each.
    :param instruments: Band and instrument codes, the preferred first
    :param stations: Patterns of NET.STA or NET.STA.LOC
    :param start: First time to use, UTC
    :param end: Time behind the last one to use, UTC
    :param name_pattern: What file names say, for headers that lack codes
    :param workers: Processes that load windows; 0 for none
    :param accelerator: Lightning's accelerator, such as ``cpu`` or ``gpu``
    :param devices: Lightning's devices
    :param progress: If true, shows progress bars
    """

    student: str
    teachers: tuple[str, ...]
    inputs: tuple[str, ...]
    output: str
    init: str | None = None
    max_steps: int = 5000
    batch_size: int = 32
    lr: float = 2e-3
    averaging: float = 0.998
    seed: int = 42
    augmentations: Mapping[str, Any] = field(default_factory=dict)
    shares: tuple[float, float, float] = (0.75, 0.125, 0.125)
    sampling_rate: float | None = None
    component_order: str | None = None
    n_samples: int = 6144
    padlen: int = 256
    overlap: float = 0.75
    least: float = 0.05
    even: float = 0.18
    held_out: float = 0.1
    validation: str | None = None
    validate_every: int = 500
    validation_windows: int = 512
    checkpoint_every: int = 500
    cache_gb: float = 4.0
    instruments: str | None = None
    stations: tuple[str, ...] = ()
    start: str | None = None
    end: str | None = None
    name_pattern: str | None = None
    workers: int = 1
    accelerator: str = "auto"
    devices: int | str = "auto"
    progress: bool = True

    def __post_init__(self) -> None:
        for name in ("teachers", "inputs", "stations"):
            value = getattr(self, name)
            if isinstance(value, str):
                raise ValueError(
                    f"{name}={value!r} must be several names, such as ({value!r},)."
                )
            object.__setattr__(self, name, tuple(str(one) for one in value))
        for name in ("output", "init", "validation"):
            if isinstance(getattr(self, name), Path):
                object.__setattr__(self, name, str(getattr(self, name)))
        check_counts(self)
        if not 0 < self.cache_gb < math.inf:
            raise ValueError(f"cache_gb={self.cache_gb} must be positive.")
        order = self.component_order
        if order is not None and sorted(order) != ["E", "N", "Z"]:
            raise ValueError(
                f"component_order={order!r} must have Z, N and E once each, such as ZNE."
            )
        for name in ("averaging", "overlap", "held_out"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(
                    f"{name}={getattr(self, name)} must be from 0 to below 1."
                )
        for name in ("least", "even"):
            if not 0 < getattr(self, name) < 1:
                raise ValueError(
                    f"{name}={getattr(self, name)} must lie between 0 and 1."
                )
        if len(self.shares) != 3 or not all(
            isinstance(one, (int, float)) and 0 <= one < math.inf for one in self.shares
        ):
            raise ValueError(
                f"shares={self.shares!r} must be three numbers, none negative: of "
                "arrivals, quiet noise and other noise."
            )
        if not self.shares[0] > 0:
            raise ValueError(f"shares={self.shares!r} leaves no windows with arrivals.")
        first, last = self.start_ns, self.end_ns
        if first is not None and last is not None and first >= last:
            raise ValueError(f"start={self.start!r} must be before end={self.end!r}.")
        check_instruments(self.instruments)

    @property
    def start_ns(self) -> int | None:
        """First time to use in nanoseconds since 1970."""
        return check_time(self.start, "start")

    @property
    def end_ns(self) -> int | None:
        """Time behind the last one to use in nanoseconds since 1970."""
        return check_time(self.end, "end")

    @property
    def codes(self) -> tuple[str, ...]:
        """Band and instrument codes, the preferred first."""
        return check_instruments(self.instruments)

    def to_json(self, **others: str) -> str:
        """
        :param others: What else the run is made of
        """
        return to_json({**asdict(self), **others})

    def check_continues(self, folder: Path) -> None:
        """
        :param folder: Folder of the run that is continued, if there is one
        :raises ValueError: if it would not be the same run
        """
        if theirs := _read(folder):
            check_same(json.loads(self.to_json()), theirs, _FREE, self.output)

    def check_learns_from(self, folder: Path, digest: str) -> None:
        """
        :param folder: Folder of the run that is continued
        :param digest: Of what it is about to learn from
        :raises ValueError: if it began with other waveforms or teachers
        """
        if _read(folder).get(LABELS, digest) != digest:
            raise ValueError(
                f"inputs or teachers hold other data than when the run in output="
                f"{self.output!r} began. Choose another output to begin anew, or "
                "resume='never' to begin anew there."
            )


def _read(folder: Path) -> dict[str, Any]:
    """What a run was made of, nothing if there is none."""
    path = folder / SETTINGS_FILE
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise ValueError(
            f"{path} holds no settings of a run ({error}). Choose another output."
        ) from error
    if not isinstance(values, dict):
        raise ValueError(f"{path} holds no settings of a run. Choose another output.")
    return values
