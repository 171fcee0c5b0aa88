from .evaluation_report import plot_dependence as plot_dependence
from .evaluation_report import plot_residuals as plot_residuals
from .evaluation_report import plot_thresholds as plot_thresholds
from .evaluation_report import plot_window as plot_window
from .evaluation_report import table as table
from .evaluation_report import worst_windows as worst_windows
from .evaluation_report import write_report as write_report
from .evaluation_settings import COUNTINGS as COUNTINGS
from .evaluation_settings import EvaluateSettings as EvaluateSettings
from .evaluation_settings import LatencySettings as LatencySettings
from .latency import Latency as Latency
from .latency import count_flops as count_flops
from .latency import measure_latencies as measure_latencies
from .latency import measure_latency as measure_latency
from .metrics import Evaluation as Evaluation
from .metrics import Interval as Interval
from .metrics import PhaseMetrics as PhaseMetrics
from .metrics import Window as Window
from .metrics import measure as measure
from .metrics import read_validation as read_validation
from .metrics import write_validation as write_validation
from .scoring import evaluate as evaluate
from .scoring import evaluate_models as evaluate_models
from .scoring import output_files as output_files
from .window_pickers import WindowPicker as WindowPicker
from .window_pickers import load_picker as load_picker

__all__ = [
    "COUNTINGS",
    "EvaluateSettings",
    "Evaluation",
    "Interval",
    "Latency",
    "LatencySettings",
    "PhaseMetrics",
    "Window",
    "WindowPicker",
    "count_flops",
    "evaluate",
    "evaluate_models",
    "load_picker",
    "measure",
    "measure_latencies",
    "measure_latency",
    "output_files",
    "plot_dependence",
    "plot_residuals",
    "plot_thresholds",
    "plot_window",
    "read_validation",
    "table",
    "worst_windows",
    "write_report",
    "write_validation",
]
