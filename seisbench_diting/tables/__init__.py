"""The tables that everything after picking speaks, and their files."""

from .assignments import assignment_table, check_association
from .association_files import read_association, write_association
from .association_text import (
    association_lines,
    read_association_text,
    write_association_text,
)
from .catalog_text import event_lines, read_events_text
from .chunks import Picks, pick_chunks
from .event_files import read_events, write_events
from .events import EVENT_TABLE_COLUMNS, QUALITY_COLUMNS, event_names, event_table
from .files import read_picks, write_picks
from .frames import from_gamma, from_pyocto, to_gamma, to_pyocto
from .picks import COLUMNS, EVENT_COLUMNS, PHASES, pick_table
from .real import read_real, write_real
from .station_files import read_stations, stations_from, write_stations
from .stations import (
    STATION_COLUMNS,
    Station,
    find_station,
    station_table,
    stations_from_inventory,
    stations_from_stream,
)
from .text import pick_lines, read_picks_text, write_picks_text

__all__ = [
    "COLUMNS",
    "EVENT_COLUMNS",
    "EVENT_TABLE_COLUMNS",
    "PHASES",
    "QUALITY_COLUMNS",
    "STATION_COLUMNS",
    "Picks",
    "Station",
    "assignment_table",
    "association_lines",
    "check_association",
    "event_lines",
    "event_names",
    "event_table",
    "find_station",
    "from_gamma",
    "from_pyocto",
    "pick_chunks",
    "pick_lines",
    "pick_table",
    "read_association",
    "read_association_text",
    "read_events",
    "read_events_text",
    "read_picks",
    "read_picks_text",
    "read_real",
    "read_stations",
    "station_table",
    "stations_from",
    "stations_from_inventory",
    "stations_from_stream",
    "to_gamma",
    "to_pyocto",
    "write_association",
    "write_association_text",
    "write_events",
    "write_picks",
    "write_picks_text",
    "write_real",
    "write_stations",
]
