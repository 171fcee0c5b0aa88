from .chunks import PartReport as PartReport
from .conversion import REPORT_FILE as REPORT_FILE
from .conversion import ConversionReport as ConversionReport
from .conversion import convert as convert
from .conversion import plan_conversion as plan_conversion
from .conversion import run_conversion as run_conversion
from .convert_settings import ConvertSettings as ConvertSettings
from .diting import DiTing as DiTing
from .diting import open_dataset as open_dataset
from .verification import CheckReport as CheckReport
from .verification import check_dataset as check_dataset

__all__ = [
    "REPORT_FILE",
    "CheckReport",
    "ConversionReport",
    "ConvertSettings",
    "DiTing",
    "PartReport",
    "check_dataset",
    "convert",
    "open_dataset",
    "plan_conversion",
    "run_conversion",
]
