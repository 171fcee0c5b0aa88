"""``seisbench-diting export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .typer_app import app


@app.command()
def export(
    model: Annotated[
        str,
        typer.Option(
            "--model", "-m", help="Published set (LPPNM/diting) or SeisBench pair."
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="File ending in .onnx or .jit.")
    ],
) -> None:
    """
    Write a network as ONNX or TorchScript.

    It takes windows (batch, 3, 6144). The file is checked against PyTorch; if it differs,
    for noise by more than 1e-5, there is none.
    """
    from ..models import load_model
    from ..runtime import export_model

    loaded = load_model(model)
    path = export_model(loaded, output)
    typer.echo(
        f"{path}: {type(loaded).__name__}, {loaded.sampling_rate:g} Hz, components "
        f"{''.join(loaded.component_order)}, {path.stat().st_size / 1e6:.2f} MB"
    )
