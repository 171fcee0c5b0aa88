"""Trainings and evaluations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .style import COLOURS, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Columns of an evaluation's windows that F1 may depend on.
_QUANTITIES = {
    "snr": "Signal-to-noise ratio",
    "path_ep_distance_km": "Epicentral distance (km)",
    "source_magnitude": "Magnitude",
}

#: Windows in a class of a quantity.
_LEAST = 10


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
def plot_residuals(evaluations: Sequence[Any]) -> Figure:
    """
    :param evaluations: Of :py:mod:`seisbench_diting.evaluation`, one for each model
    :return: Histograms of the residuals, label minus pick, a row for each model. Dotted: the
        tolerance of right picks.
    """
    figure = new_figure(9, 2.2 * len(evaluations))
    panels = figure.subplots(len(evaluations), 2, squeeze=False, sharex=True)
    for row, evaluation in zip(panels, evaluations, strict=True):
        for panel, phase in zip(row, "PS", strict=True):
            found = evaluation.measure(phase, bootstraps=0)
            residuals = evaluation.picks_of(phase)["residual"].dropna()
            panel.hist(residuals, np.linspace(-1.5, 1.5, 121), color=COLOURS[phase])
            spread = f"{found.mean_ms.value:.0f} ± {found.deviation_ms.value:.0f} ms"
            panel.set_title(f"{evaluation.name} {phase}: {spread}", fontsize=9)
            for side in (-1, 1):
                limit = side * evaluation.tolerance
                panel.axvline(limit, color="0.6", lw=0.8, ls=":")
    for panel in panels[-1]:
        panel.set_xlabel("Label minus pick (s)")
    return figure


@styled()
def plot_thresholds(evaluations: Sequence[Any], lowest: float = 0.05) -> Figure:
    """
    :param evaluations: Of :py:mod:`seisbench_diting.evaluation`, one for each model
    :param lowest: Smallest threshold
    :return: Precision over recall for many thresholds, with a dot at the one that was asked
        for
    """
    figure = new_figure(9, 4)
    thresholds = [lowest, *(x for x in np.arange(0.1, 1, 0.1) if x > lowest), 0.95]
    for panel, phase in zip(figure.subplots(1, 2), "PS", strict=True):
        for evaluation in evaluations:
            *curve, chosen = (
                (found.recall.value, found.precision.value)
                for threshold in (*thresholds, None)
                for found in [
                    evaluation.measure(phase, threshold=threshold, bootstraps=0)
                ]
            )
            (line,) = panel.plot(*np.transpose(curve), label=evaluation.name)
            panel.plot(*chosen, "o", color=line.get_color())
        panel.set(xlabel="Recall", ylabel="Precision", title=phase)
        panel.set(xlim=(0, 1.02), ylim=(0, 1.02))
        panel.grid(alpha=0.3)
        panel.legend()
    return figure


@styled()
def plot_dependence(evaluations: Sequence[Any]) -> Figure | None:
    """
    :param evaluations: Of :py:mod:`seisbench_diting.evaluation`, one for each model
    :return: F1 over what is known of the windows, in classes of at least ten; None if
        nothing is known
    """
    windows = evaluations[0].windows
    # Files of the published script hold the same ratio for every window.
    names = [n for n in _QUANTITIES if n in windows and windows[n].nunique() > 2]
    names = [n for n in names if windows[n].count() >= 2 * _LEAST]
    if not names:
        return None
    figure = new_figure(4 * len(names), 5.2)
    panels = figure.subplots(2, len(names), squeeze=False, sharex="col")
    for column, name in zip(panels.T, names, strict=True):
        for panel, phase in zip(column, "PS", strict=True):
            for evaluation in evaluations:
                values = evaluation.windows[name].to_numpy(dtype=float)
                known = np.argsort(values)[: np.isfinite(values).sum()]
                classes = np.array_split(known, min(10, len(known) // _LEAST))
                scores = [
                    evaluation.measure(phase, chosen=chosen, bootstraps=0).f1.value
                    for chosen in classes
                ]
                medians = [np.median(values[chosen]) for chosen in classes]
                panel.plot(medians, scores, "o-", ms=3, label=evaluation.name)
            panel.set(ylabel=f"F1 of {phase}", ylim=(0, 1.02))
            panel.grid(alpha=0.3)
        column[-1].set_xlabel(_QUANTITIES[name])
    panels[0, 0].legend()
    return figure
