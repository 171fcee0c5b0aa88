"""From picks to events."""

from ..plots import plot_association, plot_moveout, plot_timeline
from .associate import METHODS, associate, make_options, options_of
from .compare import Comparison, compare
from .interface import Association, Options

__all__ = [
    "METHODS",
    "Association",
    "Comparison",
    "Options",
    "associate",
    "compare",
    "make_options",
    "options_of",
    "plot_association",
    "plot_moveout",
    "plot_timeline",
]
