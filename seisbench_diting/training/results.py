"""Results of a run: weights in every form, scores, pictures, and a model card."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from .._util import beside, counted, write_text
from ..models import PhasePicker
from ..plots import plot_losses, save_figure
from ..runtime import export_model
from .module import PickerModule
from .train_settings import LearnSettings

#: Folder of the logs in a run's folder, one for each time that it was begun or continued.
LOGS = "logs"

#: Settings that are not in a model card: paths of the user, and those without effect.
_PRIVATE = {"inputs", "output", "progress", "resume", "teachers", "validation"}


@dataclass(frozen=True)
class TrainingResult:
    """
    Result of a run.

    :param output: Its folder
    :param steps: Number of steps
    :param skipped: Steps that were skipped since their loss was not finite
    :param weights: SeisBench's pair without its ending, for ``Model.load``
    :param scores: Validation loss and F1 of the best checkpoint
    """

    output: Path
    steps: int
    skipped: int
    weights: Path
    scores: dict[str, float]

    @classmethod
    def of(
        cls, settings: LearnSettings, module: PickerModule, steps: int, **more: Any
    ) -> Any:
        """
        :param settings: Settings of the run
        :param module: Model
        :param steps: Number of steps
        :param more: Further values of a subclass
        """
        folder = settings.folder
        weights = folder / type(module.model).__name__
        return cls(folder, steps, module.skipped, weights, best_scores(folder), **more)


def read_log(output: Path) -> dict[str, list[tuple[int, float]]]:
    """
    :param output: Folder of a run
    :return: Steps and values of each figure that was logged
    """
    curves: dict[str, dict[int, float]] = {}
    for path in sorted((output / LOGS).glob("from_step_*/metrics.csv")):
        with path.open(newline="") as file:
            for row in csv.DictReader(file):
                step = int(row.pop("step"))
                for name, text in row.items():
                    if text:
                        # For steps that were repeated after a checkpoint, use the last values.
                        curves.setdefault(name, {})[step] = float(text)
    return {name: sorted(values.items()) for name, values in curves.items()}


def best_scores(output: Path) -> dict[str, float]:
    """
    :param output: Folder of a run
    :return: Number of steps, validation loss and F1 where the mean F1 of P and S was highest
    """
    curves = read_log(output)
    means = curves.get("validation_f1")
    if not means:
        return {}
    best, _ = max(means, key=lambda entry: (entry[1], -entry[0]))
    return {"step": float(best + 1)} | {
        name: dict(values).get(best, math.nan)
        for name, values in curves.items()
        if name.startswith("validation_")
    }


def write_results(
    settings: LearnSettings,
    module: PickerModule,
    result: TrainingResult,
    made: str,
    data: str,
    scores: dict[str, float],
    **changed: Any,
) -> None:
    """
    Writes the weights, also as TorchScript and ONNX if it is a picker of this package, a
    model card, and a picture of the losses.

    :param settings: Settings of the run
    :param module: Model with the parameters to keep
    :param result: Result of the run
    :param made: How the model was made, such as ``trained``
    :param data: Description of the data
    :param scores: Scores for the card
    :param changed: Settings to show with another value in the card
    """
    model = module.model.cpu().eval()
    name = type(model).__name__
    shown = {n: v for n, v in settings if n not in _PRIVATE} | changed
    lines = [
        f"# {name}\n",
        f"{sum(p.numel() for p in model.parameters())} parameters, {made} with "
        f"seisbench-diting {version('seisbench-diting')}.\n",
        "## Input and output\n",
        f"Windows of {settings.n_samples} samples at {model.sampling_rate:g} Hz, "
        f"components {''.join(model.component_order)}, means removed, divided by the "
        f"joint peak. Classes: {' '.join(model.labels)}; label: {module.label}.\n",
        "## Data\n",
        f"{data.strip()}\n",
        "## Settings\n",
        *(f"- {key}: {value}" for key, value in shown.items()),
        "\n## Scores\n",
        f"{counted(result.steps, 'step')}, {result.skipped} of them skipped.",
        *(f"- {key}: {value:.4g}" for key, value in scores.items()),
    ]
    if not result.scores:
        lines.append("Nothing to validate on: no scores, and the last parameters.")
    card = "\n".join([*lines, ""])
    pair = result.weights
    model.save(pair, weights_docstring=card)
    write_text(result.output / "MODEL_CARD.md", card)
    save_figure(plot_losses(read_log(result.output), name), result.output / "loss.png")
    if isinstance(model, PhasePicker):
        for ending in (".jit", ".onnx")[: 1 + settings.onnx]:
            export_model(model, beside(pair, ending))
