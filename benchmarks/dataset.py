"""Conversion of DiTing's original format: speed, sizes, memory, reading back.

    python -m benchmarks.dataset [--folder FOLDER] [--records 38000] [--read 3000]

Writes two parts in the original format at the real record length into the folder (4.1 GB
each by default; about 35 GB of disk are needed), then runs, one after the other and each
in a process of its own, on the first part: a plain copy through h5py, the way SeisBench's
own dataset classes convert (``WaveformDataWriter``, one ``add_trace`` a record), and the
conversion with every compression; on both parts: the conversion with one and with two
workers. Each time includes getting the output to the disk (fsync). Last, training windows
a second from the dataset without compression, as ``benchmarks.batches`` does.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import seisbench
import seisbench.data as sbd

from benchmarks import batches
from benchmarks.common import (
    peak_gb,
    peak_gb_of_children,
    print_header,
    print_heading,
    print_row,
)
from benchmarks.original import write_part
from seisbench_diting.data import convert

#: Records and bytes of all of DiTing.
ALL_RECORDS = 2_734_748


def copy_plainly(source: Path, target: Path) -> int:
    """The floor: every array read and written again through h5py."""
    target.mkdir()
    with (
        h5py.File(source / "DiTing330km_part_0.hdf5") as file,
        h5py.File(target / "copy.hdf5", "w") as output,
    ):
        group = file["earthquake"]
        for name in group:
            output.create_dataset(name, data=group[name][()])
        return len(group)


def convert_with_seisbench(source: Path, target: Path) -> int:
    """One ``add_trace`` a record."""
    rows = pd.read_csv(source / "DiTing330km_part_0.csv", dtype={"key": str})
    target.mkdir()
    files = target / "metadata.csv", target / "waveforms.hdf5"
    with (
        sbd.WaveformDataWriter(*files) as writer,
        h5py.File(source / "DiTing330km_part_0.hdf5") as file,
    ):
        writer.data_format = {"dimension_order": "CW", "component_order": "ZNE"}
        for _, row in rows.iterrows():
            event, station = row["key"].split(".")
            name = f"{event:0>6}.{station:0<4}"
            waveform = file["earthquake"][name][()].T
            metadata = {
                "trace_name": name,
                "trace_sampling_rate_hz": 50,
                "trace_p_arrival_sample": row["p_pick"],
                "trace_s_arrival_sample": row["s_pick"],
                "source_id": event,
                "station_code": station,
                **{f"trace_{key}": row[key] for key in rows.columns[4:]},
            }
            writer.add_trace(metadata, waveform)
    return len(rows)


def convert_with_ours(source: Path, target: Path, *options: str) -> int:
    compression, workers, parts = options
    report = convert(
        source,
        target,
        compression=compression,
        workers=int(workers),
        parts=parts.split("+"),
        progress=False,
    )
    assert not report.problems, report.problems
    return report.records


JOBS: dict[str, Callable[..., int]] = {
    "copy": copy_plainly,
    "seisbench": convert_with_seisbench,
    "convert": convert_with_ours,
}


def run_job(name: str, source: Path, target: Path, options: list[str]) -> None:
    """Runs in a process of its own; prints what was measured as JSON."""
    begin = time.perf_counter()
    records = JOBS[name](source, target, *options)
    for file in target.iterdir():
        handle = os.open(file, os.O_RDONLY)
        os.fsync(handle)
        os.close(handle)
    seconds = time.perf_counter() - begin
    size = sum(file.stat().st_size for file in target.iterdir())
    # That of its workers is at least its own when it began them, which is no more.
    peak = max(peak_gb(), peak_gb_of_children())
    print(
        json.dumps({"records": records, "seconds": seconds, "bytes": size, "GB": peak})
    )


def measure(name: str, source: Path, target: Path, *options: str) -> dict:
    shutil.rmtree(target, ignore_errors=True)
    # What an earlier job wrote must not be written in the time of this one.
    os.sync()
    command = [sys.executable, "-m", "benchmarks.dataset", "--job", name]
    output = subprocess.run(
        [*command, str(source), str(target), *options],
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    return json.loads(output.stdout.splitlines()[-1])


def reads_a_second(path: Path, number: int) -> float:
    """Records drawn at random, one by one, through plain SeisBench."""
    dataset = sbd.WaveformDataset(path, component_order="ZNE")
    chosen = np.random.default_rng(0).permutation(len(dataset))[:number]
    begin = time.perf_counter()
    for index in chosen:
        dataset.get_sample(index)
    return len(chosen) / (time.perf_counter() - begin)


def make_parts(folder: Path, records: int) -> Path:
    source = folder / "original"
    marker = source / f"{records}.made"
    if not marker.exists():
        shutil.rmtree(source, ignore_errors=True)
        source.mkdir(parents=True)
        for number in range(2):
            write_part(source, number, records)
        marker.touch()
    for file in source.glob("*.hdf5"):
        # All jobs find the input in the page cache.
        with file.open("rb") as stream:
            while stream.read(2**24):
                pass
    return source


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--records", type=int, default=38_000)
    parser.add_argument("--read", type=int, default=3000)
    parser.add_argument("--batches", type=int, default=150)
    arguments = parser.parse_args()
    print_heading("Conversion of DiTing's original format")
    # That no component order was named is no news here.
    seisbench.logger.setLevel("ERROR")
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        compare(folder, arguments)
        print()
        target = folder / "output"
        convert(folder / "original", target, parts=[0], progress=False)
        batches.compare(target, arguments.batches, [0, 2])
        shutil.rmtree(target)


def compare(folder: Path, arguments: argparse.Namespace) -> None:
    source = make_parts(folder, arguments.records)
    size = (source / "DiTing330km_part_0.hdf5").stat().st_size
    print(f"a part: {arguments.records} records of 9000 samples, {size / 1e9:.2f} GB\n")
    print_header(
        *("job", "s", "records/s", "MB/s", "GB", "peak MB", "reads/s"),
        *("all of DiTing: h", "GB"),
    )
    jobs = [("plain copy, h5py", "copy"), ("SeisBench's writer", "seisbench")]
    jobs += [
        (f"convert -c {name}", "convert", name, "1", "0")
        for name in ("none", "lzf", "gzip", "zstd")
    ]
    jobs += [
        ("both parts, 1 worker", "convert", "none", "1", "0+1"),
        ("both parts, 2 workers", "convert", "none", "2", "0+1"),
        ("both parts, gzip, 1 worker", "convert", "gzip", "1", "0+1"),
        ("both parts, gzip, 2 workers", "convert", "gzip", "2", "0+1"),
    ]
    for title, name, *options in jobs:
        target = folder / "output"
        result = measure(name, source, target, *options)
        rate = result["records"] / result["seconds"]
        reads = ""
        if name != "copy":
            reads = f"{reads_a_second(target, arguments.read):.0f}"
        all_bytes = result["bytes"] / result["records"] * ALL_RECORDS
        print_row(
            *(title, f"{result['seconds']:.1f}", f"{rate:.0f}"),
            *(f"{rate * 9000 * 12 / 1e6:.0f}", f"{result['bytes'] / 1e9:.2f}"),
            *(f"{1e3 * result['GB']:.0f}", reads),
            *(f"{ALL_RECORDS / rate / 3600:.2f}", f"{all_bytes / 1e9:.0f}"),
        )
        shutil.rmtree(target)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--job"]:
        _, _, job, original, output, *others = sys.argv
        run_job(job, Path(original), Path(output), others)
    else:
        main()
