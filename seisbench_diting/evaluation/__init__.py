"""How well models pick: metrics, validation files, reports."""

from .counting import COUNTINGS, Interval, PhaseMetrics, measure
from .validation import Window, read_validation, write_validation

__all__ = [
    "COUNTINGS",
    "Interval",
    "PhaseMetrics",
    "Window",
    "measure",
    "read_validation",
    "write_validation",
]
