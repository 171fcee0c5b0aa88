"""Small files in the format of DiTing's original parts, and their conversion."""

import csv
import json
import shutil
from pathlib import Path

import h5py
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


def _as_attribute(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text.strip() or -12345.0


@pytest.fixture
def merged(parts, tmp_path) -> Path:
    """The parts in one file, as the dataset's tutorial writes it: 8 of 10 rows train."""
    path = tmp_path / "diting.h5"
    rows = []
    for table in sorted(parts.glob("*.csv")):
        with table.open(newline="") as file:
            rows += [(table.with_suffix(".hdf5"), row) for row in csv.DictReader(file)]
    with h5py.File(path, "w") as target:
        for i, (part, row) in enumerate(rows):
            event, station = row["key"].strip().split(".")
            name = f"{event:0>6}.{station:0<4}"
            place = f"{'train' if i < 0.8 * len(rows) else 'test'}/{name[:6]}/{name}"
            with h5py.File(part) as source:
                target[place] = source[f"earthquake/{name}"][()]
            for key, value in row.items():
                if key:
                    target[place].attrs[key] = _as_attribute(value)
    return path


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
