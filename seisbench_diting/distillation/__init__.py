"""Small pickers from large ones, without labels."""

from .distill import DistillationResult, distill
from .settings import AUGMENTATIONS, DistillationSettings

__all__ = ["AUGMENTATIONS", "DistillationResult", "DistillationSettings", "distill"]
