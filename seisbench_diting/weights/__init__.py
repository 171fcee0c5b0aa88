"""Published weights of the pickers: which there are, and how they reach the cache."""

from .registry import (
    CITATION,
    DEFAULT_SETS,
    WEIGHT_SETS,
    ChecksumError,
    Score,
    Scores,
    WeightSet,
    find_set,
    weight_sets,
)
from .store import (
    BUNDLED,
    MIRROR_VARIABLE,
    WeightsError,
    find_in_folder,
    install,
    read_set,
)

__all__ = [
    "BUNDLED",
    "CITATION",
    "DEFAULT_SETS",
    "MIRROR_VARIABLE",
    "WEIGHT_SETS",
    "ChecksumError",
    "Score",
    "Scores",
    "WeightSet",
    "WeightsError",
    "find_in_folder",
    "find_set",
    "install",
    "read_set",
    "weight_sets",
]
