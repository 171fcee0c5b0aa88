"""Palette and style of all pictures, and how they are saved."""

from __future__ import annotations

import functools
import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._util import replacing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Colours of Okabe and Ito, which most people with colour blindness can tell apart.
SERIES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")

COLOURS = {"P": SERIES[0], "S": SERIES[1]}

GREY = "#555555"

#: Picks that belong to nothing, or were not chosen.
OTHER, DISCARDED = "#999999", SERIES[3]

_STYLE = {
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.labelsize": 9,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "figure.titlesize": 10,
    "axes.formatter.useoffset": False,
    "axes.formatter.limits": (-3, 4),
    "lines.linewidth": 1,
    "date.converter": "concise",
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


def new_figure(**options: Any) -> Figure:
    """
    :param options: Of Matplotlib's ``Figure``
    :return: Figure, which a notebook shows without pyplot
    """
    return _figure_class()(**options)


def legend_below(figure: Figure, handles: list[Any]) -> None:
    """
    Adds a legend that covers nothing.

    :param figure: Figure with constrained layout
    :param handles: What it shows
    """
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=len(handles),
        frameon=False,
        fontsize=9,
        handlelength=1.6,
        columnspacing=1.4,
    )


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


def save_figure(figure: Figure, path: Path) -> None:
    """
    Saves a figure in the format of the file's suffix, whole or not at all.

    :param figure: Figure
    :param path: File to write
    """
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=150, format=path.suffix.lstrip(".") or "png")
