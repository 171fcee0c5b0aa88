"""How well models pick: metrics, validation files, reports."""

from .counting import COUNTINGS, Interval, PhaseMetrics, measure
from .evaluate import Evaluation, evaluate, evaluate_picks
from .pickers import WindowPicker, load_picker
from .report import write_report
from .tables import table
from .validation import Window, read_validation, write_validation

__all__ = [
    "COUNTINGS",
    "Evaluation",
    "Interval",
    "PhaseMetrics",
    "Window",
    "WindowPicker",
    "evaluate",
    "evaluate_picks",
    "load_picker",
    "measure",
    "read_validation",
    "table",
    "write_report",
    "write_validation",
]
