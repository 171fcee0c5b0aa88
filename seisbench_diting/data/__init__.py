"""The DiTing dataset, and its conversion from the original files."""

from .check import CheckReport, check_dataset
from .conversion import convert, plan_conversion
from .diting import DiTing
from .report import REPORT_FILE, ConversionReport

__all__ = [
    "REPORT_FILE",
    "CheckReport",
    "ConversionReport",
    "DiTing",
    "check_dataset",
    "convert",
    "plan_conversion",
]

#: Datasets that are added to SeisBench.
DATASETS = ("DiTing",)
