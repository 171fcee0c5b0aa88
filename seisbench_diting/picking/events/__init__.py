"""Picks of known events: travel times, windows, the choice, figures."""

from ...travel_times import TravelTimes, VelocityModelError
from .choosing import REASONS, Arrivals, Fit, choose_picks
from .details import plot_station
from .geometry import Event, arrivals_at
from .maps import plot_map
from .picker import EventPicks, pick_event
from .run import pick_events
from .section import plot_section
from .windows import Window, WindowOptions

__all__ = [
    "REASONS",
    "Arrivals",
    "Event",
    "EventPicks",
    "Fit",
    "TravelTimes",
    "VelocityModelError",
    "Window",
    "WindowOptions",
    "arrivals_at",
    "choose_picks",
    "pick_event",
    "pick_events",
    "plot_map",
    "plot_section",
    "plot_station",
]
