"""Small files in the format of DiTing's original parts."""

import csv
from pathlib import Path

import h5py
import pytest

from benchmarks import original


@pytest.fixture(scope="session")
def parts(tmp_path_factory) -> Path:
    """Folder of three ordinary parts; copy before changing it."""
    folder = tmp_path_factory.mktemp("original")
    for number in (0, 1, 10):
        original.write_part(folder, number, 150, samples=600, spread=200)
    return folder


@pytest.fixture
def quirky(tmp_path) -> Path:
    """Folder of one part with everything in it that was seen in the field."""
    folder = tmp_path / "quirky"
    folder.mkdir()
    names = original.write_part(folder, 3, 40, samples=600)
    with (folder / "DiTing330km_part_3.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    # A row without waveform, waveforms without row, picks outside, text for numbers.
    rows[1]["key"] = "999999.01"
    rows[2]["p_pick"] = "100000"
    rows[3]["s_pick"] = "-5"
    rows[4]["evmag"] = " abc "
    rows[5]["st_mag"] = "86"
    rows[6]["baz"] = "-45.5"
    rows[7]["p_pick"] = ""
    with h5py.File(folder / "DiTing330km_part_3.hdf5", "a") as file:
        file["earthquake/888888.0100"] = file[f"earthquake/{names[0]}"][()]
    original.write_csv(folder / "DiTing330km_part_3.csv", rows)
    return folder
