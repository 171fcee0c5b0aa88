"""``seisbench-diting convert``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .._util import counted
from .common import continuing_later
from .typer_app import app


@app.command()
def convert(
    source: Annotated[
        Path | None,
        typer.Option(
            "--input",
            "-i",
            help="Folder of DiTing330km_part_N.hdf5 and .csv, or the tutorial's merged "
            "file.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder of the dataset."),
    ] = None,
    compression: Annotated[
        str,
        typer.Option("--compression", "-c", help="none, lzf, gzip or zstd."),
    ] = "none",
    workers: Annotated[
        int, typer.Option(help="Parts converted at once, a process each.", min=1)
    ] = 1,
    split: Annotated[
        tuple[float, float, float] | None,
        typer.Option(
            metavar="TRAIN DEV TEST",
            help="Shares. Default: 0.8 0.1 0.1 by event, 0.9 0 0.1 by order.",
        ),
    ] = None,
    split_by: Annotated[
        str,
        typer.Option(
            help="event: none is in two splits. order: the first records train and the "
            "last test, as in the tutorial."
        ),
    ] = "event",
    seed: Annotated[int, typer.Option(help="Seed of the split by event.")] = 42,
    parts: Annotated[
        str | None,
        typer.Option(help="Parts to convert, such as 0,3,5-8. Default: all."),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Print the size of the dataset, write nothing."),
    ] = False,
    check: Annotated[
        Path | None,
        typer.Option(help="Verify this converted dataset, convert nothing."),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(help="With --check: compare with these original files."),
    ] = None,
) -> None:
    """
    Convert DiTing's original files to a SeisBench dataset.

    With --check, verify one. Interrupted at any moment, it continues where it was when
    called again. Exit status 1 if something is wrong with the original files; the rest
    is converted.
    """
    from .. import data

    if against is not None and check is None:
        raise ValueError("--against goes with --check.")
    if check is not None:
        _check_dataset(data.check_dataset(check, against))
        return
    if source is None or (output is None and not dry_run):
        raise ValueError("Name the original files with -i and the dataset with -o.")
    chosen = None if parts is None else _numbers(parts)
    if dry_run:
        plan = data.plan_conversion(source, compression=compression, parts=chosen)
        typer.echo(plan)
        _fail_with([f"part {name}: {text}" for name, text in plan.errors.items()])
        return
    with continuing_later():
        report = data.convert(
            source,
            output,
            compression=compression,
            workers=workers,
            split=split,
            split_by=split_by,
            seed=seed,
            parts=chosen,
        )
    typer.echo(report.summary())
    typer.echo(f"Report: {output / data.REPORT_FILE}")
    _fail_with(report.problems)


def _check_dataset(report) -> None:
    typer.echo(
        f"{report.records} records; the samples of {report.read} were read, "
        f"{report.compared} compared bit for bit"
    )
    if report.not_compared and report.compared:
        typer.echo(f"Originals not there for {', '.join(report.not_compared)}")
    _fail_with(report.problems)


def _fail_with(problems: list[str]) -> None:
    for problem in problems:
        typer.echo(problem, err=True)
    if problems:
        raise ValueError(f"{counted(len(problems), 'problem')}, see above.")


def _numbers(text: str) -> list[str]:
    """Parts named as in ``0,3,5-8``; names of chunks are left as they are."""
    numbers: list[str] = []
    for item in text.split(","):
        first, dash, last = item.strip().partition("-")
        if dash and first.isdigit() and last.isdigit():
            if int(first) > int(last):
                raise ValueError(f"--parts={text!r}: {item!r} must go upwards.")
            numbers += [str(n) for n in range(int(first), int(last) + 1)]
        else:
            numbers.append(item.strip())
    return numbers
