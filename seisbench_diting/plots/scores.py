"""Pictures of trainings and evaluations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .style import colour_of, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_losses(curves: dict[str, list[tuple[int, float]]], title: str) -> Figure:
    """
    :param curves: Steps and values by name
    :param title: Heading
    :return: Loss of training and validation, and F1, over the steps
    """

    figure = new_figure(figsize=(8, 6), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True)
    for panel, names in (
        (upper, ("loss", "validation_loss")),
        (lower, ("validation_f1_P", "validation_f1_S")),
    ):
        for name in names:
            if values := curves.get(name):
                steps, figures = np.array(values).T
                panel.plot(steps, figures, label=name, lw=1)
        if panel.lines:
            panel.legend(fontsize=8)
    upper.set_ylabel("Loss a window")
    upper.set_yscale("log")
    lower.set_ylabel("F1")
    lower.set_ylim(0, 1)
    lower.set_xlabel("Step")
    figure.suptitle(title)
    return figure


def plot_example(
    wave: np.ndarray,
    curves: dict[str, np.ndarray],
    arrivals: dict[str, float],
    sampling_rate: float,
    component_order: str,
) -> Figure:
    """
    :param wave: Waveforms of a window, (components, samples)
    :param curves: Probabilities by phase; they may have fewer samples
    :param arrivals: Samples of the labels by phase
    :param sampling_rate: Sampling rate in Hz
    :param component_order: Order of the components
    :return: Waveforms, probabilities and arrivals of one window
    """
    figure = new_figure(figsize=(10, 6), layout="constrained")
    panels = figure.subplots(len(wave) + 1, 1, sharex=True)
    seconds = np.arange(wave.shape[1]) / sampling_rate
    for panel, data, code in zip(panels, wave, component_order, strict=False):
        panel.plot(seconds, data, "k", lw=0.5)
        panel.set_ylabel(code)
    for phase, curve in curves.items():
        stride = wave.shape[1] // len(curve)
        panels[-1].plot(seconds[::stride], curve, color=colour_of(phase), label=phase)
    for phase, sample in arrivals.items():
        for panel in panels:
            panel.axvline(sample / sampling_rate, color=colour_of(phase), ls="--", lw=1)
    panels[-1].set_ylim(0, 1)
    panels[-1].legend(loc="upper right", fontsize=8)
    panels[-1].set_xlabel("Seconds; dashed: labels")
    return figure


def plot_latencies(latencies: Sequence[Any]) -> Figure:
    """
    :param latencies: Latencies of :py:mod:`seisbench_diting.evaluation`, with F1
    :return: F1 of P and S over the milliseconds, a colour a model, a marker a backend
    """
    figure = new_figure(figsize=(10, 4), layout="constrained")
    backends = list(dict.fromkeys(latency.backend for latency in latencies))
    names = list(dict.fromkeys(latency.model for latency in latencies))
    markers = dict(zip(backends, "osD^v", strict=False))
    panels = figure.subplots(1, 2)
    for phase, panel in enumerate(panels):
        for latency in latencies:
            color = f"C{names.index(latency.model)}"
            marker = markers[latency.backend]
            panel.plot(latency.milliseconds, latency.f1[phase], marker, color=color)
        panel.set_xscale("log")
        panel.set_xlabel(f"ms for {latencies[0].batch} windows")
        panel.set_ylabel(f"F1 of {'PS'[phase]}")
        panel.grid(alpha=0.3)
    for number, name in enumerate(names):
        # Paths may be longer than the picture.
        panels[1].plot([], [], "s", color=f"C{number}", label=name[-24:])
    for backend, marker in markers.items():
        panels[1].plot([], [], marker, color="grey", label=backend)
    figure.legend(*panels[1].get_legend_handles_labels(), loc="outside right center")
    figure.suptitle(f"F1 over time on {latencies[0].device}", fontsize="medium")
    return figure
