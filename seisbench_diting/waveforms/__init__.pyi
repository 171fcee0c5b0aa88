from .archive import DAY as DAY
from .archive import Archive as Archive
from .archive import Database as Database
from .archive import Selection as Selection
from .archive import StationDay as StationDay
from .archive import fingerprint_of as fingerprint_of
from .file_search import NamePattern as NamePattern
from .file_search import check_inputs as check_inputs
from .file_search import find_files as find_files
from .reading import SECOND as SECOND
from .reading import Part as Part
from .reading import Problem as Problem
from .reading import Reading as Reading
from .reading import Segment as Segment
from .reading import UnreadableError as UnreadableError
from .reading import complete_codes as complete_codes
from .reading import cut_overlaps as cut_overlaps
from .reading import read_file as read_file
from .reading import read_part as read_part
from .reading import read_segments as read_segments
from .reading import shared as shared
from .selection import ALL_INSTRUMENTS as ALL_INSTRUMENTS
from .selection import TOLERANCE as TOLERANCE
from .selection import check_instruments as check_instruments
from .selection import check_stations as check_stations
from .selection import check_time as check_time
from .selection import choose_segments as choose_segments
from .selection import covered_spans as covered_spans
from .selection import is_station_of as is_station_of
from .selection import time_span as time_span

__all__ = [
    "ALL_INSTRUMENTS",
    "DAY",
    "SECOND",
    "TOLERANCE",
    "Archive",
    "Database",
    "NamePattern",
    "Part",
    "Problem",
    "Reading",
    "Segment",
    "Selection",
    "StationDay",
    "UnreadableError",
    "check_inputs",
    "check_instruments",
    "check_stations",
    "check_time",
    "choose_segments",
    "complete_codes",
    "covered_spans",
    "cut_overlaps",
    "find_files",
    "fingerprint_of",
    "is_station_of",
    "read_file",
    "read_part",
    "read_segments",
    "shared",
    "time_span",
]
