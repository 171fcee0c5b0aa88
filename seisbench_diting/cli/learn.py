"""``seisbench-diting convert``, ``dataset``, ``train`` and ``distill``."""

from __future__ import annotations

import sys
from typing import Any

from .._util import counted, without_notes
from ..data import ConvertSettings, DatasetSettings
from ..distillation import DistillSettings
from ..training import LearnSettings, TrainSettings
from .app import command_of, interruptible

_AGAIN = "Call the same again to continue."


def _convert(settings: ConvertSettings) -> None:
    """
    Convert DiTing's original files to a SeisBench dataset.

    If the conversion is interrupted, run the same command again to continue. The exit
    status is 1 if something is wrong with the original files; the rest is converted.
    """
    from .. import data

    with interruptible(_AGAIN):
        report = data.convert(settings)
    if report.chunks:
        print(report.summary())
        print(f"Report: {settings.output / data.REPORT_FILE}")
    for problem in report.problems:
        print(problem, file=sys.stderr)
    if report.problems:
        raise ValueError(f"{counted(len(report.problems), 'problem')}, see above.")


def _dataset(settings: DatasetSettings) -> None:
    """
    Make a SeisBench dataset of a catalogue with picks and an archive of waveforms.

    It is ready for `train` and `evaluate`.
    """
    from .. import data

    with interruptible("Nothing was written."):
        report = data.make_dataset(settings)
    print(report.summary())
    for problem in report.problems:
        print(problem, file=sys.stderr)
    if without_notes(report.problems):
        sys.exit(3)


def _train(settings: TrainSettings) -> None:
    """
    Train a picker with the published recipe.

    If it is interrupted, run the same command again to continue from the last checkpoint.
    """
    from .. import training

    _print(_run(training.train, settings), "", {})


def _distill(settings: DistillSettings) -> None:
    """
    Train a small picker on the picks of large ones, without labels.

    If it is interrupted, run the same command again to continue.
    """
    from .. import distillation

    result = _run(distillation.distill, settings)
    arrivals = f"; {counted(result.arrivals, 'arrival')} in {result.hours:.2f} h"
    _print(result, arrivals, result.initial_scores)


def _run(run: Any, settings: LearnSettings) -> Any:
    shown = settings.progress and sys.stderr.isatty()
    never = settings.resume == "never"
    same = "the same without --resume never" if never else "the same again"
    advice = (
        f"Call {same} to continue from the last checkpoint; there is one every "
        f"{settings.checkpoint_every} steps."
    )
    # Lightning handles SIGTERM.
    with interruptible(advice, handles_sigterm=False):
        return run(settings.model_copy(update={"progress": shown}))


def _print(result: Any, more: str, initial_scores: dict[str, float]) -> None:
    print(f"{counted(result.steps, 'step')}, {result.skipped} of them skipped{more}")
    for name, value in result.scores.items():
        before = initial_scores.get(name)
        was = "" if before is None else f", was {before:.4g}"
        print(f"  {name} {value:.4g}{was}")
    print(f"Results in {result.output}")


convert = command_of(ConvertSettings, _convert)
dataset = command_of(DatasetSettings, _dataset)
train = command_of(TrainSettings, _train)
distill = command_of(DistillSettings, _distill)
