"""Pictures of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from ..figures import new_figure
from .settings import TrainingSettings
from .tasks import Task
from .windows import Splits, ValidationBatches

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLOURS = {"P": "tab:blue", "S": "tab:red", "detection": "0.6"}


def plot_losses(curves: dict[str, list[tuple[int, float]]], title: str) -> Figure:
    """
    :param curves: See :py:func:`read_log`
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


def plot_example(task: Task, splits: Splits, settings: TrainingSettings) -> Figure:
    """
    :param task: Trained model
    :param splits: Data; the first window of the dev split, or else of the training
        data, is shown
    :param settings: Settings of the run
    :return: Waveforms, probabilities, and the arrivals of one window
    """

    dataset = splits.train if splits.dev is None else splits.dev
    batch = ValidationBatches(dataset, settings, task.label)[0]
    wave, truth = batch["wave"][0], batch["truth"][0]
    with torch.no_grad():
        curves = task.curves(task.forward(torch.from_numpy(wave[None])))
    figure = new_figure(figsize=(10, 6), layout="constrained")
    panels = figure.subplots(4, 1, sharex=True)
    seconds = np.arange(wave.shape[1]) / task.model.sampling_rate
    for panel, data, code in zip(panels, wave, settings.component_order, strict=False):
        panel.plot(seconds, data, "k", lw=0.5)
        panel.set_ylabel(code)
    for name, curve in curves.items():
        stride = wave.shape[1] // len(curve)
        panels[3].plot(seconds[::stride], curve, color=_COLOURS[name], label=name)
    for sample, colour in zip(truth[:2], _COLOURS.values(), strict=False):
        for panel in panels if sample >= 0 else ():
            panel.axvline(
                sample / task.model.sampling_rate, color=colour, ls="--", lw=1
            )
    panels[3].set_ylim(0, 1)
    panels[3].legend(loc="upper right", fontsize=8)
    panels[3].set_xlabel("Seconds; dashed: labels")
    return figure
