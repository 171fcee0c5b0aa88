from .page import write_report as write_report
from .report_settings import ReportSettings as ReportSettings

__all__ = ["ReportSettings", "write_report"]
