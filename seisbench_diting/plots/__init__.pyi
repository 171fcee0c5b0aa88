from .maps import ELLIPSE as ELLIPSE
from .maps import plot_association as plot_association
from .maps import plot_map as plot_map
from .scores import plot_dependence as plot_dependence
from .scores import plot_losses as plot_losses
from .scores import plot_residuals as plot_residuals
from .scores import plot_thresholds as plot_thresholds
from .sections import plot_moveout as plot_moveout
from .sections import plot_section as plot_section
from .style import COLOURS as COLOURS
from .style import GREY as GREY
from .style import SERIES as SERIES
from .style import band_text as band_text
from .style import check_picture as check_picture
from .style import new_figure as new_figure
from .style import save_figure as save_figure
from .style import styled as styled
from .traces import plot_picks as plot_picks
from .traces import plot_station as plot_station
from .traces import plot_window as plot_window
from .traces import save_picks as save_picks

__all__ = [
    "COLOURS",
    "ELLIPSE",
    "GREY",
    "SERIES",
    "band_text",
    "check_picture",
    "new_figure",
    "plot_association",
    "plot_dependence",
    "plot_losses",
    "plot_map",
    "plot_moveout",
    "plot_picks",
    "plot_residuals",
    "plot_section",
    "plot_station",
    "plot_thresholds",
    "plot_window",
    "save_figure",
    "save_picks",
    "styled",
]
