from .associators import read_real as read_real
from .associators import to_gamma as to_gamma
from .associators import to_pyocto as to_pyocto
from .associators import write_real as write_real
from .formats import read_association as read_association
from .formats import read_distance_curve as read_distance_curve
from .formats import read_events as read_events
from .formats import read_picks as read_picks
from .formats import read_station_corrections as read_station_corrections
from .formats import read_station_terms as read_station_terms
from .formats import read_stations as read_stations
from .formats import write_association as write_association
from .formats import write_events as write_events
from .formats import write_picks as write_picks
from .formats import write_station_terms as write_station_terms
from .formats import write_stations as write_stations
from .schema import COLUMNS as COLUMNS
from .schema import EVENT_COLUMNS as EVENT_COLUMNS
from .schema import EVENT_TABLE_COLUMNS as EVENT_TABLE_COLUMNS
from .schema import PHASES as PHASES
from .schema import PICK_ERROR_S as PICK_ERROR_S
from .schema import QUALITY_COLUMNS as QUALITY_COLUMNS
from .schema import STATION_COLUMNS as STATION_COLUMNS
from .schema import LeftOut as LeftOut
from .schema import Picks as Picks
from .schema import assignment_table as assignment_table
from .schema import check_association as check_association
from .schema import collected as collected
from .schema import event_names as event_names
from .schema import event_table as event_table
from .schema import pick_table as pick_table
from .stations import Station as Station
from .stations import find_station as find_station
from .stations import station_table as station_table
from .stations import stations_at as stations_at
from .stations import stations_from_inventory as stations_from_inventory
from .stations import stations_from_stream as stations_from_stream

__all__ = [
    "COLUMNS",
    "EVENT_COLUMNS",
    "EVENT_TABLE_COLUMNS",
    "PHASES",
    "PICK_ERROR_S",
    "QUALITY_COLUMNS",
    "STATION_COLUMNS",
    "LeftOut",
    "Picks",
    "Station",
    "assignment_table",
    "check_association",
    "collected",
    "event_names",
    "event_table",
    "find_station",
    "pick_table",
    "read_association",
    "read_distance_curve",
    "read_events",
    "read_picks",
    "read_real",
    "read_station_corrections",
    "read_station_terms",
    "read_stations",
    "station_table",
    "stations_at",
    "stations_from_inventory",
    "stations_from_stream",
    "to_gamma",
    "to_pyocto",
    "write_association",
    "write_events",
    "write_picks",
    "write_real",
    "write_station_terms",
    "write_stations",
]
