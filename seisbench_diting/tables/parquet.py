"""Picks in Parquet files."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pandas as pd

from ..files import replacing
from .chunks import Picks, pick_chunks
from .columns import TIME
from .picks import COLUMNS, EVENT_COLUMNS, pick_table


def write_picks_parquet(picks: Picks, path: str | Path) -> None:
    """
    Each table becomes a row group. Columns have the types of
    :py:data:`~seisbench_diting.tables.COLUMNS`: text, double, and UTC microseconds.

    :param picks: Table of picks, or tables in order of time
    :param path: File to write
    :raises ImportError: without pyarrow
    """
    pyarrow = _pyarrow()
    with replacing(Path(path)) as temporary:
        writer = None
        try:
            for table in pick_chunks(picks):
                if writer is None:
                    schema = _schema(pyarrow, list(table.columns))
                    writer = pyarrow.parquet.ParquetWriter(temporary, schema)
                rows = pyarrow.Table.from_pandas(table, schema, preserve_index=False)
                # Without pandas' own notes, which differ from version to version.
                writer.write_table(rows.replace_schema_metadata(None))
        finally:
            if writer is not None:
                writer.close()


def read_picks_parquet(path: str | Path) -> pd.DataFrame:
    """
    :param path: File to read
    :raises ImportError: without pyarrow
    :raises ValueError: if it is no Parquet file of picks
    :return: Table of picks
    """
    pyarrow = _pyarrow()
    with Path(path).open("rb") as file:
        try:
            table = pyarrow.parquet.ParquetFile(file).read().to_pandas()
        # Damaged files raise errors of many kinds.
        except (pyarrow.ArrowException, OSError, ValueError) as error:
            raise ValueError(
                f"{path} is no whole Parquet file ({error}). Write it again."
            ) from error
    return pick_table(table)


def _schema(pyarrow: ModuleType, columns: list[str]) -> object:
    kinds = {
        "str": pyarrow.string(),
        "float64": pyarrow.float64(),
        TIME: pyarrow.timestamp("us", tz="UTC"),
    }
    types = {**COLUMNS, **EVENT_COLUMNS}
    return pyarrow.schema([(name, kinds[types[name]]) for name in columns])


def _pyarrow() -> ModuleType:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise ImportError(
            "Parquet files need pyarrow: pip install 'seisbench-diting[parquet]'."
        ) from error
    return pyarrow
