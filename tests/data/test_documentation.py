"""docs/diting.md names every column of the original and what it becomes."""

from pathlib import Path

from seisbench_diting.data.original import COLUMNS

TEXT = (Path(__file__).parents[2] / "docs" / "diting.md").read_text(encoding="utf-8")


def test_every_column_is_documented():
    for name, (original, _) in COLUMNS.items():
        if not original.endswith("_snr"):
            assert f"`{original}`" in TEXT or original == ""
            assert f"`{name}`" in TEXT
    assert sum(name.endswith("_snr") for name in COLUMNS) == 12
