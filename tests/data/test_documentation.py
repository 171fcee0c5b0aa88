"""docs/diting.md names every column of the original and what it becomes."""

from pathlib import Path

from seisbench_diting.data.names import COLUMNS

TEXT = (Path(__file__).parents[2] / "docs" / "diting.md").read_text(encoding="utf-8")


def test_every_column_is_documented():
    for column in COLUMNS:
        if column.original.endswith("_snr"):
            continue
        assert f"`{column.original}`" in TEXT or column.original == ""
        assert f"`{column.name}`" in TEXT
    assert sum(column.original.endswith("_snr") for column in COLUMNS) == 12
