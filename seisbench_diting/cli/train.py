"""``seisbench-diting train``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from .._util import counted
from .common import continuing_from_checkpoint
from .typer_app import app


@app.command()
def train(
    model: Annotated[
        str,
        typer.Option(
            "--model",
            "-m",
            help="RNN, EQT, UNet, UNetPP (or UNet++), LPPNT, LPPNM, LPPNL, or "
            "SeisBench's EQTransformer.",
        ),
    ],
    data: Annotated[
        str,
        typer.Option(
            "--input", "-i", help="Folder of a SeisBench dataset, or its name."
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the run.")],
    max_steps: Annotated[int, typer.Option(help="Number of steps.", min=1)] = 500_000,
    batch_size: Annotated[int, typer.Option(help="Windows a step.", min=1)] = 32,
    lr: Annotated[float, typer.Option(help="Learning rate of Adam.")] = 1e-4,
    label: Annotated[
        str, typer.Option(help="lppn, point or eqt; auto takes the model's own.")
    ] = "auto",
    augment: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            help="Augmentation on top of the published recipe, such as gap=0.2; may be "
            "repeated.",
        ),
    ] = None,
    init: Annotated[
        str | None,
        typer.Option(
            help="Weights to begin with: MODEL/SET of published ones, or a file."
        ),
    ] = None,
    freeze: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATTERN",
            help="Parameters that stay as they are, such as 'encoder.*'; may be "
            "repeated.",
        ),
    ] = None,
    sampling_rate: Annotated[
        float | None,
        typer.Option(help="In Hz. Default: that of --init, or the dataset's own."),
    ] = None,
    component_order: Annotated[
        str | None,
        typer.Option(help="Order of components. Default: that of --init, or ZNE."),
    ] = None,
    n_samples: Annotated[int, typer.Option(help="Samples a window.", min=1)] = 6144,
    padlen: Annotated[
        int,
        typer.Option(help="Least distance of an arrival from the edges.", min=0),
    ] = 512,
    seed: Annotated[int, typer.Option(help="Seed of all that is drawn.")] = 42,
    validate_every: Annotated[
        int, typer.Option(help="Steps between two validations.", min=1)
    ] = 1000,
    checkpoint_every: Annotated[
        int, typer.Option(help="Steps between two checkpoints.", min=1)
    ] = 1000,
    workers: Annotated[
        int, typer.Option(help="Processes that load windows.", min=0)
    ] = 0,
    accelerator: Annotated[
        str, typer.Option(help="Lightning's: auto, cpu, gpu, ...")
    ] = "auto",
    devices: Annotated[str, typer.Option(help="Lightning's, such as 2.")] = "auto",
    nodes: Annotated[int, typer.Option(help="Number of machines.", min=1)] = 1,
    strategy: Annotated[str, typer.Option(help="Lightning's, such as ddp.")] = "auto",
    precision: Annotated[
        str, typer.Option(help="Lightning's, such as bf16-mixed.")
    ] = "32-true",
    onnx: Annotated[
        bool, typer.Option("--onnx", help="Write an ONNX file as well.")
    ] = False,
    resume: Annotated[
        str,
        typer.Option(
            help="auto: go on where an earlier run stopped. must: error if there is "
            "none. never: begin anew."
        ),
    ] = "auto",
) -> None:
    """
    Train a picker with the published recipe.

    Interrupted at any moment, it goes on from its last checkpoint when called again.
    """
    from ..training import TrainingSettings
    from ..training import train as run

    settings = TrainingSettings(
        model=model,
        data=data,
        output=str(output),
        label=label,
        max_steps=max_steps,
        batch_size=batch_size,
        lr=lr,
        seed=seed,
        init=init,
        freeze=tuple(freeze or ()),
        augmentations=parse_augmentations(augment or []),
        sampling_rate=sampling_rate,
        component_order=component_order,
        n_samples=n_samples,
        padlen=padlen,
        validate_every=validate_every,
        checkpoint_every=checkpoint_every,
        workers=workers,
        accelerator=accelerator,
        devices=int(devices) if devices.isdigit() else devices,
        nodes=nodes,
        strategy=strategy,
        precision=precision,
        onnx=onnx,
        progress=sys.stderr.isatty(),
    )
    with continuing_from_checkpoint(resume, checkpoint_every):
        result = run(settings, resume)
    typer.echo(f"{counted(result.steps, 'step')}, {result.skipped} of them skipped")
    for name, value in result.scores.items():
        typer.echo(f"  {name} {value:.4g}")
    typer.echo(f"Results in {output}")


def parse_augmentations(texts: list[str]) -> dict[str, Any]:
    found = {}
    for text in texts:
        name, is_there, value = text.partition("=")
        try:
            found[name.replace("-", "_")] = json.loads(value)
        except json.JSONDecodeError:
            is_there = ""
        if not is_there:
            raise ValueError(
                f"--augment={text!r} must be NAME=VALUE with a number or a list of "
                "numbers, such as gap=0.2 or snr_db=[0,20]."
            )
    return found
