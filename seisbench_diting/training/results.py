"""What a run leaves: weights in every form, figures, and a model card."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from .._util import counted, replacing, write_text
from ..models import PhasePicker
from ..plots import plot_losses, plot_window, save_figure
from ..runtime import export_model
from .logs import read_log
from .settings import TrainingSettings
from .tasks import Task
from .windows import Splits, ValidationBatches

if TYPE_CHECKING:
    import lightning.pytorch as pl
    from matplotlib.figure import Figure

    from .module import PickerModule

CARD = "MODEL_CARD.md"


@dataclass(frozen=True)
class TrainingResult:
    """
    What a run left.

    :param output: Its folder
    :param steps: Number of steps
    :param skipped: Steps that were skipped since their loss was not finite
    :param weights: SeisBench's pair without its ending, for ``Model.load``
    :param scores: Validation loss and F1, those of the best checkpoint
    """

    output: Path
    steps: int
    skipped: int
    weights: Path | None = None
    scores: dict[str, float] = field(default_factory=dict)


def write_results(
    output: Path,
    settings: TrainingSettings,
    task: Task,
    splits: Splits,
    module: PickerModule,
    trainer: pl.Trainer,
) -> TrainingResult:
    """
    :param output: Folder of the run
    :param settings: Its settings
    :param task: Model with the parameters to keep, and its label
    :param splits: Data
    :param module: The module that was trained
    :param trainer: Its trainer
    :return: What was left
    """
    scores = best_scores(read_log(output))
    card = _card(settings, task, splits, scores, module.skipped, trainer.global_step)
    path = write_model(output, task, card, settings.n_samples, settings.onnx)
    save_figure(_example(task, splits, settings), output / "example.png")
    return TrainingResult(output, trainer.global_step, module.skipped, path, scores)


def _example(task: Task, splits: Splits, settings: TrainingSettings) -> Figure:
    """The first window of the dev split, or else of the training data."""
    dataset = splits.train if splits.dev is None else splits.dev
    batch = ValidationBatches(dataset, settings, task.label)[0]
    with torch.no_grad():
        curves = task.curves(task.forward(torch.from_numpy(batch["wave"][:1])))
    arrivals = zip("PS", batch["truth"][0], strict=False)
    return plot_window(
        batch["wave"][0],
        task.model.sampling_rate,
        {phase: sample for phase, sample in arrivals if sample >= 0},
        curves={phase: curves[phase] for phase in "PS"},
        components=settings.component_order,
        title="dashed: labels",
    )


def write_model(
    output: Path, task: Task, card: str, n_samples: int, onnx: bool = False
) -> Path:
    """
    Writes the weights in every form, the model card, and the losses.

    :param output: Folder of the run
    :param task: Model with the parameters to keep, and its label
    :param card: Model card
    :param n_samples: Samples a window
    :param onnx: If true, an ONNX file is among them
    :return: SeisBench's pair without its ending
    """
    model = task.model.cpu().eval()
    name = type(model).__name__
    model.save(output / name, weights_docstring=card)
    if isinstance(model, PhasePicker):
        export_model(model, output / f"{name}.jit")
        if onnx:
            export_model(model, output / f"{name}.onnx")
    else:
        _write_torchscript(task, output / f"{name}.jit", n_samples)
    write_text(output / CARD, card)
    save_figure(plot_losses(read_log(output), name), output / "loss.png")
    return output / name


def best_scores(curves: dict[str, list[tuple[int, float]]]) -> dict[str, float]:
    """
    :param curves: See :py:func:`read_log`
    :return: Number of steps, validation loss and F1 where the mean F1 of P and S was highest
    """
    means = curves.get("validation_f1")
    if not means:
        return {}
    best, _ = max(means, key=lambda entry: (entry[1], -entry[0]))
    found = {"step": float(best + 1)}
    for name, values in curves.items():
        if name.startswith("validation_"):
            found[name] = dict(values).get(best, math.nan)
    return found


def _write_torchscript(task: Task, path: Path, n_samples: int) -> None:
    """SeisBench's own network for (batch, 3, samples)."""
    with warnings.catch_warnings():
        # TorchScript has been called deprecated for years; users' programs load it.
        warnings.simplefilter("ignore")
        program = torch.jit.trace(task.model, torch.zeros(2, 3, n_samples))
    with replacing(path) as temporary:
        program.save(str(temporary))


def _card(
    settings: TrainingSettings,
    task: Task,
    splits: Splits,
    scores: dict[str, float],
    skipped: int,
    steps: int,
) -> str:
    model = task.model
    parameters = sum(parameter.numel() for parameter in model.parameters())
    data = splits.train
    lines = [
        f"# {type(model).__name__}",
        "",
        f"{parameters} parameters, trained with seisbench-diting "
        f"{version('seisbench-diting')}.",
        "",
        "## Input and output",
        "",
        f"Windows of {settings.n_samples} samples at {model.sampling_rate:g} Hz, "
        f"components {model.component_order}, means removed, divided by the joint peak. "
        f"Classes: {' '.join(model.labels)}; label: {task.label}.",
        "",
        "## Data",
        "",
        f"{data.name}, {len(data)} records to train, "
        f"{len(splits.dev) if splits.dev is not None else 0} to validate.",
    ]
    citation = getattr(data, "citation", None)
    if citation:
        lines += ["", citation]
    lines += ["", "## Settings", ""]
    lines += [
        f"- {name}: {value}"
        for name, value in vars(settings).items()
        if name != "output"
    ]
    lines += [
        "",
        "## Scores",
        "",
        f"{counted(steps, 'step')}, {skipped} of them skipped.",
    ]
    lines += [f"- {name}: {value:.4g}" for name, value in scores.items()]
    if not scores:
        lines.append("There is no dev split: no scores, and the last parameters.")
    return "\n".join(lines) + "\n"
