"""Opening a converted dataset of a million records: seconds and memory.

    python -m benchmarks.opening [--folder FOLDER] [--records 1000000]

Makes a dataset of so many records in ten chunks, with waveforms of ten samples, for only
the metadata count here. Each way to open it runs in a process of its own.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
import seisbench
import seisbench.data as sbd

from benchmarks.common import peak_gb, print_header, print_heading, print_row
from benchmarks.original import write_part
from seisbench_diting.data import DiTing, convert


def open_with_pandas(path: Path) -> object:
    files = sorted(path.glob("metadata*.csv"))
    return pd.concat([pd.read_csv(file) for file in files])


WAYS = {
    "pandas alone": open_with_pandas,
    "seisbench WaveformDataset": lambda p: sbd.WaveformDataset(
        p, component_order="ZNE"
    ),
    "DiTing": lambda p: DiTing(p, component_order="ZNE"),
    "nothing, only imports": lambda p: [],
}


def make(folder: Path, records: int) -> Path:
    source, target = folder / "original", folder / f"dataset{records}"
    if not target.exists():
        source.mkdir(parents=True, exist_ok=True)
        for number in range(10):
            write_part(source, number, records // 10, samples=10)
        convert(source, target, workers=2, progress=False)
    return target


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--records", type=int, default=1_000_000)
    arguments = parser.parse_args()
    print_heading("Opening a converted dataset")
    with tempfile.TemporaryDirectory() as temporary:
        path = make(arguments.folder or Path(temporary), arguments.records)
        size = sum(file.stat().st_size for file in path.glob("metadata*.csv"))
        print(f"{arguments.records} records, {size / 1e6:.0f} MB of metadata\n")
        print_header("way", "s", "peak MB")
        for way in WAYS:
            command = [sys.executable, "-m", "benchmarks.opening", "--way", way]
            output = subprocess.check_output([*command, str(path)], text=True)
            result = json.loads(output.splitlines()[-1])
            print_row(way, f"{result['s']:.1f}", f"{result['MB']:.0f}")


def run(way: str, path: Path) -> None:
    seisbench.logger.setLevel("ERROR")
    begin = time.perf_counter()
    opened = WAYS[way](path)
    seconds = time.perf_counter() - begin
    print(json.dumps({"s": seconds, "MB": 1e3 * peak_gb(), "records": len(opened)}))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--way"]:
        run(sys.argv[2], Path(sys.argv[3]))
    else:
        main()
