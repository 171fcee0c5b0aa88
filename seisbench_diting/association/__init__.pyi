from .associate_settings import FORMATS as FORMATS
from .associate_settings import METHODS as METHODS
from .associate_settings import AssociateSettings as AssociateSettings
from .associate_settings import CompareSettings as CompareSettings
from .associate_settings import ExportEventsSettings as ExportEventsSettings
from .associate_settings import MagnitudeSettings as MagnitudeSettings
from .associate_settings import method_settings as method_settings
from .comparison import Comparison as Comparison
from .comparison import compare as compare
from .core import Association as Association
from .core import associate as associate
from .core import check_output as check_output
from .core import files_of as files_of
from .core import write_files as write_files
from .magnitudes import local_magnitudes as local_magnitudes
from .magnitudes import wood_anderson as wood_anderson

__all__ = [
    "FORMATS",
    "METHODS",
    "AssociateSettings",
    "Association",
    "CompareSettings",
    "Comparison",
    "ExportEventsSettings",
    "MagnitudeSettings",
    "associate",
    "check_output",
    "compare",
    "files_of",
    "local_magnitudes",
    "method_settings",
    "wood_anderson",
    "write_files",
]
