"""docs/distillation.md: its code runs, and what it says of options is true."""

import re
import runpy
from pathlib import Path

import pytest

pytest.importorskip("lightning")

from seisbench_diting.distillation import DistillSettings
from seisbench_diting.weights import MIRROR_VARIABLE

TEXT = (Path(__file__).parents[2] / "docs" / "distillation.md").read_text("utf-8")


def test_its_code_runs(reference, cache, archive, tmp_path, monkeypatch):
    monkeypatch.setenv(MIRROR_VARIABLE, str(reference / "weights"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ARCHIVE").symlink_to(archive)
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)
    code = code.replace("max_steps=2000", "max_steps=2, batch_size=2, workers=0")
    (tmp_path / "code.py").write_text(code, encoding="utf-8")
    names = runpy.run_path(str(tmp_path / "code.py"))
    assert names["result"].steps == 2
    assert (tmp_path / "RUN" / "LPPNT.pt").is_file()


def test_defaults_are_those_that_it_tells():
    defaults = {n: field.default for n, field in DistillSettings.model_fields.items()}
    for text in ("even=0.18", "--cache-gb 4"):
        assert f"`{text}`" in TEXT
        name, value = re.split("[ =]", text.removeprefix("--"))
        assert defaults[name.replace("-", "_")] == float(value)
    assert defaults["shares"] == (0.75, 0.125, 0.125)
    assert defaults["held_out"] == 0.1
    assert defaults["overlap"] == 0.75
