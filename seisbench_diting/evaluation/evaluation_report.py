"""Evaluations as table, pictures and page."""

from __future__ import annotations

import base64
import html
import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .. import __version__, plots
from .._util import write_text
from .metrics import LOWEST, RESIDUAL_S, Evaluation

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Thresholds of the curve of precision over recall.
_THRESHOLDS = (0.05, *(round(0.1 * i, 1) for i in range(1, 10)), 0.95)

#: Windows in each class of a quantity.
_LEAST = 10


#: Windows that a report shows for each model.
WORST = 6

_HEADINGS = ("precision", "recall", "F1", "mean ms", "deviation ms", "MAD ms")


def table(evaluations: Sequence[Evaluation], bootstraps: int = 1000) -> str:
    """
    :param evaluations: One for each model
    :param bootstraps: Number of samples of windows for the intervals; 0 for none
    :return: A line for each model and phase, and below it the interval that holds each
        value with 95 % confidence
    """
    width = max(len(evaluation.name) for evaluation in evaluations)
    lines = [f"{'model':<{width}} phase windows arrivals  picks" + _columns(_HEADINGS)]
    for evaluation in evaluations:
        for phase in "PS":
            found = evaluation.measure(phase, bootstraps=bootstraps)
            values = [f"{x.value:.3f}" for x in found.shares + found.residuals]
            intervals = [f"{x.low:.3f}-{x.high:.3f}" for x in found.shares]
            intervals += [f"{x.low:.1f} to {x.high:.1f}" for x in found.residuals]
            lines.append(
                f"{evaluation.name:<{width}} {phase:<5} {len(evaluation.windows):>7} "
                f"{found.arrivals:>8} {found.picks:>6}" + _columns(values)
            )
            if bootstraps:
                lines.append(" " * (width + 30) + _columns(intervals))
    return "\n".join(lines)


def _columns(texts: Iterable[str]) -> str:
    return "".join(f"{text:>16}" for text in texts)


_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Evaluation of phase pickers</title>
<style>
body {{ font-family: sans-serif; margin: 2em auto; max-width: 75em; }}
pre {{ overflow-x: auto; background: #f4f4f4; padding: 1em; }}
img {{ max-width: 100%; }}
</style>
</head>
<body>
<h1>Evaluation of phase pickers</h1>
<p>{about}</p>
<pre>{table}</pre>
{pictures}
</body>
</html>
"""


def write_report(evaluations: Sequence[Evaluation], folder: str | Path) -> Path:
    """
    Writes pictures (PNG) and one self-contained page, ``report.html``.

    :param evaluations: One for each model
    :param folder: Folder; made if need be
    :return: The page
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    pictures = []
    for name, title, figure in _figures(evaluations):
        path = folder / f"{name}.png"
        plots.save_figure(figure, path)
        data = base64.b64encode(path.read_bytes()).decode()
        heading = f"<h2>{html.escape(title)}</h2>\n" if title else ""
        pictures.append(f'{heading}<img alt="" src="data:image/png;base64,{data}">')
    first = evaluations[0]
    about = (
        f"{len(first.windows)} windows. A pick of at least {first.threshold:g} closer "
        f"than {first.tolerance:g} s to an arrival is right; counting: "
        f"{first.counting}. Below each value the interval that holds it with 95 % "
        f"confidence. seisbench-diting {__version__}."
    )
    page = _PAGE.format(
        about=html.escape(about),
        table=html.escape(table(evaluations)),
        pictures="\n".join(pictures),
    )
    write_text(folder / "report.html", page)
    return folder / "report.html"


def _figures(
    evaluations: Sequence[Evaluation],
) -> Iterator[tuple[str, str, Figure]]:
    yield "residuals", "Residuals", plot_residuals(evaluations)
    yield "thresholds", "Precision over recall", plot_thresholds(evaluations)
    if dependence := plot_dependence(evaluations):
        yield "dependence", "F1 over what is known of a record", dependence
    for number, evaluation in enumerate(evaluations):
        if evaluation.batches is None:
            continue
        for rank, index in enumerate(worst_windows(evaluation, WORST)):
            title = f"Where {evaluation.name} was most wrong" if rank == 0 else ""
            yield f"worst{number}_{rank}", title, plot_window(evaluation, index)


def plot_residuals(evaluations: Sequence[Evaluation]) -> Figure:
    """Residuals up to 1.5 s, label minus pick, a row for each model."""
    rows = []
    for evaluation in evaluations:
        of_model = {}
        for phase in "PS":
            found = evaluation.measure(phase, bootstraps=0)
            spread = f"{found.mean_ms.value:.0f} ± {found.deviation_ms.value:.0f} ms"
            heading = f"{evaluation.name} {phase}: {spread}"
            of_model[phase] = heading, _residuals(evaluation, phase)
        rows.append(of_model)
    return plots.plot_residuals(rows, evaluations[0].tolerance, RESIDUAL_S)


def plot_thresholds(evaluations: Sequence[Evaluation]) -> Figure:
    """Precision over recall; the dot is the threshold that was asked for."""
    curves, chosen = {}, {}
    for evaluation in evaluations:
        lowest = min(LOWEST, evaluation.threshold)
        thresholds = [threshold for threshold in _THRESHOLDS if threshold >= lowest]
        curves[evaluation.name] = {
            phase: np.transpose([_point(evaluation, phase, t) for t in thresholds])
            for phase in "PS"
        }
        chosen[evaluation.name] = {p: _point(evaluation, p, None) for p in "PS"}
    return plots.plot_thresholds(curves, chosen)


def _point(
    evaluation: Evaluation, phase: str, threshold: float | None
) -> tuple[float, float]:
    found = evaluation.measure(phase, threshold=threshold, bootstraps=0)
    return found.recall.value, found.precision.value


def plot_dependence(evaluations: Sequence[Evaluation]) -> Figure | None:
    """
    F1 over what is known of the windows: SNR, epicentral distance, magnitude; None if
    nothing is. Classes hold as many windows each.
    """
    quantities = {
        title: {
            phase: {
                evaluation.name: _classes(
                    evaluation, phase, _quantity(evaluation, name)
                )
                for evaluation in evaluations
            }
            for phase in "PS"
        }
        for name, title in (
            ("snr", "Signal-to-noise ratio"),
            ("path_ep_distance_km", "Epicentral distance (km)"),
            ("source_magnitude", "Magnitude"),
        )
        if np.isfinite(_quantity(evaluations[0], name)).sum() >= 2 * _LEAST
    }
    return plots.plot_dependence(quantities) if quantities else None


def _classes(
    evaluation: Evaluation, phase: str, values: np.ndarray
) -> tuple[list[float], list[float]]:
    """Medians and F1 of the classes of a quantity."""
    order = np.argsort(values)[: np.isfinite(values).sum()]
    number = min(10, len(order) // _LEAST)
    classes = np.array_split(order, number) if number else []
    return [float(np.median(values[chosen])) for chosen in classes], [
        evaluation.measure(phase, chosen=chosen, bootstraps=0).f1.value
        for chosen in classes
    ]


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
    window = evaluation.windows[index]
    arrivals = {phase: window.arrival(phase) for phase in "PS"}
    return plots.plot_window(
        batches[place[0]]["wave"][place[1]],
        evaluation.sampling_rate,
        {phase: at for phase, at in arrivals.items() if math.isfinite(at)},
        [(p, at) for p in "PS" for at in window.samples(p, evaluation.threshold)],
        title=f"{evaluation.name}, record {index}: dashed labels, solid picks",
    )


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
