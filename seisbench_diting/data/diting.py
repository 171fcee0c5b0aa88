"""DiTing as a SeisBench dataset, and a function that opens datasets by path or name."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import seisbench.data as sbd
from seisbench.data import WaveformBenchmarkDataset, WaveformDataset

from .._util import ArgumentError, add_to

# Tells HDF5 how to read zstd, also in processes that only load data.
with contextlib.suppress(ImportError):
    import hdf5plugin  # noqa: F401

_HOW_TO = """\
There is no converted DiTing dataset at {path}.
The data may not be passed on: get DiTing330km_part_*.hdf5 and .csv from the China
Earthquake Data Center (https://data.earthquake.cn, https://doi.org/10.12080/nedc.11.ds.2022.0002) \
after signing its agreement, then run

    seisbench-diting convert -i FOLDER -o {path}

or DiTing.from_original(FOLDER). An already converted dataset: DiTing(path=...)."""


class DiTing(WaveformBenchmarkDataset):
    """
    DiTing: 2.73 million three-component records of 787 010 earthquakes in and around
    China, 2013 to 2020, with arrivals of P and S and polarities picked by analysts.

    Records of about 180 s at 50 Hz in counts, component order ZNE, one chunk for each of
    the original files. The dataset has to be converted from those first, see
    :py:meth:`from_original`. It has no coordinates of events and stations, so SeisBench's
    map and region filters do not apply.

    .. admonition:: Citation

        Zhao, M., Xiao, Z., Chen, S., & Fang, L. (2023). DiTing: A large-scale Chinese
        seismic benchmark dataset for artificial intelligence in seismology. Earthquake
        Science, 36(2), 84-94.

        https://doi.org/10.1016/j.eqs.2022.01.022

    :param path: Folder of the converted dataset. Default: ``diting`` in SeisBench's
        cache of datasets.
    :param chunks: Chunks to load, such as ``["00", "01"]``. Default: all.
    :param kwargs: Passed to :py:class:`seisbench.data.WaveformDataset`
    :raises FileNotFoundError: if there is no converted dataset; explains how to get it
    """

    def __init__(
        self,
        path: str | Path | None = None,
        chunks: Sequence[str] | None = None,
        **kwargs: Any,
    ):
        self._citation = (
            "Zhao, M., Xiao, Z., Chen, S., & Fang, L. (2023). DiTing: A large-scale "
            "Chinese seismic benchmark dataset for artificial intelligence in "
            "seismology. Earthquake Science, 36(2), 84-94. "
            "https://doi.org/10.1016/j.eqs.2022.01.022"
        )
        self._license = (
            "By agreement with the China Earthquake Data Center; the data may not be "
            "passed on."
        )
        folder = self._path_internal() if path is None else Path(path)
        if not self.available_chunks(folder):
            raise FileNotFoundError(_HOW_TO.format(path=folder))
        # Not the benchmark class's own constructor, which looks for data to download.
        WaveformDataset.__init__(
            self,
            path=folder,
            name=self._name_internal(),
            chunks=None if chunks is None else list(chunks),
            **kwargs,
        )
        # pandas reads them as numbers, and drops their zeros.
        for name, digits in (("source_id", 6), ("station_code", 4)):
            self._metadata[name] = self._metadata[name].astype(str).str.zfill(digits)

    @classmethod
    def from_original(
        cls, folder: str | Path, path: str | Path | None = None, **kwargs: Any
    ) -> DiTing:
        """
        Converts the original files, except those already converted, and opens the
        dataset.

        :param folder: Folder with ``DiTing330km_part_N.hdf5`` and their tables
        :param path: Folder of the dataset. Default: as for :py:class:`DiTing`.
        :param kwargs: Passed to :py:func:`seisbench_diting.data.convert`
        :raises ValueError: if something is wrong with the original files; the rest is
            converted, and :py:class:`DiTing` opens it
        :return: The dataset
        """
        from .conversion import convert

        path = cls._path_internal() if path is None else Path(path)
        report = convert(folder, path, **kwargs)
        if report.problems:
            raise ValueError(
                "Not everything could be converted. Correct the files and call again, or "
                f"use DiTing(path={str(path)!r}) as it is:\n"
                + "\n".join(report.problems)
            )
        return cls(path)

    @property
    def path(self) -> Path:
        """Folder of the dataset."""
        return Path(self._path)

    @classmethod
    def available_chunks(cls, path: str | Path | None = None, **_: Any) -> list[str]:
        """
        Chunks of a converted dataset. SeisBench's other arguments, for datasets that are
        downloaded, have no effect.

        :param path: Folder of the dataset. Default: as for :py:class:`DiTing`.
        :return: Names of chunks, empty if there is no dataset
        """
        folder = cls._path_internal() if path is None else Path(path)
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            return WaveformDataset.available_chunks(folder)
        return []

    def _download_dataset(self, writer: Any, chunk: str, **kwargs: Any) -> None:
        raise NotImplementedError(_HOW_TO.format(path=self.path))


def open_dataset(name: str | Path, **kwargs: Any) -> WaveformDataset:
    """
    Opens a dataset of waveforms.

    :param name: Folder of a dataset in SeisBench's format, or the name of one of
        SeisBench's datasets, such as ``DiTing`` or ``ETHZ``, in any case
    :param kwargs: Passed to the dataset
    :raises ArgumentError: if there is neither such a folder nor such a dataset
    :return: Dataset
    """
    path = Path(str(name)).expanduser()
    if any(path.glob("metadata*.csv")) or any(path.glob("chunks*")):
        if (path / "conversion.json").is_file():
            return DiTing(path, **kwargs)
        return WaveformDataset(path, name=path.resolve().name, **kwargs)
    known = {cls.lower(): getattr(sbd, cls, None) for cls in sbd.__all__}
    cls: Any = known.get(str(name).lower())
    if isinstance(cls, type) and issubclass(cls, WaveformBenchmarkDataset):
        return cls(**kwargs)
    raise ArgumentError(
        "data",
        str(name),
        "neither a folder with metadata*.csv and waveforms*.hdf5 nor one of SeisBench's "
        "datasets, such as DiTing or ETHZ. Convert DiTing's files first, with "
        "`seisbench-diting convert`",
    )


add_to("seisbench.data", {"DiTing": DiTing})
