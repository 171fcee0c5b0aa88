"""The labelled Californian records as a SeisBench dataset."""

from collections.abc import Callable
from pathlib import Path

import seisbench.data as sbd

from benchmarks.ncedc import read_records
from seisbench_diting._util import replacing


def write_ncedc(path: Path, train: int = 0) -> Path:
    """
    :param path: Folder to write
    :param train: Number of records of the split train, every so many-th one; the others
        are dev and test at once, so that a run is validated on what it is measured by
    :return: The folder
    """
    number = len(read_records().waveforms)
    chosen = {int(i * number / train) for i in range(train)}
    return write_dataset(path, lambda i: i not in chosen)


def write_dataset(path: Path, is_dev: Callable[[int], bool]) -> Path:
    """
    :param path: Folder to write
    :param is_dev: If a record, by its number, is of the split dev; train otherwise
    :return: The folder
    """
    path.mkdir(parents=True, exist_ok=True)
    records = read_records()
    # Metadata are written last: a dataset without them is none.
    with (
        replacing(path / "metadata.csv") as metadata,
        replacing(path / "waveforms.hdf5") as waveforms,
        sbd.WaveformDataWriter(metadata, waveforms) as file,
    ):
        file.data_format = {
            "dimension_order": "CW",
            "component_order": records.component_order,
        }
        for i, (waveform, (p, s)) in enumerate(
            zip(records.waveforms, records.arrivals, strict=True)
        ):
            file.add_trace(
                {
                    "trace_sampling_rate_hz": records.sampling_rate,
                    "trace_p_arrival_sample": p,
                    "trace_s_arrival_sample": s,
                    "split": "dev" if is_dev(i) else "train",
                },
                waveform,
            )
    return path
