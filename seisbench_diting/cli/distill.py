"""``seisbench-diting distill``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from .._util import counted
from .common import continuing_from_checkpoint
from .train import parse_augmentations
from .typer_app import app


@app.command()
def distill(
    student: Annotated[
        str,
        typer.Option(
            "--student",
            "-m",
            help="The picker that learns: LPPNT, LPPNM, LPPNL, UNet, UNetPP, RNN, EQT.",
        ),
    ],
    teacher: Annotated[
        list[str],
        typer.Option(
            "--teacher",
            "-t",
            metavar="NAME",
            help="Pickers that teach, with commas between: MODEL/SET, such as "
            "RNN/csn,EQT/csn; SeisBench pairs; files of probabilities or folders of "
            "them. May be repeated, as names with commas must be.",
        ),
    ],
    inputs: Annotated[
        list[str],
        typer.Option(
            "--input",
            "-i",
            metavar="PATH",
            help="Folder, waveform file or list of files, as for `pick`. May be repeated.",
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the run.")],
    more_inputs: Annotated[
        list[str] | None, typer.Argument(metavar="INPUT", help="More inputs.")
    ] = None,
    max_steps: Annotated[int, typer.Option(help="Number of steps.", min=1)] = 5000,
    batch_size: Annotated[int, typer.Option(help="Windows a step.", min=1)] = 32,
    lr: Annotated[
        float,
        typer.Option(
            help="Largest learning rate: it rises in the first steps, then falls."
        ),
    ] = 2e-3,
    init: Annotated[
        str | None,
        typer.Option(
            help="Weights to begin with: MODEL/SET, a file, or random. Default: the "
            "student's default weights."
        ),
    ] = None,
    augment: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            help="Augmentation other than usual, such as gap=0.2; may be repeated.",
        ),
    ] = None,
    instruments: Annotated[
        str | None,
        typer.Option(help="Codes of band and instrument, the preferred first."),
    ] = None,
    stations: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATTERN",
            help="Pattern of NET.STA or NET.STA.LOC, such as CX.PB*; may be repeated.",
        ),
    ] = None,
    start: Annotated[
        str | None, typer.Option(help="First time to use, UTC, such as 2014-05-01.")
    ] = None,
    end: Annotated[
        str | None, typer.Option(help="Time behind the last one to use.")
    ] = None,
    name_pattern: Annotated[
        str | None,
        typer.Option(
            metavar="PATTERN",
            help="What file names say, for headers that lack codes, as for `pick`.",
        ),
    ] = None,
    held_out: Annotated[
        float,
        typer.Option(
            help="Share of the data, the last of each station, to validate on.",
            min=0.0,
            max=0.9,
        ),
    ] = 0.1,
    validation: Annotated[
        str | None,
        typer.Option(help="Labelled SeisBench dataset to validate on instead."),
    ] = None,
    cache_gb: Annotated[
        float,
        typer.Option(
            help="Most disk for the waveforms in the run's folder, in GB. Of "
            "larger archives stretches are chosen: with arrivals, and noise."
        ),
    ] = 4.0,
    sampling_rate: Annotated[
        float | None, typer.Option(help="Of the student, in Hz. Default: of --init.")
    ] = None,
    component_order: Annotated[
        str | None, typer.Option(help="Of the student. Default: of --init.")
    ] = None,
    n_samples: Annotated[int, typer.Option(help="Samples a window.", min=1)] = 6144,
    seed: Annotated[int, typer.Option(help="Seed of all that is drawn.")] = 42,
    validate_every: Annotated[
        int, typer.Option(help="Steps between two validations.", min=1)
    ] = 500,
    checkpoint_every: Annotated[
        int, typer.Option(help="Steps between two checkpoints.", min=1)
    ] = 500,
    workers: Annotated[
        int, typer.Option(help="Processes that load windows.", min=0)
    ] = 1,
    accelerator: Annotated[
        str, typer.Option(help="Lightning's: auto, cpu, gpu, ...")
    ] = "auto",
    devices: Annotated[str, typer.Option(help="Lightning's, such as 2.")] = "auto",
    resume: Annotated[
        str,
        typer.Option(
            help="auto: go on where an earlier run stopped. must: error if there is "
            "none. never: begin anew."
        ),
    ] = "auto",
) -> None:
    """
    Teach a small picker what large ones say, without labels.

    Interrupted at any moment, it goes on when called again.
    """
    from ..distillation import DistillationSettings
    from ..distillation import distill as run

    settings = DistillationSettings(
        student=student,
        teachers=_names(teacher),
        inputs=(*inputs, *(more_inputs or ())),
        output=str(output),
        init=init,
        max_steps=max_steps,
        batch_size=batch_size,
        lr=lr,
        seed=seed,
        augmentations=parse_augmentations(augment or []),
        sampling_rate=sampling_rate,
        component_order=component_order,
        n_samples=n_samples,
        held_out=held_out,
        validation=validation,
        validate_every=validate_every,
        checkpoint_every=checkpoint_every,
        cache_gb=cache_gb,
        instruments=instruments,
        stations=tuple(stations or ()),
        start=start,
        end=end,
        name_pattern=name_pattern,
        workers=workers,
        accelerator=accelerator,
        devices=int(devices) if devices.isdigit() else devices,
        progress=sys.stderr.isatty(),
    )
    with continuing_from_checkpoint(resume, checkpoint_every):
        result = run(settings, resume)
    typer.echo(
        f"{counted(result.steps, 'step')}, {result.skipped} of them skipped; "
        f"{counted(result.arrivals, 'arrival')} in {result.hours:.2f} h"
    )
    for name, value in result.scores.items():
        before = result.initial_scores.get(name)
        typer.echo(
            f"  {name} {value:.4g}" + ("" if before is None else f", was {before:.4g}")
        )
    typer.echo(f"Results in {output}")


def _names(texts: list[str]) -> tuple[str, ...]:
    # Files may have commas in their names.
    return tuple(
        name
        for text in texts
        for name in (
            [text] if Path(text.partition("#")[0]).exists() else text.split(",")
        )
        if name
    )
