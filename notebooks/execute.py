"""
Executes notebooks and saves them with their outputs, here or elsewhere.

    python notebooks/execute.py [NOTEBOOK...]

Each runs in an empty folder of its own. With records in ``SEISBENCH_DITING_REFERENCE`` it uses
them.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from pathlib import Path
from timeit import default_timer as clock

import nbformat
from nbclient import NotebookClient

HERE = Path(__file__).resolve().parent

#: Seconds that a cell may take.
LONGEST = 300


def execute(path: Path, folder: Path) -> nbformat.NotebookNode:
    """
    :param path: Notebook
    :param folder: Folder that it runs in
    :raises nbclient.exceptions.CellExecutionError: if a cell raises an error
    :return: The notebook with its outputs
    """
    notebook = nbformat.read(path, as_version=4)
    before = os.environ.get("PYTHONPATH")
    # What lies beside the notebooks, and the benchmarks.
    os.environ["PYTHONPATH"] = os.pathsep.join(
        [str(HERE), str(HERE.parent), *([before] if before else [])]
    )
    try:
        NotebookClient(
            notebook,
            timeout=LONGEST,
            kernel_name="python3",
            resources={"metadata": {"path": str(folder)}},
        ).execute()
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before
    for cell in notebook.cells:
        # Times of the day, which differ at each execution.
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            # Warnings begin with a file of this machine.
            if output.get("name") == "stderr":
                output.text = re.sub(r"\S+/ipykernel_\S+: ", "", output.text)
    return notebook


def main() -> None:
    names = sys.argv[1:] or sorted(HERE.glob("*.ipynb"))
    for path in map(Path, names):
        begin = clock()
        with tempfile.TemporaryDirectory() as folder:
            notebook = execute(path, Path(folder))
        nbformat.write(notebook, path)
        print(f"{path.name}: {clock() - begin:.0f} s")


if __name__ == "__main__":
    main()
