"""``seisbench-diting evaluate``, ``latency`` and ``export``."""

from __future__ import annotations

from pathlib import Path

from .._util import NetworkFileSettings, option
from ..evaluation import EvaluateSettings, LatencySettings
from .app import command_of


def _evaluate(settings: EvaluateSettings) -> None:
    """
    Compare the picks of models with the labels of a dataset.

    Prints precision, recall, F1, and mean, standard deviation and median absolute
    deviation of the residuals (label minus pick), with 95 % intervals.
    """
    from ..evaluation import evaluate_models, table

    print(table(evaluate_models(settings)))
    if settings.report is not None:
        print(f"Report: {settings.report / 'report.html'}")


def _latency(settings: LatencySettings) -> None:
    """
    Measure the run time of networks for many windows, beside SeisBench's PhaseNet.

    By default 1440 windows, as in the paper, and all seven networks with random parameters,
    which take as long. Of others, it measures those of this package.
    """
    from ..evaluation import measure_latency

    table = measure_latency(**dict(settings))
    print(table.round({"ms": 1, "times_phasenet": 2}).to_string(index=False))


class ExportSettings(NetworkFileSettings):
    """Settings of exporting a network."""

    model: str = option(
        ..., "Published set (LPPNM/diting), SeisBench pair or file as for `pick`.", "-m"
    )
    output: Path = option(..., "File ending in .onnx or .jit.", "-o")


def _export(settings: ExportSettings) -> None:
    """
    Write a network as ONNX or TorchScript.

    It takes windows (batch, 3, 6144). The file is checked against PyTorch; if it differs,
    for noise by more than 1e-5, nothing is written. It tells its sampling rate, component
    order and classes. A TorchScript or ONNX file is copied, with what was told of it.
    """
    from ..models import load_model
    from ..runtime import export_model

    model = load_model(settings.model, **settings.told)
    path = export_model(model, settings.output)
    print(
        f"{path}: {type(model).__name__}, {model.sampling_rate:g} Hz, components "
        f"{''.join(model.component_order)}, {path.stat().st_size / 1e6:.2f} MB"
    )


evaluate = command_of(EvaluateSettings, _evaluate)
latency = command_of(LatencySettings, _latency)
export = command_of(ExportSettings, _export)
