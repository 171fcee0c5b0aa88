"""Shared utilities: settings, files, locks, signals, processes."""

from .files import (
    LEFTOVER,
    beside,
    check_place,
    read_toml,
    remove_leftovers,
    replacing,
    replacing_together,
    write_text,
)
from .filters import band_filtered, band_sections
from .locks import no_writer, only_writer
from .pool import map_unordered, process_pool, stop_pool
from .progress import Progress, counting
from .seismology import (
    INSTRUMENT_PREFERENCE,
    for_each_rate,
    join_spans,
    station_id,
)
from .settings import (
    ArgumentError,
    Band,
    MissingError,
    Names,
    OptionalBand,
    Paths,
    Settings,
    make,
    option,
    split_names,
    suggestion,
    takes,
)
from .signals import terminated_like_interrupted
from .text import counted, merged

__all__ = [
    "INSTRUMENT_PREFERENCE",
    "LEFTOVER",
    "ArgumentError",
    "Band",
    "MissingError",
    "Names",
    "OptionalBand",
    "Paths",
    "Progress",
    "Settings",
    "band_filtered",
    "band_sections",
    "beside",
    "check_place",
    "counted",
    "counting",
    "for_each_rate",
    "join_spans",
    "make",
    "map_unordered",
    "merged",
    "no_writer",
    "only_writer",
    "option",
    "process_pool",
    "read_toml",
    "remove_leftovers",
    "replacing",
    "replacing_together",
    "split_names",
    "station_id",
    "stop_pool",
    "suggestion",
    "takes",
    "terminated_like_interrupted",
    "write_text",
]
