"""Picks of models on the windows of a dataset beside the truth, as table and report."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from seisbench.data import WaveformDataset
from tqdm import tqdm

from .. import __version__
from .._util import ArgumentError, check_place, takes, write_text
from ..data import open_dataset
from ..generate import DiTingTestBatches
from .evaluation_settings import EvaluateSettings
from .metrics import (
    PhaseMetrics,
    Window,
    measure,
    read_validation,
    write_validation,
)
from .window_pickers import WindowPicker, load_picker

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Picks down to this probability are kept for curves over thresholds.
LOWEST = 0.05

#: Windows that a report shows for each model.
WORST = 6

_COLUMNS = ("path_ep_distance_km", "source_magnitude")
_HEADINGS = ("precision", "recall", "F1", "mean ms", "deviation ms", "MAD ms")


@dataclass
class Evaluation:
    """
    Picks of a model, and how good they are.

    :param name: Name of the model
    :param sampling_rate: Sampling rate of the windows in Hz
    :param threshold: Smallest probability of a pick that counts
    :param tolerance: A pick nearer to an arrival than this is right, in seconds
    :param counting: See :py:func:`~seisbench_diting.evaluation.measure`
    :param windows: Truth and picks, also those of smaller probability
    :param metadata: Magnitude and distance of each window, where they are known
    :param batches: Where the windows came from, to look at them again
    """

    name: str
    sampling_rate: float
    threshold: float
    tolerance: float
    counting: str
    windows: list[Window]
    metadata: pd.DataFrame = field(default_factory=pd.DataFrame)
    batches: DiTingTestBatches | None = None

    def measure(
        self,
        phase: str,
        *,
        threshold: float | None = None,
        chosen: Sequence[int] | np.ndarray | None = None,
        bootstraps: int = 1000,
    ) -> PhaseMetrics:
        """
        :param phase: "P" or "S"
        :param threshold: Another smallest probability
        :param chosen: Indices of the windows to measure, None for all
        :param bootstraps: See :py:func:`~seisbench_diting.evaluation.measure`
        """
        windows = self.windows
        return measure(
            windows if chosen is None else [windows[i] for i in chosen],
            phase,
            self.sampling_rate,
            tolerance=self.tolerance,
            threshold=self.threshold if threshold is None else threshold,
            counting=self.counting,
            bootstraps=bootstraps,
        )

    def write(self, path: str | Path) -> None:
        """Writes the validation text file."""
        write_validation(
            path,
            (
                Window(w.p, w.s, w.snr, [p for p in w.picks if p[2] >= self.threshold])
                for w in self.windows
            ),
        )


@takes(EvaluateSettings)
def evaluate(settings: EvaluateSettings) -> Evaluation:
    """
    Evaluates a picker on one window of each record of a split: the same windows for
    every model of one sampling rate.

    :raises ValueError: for wrong arguments, or if the split is empty
    :return: Picks, truth and measures
    """
    return evaluate_models(settings)[0]


def evaluate_models(settings: EvaluateSettings) -> list[Evaluation]:
    """
    :param settings: Settings, of one model or several
    :return: An evaluation for each model
    """
    if settings.output is not None:
        check_place(settings.output, f"output={str(settings.output)!r}")
    if settings.report is not None:
        _make_folder(settings.report)
    if settings.picks is not None:
        windows = read_validation(settings.picks)
        rate = settings.sampling_rate or 50.0
        found = [_evaluation(settings, settings.picks.name, rate, windows)]
    else:
        rest = (settings.sampling_rate, settings.component_order)
        pickers = [load_picker(model, *rest) for model in settings.model]
        found = [_evaluate(picker, settings) for picker in pickers]
    for evaluation, path in zip(found, output_files(settings, found), strict=False):
        evaluation.write(path)
    if settings.report is not None:
        write_report(found, settings.report)
    return found


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = f"the folder can't be made: {error.strerror}"
        raise ArgumentError("report", str(path), reason) from error


def output_files(
    settings: EvaluateSettings, found: Sequence[Evaluation]
) -> Iterator[Path]:
    """The validation text file of each evaluation; none if none was asked for."""
    output = settings.output
    if output is None:
        return
    for evaluation in found:
        name = evaluation.name.replace("/", "-").replace("\\", "-")
        middle = f".{name}" if len(found) > 1 else ""
        yield output.with_name(f"{output.stem}{middle}{output.suffix}")


def _evaluate(picker: WindowPicker, settings: EvaluateSettings) -> Evaluation:
    dataset = _open(settings.data, settings.split, picker)
    batches = DiTingTestBatches(dataset, batch_size=64)
    windows: list[Window] = []
    lowest = min(LOWEST, settings.threshold)
    loader = batches.loader(num_workers=settings.workers, stop=len(batches))
    for batch in tqdm(
        loader,
        total=len(batches),
        desc=picker.name,
        unit="batch",
        disable=None if settings.progress else True,
    ):
        wave = np.ascontiguousarray(batch["wave"].numpy())
        truth = batch["label"].numpy().astype(float)
        truth[:, :2][truth[:, :2] < 0] = np.nan
        truth[:, 2][truth[:, 2] == -1] = np.nan
        found = picker.pick(wave, lowest, settings.distance)
        for (p, s, snr), picks in zip(truth.tolist(), found, strict=True):
            windows.append(Window(p, s, snr, picks))
    present = [name for name in _COLUMNS if name in dataset.metadata.columns]
    metadata = dataset.metadata[present].reset_index(drop=True)
    name, rate = picker.name, picker.sampling_rate
    return _evaluation(settings, name, rate, windows, metadata, batches)


def _evaluation(
    settings: EvaluateSettings,
    name: str,
    rate: float,
    windows: list[Window],
    *others: Any,
) -> Evaluation:
    options = (settings.threshold, settings.tolerance, settings.counting)
    return Evaluation(name, rate, *options, windows, *others)


def _open(data: Any, split: str, picker: WindowPicker) -> WaveformDataset:
    dataset = data.copy() if isinstance(data, WaveformDataset) else open_dataset(data)
    dataset.sampling_rate = picker.sampling_rate
    dataset.component_order = picker.component_order
    if split == "all":
        return dataset
    if "split" not in dataset.metadata.columns:
        raise ArgumentError("split", split, "the dataset has no splits; use all")
    chosen = dataset.get_split(split)
    if len(chosen) == 0:
        there = ", ".join(map(str, sorted(set(dataset["split"].dropna()))))
        raise ArgumentError("split", split, f"it is empty; there are {there}")
    return chosen


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
    from ..plots import save_figure

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    pictures = []
    for name, title, figure in _figures(evaluations):
        path = folder / f"{name}.png"
        save_figure(figure, path)
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
    from .pictures import (
        plot_dependence,
        plot_residuals,
        plot_thresholds,
        plot_window,
        worst_windows,
    )

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
