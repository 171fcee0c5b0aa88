"""``seisbench-diting convert``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from .._util import counted, make, option
from ..data import ConvertSettings
from .app import command_of
from .common import continuing_later


class _Command(ConvertSettings):
    """A conversion, the size of one, or a verification."""

    source: Path | None = option(  # type: ignore[assignment]
        None,
        "Folder of DiTing330km_part_N.hdf5 and .csv, or the tutorial's merged file; "
        "with --check: to compare with.",
        *("--input", "-i", "--against"),
        metavar="PATH",
    )
    output: Path | None = option(  # type: ignore[assignment]
        None, "Folder of the dataset.", "-o", metavar="FOLDER"
    )
    dry_run: bool = option(False, "Print the size of the dataset, write nothing.")
    check: Path | None = option(
        None, "Verify this converted dataset, convert nothing.", metavar="FOLDER"
    )


def _convert(settings: _Command) -> None:
    """
    Convert DiTing's original files to a SeisBench dataset.

    With --check, verify a converted dataset. If the conversion is interrupted, run the same
    command again to continue. The exit status is 1 if something is wrong with the original
    files; the rest is converted.
    """
    from .. import data

    if settings.check is not None:
        checked = data.check_dataset(settings.check, settings.source)
        print(
            f"{checked.records} records; the samples of {checked.read} were read, "
            f"{checked.compared} compared bit for bit"
        )
        if checked.not_compared and checked.compared:
            print(f"Originals not there for {', '.join(checked.not_compared)}")
        _fail_with(checked.problems)
        return
    given: dict[str, Any] = {
        name: getattr(settings, name)
        for name in settings.model_fields_set & ConvertSettings.model_fields.keys()
    }
    if settings.dry_run:
        plan = data.plan_conversion(**given)
        print(plan)
        _fail_with(plan.errors)
        return
    with continuing_later():
        report = data.run_conversion(make(ConvertSettings, given))
    print(report.summary())
    print(f"Report: {given['output'] / data.REPORT_FILE}")
    _fail_with(report.problems)


def _fail_with(problems: list[str]) -> None:
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        raise ValueError(f"{counted(len(problems), 'problem')}, see above.")


convert = command_of(_Command, _convert)
