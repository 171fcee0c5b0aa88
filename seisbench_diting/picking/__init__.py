"""From waveforms on disk to a table of picks."""

from ..figures import plot_picks
from .archive import pick_archive
from .running import RunPicks
from .stream import pick_stream

__all__ = ["RunPicks", "pick_archive", "pick_stream", "plot_picks"]
