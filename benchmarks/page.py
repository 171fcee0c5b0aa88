"""benchmarks/README.md, on which each benchmark has a place of its own."""

from __future__ import annotations

import re
from pathlib import Path

from seisbench_diting._util import write_text

README = Path(__file__).resolve().parent / "README.md"


def _marks(name: str) -> re.Pattern[str]:
    """What stands around the output of a benchmark, and what stands there now."""
    return re.compile(rf"(<!-- {name} -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def section(page: str, name: str) -> str:
    """
    :param page: Text of the page
    :param name: Of a benchmark
    :raises ValueError: if there is no place for it
    :return: What stands between its marks
    """
    found = _marks(name).search(page)
    if found is None:
        raise ValueError(f"{README.name} has no place for {name!r}.")
    return found[2]


def insert(name: str, text: str) -> None:
    """Puts a text between the marks of its name."""
    page = README.read_text(encoding="utf-8")
    write_text(README, _marks(name).sub(lambda m: f"{m[1]}{text}{m[3]}", page))
