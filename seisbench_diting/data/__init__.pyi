from .conversion import REPORT_FILE as REPORT_FILE
from .conversion import ConversionReport as ConversionReport
from .conversion import PartReport as PartReport
from .conversion import convert as convert
from .convert_settings import ConvertSettings as ConvertSettings
from .diting import DiTing as DiTing
from .diting import open_dataset as open_dataset

__all__ = [
    "REPORT_FILE",
    "ConversionReport",
    "ConvertSettings",
    "DiTing",
    "PartReport",
    "convert",
    "open_dataset",
]
