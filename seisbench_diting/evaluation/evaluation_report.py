"""Evaluations as table, pictures and page."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .. import __version__, plots
from .._util import write_text
from .metrics import Evaluation

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Picks down to this probability are kept for curves over thresholds.
LOWEST = 0.05

#: Windows that a report shows for each model.
WORST = 6

_HEADINGS = [
    *("model", "phase", "windows", "arrivals", "picks"),
    *("precision", "recall", "F1", "mean ms", "deviation ms", "MAD ms"),
]


def table(evaluations: Sequence[Evaluation], bootstraps: int = 1000) -> str:
    """
    :param evaluations: One for each model
    :param bootstraps: As of :py:meth:`Evaluation.measure`; 0 for no intervals
    :return: A line for each model and phase, and below it the interval that holds each
        value with 95 % confidence
    """
    rows: list[list[Any]] = []
    for evaluation in evaluations:
        for phase in "PS":
            found = evaluation.measure(phase, bootstraps=bootstraps)
            shares = found.precision, found.recall, found.f1
            residuals = found.mean_ms, found.deviation_ms, found.mad_ms
            counts = len(evaluation.windows), found.arrivals, found.picks
            values = [f"{x.value:.3f}" for x in shares + residuals]
            rows.append([evaluation.name, phase, *counts, *values])
            if bootstraps:
                intervals = [f"{x.low:.3f}-{x.high:.3f}" for x in shares]
                intervals += [f"{x.low:.1f} to {x.high:.1f}" for x in residuals]
                rows.append([""] * 5 + intervals)
    return pd.DataFrame(rows, columns=_HEADINGS).to_string(index=False)


def write_report(evaluations: Sequence[Evaluation], folder: str | Path) -> Path:
    """
    Writes pictures (PNG) and one self-contained page, ``report.html``.

    :param evaluations: One for each model
    :param folder: Folder; made if need be
    :return: The page
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    first = evaluations[0]
    about = (
        f"{len(first.windows)} windows. A pick of at least {first.threshold:g} closer "
        f"than {first.tolerance:g} s to an arrival is right; counting: "
        f"{first.counting}. Below each value the interval that holds it with 95 % "
        f"confidence. seisbench-diting {__version__}."
    )
    page = (
        '<!DOCTYPE html><meta charset="utf-8"><title>Evaluation of phase pickers</title>'
        "<style>body {font-family: sans-serif; margin: 2em auto; max-width: 75em}"
        "img {max-width: 100%}</style><h1>Evaluation of phase pickers</h1>\n"
        f"<p>{html.escape(about)}</p>\n<pre>{html.escape(table(evaluations))}</pre>\n"
    )
    for name, title, figure in _figures(evaluations):
        path = folder / f"{name}.png"
        plots.save_figure(figure, path)
        data = base64.b64encode(path.read_bytes()).decode()
        page += f"<h2>{html.escape(title)}</h2>\n" if title else ""
        page += f'<img alt="" src="data:image/png;base64,{data}">\n'
    write_text(folder / "report.html", page)
    return folder / "report.html"


def _figures(evaluations: Sequence[Evaluation]) -> Iterator[tuple[str, str, Figure]]:
    yield "residuals", "Residuals", plots.plot_residuals(evaluations)
    lowest = min(LOWEST, evaluations[0].threshold)
    thresholds = plots.plot_thresholds(evaluations, lowest)
    yield "thresholds", "Precision over recall", thresholds
    if dependence := plots.plot_dependence(evaluations):
        yield "dependence", "F1 over what is known of a record", dependence
    for number, evaluation in enumerate(evaluations):
        worst = worst_windows(evaluation, WORST) if evaluation.batches else []
        for rank, index in enumerate(worst):
            title = f"Where {evaluation.name} was most wrong" if rank == 0 else ""
            yield f"worst{number}_{rank}", title, plot_window(evaluation, index)


def worst_windows(evaluation: Evaluation, number: int) -> list[int]:
    """
    :param evaluation: Evaluation
    :param number: How many
    :return: Numbers of the windows with the most mistakes: missed arrivals, and false picks
        weighted with their probability
    """
    wrong = pd.Series(0.0, evaluation.windows.index)
    for phase in "PS":
        picks = evaluation.picks_of(phase)
        found = wrong.index.isin(picks.loc[picks["near"], "window"])
        wrong += evaluation.windows[phase].notna() & ~found
        false = picks[~picks["near"]].groupby("window")["probability"].sum()
        wrong = wrong.add(false, fill_value=0)
    worst = wrong[wrong > 0].sort_values(ascending=False, kind="stable")
    return [int(index) for index in worst.index[:number]]


def plot_window(evaluation: Evaluation, index: int) -> Figure:
    """
    :param evaluation: Evaluation of a dataset
    :param index: Number of the window
    :return: Its components; dashed the labels, solid the picks
    """
    batch, place = divmod(index, evaluation.batches.batch_size)
    picks = evaluation.picks
    chosen = (picks["window"] == index) & (picks["probability"] >= evaluation.threshold)
    return plots.plot_window(
        evaluation.batches[batch]["wave"][place],
        evaluation.sampling_rate,
        {p: at for p in "PS" if np.isfinite(at := evaluation.windows[p][index])},
        picks.loc[chosen, ["phase", "sample"]].itertuples(index=False),
        title=f"{evaluation.name}, record {index}: dashed labels, solid picks",
    )
