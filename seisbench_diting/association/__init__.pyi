from .associate_settings import FORMATS as FORMATS
from .associate_settings import METHODS as METHODS
from .associate_settings import AssociateSettings as AssociateSettings
from .associate_settings import CompareSettings as CompareSettings
from .associate_settings import ExportEventsSettings as ExportEventsSettings
from .associate_settings import method_settings as method_settings
from .comparison import Comparison as Comparison
from .comparison import compare as compare
from .core import Association as Association
from .core import associate as associate
from .core import check_output as check_output
from .core import files_of as files_of
from .core import write_files as write_files

__all__ = [
    "FORMATS",
    "METHODS",
    "AssociateSettings",
    "Association",
    "CompareSettings",
    "Comparison",
    "ExportEventsSettings",
    "associate",
    "check_output",
    "compare",
    "files_of",
    "method_settings",
    "write_files",
]
