from .day_plots import plot_picks as plot_picks
from .event_picks import REASONS as REASONS
from .event_picks import Arrivals as Arrivals
from .event_picks import Event as Event
from .event_picks import EventPicks as EventPicks
from .event_picks import Fit as Fit
from .event_picks import arrivals_at as arrivals_at
from .event_picks import choose_picks as choose_picks
from .event_picks import pick_event as pick_event
from .event_runs import pick_events as pick_events
from .outputs import pick_chunks as pick_chunks
from .pick_settings import STATE as STATE
from .pick_settings import SUMMARY as SUMMARY
from .pick_settings import PickEventsSettings as PickEventsSettings
from .pick_settings import PickOptions as PickOptions
from .pick_settings import PickSettings as PickSettings
from .run import RunPicks as RunPicks
from .run import RunState as RunState
from .run import opened_state as opened_state
from .station_days import pick_archive as pick_archive
from .stream_picks import pick_stream as pick_stream

__all__ = [
    "REASONS",
    "STATE",
    "SUMMARY",
    "Arrivals",
    "Event",
    "EventPicks",
    "Fit",
    "PickEventsSettings",
    "PickOptions",
    "PickSettings",
    "RunPicks",
    "RunState",
    "arrivals_at",
    "choose_picks",
    "opened_state",
    "pick_archive",
    "pick_chunks",
    "pick_event",
    "pick_events",
    "pick_stream",
    "plot_picks",
]
