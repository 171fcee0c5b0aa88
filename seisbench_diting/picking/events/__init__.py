"""Picks of known events: travel times, windows, the choice, figures."""

from ...plots import plot_map, plot_section, plot_station
from ...travel_times import TravelTimes, VelocityModelError
from .choosing import REASONS, Arrivals, Fit, choose_picks
from .geometry import Event, arrivals_at
from .picker import EventPicks, pick_event
from .run import pick_events
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
