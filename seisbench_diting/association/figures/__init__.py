"""Pictures of events and of the picks that belong to them."""

from .moveout import plot_moveout
from .overview import plot_association
from .timeline import plot_timeline

__all__ = ["plot_association", "plot_moveout", "plot_timeline"]
