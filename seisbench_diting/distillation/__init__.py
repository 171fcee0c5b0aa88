"""Small pickers from large ones, without labels."""

# Says what to install where Lightning is missing.
from .. import training  # noqa: F401
from .distill import DistillationResult, distill
from .settings import AUGMENTATIONS, DistillationSettings

__all__ = ["AUGMENTATIONS", "DistillationResult", "DistillationSettings", "distill"]
