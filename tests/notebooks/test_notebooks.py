"""The course: each notebook runs, with real records and without, and is saved with figures."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("nbformat")
pytest.importorskip("nbclient")

import nbformat

from notebooks.execute import execute

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(path.name for path in FOLDER.glob("*.ipynb"))

#: Names of folders that only one machine has.
_OF_A_MACHINE = ("/home/", "/root/", "/tmp/", "/work/", "/Users/")


def outputs(notebook):
    for cell in notebook.cells:
        if cell.cell_type == "code":
            yield from cell.outputs


def pictures(notebook) -> int:
    return sum("image/png" in output.get("data", {}) for output in outputs(notebook))


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_saved_outputs_are_those_of_one_execution(name):
    notebook = nbformat.read(FOLDER / name, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    counts = [cell.execution_count for cell in code]
    assert counts == list(range(1, len(code) + 1))
    assert pictures(notebook) >= 1
    for output in outputs(notebook):
        assert output.output_type != "error"
        for kind in output.get("data", {}):
            if kind.startswith("image"):
                output["data"][kind] = ""
        assert not [part for part in _OF_A_MACHINE if part in str(output)]
    assert (FOLDER / name).stat().st_size < 1_500_000


@pytest.mark.slow
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_runs_without_records(name, tmp_path, monkeypatch):
    # No published weights either: a mirror that holds nothing.
    monkeypatch.setenv("SEISBENCH_DITING_MIRROR", str(tmp_path))
    monkeypatch.delenv("SEISBENCH_DITING_REFERENCE", raising=False)
    folder = tmp_path / "run"
    folder.mkdir()
    assert pictures(execute(FOLDER / name, folder)) >= 1


@pytest.mark.slow
@pytest.mark.parametrize("name", ["02_catalogue.ipynb", "05_distillation.ipynb"])
def test_runs_with_records(name, tmp_path, monkeypatch, reference):
    monkeypatch.setenv("SEISBENCH_DITING_REFERENCE", str(reference))
    assert pictures(execute(FOLDER / name, tmp_path)) >= 1
