"""Opening a dataset by its path or its name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import seisbench.data as sbd
from seisbench.data import WaveformDataset

from .diting import DiTing
from .report import REPORT_FILE


def open_dataset(name: str | Path, **kwargs: Any) -> WaveformDataset:
    """
    Opens a dataset of waveforms.

    :param name: Folder of a dataset in SeisBench's format, or the name of one of
        SeisBench's datasets, such as ``DiTing`` or ``ETHZ``, in any case
    :param kwargs: Passed to the dataset
    :raises ValueError: if there is neither such a folder nor such a dataset
    :return: Dataset
    """
    path = Path(name).expanduser()
    if path.is_dir():
        if not any(path.glob("metadata*")) and not any(path.glob("chunks*")):
            raise ValueError(
                f"dataset={str(name)!r} is a folder without a dataset. Give one with "
                "metadata*.csv and waveforms*.hdf5."
            )
        if (path / REPORT_FILE).is_file():
            return DiTing(path, **kwargs)
        return WaveformDataset(path, name=path.resolve().name, **kwargs)
    for known in sbd.__all__:
        cls = getattr(sbd, known, None)
        if (
            known.lower() == str(name).lower()
            and isinstance(cls, type)
            and issubclass(cls, sbd.WaveformBenchmarkDataset)
        ):
            return cls(**kwargs)
    raise ValueError(
        f"dataset={str(name)!r} is neither a folder nor one of SeisBench's datasets. "
        "Give the folder with metadata*.csv and waveforms*.hdf5, or a name such as "
        "DiTing or ETHZ."
    )
