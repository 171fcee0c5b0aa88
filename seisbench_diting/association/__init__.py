"""From picks to events."""

from .associate import METHODS, associate, make_options, options_of
from .interface import Association, Options

__all__ = [
    "METHODS",
    "Association",
    "Options",
    "associate",
    "make_options",
    "options_of",
]
