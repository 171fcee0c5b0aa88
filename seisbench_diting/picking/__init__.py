"""From waveforms on disk to a table of picks."""

from ..figures import plot_picks
from .archive import ArchivePicks, pick_archive
from .stream import pick_stream

__all__ = ["ArchivePicks", "pick_archive", "pick_stream", "plot_picks"]
