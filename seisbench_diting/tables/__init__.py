"""The tables that everything after picking speaks, and their files."""

from .files import read_picks, write_picks
from .picks import COLUMNS, EVENT_COLUMNS, PHASES, pick_table
from .text import pick_lines, read_picks_text, write_picks_text

__all__ = [
    "COLUMNS",
    "EVENT_COLUMNS",
    "PHASES",
    "pick_lines",
    "pick_table",
    "read_picks",
    "read_picks_text",
    "write_picks",
    "write_picks_text",
]
