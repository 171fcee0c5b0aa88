"""What the benchmark scripts share: the reference records and the heading."""

import os
import platform
import resource
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import obspy
import torch

from seisbench_diting import models
from seisbench_diting.models import PhasePicker
from seisbench_diting.weights import find_set, read_set


def reference() -> Path:
    """Folder of the reference material, from ``SEISBENCH_DITING_REFERENCE``."""
    folder = os.environ.get("SEISBENCH_DITING_REFERENCE")
    if not folder:
        sys.exit("Set SEISBENCH_DITING_REFERENCE to the folder of the records.")
    return Path(folder)


def published(model: str, name: str) -> PhasePicker:
    """A model with bundled weights, or published ones of the reference material."""
    entry = find_set(model, name)
    if entry.bundled:
        content = read_set(entry)
    else:
        content = (reference() / "weights" / entry.file).read_bytes()
    return getattr(models, model).from_published(entry, content)


def read_cx_pb01() -> obspy.Stream:
    """12 h of CX.PB01 at 100 Hz, aftershocks of the Iquique earthquake."""
    return obspy.read(str(reference() / "data" / "cx_pb01/2014/CX/PB01/*/*"))


def print_heading(title: str) -> None:
    """Versions, processor and threads: without them no figure can be compared."""
    packages = ("seisbench-diting", "seisbench", "torch", "numpy", "obspy")
    print(f"# {title}")
    print(", ".join(f"{name} {version(name)}" for name in packages))
    print(
        f"Python {platform.python_version()}, {processor()}, "
        f"{os.cpu_count()} cores, {torch.get_num_threads()} threads\n"
    )


def processor() -> str:
    """What is known of the processor."""
    lines: dict[str, str] = {}
    if (path := Path("/proc/cpuinfo")).is_file():
        for line in path.read_text().splitlines():
            name, colon, value = line.partition(":")
            if colon:
                lines.setdefault(name.strip(), value.strip())
    name = lines.get("model name") or platform.processor() or platform.machine()
    # Virtual machines hide the name, but not this.
    family = ", ".join(f"{key} {lines[key]}" for key in _FAMILY if key in lines)
    return f"{name} ({family})" if family else name


#: Of /proc/cpuinfo.
_FAMILY = ("cpu family", "model")


def print_header(*names: str, title: str = "") -> None:
    """The head of a table, in Markdown."""
    if title:
        print(f"\n{title}\n")
    print_row(*names)
    print_row(*["---"] * len(names))


def print_row(*cells: object) -> None:
    """A row of a table, in Markdown."""
    print(f"| {' | '.join(map(str, cells))} |", flush=True)


def peak_gb() -> float:
    """Peak memory of this process in GB."""
    # On Linux the peak that getrusage knows includes that of the parent process.
    status = Path("/proc/self/status")
    if status.is_file():
        line = next(x for x in status.read_text().splitlines() if "VmHWM" in x)
        return int(line.split()[1]) * 1024 / 1e9
    return _peak_gb(resource.RUSAGE_SELF)


def peak_gb_of_children() -> float:
    """
    Peak memory in GB of the largest child that has ended. On Linux it is at least what this
    process had when it began the child.
    """
    return _peak_gb(resource.RUSAGE_CHILDREN)


def _peak_gb(who: int) -> float:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(who).ru_maxrss * unit / 1e9


def is_near(times: np.ndarray, others: np.ndarray, tolerance: float) -> np.ndarray:
    """Mask of the times that have one of the others within the tolerance."""
    if len(others) == 0:
        return np.zeros(len(times), dtype=bool)
    others = np.sort(others)
    place = np.searchsorted(others, times)
    after = np.abs(others[np.minimum(place, len(others) - 1)] - times)
    before = np.abs(others[np.maximum(place - 1, 0)] - times)
    return np.minimum(before, after) <= tolerance
