"""docs/generate.md: its code runs, and it names every option."""

import inspect
import re
import runpy
from pathlib import Path

from seisbench_diting.data import convert
from seisbench_diting.generate import window_augmentations

TEXT = (Path(__file__).parents[2] / "docs" / "generate.md").read_text(encoding="utf-8")


def test_its_code_runs(tmp_path):
    from benchmarks.original import write_part

    write_part(tmp_path, 0, 320, samples=7000)
    convert(tmp_path, tmp_path / "out", progress=False)
    blocks = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)
    code = "\n".join(blocks).replace("num_workers=4, stop=1000", "stop=2")
    code = code.replace("batch_size=32", "batch_size=4")
    (tmp_path / "code.py").write_text(code, encoding="utf-8")
    names = runpy.run_path(
        str(tmp_path / "code.py"), init_globals={"DATASET": tmp_path / "out"}
    )

    assert len(blocks) == 2
    assert names["wave"].shape == (4, 3, 6144)
    assert names["batch"]["label"].shape[1] == 3


def test_every_option_is_named():
    for name in inspect.signature(window_augmentations).parameters:
        if name not in ("n_samples", "factor", "phases"):
            assert f"`{name}`" in TEXT or f"`{name}=" in TEXT, name
