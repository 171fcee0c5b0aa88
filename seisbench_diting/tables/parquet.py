"""Tables in Parquet files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

import pandas as pd

from .._util import replacing
from .schema import COLUMNS, EVENT_COLUMNS, EVENT_TABLE_COLUMNS, QUALITY_COLUMNS, TIME

_TYPES = {**EVENT_TABLE_COLUMNS, **QUALITY_COLUMNS, **COLUMNS, **EVENT_COLUMNS}


def write_parquet(tables: Iterable[pd.DataFrame], path: Path) -> None:
    """
    Each table becomes a row group. Columns are text, double, 64-bit integers that may be
    null, and UTC microseconds.

    :param tables: Tables of picks or of events with the same columns, one at least
    :param path: File to write
    :raises ImportError: without pyarrow
    """
    pyarrow = import_pyarrow()
    kinds = {
        "str": pyarrow.string(),
        "float64": pyarrow.float64(),
        "Int64": pyarrow.int64(),
        TIME: pyarrow.timestamp("us", tz="UTC"),
    }
    with replacing(path) as temporary:
        writer = None
        try:
            for table in tables:
                if writer is None:
                    fields = [(name, kinds[_TYPES[str(name)]]) for name in table]
                    schema = pyarrow.schema(fields)
                    writer = pyarrow.parquet.ParquetWriter(temporary, schema)
                rows = pyarrow.Table.from_pandas(table, schema, preserve_index=False)
                # Without pandas' own notes, which differ from version to version.
                writer.write_table(rows.replace_schema_metadata(None))
        finally:
            if writer is not None:
                writer.close()


def read_parquet(path: Path) -> pd.DataFrame:
    """
    :param path: File to read
    :raises ImportError: without pyarrow
    :raises ValueError: if it is not a Parquet file
    :return: Table
    """
    pyarrow = import_pyarrow()
    with path.open("rb") as file:
        try:
            return pyarrow.parquet.ParquetFile(file).read().to_pandas()
        # Damaged files raise errors of many kinds.
        except (pyarrow.ArrowException, OSError, ValueError) as error:
            raise ValueError(f"it is not a whole Parquet file: {error}.") from error


def import_pyarrow() -> ModuleType:
    """
    :raises ImportError: if it isn't there; the error says what to install
    :return: pyarrow
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise ImportError(
            "Parquet files need pyarrow: pip install 'seisbench-diting[parquet]'."
        ) from error
    return pyarrow
