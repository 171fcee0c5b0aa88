"""Code in the pages of the documentation."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


def blocks(page: str, language: str = "python") -> list[str]:
    """Code of a language in a page, such as ``docs/picking.md``."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


def run_code(code: str, folder: Path, **names) -> dict[str, Any]:
    """Runs code as a script in a folder, and gives its names."""
    (folder / "code.py").write_text(code, encoding="utf-8")
    return runpy.run_path(str(folder / "code.py"), names)
