"""Small files in the format of DiTing's original parts, and their conversion."""

import json
import shutil
from pathlib import Path

import pytest

from benchmarks import original
from seisbench_diting.data import convert


@pytest.fixture(scope="session")
def parts(tmp_path_factory) -> Path:
    """Folder of three ordinary parts; copy before changing it."""
    folder = tmp_path_factory.mktemp("original")
    for number in (0, 1, 10):
        original.write_part(folder, number, 150, samples=600, spread=20)
    return folder


@pytest.fixture
def copied(parts, tmp_path) -> Path:
    """The same, to be changed."""
    return shutil.copytree(parts, tmp_path / "in")


@pytest.fixture(scope="session")
def converted(parts, tmp_path_factory) -> Path:
    """Their dataset; copy before changing it."""
    path = tmp_path_factory.mktemp("converted") / "out"
    convert(parts, path, progress=False)
    return path


@pytest.fixture(scope="session")
def files_of():
    """Function that gives the content of a dataset, without times of its originals."""

    def read(path: Path) -> dict[str, bytes]:
        content = {file.name: file.read_bytes() for file in path.iterdir()}
        report = json.loads(content.pop("conversion.json"))
        for part in report["parts"].values():
            del part["sources"]
        return {**content, "report": json.dumps(report, sort_keys=True).encode()}

    return read
