"""``seisbench-diting weights``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .names import find_set_named, model_class
from .typer_app import app

weights_app = typer.Typer(
    help="Published weights: which there are, and how to get them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(weights_app, name="weights")


@weights_app.command("list")
def list_weights() -> None:
    """
    List the weight sets, and which of them are in the cache.
    """
    from ..weights import DEFAULT_SETS, weight_sets

    typer.echo(
        f"{'set':<17}{'rate':>7}{'order':>7}{'size':>9}{'P F1':>7}{'S F1':>7}  "
        f"{'cached':<9}classes"
    )
    for entry in weight_sets():
        default = "*" if DEFAULT_SETS[entry.model] == entry.name else ""
        there = entry.version in model_class(entry.model).list_versions(
            entry.name, remote=False
        )
        cached = "bundled" if entry.bundled else "yes" if there else "no"
        size = "?" if entry.size is None else f"{entry.size / 1e6:.2f} MB"
        scores = ("-", "-")
        if entry.scores is not None:
            scores = (f"{entry.scores.p.f1:.3f}", f"{entry.scores.s.f1:.3f}")
        typer.echo(
            f"{entry.title + default:<17}{f'{entry.sampling_rate:g} Hz':>7}"
            f"{entry.component_order:>7}{size:>9}{scores[0]:>7}{scores[1]:>7}  "
            f"{cached:<9}{' '.join(entry.labels)}"
        )
    typer.echo(
        "* is what from_pretrained() takes without a name. "
        "F1 on 115 Californian records."
    )


@weights_app.command()
def fetch(
    sets: Annotated[
        list[str] | None,
        typer.Argument(metavar="MODEL[/NAME]", help="Such as LPPNM or RNN/diting."),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Fetch all sets.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Fetch also what is in the cache.")
    ] = False,
) -> None:
    """
    Fetch weight sets into SeisBench's cache.
    """
    from ..weights import WeightsError, weight_sets

    if every == bool(sets):
        raise ValueError(
            "Name the sets to fetch, such as LPPNM or RNN/diting, or --all."
        )
    entries = weight_sets() if every else [find_set_named(name) for name in sets or []]
    failed = []
    for entry in entries:
        try:
            model_class(entry.model).install_published(entry, force=force)
        except WeightsError as error:
            failed.append(entry.title)
            typer.echo(str(error), err=True)
        else:
            typer.echo(f"{entry.title} is in the cache")
    if failed:
        raise ValueError(f"Not fetched: {', '.join(failed)}.")


@weights_app.command("import")
def import_weights(
    folder: Annotated[Path, typer.Argument(help="Folder with published files.")],
) -> None:
    """
    Put published files copied by hand into SeisBench's cache.

    They are recognized by their content, whatever their names.
    """
    from ..weights import find_in_folder

    found = find_in_folder(folder)
    for entry, path in found.matching:
        model_class(entry.model).install_published(entry, content=path.read_bytes())
        typer.echo(f"{entry.title} from {path}")
    damaged = "; ".join(
        f"{path} is not {entry.title}: other content than the published file"
        for entry, path in found.damaged
    )
    if damaged:
        raise ValueError(f"{damaged}. Copy it again.")
    if not found.matching:
        raise ValueError(f"No published file in folder={str(folder)!r} or below.")
