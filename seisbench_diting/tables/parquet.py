"""Tables in Parquet files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType

import pandas as pd

from .._util import replacing
from .chunks import Picks, pick_chunks
from .columns import TIME
from .picks import COLUMNS, EVENT_COLUMNS, pick_table


def write_picks_parquet(picks: Picks, path: str | Path) -> None:
    """
    :param picks: Table of picks, or tables in order of time
    :param path: File to write
    :raises ImportError: without pyarrow
    """
    write_parquet(pick_chunks(picks), {**COLUMNS, **EVENT_COLUMNS}, path)


def read_picks_parquet(path: str | Path) -> pd.DataFrame:
    """
    :param path: File to read
    :raises ImportError: without pyarrow
    :raises ValueError: if it is no Parquet file of picks
    :return: Table of picks
    """
    return pick_table(read_parquet(path))


def write_parquet(
    tables: Iterable[pd.DataFrame], types: Mapping[str, str], path: str | Path
) -> None:
    """
    Each table becomes a row group. Columns are text, double, 64-bit integers that may be
    null, and UTC microseconds.

    :param tables: Tables with the same columns, one at least
    :param types: All columns that they may have, and their types
    :param path: File to write
    :raises ImportError: without pyarrow
    """
    pyarrow = import_pyarrow()
    with replacing(Path(path)) as temporary:
        writer = None
        try:
            for table in tables:
                if writer is None:
                    schema = _schema(pyarrow, {name: types[name] for name in table})
                    writer = pyarrow.parquet.ParquetWriter(temporary, schema)
                rows = pyarrow.Table.from_pandas(table, schema, preserve_index=False)
                # Without pandas' own notes, which differ from version to version.
                writer.write_table(rows.replace_schema_metadata(None))
        finally:
            if writer is not None:
                writer.close()


def read_parquet(path: str | Path) -> pd.DataFrame:
    """
    :param path: File to read
    :raises ImportError: without pyarrow
    :raises ValueError: if it is no Parquet file
    :return: Table
    """
    pyarrow = import_pyarrow()
    with Path(path).open("rb") as file:
        try:
            return pyarrow.parquet.ParquetFile(file).read().to_pandas()
        # Damaged files raise errors of many kinds.
        except (pyarrow.ArrowException, OSError, ValueError) as error:
            raise ValueError(
                f"{path} is no whole Parquet file ({error}). Write it again."
            ) from error


def _schema(pyarrow: ModuleType, types: Mapping[str, str]) -> object:
    kinds = {
        "str": pyarrow.string(),
        "float64": pyarrow.float64(),
        "Int64": pyarrow.int64(),
        TIME: pyarrow.timestamp("us", tz="UTC"),
    }
    return pyarrow.schema([(name, kinds[kind]) for name, kind in types.items()])


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
