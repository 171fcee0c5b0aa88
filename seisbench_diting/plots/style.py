"""Palette, style and wording of all pictures, and how they are saved."""

from __future__ import annotations

import functools
import io
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from .._util import ArgumentError, check_place, replacing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Colours of Okabe and Ito, which most people with colour blindness can tell apart.
SERIES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")

COLOURS = {"P": SERIES[0], "S": SERIES[1]}

GREY = "#555555"

#: Picks that were not chosen.
DISCARDED = SERIES[3]

_PICTURES = (".png", ".pdf", ".svg", ".jpg")

_STYLE: dict[Any, Any] = {
    "font.size": 9.5,
    "axes.titlesize": 10,
    "legend.frameon": False,
    "axes.formatter.useoffset": False,
    "axes.formatter.limits": (-3, 4),
    "lines.linewidth": 1,
    "axes.prop_cycle": f"cycler(color={list(SERIES)})",
}

# Matplotlib's settings belong to the process, not to a thread.
_LOCK = threading.RLock()


@contextmanager
def styled() -> Iterator[None]:
    """Style of all pictures, while one is made or drawn; also a decorator."""
    # Imported here: it takes longer than picking a short record.
    import matplotlib

    with _LOCK, matplotlib.rc_context(_STYLE):
        yield


@functools.cache
def _figure_class() -> type[Figure]:
    from matplotlib.figure import Figure

    class ShownFigure(Figure):
        """A figure that a notebook shows below its cell, without pyplot."""

        # Ticks are made when a figure is drawn.
        @styled()
        def draw(self, renderer: Any) -> None:
            super().draw(renderer)

        def _repr_png_(self) -> bytes:
            memory = io.BytesIO()
            self.savefig(memory, format="png", dpi=100)
            return memory.getvalue()

    return ShownFigure


def new_figure(width: float, height: float, layout: Any = "constrained") -> Figure:
    """
    :param width: Inches
    :param height: Inches
    :param layout: How panels are placed: ``constrained``, or ``none``
    :return: Figure that a notebook shows without pyplot
    """
    return _figure_class()(figsize=(width, height), layout=layout)


def legend_below(figure: Figure, panels: Iterable[Any]) -> None:
    """
    Adds a legend that covers nothing.

    :param figure: Figure
    :param panels: Panels whose labelled artists it shows
    """
    found: dict[str, Any] = {}
    for panel in panels:
        for handle, label in zip(*panel.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    place: Any = {"loc": "outside lower center", "ncols": len(found)}
    figure.legend(found.values(), found.keys(), fontsize=9, handlelength=1.6, **place)


def write(
    panel: Any, text: str, x: float, y: float, offset: tuple[float, float], **style: Any
) -> None:
    """
    :param panel: Panel
    :param text: Text
    :param x: Place in the panel; in other coordinates with ``xycoords``
    :param y: Place in the panel
    :param offset: Points from there to the text
    :param style: Options of Matplotlib's ``annotate``
    """
    panel.annotate(text, (x, y), offset, textcoords="offset points", **style)


def nothing(reason: str) -> ValueError:
    """:return: Error of a picture that would be empty"""
    return ValueError(f"{reason}: there is nothing to draw.")


def colour_of(phase: str) -> str:
    """
    :param phase: Such as P, Pg or S
    :return: Its colour
    """
    return COLOURS.get(phase[:1], GREY)


def band_text(band: tuple[float, float]) -> str:
    """
    :param band: Lowest and highest frequency in Hz
    :return: The frequency band, for a label
    """
    return f"{band[0]:g}\N{EN DASH}{band[1]:g} Hz"


def utc(time: Any) -> pd.Timestamp:
    """
    :param time: Time; UTC if it has no time zone
    :return: Time in UTC
    """
    stamp = pd.Timestamp(getattr(time, "datetime", time))
    return stamp.tz_localize("UTC") if stamp.tz is None else stamp.tz_convert("UTC")


def describe_event(event: Any) -> str:
    """
    :param event: Row of a table of events, or an object with such attributes
    :return: Name, time, magnitude and depth, as far as they are known
    """
    time = utc(event.time).round("100ms").strftime("%Y-%m-%d %H:%M:%S.%f")
    words = [str(event.event_id), f"{time[:-5]} UTC"]
    magnitude = getattr(event, "magnitude", None)
    if pd.notna(magnitude):
        kind = getattr(event, "magnitude_type", None) or "M"
        words.append(f"{kind} {magnitude:.1f}")
    if pd.notna(event.depth_km):
        words.append(f"{event.depth_km:.1f} km deep")
    return ", ".join(words)


def check_picture(path: Path) -> None:
    """
    :param path: Picture to write
    :raises ArgumentError: if it does not end as one
    :raises OSError: if it can't be written
    """
    if path.suffix.lower() not in _PICTURES:
        possible = f"must end in one of {', '.join(_PICTURES)}"
        raise ArgumentError("output", str(path), possible)
    check_place(path, f"output={str(path)!r}")


def save_figure(figure: Figure, path: Path, dpi: int = 150, **more: Any) -> None:
    """
    Saves a figure in the format of the file's suffix, whole or not at all.

    :param figure: Figure
    :param path: File to write
    :param dpi: Pixels an inch
    :param more: Options of Matplotlib's ``savefig``
    """
    form = path.suffix.lstrip(".") or "png"
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=dpi, format=form, **more)
