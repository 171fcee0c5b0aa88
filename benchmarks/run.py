"""
Runs the benchmarks one after the other and puts what they print into benchmarks/README.md.

    python -m benchmarks.run [NAME ...]

Each is run as anyone would run it, in a process of its own; its output stands between the
marks ``<!-- NAME -->`` and ``<!-- end -->``, with command, date and minutes. One that fails
leaves what was there before, and is told at the end. The chart beside the page is drawn anew
if its tables are there. ``make bench`` runs all. Needs the records whose folder is in
``SEISBENCH_DITING_REFERENCE``.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timezone

from benchmarks import chart, page
from benchmarks.common import reference

#: Script and arguments of each, in the order that they are run in.
BENCHMARKS: dict[str, tuple[str, ...]] = {
    "accuracy": ("accuracy",),
    "calibration": ("calibration",),
    "memory": ("memory",),
    "opening": ("opening",),
    "latency": ("latency", "--cycles", "3"),
    "robustness": ("robustness", "LPPNT", "LPPNM", "RNN"),
    "annotate": ("annotate", "--repeats", "2"),
    "locations": ("locations",),
    "association_day": ("association", "day", "cost"),
    "association_truth": ("association", "truth", "--methods", "real,lppn"),
    "dataset": ("dataset", "--records", "8000", "--read", "1000"),
    "archive": ("archive", "--repeats", "1"),
}


def run(name: str, environment: dict[str, str]) -> bool:
    """
    :param name: Of :py:data:`BENCHMARKS`
    :param environment: Of its process
    :return: If it went through
    """
    script, *arguments = BENCHMARKS[name]
    begin = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{script}", *arguments],
        cwd=page.README.parents[1],
        capture_output=True,
        text=True,
        env=environment,
    )
    minutes = (time.monotonic() - begin) / 60
    if done.returncode:
        print(f"{name}: failed after {minutes:.1f} min\n{done.stderr[-2000:]}")
        return False
    date = datetime.now(timezone.utc).strftime("%Y-%m-%d")
    command = " ".join(["python -m", f"benchmarks.{script}", *arguments])
    # Its headings are none of the page's.
    output = re.sub(r"^# (.*)\n", r"\1.\n", done.stdout, count=1).strip()
    output = re.sub(r"^## ", "### ", output, flags=re.MULTILINE)
    page.insert(name, f"`{command}`, {date}, {minutes:.1f} min.\n{output}\n")
    print(f"{name}: {minutes:.1f} min", flush=True)
    return True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("names", nargs="*", help=", ".join(BENCHMARKS))
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - BENCHMARKS.keys():
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    names = arguments.names or list(BENCHMARKS)
    text = page.README.read_text(encoding="utf-8")
    for name in names:
        try:
            # Not after an hour.
            page.section(text, name)
        except ValueError as error:
            parser.error(str(error))
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as cache:
        environment = os.environ | {
            "SEISBENCH_DITING_MIRROR": str(reference() / "weights"),
            "SEISBENCH_CACHE_ROOT": cache,
        }
        failed = [name for name in names if not run(name, environment)]
    if chart.find_points(page.README.read_text(encoding="utf-8")):
        chart.main()
    print(f"{(time.monotonic() - begin) / 60:.0f} min in all")
    if failed:
        sys.exit(f"Failed: {', '.join(failed)}.")


if __name__ == "__main__":
    main()
