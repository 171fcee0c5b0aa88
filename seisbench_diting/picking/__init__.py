"""From waveforms on disk to a table of picks."""

from ..plots import plot_picks
from .archive import pick_archive
from .events import pick_event, pick_events
from .running import RunPicks
from .stream import pick_stream

__all__ = [
    "RunPicks",
    "pick_archive",
    "pick_event",
    "pick_events",
    "pick_stream",
    "plot_picks",
]
