"""``seisbench-diting latency``."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from .app import app

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
            "models get their F1. Without, F1 is that of the paper.",
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
    Measure how long networks take for windows (batch, 3, 6144), as in the paper.

    Windows are evaluated in parts, so that memory stays below 4 GB.
    """
    import torch

    from .. import inference
    from ..figures import save_figure
    from ..inference import latency as measure

    if data and not models:
        raise ValueError("--input needs models with weights: name them with -m.")
    if int8 and not data:
        raise ValueError("--int8 needs --input, for scales and for F1.")
    kind = _device(device)
    chosen = backends or list(
        measure.DEFAULT_BACKENDS.get(kind, measure.DEFAULT_BACKENDS["cuda"])
    )
    unknown = [name for name in chosen if name not in measure.BACKENDS]
    if unknown:
        raise ValueError(
            f"backend={unknown[0]!r} must be one of {', '.join(measure.BACKENDS)}."
        )
    loaded = _load(models)
    scores = _evaluate(loaded, data) if data else {}
    typer.echo(
        f"{batch} windows, mean of {cycles - cycles // 3} of {cycles} cycles, "
        f"{torch.get_num_threads()} threads"
    )
    typer.echo(
        f"{'model':<16} {'backend':<12} {'ms':>10} {'+-':>8} {'part':>5} "
        f"{'parameters':>11} {'MFLOP':>8} {'MB':>6} {'F1 P':>6} {'F1 S':>6}"
    )
    latencies = []
    with tempfile.TemporaryDirectory() as folder:
        for name, model in loaded.items():
            score = scores.get(name, PAPER[type(model).__name__])
            megabytes = measure.graph_megabytes(model, Path(folder))
            facts = (
                f"{measure.count_parameters(model):>11,} "
                f"{measure.count_flops(model) / 1e6:>8.1f} "
            )
            model.to(device)
            for backend in chosen:
                found = measure.measure_latency(
                    model, backend, name=name, batch=batch, cycles=cycles
                )
                latencies.append(found)
                typer.echo(_line(found, facts, megabytes, score))
            model.to("cpu")
            if int8 and model.regression:
                path = Path(folder) / "int8.onnx"
                inference.quantize(model, _calibration(model, data), path)
                found = measure.measure_graph(
                    model, path, name=name, batch=batch, cycles=cycles
                )
                typer.echo(
                    _line(
                        found,
                        facts,
                        path.stat().st_size / 1e6,
                        _score(path, model, data),
                    )
                )
    source = "measured" if data else "from the paper"
    typer.echo(
        "part: windows evaluated together; memory stays below 4 GB. MFLOP: for one "
        f"window. MB: the ONNX file. F1: {source}."
    )
    if output is None and not models:
        output = Path("latency.png")
    if output is not None:
        named = {name: PAPER[type(model).__name__] for name, model in loaded.items()}
        figure = measure.plot_latencies(latencies, {**named, **scores}, source)
        save_figure(figure, output)
        typer.echo(f"Picture: {output}")


def _device(name: str) -> str:
    import torch

    try:
        torch.zeros(1, device=name)
        return torch.device(name).type
    # PyTorch says in many ways that there is no such device.
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"device={name!r} can't be used: {reason}") from error


def _load(names: list[str] | None) -> dict[str, Any]:
    from .. import models
    from ..models.base import PhasePicker
    from ..models.loading import load_model

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


def _evaluate(loaded: dict[str, Any], data: str) -> dict[str, tuple[float, float]]:
    return {name: _f1(model, data) for name, model in loaded.items()}


def _f1(picker: Any, data: str) -> tuple[float, float]:
    from .. import evaluation as ev

    found = ev.evaluate(picker, data, progress=sys.stderr.isatty())
    p, s = (found.measure(phase, bootstraps=0).f1.value for phase in "PS")
    return p, s


def _score(path: Path, model: Any, data: str) -> tuple[float, float]:
    from .. import evaluation as ev

    return _f1(
        ev.load_picker(
            path,
            sampling_rate=model.sampling_rate,
            component_order="".join(model.component_order),
        ),
        data,
    )


def _calibration(model: Any, data: str):
    from ..data import open_dataset
    from ..generate import DiTingTestBatches

    dataset = open_dataset(data)
    dataset.sampling_rate = model.sampling_rate
    dataset.component_order = "".join(model.component_order)
    batches = DiTingTestBatches(dataset.train(), 32, model.in_samples)
    for number, batch in enumerate(batches.loader(stop=len(batches))):
        if number * 32 >= _CALIBRATION:
            return
        yield batch["wave"].numpy()


def _line(found: Any, facts: str, megabytes: float, score: tuple[float, float]) -> str:
    return (
        f"{found.model:<16} {found.backend:<12} {found.milliseconds:>10.1f} "
        f"{found.deviation:>8.1f} {found.part:>5} {facts}{megabytes:>6.2f} "
        f"{score[0]:>6.3f} {score[1]:>6.3f}"
    )
