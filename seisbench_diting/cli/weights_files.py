"""``seisbench-diting weights list``, ``fetch`` and ``import``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from cyclopts import App

from .._util import ArgumentError, Settings, errors_of, option
from .app import command_of

if TYPE_CHECKING:
    from ..models import PhasePicker


def _list() -> None:
    """List the weight sets, and which of them are in the cache."""
    from ..weights import DEFAULT_SETS, weight_sets

    heads = ("set", "rate", "order", "size", "P F1", "S F1", "cached", "classes")
    line = "{:<17}{:>7}{:>7}{:>9}{:>7}{:>7}  {:<9}{}".format
    print(line(*heads))
    for entry in weight_sets():
        default = "*" if DEFAULT_SETS[entry.model] == entry.name else ""
        versions = _picker(entry.model).list_versions(entry.name, remote=False)
        cached = "yes" if entry.version in versions else "no"
        scores = [one and one.f1 for one in (entry.p, entry.s)]
        f1 = ["-" if one is None else f"{one:.3f}" for one in scores]
        print(
            line(
                entry.title + default,
                f"{entry.sampling_rate:g} Hz",
                entry.component_order,
                "?" if entry.size is None else f"{entry.size / 1e6:.2f} MB",
                *f1,
                "bundled" if entry.bundled else cached,
                " ".join(entry.labels),
            )
        )
    print(
        "* is the default. F1 on 115 Californian records; distilled was chosen by them."
    )


class FetchSettings(Settings):
    """Settings of fetching weights."""

    sets: list[str] = option(
        [],
        "Sets such as LPPNM or RNN/diting.",
        metavar="MODEL[/NAME]",
        many=True,
        positional=True,
    )
    all: bool = option(False, "Fetch all sets.")
    force: bool = option(False, "Also fetch sets that are already in the cache.")


def _fetch(settings: FetchSettings) -> None:
    """Fetch weight sets into SeisBench's cache."""
    from ..weights import WeightsError, find_set, weight_sets

    if settings.all == bool(settings.sets):
        reason = "name sets such as LPPNM or RNN/diting, or --all"
        raise ArgumentError("sets", settings.sets, reason)
    entries = weight_sets() if settings.all else []
    for name in settings.sets:
        model, _, weights = name.partition("/")
        with errors_of("sets", name):
            entries.append(find_set(model, weights or None))
    failed = []
    for entry in entries:
        try:
            _picker(entry.model).install_published(entry, force=settings.force)
        except WeightsError as error:
            failed.append(entry.title)
            print(error, file=sys.stderr)
        else:
            print(f"{entry.title} is in the cache")
    if failed:
        raise ValueError(f"Not fetched: {', '.join(failed)}.")


class ImportSettings(Settings):
    """Settings of importing weights."""

    folder: Path = option(..., "Folder with published files.", positional=True)


def _import(settings: ImportSettings) -> None:
    """
    Import published files that were copied by hand into SeisBench's cache.

    Files are recognized by their content, not by their names.
    """
    from ..models import read_state_dict
    from ..weights import find_in_folder

    found, others = find_in_folder(settings.folder)
    for entry, path in found.items():
        _picker(entry.model).install_published(entry, content=path.read_bytes())
        print(f"{entry.title} from {path}")
    damaged = []
    for path, entry in others.items():
        try:
            read_state_dict(path.read_bytes())
            what = "holds other weights and was left out"
        except (OSError, ValueError):
            damaged.append(str(path))
            what = "is damaged"
        print(f"{path} has the name of {entry.title}, but {what}", file=sys.stderr)
    if damaged:
        raise ValueError(f"Copy again: {', '.join(damaged)}.")
    if not found:
        raise ArgumentError("folder", str(settings.folder), "has no published file")


def _picker(name: str) -> type[PhasePicker]:
    from .. import models

    picker: type[PhasePicker] = getattr(models, name)
    return picker


weights = App(name="weights", help="List, fetch and import published weights.")
weights.command(_list, name="list")
weights.command(command_of(FetchSettings, _fetch), name="fetch")
weights.command(command_of(ImportSettings, _import), name="import")
