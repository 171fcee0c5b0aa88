"""``seisbench-diting convert``."""

from __future__ import annotations

import sys

from .._util import counted
from ..data import ConvertSettings
from .app import command_of
from .common import continuing_later


def _convert(settings: ConvertSettings) -> None:
    """
    Convert DiTing's original files to a SeisBench dataset.

    If the conversion is interrupted, run the same command again to continue. The exit
    status is 1 if something is wrong with the original files; the rest is converted.
    """
    from .. import data

    with continuing_later():
        report = data.run_conversion(settings)
    print(report.summary())
    print(f"Report: {settings.output / data.REPORT_FILE}")
    for problem in report.problems:
        print(problem, file=sys.stderr)
    if report.problems:
        raise ValueError(f"{counted(len(report.problems), 'problem')}, see above.")


convert = command_of(ConvertSettings, _convert)
