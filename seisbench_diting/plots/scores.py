"""Trainings, evaluations and measurements of speed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np

from .style import COLOURS, GREY, SERIES, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Points of a curve, x and y.
Curve = tuple[Sequence[float], Sequence[float]] | np.ndarray


@styled()
def plot_losses(
    curves: Mapping[str, Sequence[tuple[int, float]]], title: str
) -> Figure:
    """
    :param curves: Steps and values of ``loss``, ``validation_loss``, ``validation_f1_P`` and
        ``validation_f1_S``, as far as there are any
    :param title: Heading
    :return: Loss of training and validation, and F1, over the steps
    """
    figure = new_figure(8, 6)
    upper, lower = figure.subplots(2, 1, sharex=True)
    for panel, names in (
        (upper, ("loss", "validation_loss")),
        (lower, ("validation_f1_P", "validation_f1_S")),
    ):
        for name in names:
            if values := curves.get(name):
                panel.plot(*np.array(values).T, label=name)
        if panel.lines:
            panel.legend()
    upper.set(ylabel="Loss a window", yscale="log")
    lower.set(ylabel="F1", ylim=(0, 1), xlabel="Step")
    figure.suptitle(title)
    return figure


@styled()
def plot_residuals(
    models: Sequence[Mapping[str, tuple[str, Sequence[float]]]],
    tolerance: float,
    limit: float = 1.5,
) -> Figure:
    """
    :param models: For each model, for P and for S a heading and the residuals in s, label
        minus pick
    :param tolerance: Smaller residuals are of right picks
    :param limit: Largest residual that is shown
    :return: Histograms, a row for each model
    """
    figure = new_figure(9, 2.2 * len(models))
    panels = figure.subplots(len(models), 2, squeeze=False, sharex=True)
    edges = np.linspace(-limit, limit, 121)
    for row, model in zip(panels, models, strict=True):
        for panel, (phase, (heading, residuals)) in zip(
            row, model.items(), strict=True
        ):
            panel.hist(residuals, edges, color=COLOURS[phase])
            panel.set_title(heading, fontsize=9)
            for side in (-tolerance, tolerance):
                panel.axvline(side, color="0.6", lw=0.8, ls=":")
    for panel in panels[-1]:
        panel.set_xlabel("Label minus pick (s)")
    return figure


@styled()
def plot_thresholds(
    curves: Mapping[str, Mapping[str, Curve]],
    chosen: Mapping[str, Mapping[str, tuple[float, float]]],
) -> Figure:
    """
    :param curves: For each model, for P and for S, recall and precision over thresholds
    :param chosen: The same at the threshold that was asked for
    :return: Precision over recall, with a dot at the chosen threshold
    """
    figure = new_figure(9, 4)
    for panel, phase in zip(figure.subplots(1, 2), "PS", strict=True):
        for name, of_model in curves.items():
            (line,) = panel.plot(*of_model[phase], label=name)
            panel.plot(*chosen[name][phase], "o", color=line.get_color())
        panel.set(xlabel="Recall", ylabel="Precision", title=phase)
        panel.set(xlim=(0, 1.02), ylim=(0, 1.02))
        panel.grid(alpha=0.3)
        panel.legend()
    return figure


@styled()
def plot_dependence(
    quantities: Mapping[str, Mapping[str, Mapping[str, Curve]]],
) -> Figure:
    """
    :param quantities: For each quantity, for P and for S, for each model, values and F1
    :return: F1 over the quantities
    """
    figure = new_figure(4 * len(quantities), 5.2)
    panels = figure.subplots(2, len(quantities), squeeze=False, sharex="col")
    for column, (title, phases) in zip(panels.T, quantities.items(), strict=True):
        for panel, (phase, models) in zip(column, phases.items(), strict=True):
            for name, curve in models.items():
                panel.plot(*curve, "o-", ms=3, label=name)
            panel.set(ylabel=f"F1 of {phase}", ylim=(0, 1.02))
            panel.grid(alpha=0.3)
        column[-1].set_xlabel(title)
    panels[0, 0].legend()
    return figure


@styled()
def plot_latencies(latencies: Sequence[Any]) -> Figure:
    """
    :param latencies: Latencies of :py:mod:`seisbench_diting.evaluation`, with F1
    :return: F1 of P and S over the milliseconds, a colour a model, a marker a backend
    """
    figure = new_figure(10, 4)
    panels = figure.subplots(1, 2)
    colours, markers = cycle(SERIES), cycle("osD^v")
    models = {name: next(colours) for name in dict.fromkeys(x.model for x in latencies)}
    backends = {b: next(markers) for b in dict.fromkeys(x.backend for x in latencies)}
    for number, (panel, phase) in enumerate(zip(panels, "PS", strict=True)):
        for x in latencies:
            dot = {"marker": backends[x.backend], "color": models[x.model]}
            panel.plot(x.milliseconds, x.f1[number], **dot)
        panel.set(xscale="log", xlabel=f"ms for {latencies[0].batch} windows")
        panel.set_ylabel(f"F1 of {phase}")
        panel.grid(alpha=0.3)
    for name, colour in models.items():
        # Paths may be longer than the picture.
        panels[1].plot([], [], "s", color=colour, label=name[-24:])
    for backend, marker in backends.items():
        panels[1].plot([], [], marker, color=GREY, label=backend)
    figure.legend(*panels[1].get_legend_handles_labels(), loc="outside right center")
    figure.suptitle(f"F1 over time on {latencies[0].device}")
    return figure
