"""Figures that a notebook shows by themselves."""

from __future__ import annotations

import io

from matplotlib.figure import Figure


class ShownFigure(Figure):
    """A figure that needs no pyplot to be shown below a notebook's cell."""

    def _repr_png_(self) -> bytes:
        memory = io.BytesIO()
        self.savefig(memory, format="png", dpi=100)
        return memory.getvalue()
