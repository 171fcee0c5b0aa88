from .details import plot_station as plot_station
from .event_map import plot_map as plot_map
from .moveout import plot_moveout as plot_moveout
from .overview import plot_association as plot_association
from .scores import plot_example as plot_example
from .scores import plot_latencies as plot_latencies
from .scores import plot_losses as plot_losses
from .section import plot_section as plot_section
from .style import COLOURS as COLOURS
from .style import GREY as GREY
from .style import SERIES as SERIES
from .style import band_text as band_text
from .style import new_figure as new_figure
from .style import save_figure as save_figure
from .timeline import plot_timeline as plot_timeline
from .traces import plot_picks as plot_picks
from .traces import plot_record as plot_record

__all__ = [
    "COLOURS",
    "GREY",
    "SERIES",
    "band_text",
    "new_figure",
    "plot_association",
    "plot_example",
    "plot_latencies",
    "plot_losses",
    "plot_map",
    "plot_moveout",
    "plot_picks",
    "plot_record",
    "plot_section",
    "plot_station",
    "plot_timeline",
    "save_figure",
]
