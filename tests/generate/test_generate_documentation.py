"""docs/generate.md: its code runs, and it names every option."""

import inspect

from benchmarks.original import write_part
from seisbench_diting.data import convert
from seisbench_diting.generate import window_augmentations
from tests.pages import ROOT, blocks, run_code

PAGE = "docs/generate.md"


def test_the_code_of_the_page_runs(tmp_path):
    write_part(tmp_path, 0, 320, samples=7000)
    convert(tmp_path, tmp_path / "out", progress=False)
    code = "\n".join(blocks(PAGE)).replace("num_workers=4, stop=1000", "stop=2")
    code = code.replace("batch_size=32", "batch_size=4")
    names = run_code(code, tmp_path, DATASET=tmp_path / "out")

    assert names["wave"].shape == (4, 3, 6144)
    assert names["batch"]["label"].shape[1] == 3


def test_every_option_is_named():
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    for name in inspect.signature(window_augmentations).parameters:
        if name not in ("n_samples", "factor", "phases"):
            assert f"`{name}`" in text or f"`{name}=" in text, name
