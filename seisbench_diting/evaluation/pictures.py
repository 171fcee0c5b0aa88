"""Pictures of an evaluation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..plots import new_figure
from .metrics import RESIDUAL_S
from .scoring import LOWEST, Evaluation

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLOURS = {"P": "tab:blue", "S": "tab:red"}

#: Thresholds of the curve of precision over recall.
_THRESHOLDS = (0.05, *(round(0.1 * i, 1) for i in range(1, 10)), 0.95)

#: Windows in each class of a quantity.
_LEAST = 10


def plot_residuals(evaluations: Sequence[Evaluation]) -> Figure:
    """Residuals up to 1.5 s, label minus pick, a row for each model."""
    figure, panels = _panels(len(evaluations), 2, (4.5, 2.2))
    edges = np.linspace(-RESIDUAL_S, RESIDUAL_S, 121)
    for row, evaluation in zip(panels, evaluations, strict=True):
        for panel, phase in zip(row, "PS", strict=True):
            residuals = _residuals(evaluation, phase)
            panel.hist(residuals, edges, color=_COLOURS[phase])
            found = evaluation.measure(phase, bootstraps=0)
            panel.set_title(
                f"{evaluation.name} {phase}: {found.mean_ms.value:.0f} ± "
                f"{found.deviation_ms.value:.0f} ms",
                fontsize=9,
            )
            for side in (-1, 1):
                panel.axvline(side * evaluation.tolerance, color="0.6", lw=0.8, ls=":")
    for panel in panels[-1]:
        panel.set_xlabel("Label minus pick (s)")
    return figure


def plot_thresholds(evaluations: Sequence[Evaluation]) -> Figure:
    """Precision over recall; the dot is the threshold that was asked for."""
    figure, panels = _panels(1, 2, (4.5, 4))
    for panel, phase in zip(panels[0], "PS", strict=True):
        for evaluation in evaluations:
            lowest = min(LOWEST, evaluation.threshold)
            found = [
                evaluation.measure(phase, threshold=threshold, bootstraps=0)
                for threshold in _THRESHOLDS
                if threshold >= lowest
            ]
            recall = [m.recall.value for m in found]
            precision = [m.precision.value for m in found]
            (line,) = panel.plot(recall, precision, lw=1, label=evaluation.name)
            chosen = evaluation.measure(phase, bootstraps=0)
            panel.plot(
                chosen.recall.value, chosen.precision.value, "o", color=line.get_color()
            )
        panel.set(xlabel="Recall", ylabel="Precision", title=phase, xlim=(0, 1.02))
        panel.set_ylim(0, 1.02)
        panel.grid(alpha=0.3)
        panel.legend(fontsize=8)
    return figure


def plot_dependence(evaluations: Sequence[Evaluation]) -> Figure | None:
    """
    F1 over what is known of the windows: SNR, epicentral distance, magnitude; None if
    nothing is. Classes hold as many windows each.
    """
    known = {
        name: title
        for name, title in (
            ("snr", "Signal-to-noise ratio"),
            ("path_ep_distance_km", "Epicentral distance (km)"),
            ("source_magnitude", "Magnitude"),
        )
        if np.isfinite(_quantity(evaluations[0], name)).sum() >= 2 * _LEAST
    }
    if not known:
        return None
    figure, panels = _panels(2, len(known), (4, 2.6))
    for column, (name, title) in enumerate(known.items()):
        for row, phase in enumerate("PS"):
            panel = panels[row][column]
            for evaluation in evaluations:
                _plot_classes(panel, evaluation, phase, _quantity(evaluation, name))
            panel.set(ylabel=f"F1 of {phase}", ylim=(0, 1.02))
            panel.grid(alpha=0.3)
        panel.set_xlabel(title)
    panels[0][0].legend(fontsize=8)
    return figure


def _plot_classes(
    panel: Axes, evaluation: Evaluation, phase: str, values: np.ndarray
) -> None:
    order = np.argsort(values)[: np.isfinite(values).sum()]
    number = min(10, len(order) // _LEAST)
    if number == 0:
        return
    middles, scores = [], []
    for chosen in np.array_split(order, number):
        middles.append(np.median(values[chosen]))
        f1 = evaluation.measure(phase, chosen=chosen, bootstraps=0).f1
        scores.append(f1.value)
    panel.plot(middles, scores, "o-", ms=3, lw=1, label=evaluation.name)


def worst_windows(evaluation: Evaluation, number: int) -> list[int]:
    """
    Indices of the windows in which most went wrong: missed arrivals and false picks,
    weighted with the probability of the latter.

    :param evaluation: Evaluation
    :param number: How many
    """
    scores = [_mistakes(evaluation, i) for i in range(len(evaluation.windows))]
    order = np.argsort(-np.array(scores), kind="stable")[:number]
    return [int(i) for i in order if scores[i] > 0]


def _mistakes(evaluation: Evaluation, index: int) -> float:
    window, total = evaluation.windows[index], 0.0
    for phase in "PS":
        arrival = window.arrival(phase)
        limit = evaluation.tolerance * evaluation.sampling_rate
        near = False
        for name, sample, probability in window.picks:
            if name != phase or probability < evaluation.threshold:
                continue
            if abs(sample - arrival) < limit:
                near = True
            else:
                total += probability
        total += 0.0 if near or math.isnan(arrival) else 1.0
    return total


def plot_window(evaluation: Evaluation, index: int) -> Figure:
    """
    :param evaluation: Evaluation of a dataset
    :param index: Index of the window
    :return: Its components; dashed the labels, solid the picks
    """
    batches = evaluation.batches
    place = divmod(index, batches.batch_size)
    wave = batches[place[0]]["wave"][place[1]]
    figure, panels = _panels(3, 1, (9, 1.3))
    rate = evaluation.sampling_rate
    seconds = np.arange(wave.shape[1]) / rate
    window = evaluation.windows[index]
    for panel, data in zip(panels[:, 0], wave, strict=True):
        panel.plot(seconds, data, "k", lw=0.4)
        panel.set_yticks([])
        for phase in "PS":
            if math.isfinite(arrival := window.arrival(phase)):
                panel.axvline(arrival / rate, color=_COLOURS[phase], ls="--", lw=1)
            for sample in window.samples(phase, evaluation.threshold):
                panel.axvline(sample / rate, color=_COLOURS[phase], lw=1)
    panels[0, 0].set_title(
        f"{evaluation.name}, record {index}: dashed labels, solid picks", fontsize=9
    )
    panels[-1, 0].set_xlim(0, seconds[-1])
    panels[-1, 0].set_xlabel("Seconds")
    return figure


def _quantity(evaluation: Evaluation, name: str) -> np.ndarray:
    if name == "snr":
        values = np.array([window.snr for window in evaluation.windows])
        # Files of the published script hold 1 for every window.
        return values if len(np.unique(values)) > 2 else np.full(len(values), np.nan)
    if name not in evaluation.metadata.columns:
        return np.full(len(evaluation.windows), np.nan)
    return evaluation.metadata[name].to_numpy(dtype=float)


def _residuals(evaluation: Evaluation, phase: str) -> list[float]:
    rate = evaluation.sampling_rate
    return [
        (window.arrival(phase) - sample) / rate
        for window in evaluation.windows
        for sample in window.samples(phase, evaluation.threshold)
        if abs(window.arrival(phase) - sample) < RESIDUAL_S * rate
    ]


def _panels(
    rows: int, columns: int, size: tuple[float, float]
) -> tuple[Figure, np.ndarray]:

    figure = new_figure(
        figsize=(columns * size[0], rows * size[1]), layout="constrained"
    )
    return figure, figure.subplots(rows, columns, squeeze=False, sharex="col")
