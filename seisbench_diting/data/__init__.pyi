from .conversion import REPORT_FILE as REPORT_FILE
from .conversion import ConversionReport as ConversionReport
from .conversion import PartReport as PartReport
from .conversion import convert as convert
from .convert_settings import ConvertSettings as ConvertSettings
from .convert_settings import DatasetSettings as DatasetSettings
from .diting import DiTing as DiTing
from .diting import open_dataset as open_dataset
from .labelled import DatasetReport as DatasetReport
from .labelled import make_dataset as make_dataset

__all__ = [
    "REPORT_FILE",
    "ConversionReport",
    "ConvertSettings",
    "DatasetReport",
    "DatasetSettings",
    "DiTing",
    "PartReport",
    "convert",
    "make_dataset",
    "open_dataset",
]
