"""``seisbench-diting latency``."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from .typer_app import app

#: F1 of P and S on DiTing, read off the paper's figure.
PAPER = {
    "RNN": (0.91, 0.84),
    "EQT": (0.91, 0.84),
    "LPPNL": (0.88, 0.81),
    "UNetPP": (0.87, 0.795),
    "LPPNM": (0.85, 0.80),
    "UNet": (0.83, 0.78),
    "LPPNT": (0.82, 0.75),
}

#: Windows from which the scales of eight-bit networks are found.
_CALIBRATION = 512


@app.command()
def latency(
    models: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            "-m",
            metavar="NAME",
            help="Published set (LPPNM/diting) or SeisBench pair; may be repeated. "
            "Default: all seven networks with random parameters, which take as long.",
        ),
    ] = None,
    device: Annotated[
        str, typer.Option("--device", "-d", help="cpu, cuda, cuda:1, ...")
    ] = "cpu",
    batch: Annotated[int, typer.Option(help="Windows a cycle.", min=1)] = 1440,
    cycles: Annotated[
        int, typer.Option(help="Cycles; the first third does not count.", min=3)
    ] = 15,
    backends: Annotated[
        list[str] | None,
        typer.Option(
            "--backend",
            metavar="NAME",
            help="onnx, torch, torchscript, bfloat16 or compile; may be repeated. "
            "Default: onnx and torch on the CPU, torch and bfloat16 elsewhere.",
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            "--input",
            "-i",
            help="SeisBench dataset, folder or name, on whose test split the named "
            "models get their F1. Without models, F1 is that of the paper.",
        ),
    ] = None,
    int8: Annotated[
        bool,
        typer.Option(
            "--int8",
            help="Also quantise each LPPN to eight bits, with scales from the train "
            "split of --input, and evaluate it on the test split.",
        ),
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Picture of F1 over time. Default: latency.png, where all seven are "
            "measured.",
        ),
    ] = None,
) -> None:
    """
    Measure how long networks take for many windows.

    By default 1440, as in the paper. They are evaluated in parts, so that memory stays
    below 4 GB.
    """
    import torch

    from .. import runtime
    from ..data import open_dataset
    from ..plots import save_figure
    from ..runtime import latency as measure

    kind = _device(device)
    chosen = list(dict.fromkeys(backends or measure.DEFAULT_BACKENDS[kind]))
    _check(models, kind, chosen, data, int8, output)
    loaded = _load(models)
    dataset = open_dataset(data) if data else None
    if int8:
        _check_int8(loaded, dataset)
    if dataset is not None:
        scores = {name: _measure_f1(model, dataset) for name, model in loaded.items()}
    else:
        scores = {} if models else PAPER
    source = "measured" if data else "from the paper"
    width = max(map(len, loaded))
    typer.echo(
        f"{batch} windows on {device}, mean of {cycles - cycles // 3} of {cycles} "
        f"cycles, {torch.get_num_threads()} threads"
    )
    typer.echo(
        f"{'model':<{width}} {'backend':<12} {'ms':>10} {'+-':>8} {'part':>5} "
        f"{'parameters':>11} {'MFLOP':>8} {'MB':>6} {'F1 P':>6} {'F1 S':>6}"
    )
    latencies = []
    options = {"batch": batch, "cycles": cycles}
    with tempfile.TemporaryDirectory() as folder:
        for name, model in loaded.items():
            facts = (
                f"{measure.count_parameters(model):>11,} "
                f"{measure.count_flops(model) / 1e6:>8.1f} "
            )
            size = f"{measure.graph_megabytes(model):>6.2f}"
            model.to(device)
            for backend in chosen:
                found = measure.measure_latency(model, backend, name=name, **options)
                latencies.append(found)
                typer.echo(_line(found, width) + facts + size + _f1(scores.get(name)))
            model.to("cpu")
            if int8 and model.regression:
                path = Path(folder) / "int8.onnx"
                runtime.quantize(model, _calibration(model, dataset), path)
                found = measure.measure_graph(model, path, name=name, **options)
                size = f"{path.stat().st_size / 1e6:>6.2f}"
                score = _score(path, model, dataset)
                typer.echo(_line(found, width) + facts + size + _f1(score))
    typer.echo(
        "part: windows evaluated together; memory stays below 4 GB. MFLOP: for one "
        "window. MB: the ONNX file." + (f" F1: {source}." if scores else "")
    )
    if output is None and not models:
        output = Path("latency.png")
    if output is not None:
        save_figure(measure.plot_latencies(latencies, scores, source), output)
        typer.echo(f"Picture: {output}")


def _device(name: str) -> str:
    import torch

    from ..runtime.latency import DEFAULT_BACKENDS

    try:
        device = torch.device(name)
        if device.type not in DEFAULT_BACKENDS or (
            device.type == "cpu" and device.index
        ):
            raise ValueError(f"{', '.join(DEFAULT_BACKENDS)} can be measured")
        torch.zeros(1, device=device)
    # PyTorch says in many ways that there is no such device.
    except (RuntimeError, AssertionError, NotImplementedError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"device={name!r} can't be used: {reason}.") from error
    return device.type


def _check(
    models: list[str] | None,
    kind: str,
    backends: list[str],
    data: str | None,
    int8: bool,
    output: Path | None,
) -> None:
    """Before minutes of measuring, not after."""
    from ..runtime.latency import check_backend

    for backend in backends:
        check_backend(backend, kind)
    if data and not models:
        raise ValueError("--input needs models with weights: name them with -m.")
    if int8 and not data:
        raise ValueError("--int8 needs --input, for scales and for F1.")
    if output is None:
        return
    if models and not data:
        raise ValueError("--output needs F1: give --input, or leave --model out.")
    if output.suffix.lower() not in (".png", ".pdf", ".svg"):
        raise ValueError(f"output={str(output)!r} must end in .png, .pdf or .svg.")
    if not output.resolve().parent.is_dir():
        raise ValueError(
            f"output={str(output)!r}: there is no folder {output.parent}. Make it first."
        )


def _check_int8(loaded: dict[str, Any], dataset: Any) -> None:
    if not any(model.regression for model in loaded.values()):
        raise ValueError(
            f"--int8 is for LPPN, and --model names {', '.join(loaded)} only."
        )
    if "split" not in dataset.metadata or len(dataset.train()) == 0:
        raise ValueError(
            f"--int8 takes its scales from the train split, and --input {dataset.name} "
            "has none."
        )


def _load(names: list[str] | None) -> dict[str, Any]:
    from .. import models
    from ..models import PhasePicker, load_model

    if not names:
        return {name: getattr(models, name)().eval() for name in models.PICKERS}
    loaded = {name: load_model(name) for name in names}
    for name, model in loaded.items():
        if not isinstance(model, PhasePicker):
            raise ValueError(
                f"model={name!r} is a {type(model).__name__}; only the pickers of this "
                "package are measured."
            )
    return loaded


def _measure_f1(picker: Any, dataset: Any) -> tuple[float, float]:
    from .. import evaluation as ev

    found = ev.evaluate(picker, dataset, progress=sys.stderr.isatty())
    p, s = (found.measure(phase, bootstraps=0).f1.value for phase in "PS")
    return p, s


def _score(path: Path, model: Any, dataset: Any) -> tuple[float, float]:
    from .. import evaluation as ev

    return _measure_f1(
        ev.load_picker(
            path,
            sampling_rate=model.sampling_rate,
            component_order="".join(model.component_order),
        ),
        dataset,
    )


def _calibration(model: Any, dataset: Any):
    from ..generate import DiTingTestBatches

    dataset = dataset.copy()
    dataset.sampling_rate = model.sampling_rate
    dataset.component_order = "".join(model.component_order)
    batches = DiTingTestBatches(dataset.train(), 32, model.in_samples)
    for number, batch in enumerate(batches.loader(stop=len(batches))):
        if number * 32 >= _CALIBRATION:
            return
        yield batch["wave"].numpy()


def _line(found: Any, width: int) -> str:
    return (
        f"{found.model:<{width}} {found.backend:<12} {found.milliseconds:>10.1f} "
        f"{found.deviation:>8.1f} {found.part:>5} "
    )


def _f1(score: tuple[float, float] | None) -> str:
    if score is None:
        return f" {'-':>6} {'-':>6}"
    return f" {score[0]:>6.3f} {score[1]:>6.3f}"
