"""DiTing as a SeisBench dataset."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
from seisbench.data import WaveformBenchmarkDataset, WaveformDataset

from .._util.registration import add_to
from .blocks import ZSTD_FILTER
from .conversion import convert

# Tells HDF5 how to read zstd; also in processes that load data and import only this.
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
    map and region filters do not apply;
    :py:func:`seisbench_diting.figures.plot_record` shows a record.

    .. admonition:: Citation

        Zhao, M., Xiao, Z., Chen, S., & Fang, L. (2023). DiTing: A large-scale Chinese
        seismic benchmark dataset for artificial intelligence in seismology. Earthquake
        Science, 36(2), 84-94.

        https://doi.org/10.1016/j.eqs.2022.01.022

    :param path: Folder of the converted dataset. Default: ``diting`` in SeisBench's
        cache of datasets.
    :param chunks: Chunks to load, such as ``["00", "01"]``. Default: all.
    :param kwargs: Passed to :py:class:`seisbench.data.WaveformDataset`
    :raises FileNotFoundError: if there is no converted dataset; tells how to get it
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
        if path is not None and not isinstance(path, (str, Path)):
            raise ValueError(f"path={path!r} is no folder; name chunks with chunks=.")
        folder = self._path_internal() if path is None else Path(path)
        if not self.available_chunks(folder):
            raise FileNotFoundError(_HOW_TO.format(path=folder))
        # Not the benchmark class's own beginning, which looks for data to download.
        WaveformDataset.__init__(
            self,
            path=folder,
            name=self._name_internal(),
            chunks=None if chunks is None else list(chunks),
            **kwargs,
        )
        _check_compression(self._chunks_with_paths()[2][0])
        self._restore_codes()

    @classmethod
    def from_original(
        cls,
        folder: str | Path,
        path: str | Path | None = None,
        *,
        dataset_kwargs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> DiTing:
        """
        Converts the original files, or what of them has not been converted, and opens
        the dataset.

        :param folder: Folder with ``DiTing330km_part_N.hdf5`` and ``.csv``, or the
            tutorial's merged file
        :param path: Folder of the dataset. Default: as for :py:class:`DiTing`.
        :param dataset_kwargs: Passed to :py:class:`DiTing`
        :param kwargs: Passed to :py:func:`seisbench_diting.data.convert`
        :raises ValueError: if something is wrong with the original files; what could be
            converted is kept, and :py:class:`DiTing` opens it
        :return: The dataset
        """
        path = cls._path_internal() if path is None else Path(path)
        report = convert(folder, path, **kwargs)
        if report.problems:
            raise ValueError(
                "Not everything could be converted. Mend the files and call again, or "
                f"use DiTing(path={str(path)!r}) as it is:\n"
                + "\n".join(report.problems)
            )
        return cls(path, **(dataset_kwargs or {}))

    @property
    def path(self) -> Path:
        """Folder of the dataset."""
        return Path(self._path)

    @classmethod
    def available_chunks(
        cls,
        path: str | Path | None = None,
        force: bool = False,
        wait_for_file: bool = False,
    ) -> list[str]:
        """
        Chunks of a converted dataset. The last two arguments are SeisBench's, for
        datasets that are downloaded, and have no effect here.

        :param path: Folder of the dataset. Default: as for :py:class:`DiTing`.
        :return: Names of chunks, empty if there is no dataset
        """
        folder = cls._path_internal() if path is None else Path(path)
        if not folder.is_dir():
            return []
        try:
            return WaveformDataset.available_chunks(folder)
        except FileNotFoundError:
            return []

    def plot_map(self, *args: Any, **kwargs: Any) -> None:
        """
        Not possible: DiTing has no coordinates.

        :raises ValueError: always; tells what is possible
        """
        raise ValueError(
            "DiTing has no coordinates of events and stations, so there is no map of it. "
            "seisbench_diting.figures.plot_record(*dataset.get_sample(0)) shows a record."
        )

    def _restore_codes(self) -> None:
        """pandas reads codes that are digits as numbers, and drops their zeros."""
        for name, digits in (("source_id", 6), ("station_code", 4)):
            if name in self._metadata.columns:
                codes = self._metadata[name].astype(str)
                padded = codes.str.zfill(digits)
                self._metadata[name] = padded.where(codes.str.isdigit(), codes)

    def _download_dataset(self, writer: Any, chunk: str, **kwargs: Any) -> None:
        raise NotImplementedError(_HOW_TO.format(path=self.path))


def _check_compression(path: Path) -> None:
    """
    :param path: HDF5 file of a chunk
    :raises ValueError: if it needs a filter that is not there
    """
    with h5py.File(path, "r") as file:
        for block in file["data"].values():
            filters = block.id.get_create_plist()
            numbers = [filters.get_filter(i)[0] for i in range(filters.get_nfilters())]
            if ZSTD_FILTER in numbers and not h5py.h5z.filter_avail(ZSTD_FILTER):
                raise ValueError(
                    f"{path} is compressed with zstd, which needs hdf5plugin: "
                    "pip install 'seisbench-diting[zstd]'."
                )
            return


add_to("seisbench.data", {"DiTing": DiTing})
