"""``seisbench-diting evaluate``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from .._util import check_place
from .paths import check_new_folder
from .typer_app import app


@app.command()
def evaluate(
    models: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            "-m",
            metavar="NAME",
            help="Published set (LPPNM/diting), SeisBench model (PhaseNet/stead), "
            "SeisBench pair, TorchScript or ONNX file; may be repeated.",
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            "--input", "-i", help="Folder of a SeisBench dataset, or its name."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Validation text file; of several models, one each, with the model in "
            "its name.",
        ),
    ] = None,
    picks: Annotated[
        Path | None, typer.Option(help="Evaluate this validation text file instead.")
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(help="Folder for pictures and a page with everything."),
    ] = None,
    split: Annotated[str, typer.Option(help="train, dev, test or all.")] = "test",
    tolerance: Annotated[
        float, typer.Option(help="A pick nearer than this is right, in seconds.")
    ] = 0.5,
    height: Annotated[
        float, typer.Option(help="Smallest probability of a pick.", min=0, max=1)
    ] = 0.3,
    distance: Annotated[
        int,
        typer.Option(help="Smallest distance of two picks, in samples.", min=1),
    ] = 50,
    counting: Annotated[
        str,
        typer.Option(
            help="correct: the first pick near an arrival is right, further ones near "
            "it do not count, and a window without a phase can't miss it. published: "
            "every pick near an arrival is right, every window counts as one with an "
            "arrival, and residuals are those up to 1.5 s."
        ),
    ] = "correct",
    sampling_rate: Annotated[
        float | None,
        typer.Option(help="In Hz, of files that do not tell it. Default: 50."),
    ] = None,
    component_order: Annotated[
        str | None,
        typer.Option(help="Of files that do not tell it. Default: ZNE."),
    ] = None,
    workers: Annotated[
        int, typer.Option(help="Processes that load windows.", min=0)
    ] = 0,
) -> None:
    """
    Compare the picks of models with the labels of a dataset.

    Prints precision, recall, F1, and mean, standard deviation and median absolute
    deviation of the residuals (label minus pick), with 95 % intervals.
    """
    from .. import evaluation as ev

    # Not after the work.
    if output is not None:
        check_place(output, f"--output={str(output)!r}")
    if report is not None:
        check_new_folder(report, "report")
    options = {"height": height, "tolerance": tolerance, "counting": counting}
    if picks is not None:
        if models or data:
            raise ValueError("--picks does not go with --model and --input.")
        found = [
            ev.evaluate_picks(picks, sampling_rate=sampling_rate or 50.0, **options)
        ]
    elif not models or data is None:
        raise ValueError("Name models with -m and a dataset with -i, or --picks.")
    else:
        pickers = [
            ev.load_picker(
                name, sampling_rate=sampling_rate, component_order=component_order
            )
            for name in models
        ]
        found = [
            ev.evaluate(
                picker,
                data,
                split=split,
                distance=distance,
                workers=workers,
                progress=sys.stderr.isatty(),
                **options,
            )
            for picker in pickers
        ]
    typer.echo(ev.table(found))
    if output is not None:
        for evaluation in found:
            path = output
            if len(found) > 1:
                name = evaluation.name.replace("/", "-").replace("\\", "-")
                path = output.with_name(f"{output.stem}.{name}{output.suffix}")
            evaluation.write(path)
            typer.echo(f"Picks in {path}")
    if report is not None:
        typer.echo(f"Report: {ev.write_report(found, report)}")
