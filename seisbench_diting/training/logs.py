"""The logs of a run, one for each time that it was begun or continued."""

from __future__ import annotations

import csv
from pathlib import Path

#: Folder of the logs in a run's folder.
LOGS = "logs"

_FILE = "metrics.csv"


def log_version(start: int) -> str:
    """
    :param start: Steps done before
    :return: Name of the folder of what is logged from there on
    """
    return f"from_step_{start:07d}"


def read_log(output: Path) -> dict[str, list[tuple[int, float]]]:
    """
    :param output: Folder of a run
    :return: Steps and values of each figure that was logged
    """
    curves: dict[str, dict[int, float]] = {}
    for path in sorted((output / LOGS).glob(f"{log_version(0)[:-7]}*/{_FILE}")):
        with path.open(newline="") as file:
            for row in csv.DictReader(file):
                step = int(row.pop("step"))
                for name, text in row.items():
                    if text:
                        # What was done again after a checkpoint counts.
                        curves.setdefault(name, {})[step] = float(text)
    return {name: sorted(values.items()) for name, values in curves.items()}
