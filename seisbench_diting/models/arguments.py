"""Arguments of ``annotate`` and ``classify``: meaning, default, possible values."""

import math
from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
import seisbench
from seisbench.models import WaveformModel

from .backends import BACKENDS, BATCH_ELSEWHERE, BATCH_ON_CPU
from .windows import ORIGINS, STACKING

_INHERITED = (
    "overlap",
    "strict",
    "flexible_horizontal_components",
    "zerophase_resample",
)


_SWITCHES = (
    "strict",
    "flexible_horizontal_components",
    "zerophase_resample",
    "norm_amp_per_comp",
)


def _with_default(key: str, default: Any) -> tuple[str, Any]:
    return WaveformModel._annotate_args[key][0], default


#: Name to (documentation, default), in SeisBench's form.
ANNOTATE_ARGS: dict[str, tuple[str, Any]] = {
    **{key: WaveformModel._annotate_args[key] for key in _INHERITED},
    "batch_size": (
        "Number of windows that are evaluated together; None for as many as the "
        f"caches of a CPU hold ({BATCH_ON_CPU}), or {BATCH_ELSEWHERE} on other devices",
        None,
    ),
    "backend": (
        "What runs the network: 'torch'; 'onnx', ONNX Runtime, with the number of "
        "threads of torch.get_num_threads(); or 'auto', which is 'onnx' for models on "
        "the CPU in float32 and 'torch' for others",
        "auto",
    ),
    "overlap": _with_default("overlap", 0.25),
    "stacking": (
        "Stacking method for overlapping windows. Options are 'taper', the average "
        "weighted by the distance from the window's edges, 'avg' and 'max'.",
        "taper",
    ),
    "*_threshold": ("Smallest probability of a pick of the provided phase", 0.3),
    "min_separation": (
        "Of two picks of one phase at one station closer than this, in seconds, "
        "the more probable one stays",
        1.0,
    ),
    "window_origin": (
        "What the positions of the windows are counted from: 'time', so that the "
        "same windows are used wherever a record begins and picks do not depend on "
        "how data are cut into files; 'record', from the record's first sample, as "
        "in SeisBench and the published pickers; 'auto', which is 'time' for an "
        "overlap given as a fraction and 'record' for one given in samples",
        "auto",
    ),
    "norm_amp_per_comp": (
        "If true, divide each component by its own peak instead of all by their "
        "joint peak. The published picking scripts do so; the networks were "
        "trained with the joint peak.",
        False,
    ),
    "blinding": (
        "Number of prediction samples to discard on each side of each window "
        "prediction",
        (0, 0),
    ),
}


def overlap_samples(overlap: float, in_samples: int) -> int:
    """An overlap, given as a share of the window or in samples, in samples."""
    return int(overlap * in_samples if overlap < 1 else overlap)


def check_arguments(
    argdict: Mapping[str, Any],
    documented: Mapping[str, tuple[str, Any]],
    in_samples: int,
    stride: int,
    phases: Sequence[str],
) -> None:
    """
    Refuses impossible values, and warns about thresholds of phases that the model does
    not have.

    :param argdict: Arguments as given by the user
    :param documented: Arguments of the model with their defaults
    :param in_samples: Length of a window
    :param stride: Input samples per output sample
    :param phases: Phases of the model
    :raises ValueError: If an argument has an impossible value
    """
    samples = in_samples // stride
    rules = {
        "overlap": (
            lambda x: (
                is_number(x)
                and 0 <= overlap_samples(x, in_samples) <= in_samples - stride
            ),
            "a share of the window, from 0 to below 1, or a number of samples, 1 to "
            f"{in_samples - stride}",
        ),
        "stacking": (
            lambda x: isinstance(x, str) and x.lower() in STACKING,
            f"one of {', '.join(STACKING)}",
        ),
        "window_origin": (lambda x: x in ORIGINS, f"one of {', '.join(ORIGINS)}"),
        "batch_size": (
            lambda x: x is None or (_is_whole(x) and x >= 1),
            "a whole number of at least 1, or None",
        ),
        "backend": (
            lambda x: isinstance(x, str) and x in BACKENDS,
            f"one of {', '.join(BACKENDS)}",
        ),
        "min_separation": (
            lambda x: is_number(x) and x >= 0,
            "a number of seconds of at least 0",
        ),
        "blinding": (
            lambda x: (
                isinstance(x, list | tuple)
                and len(x) == 2
                and all(_is_whole(side) and side >= 0 for side in x)
                and sum(x) < samples
            ),
            f"two whole numbers of at least 0 with a sum below {samples}",
        ),
    }
    for key in _SWITCHES:
        rules[key] = (lambda x: isinstance(x, bool | np.bool_), "True or False")
    for key, (is_possible, allowed) in rules.items():
        value = argdict.get(key, documented[key][1])
        if not is_possible(value):
            raise ValueError(f"{key}={value!r} is not possible; use {allowed}.")
    for key, value in argdict.items():
        if key.endswith("_threshold") and not (is_number(value) and 0 <= value <= 1):
            raise ValueError(
                f"{key}={value!r} is not possible; use a number from 0 to 1."
            )
        phase = key.removesuffix("_threshold")
        if phase != key and not any(phase in ("*", x, x[0]) for x in phases):
            seisbench.logger.warning(
                f"{key} has no effect: the phases of this model are "
                f"{', '.join(phases)}."
            )


def is_number(value: object) -> bool:
    """If it is a real number, neither infinite nor true or false."""
    return (
        isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
    )


def _is_whole(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)
