"""The DiTing dataset, and its conversion from the original files."""

from .check import CheckReport, check_dataset
from .conversion import convert, plan_conversion
from .diting import DiTing
from .opening import open_dataset
from .report import REPORT_FILE, ConversionReport

__all__ = [
    "REPORT_FILE",
    "CheckReport",
    "ConversionReport",
    "DiTing",
    "check_dataset",
    "convert",
    "open_dataset",
    "plan_conversion",
]
