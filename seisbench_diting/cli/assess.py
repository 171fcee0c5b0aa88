"""``seisbench-diting evaluate``, ``latency`` and ``export``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .._util import ArgumentError, Settings, option
from ..evaluation import EvaluateSettings, LatencySettings
from .app import command_of

if TYPE_CHECKING:
    from ..evaluation import Latency


def _evaluate(settings: EvaluateSettings) -> None:
    """
    Compare the picks of models with the labels of a dataset.

    Prints precision, recall, F1, and mean, standard deviation and median absolute
    deviation of the residuals (label minus pick), with 95 % intervals.
    """
    from ..evaluation import evaluate_models, output_files, table

    found = evaluate_models(settings)
    print(table(found))
    for path in output_files(settings, found):
        print(f"Picks in {path}")
    if settings.report is not None:
        print(f"Report: {settings.report / 'report.html'}")


def _latency(settings: LatencySettings) -> None:
    """
    Measure the run time of networks for many windows.

    By default 1440, as in the paper. They are evaluated in parts, so that memory stays
    below 4 GB.
    """
    import torch

    from ..evaluation import measure_latencies
    from ..plots import check_picture, plot_latencies, save_figure

    if settings.output is not None:
        if settings.data is None:
            raise ArgumentError(
                "output", settings.output, "F1 needs a dataset: --input"
            )
        check_picture(settings.output)
    found: list[Latency] = []
    for one in measure_latencies(**dict(settings)):
        if not found:
            counted = settings.cycles - settings.cycles // 3
            print(
                f"{one.batch} windows on {one.device}, mean of {counted} of "
                f"{settings.cycles} cycles, {torch.get_num_threads()} threads\n"
                f"{'model':<20} {'backend':<12} {'ms':>10} {'+-':>8} {'part':>5} "
                f"{'parameters':>11} {'MFLOP':>8} {'MB':>6} {'F1 P':>6} {'F1 S':>6}"
            )
        found.append(one)
        print(
            f"{one.model:<20} {one.backend:<12} {one.milliseconds:>10.1f} "
            f"{one.deviation:>8.1f} {one.part:>5} {one.parameters:>11,} "
            f"{one.flops / 1e6:>8.1f} {one.megabytes:>6.2f} "
            f"{one.f1[0]:>6.3f} {one.f1[1]:>6.3f}",
            flush=True,
        )
    print(
        "part: windows evaluated together. MFLOP: for one window. MB: the ONNX file. "
        "F1: on the test split of --input."
    )
    if settings.output is not None:
        save_figure(plot_latencies(found), settings.output)
        print(f"Picture: {settings.output}")


class ExportSettings(Settings):
    """Settings of exporting a network."""

    model: str = option(
        ...,
        "Published set (LPPNM/diting) or SeisBench pair.",
        "-m",
        metavar="NAME",
    )
    output: Path = option(..., "File ending in .onnx or .jit.", "-o", metavar="FILE")


def _export(settings: ExportSettings) -> None:
    """
    Write a network as ONNX or TorchScript.

    It takes windows (batch, 3, 6144). The file is checked against PyTorch; if it differs,
    for noise by more than 1e-5, nothing is written.
    """
    from ..models import load_model
    from ..runtime import export_model

    model = load_model(settings.model)
    path = export_model(model, settings.output)
    print(
        f"{path}: {type(model).__name__}, {model.sampling_rate:g} Hz, components "
        f"{''.join(model.component_order)}, {path.stat().st_size / 1e6:.2f} MB"
    )


evaluate = command_of(EvaluateSettings, _evaluate)
latency = command_of(LatencySettings, _latency)
export = command_of(ExportSettings, _export)
