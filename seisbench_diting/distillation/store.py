"""
Waveforms with what teachers say of them, on disk.

A part holds what was taken of one station's day: ``NAME.npy``, samples of all of its
stretches one after the other, and ``NAME.json``, what they are and the arrivals in them.
The second is written last: without it, the part is not there. Names change with what the
part was made from, so that none is ever written over.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from .._util import replacing, write_text
from .arrivals import between, make_arrivals

#: Bytes of a sample of three components.
SAMPLE_BYTES = 12

#: Names of the files of a part.
_PART = re.compile(r".+-[0-9a-f]{16}\.(?:npy|json)")

#: Files that are mapped at once. Systems allow a process some hundreds.
_MOST_MAPPED = 128


@dataclass(frozen=True)
class Labelled:
    """
    Samples without gap of one instrument, and their arrivals.

    :param station_id: NET.STA.LOC
    :param start_time: Time of the first sample, as text
    :param waveforms: (3, samples) float32 in the order Z, N, E; NaN where a component has
        no data
    :param arrivals: What teachers say, see :py:data:`.arrivals.ARRIVAL`
    """

    station_id: str
    start_time: str
    waveforms: np.ndarray
    arrivals: np.ndarray


@dataclass(frozen=True)
class Stretch:
    """
    The same on disk. It may be sent to other processes without its samples.

    :param station_id: NET.STA.LOC
    :param start_time: Time of the first sample of what was stored together, as text, which
        sorts by time
    :param path: File with the samples
    :param begin: First sample in the file
    :param end: The one behind the last
    :param arrivals: What teachers say
    """

    station_id: str
    start_time: str
    path: Path
    begin: int
    end: int
    arrivals: np.ndarray

    @property
    def n_samples(self) -> int:
        return self.end - self.begin

    @property
    def waveforms(self) -> np.ndarray:
        """(3, samples) float32, which are read when they are used."""
        return _mapped(self.path)[self.begin : self.end].T

    def part(self, begin: int, end: int) -> Stretch:
        """
        :param begin: First sample
        :param end: The one behind the last
        :return: That part, with the arrivals in it
        """
        return replace(
            self,
            begin=self.begin + begin,
            end=self.begin + end,
            arrivals=between(self.arrivals, begin, end),
        )


@lru_cache(maxsize=_MOST_MAPPED)
def _mapped(path: Path) -> np.ndarray:
    return np.load(path, mmap_mode="r")


def part_name(key: str, fingerprint: str) -> str:
    """
    :param key: What a part is of
    :param fingerprint: What it is made from
    :return: Its name, which can be one of a file
    """
    # Keys are made of codes from headers, which may hold anything.
    clean = "".join(c if c.isalnum() or c in ".-" else "_" for c in key)
    digest = hashlib.sha256(f"{key}\n{fingerprint}".encode()).hexdigest()
    return f"{clean}-{digest[:16]}"


class LabelStore:
    """
    :param folder: Where parts lie; it is made if it does not exist
    """

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def has(self, name: str) -> bool:
        """
        :param name: Name of a part
        :return: If it is there, whole
        """
        return bool(self._read(name))

    def write(self, name: str, labelled: Sequence[Labelled], said: list[str]) -> None:
        """
        :param name: Name of the part
        :param labelled: What it holds; it may be nothing
        :param said: What was not used, and why
        """
        total = sum(one.waveforms.shape[1] for one in labelled)
        header = {"descr": "<f4", "fortran_order": False, "shape": (total, 3)}
        with (
            replacing(self._samples(name)) as temporary,
            temporary.open("wb") as file,
        ):
            np.lib.format.write_array_header_2_0(file, header)
            for one in labelled:
                samples = one.waveforms.T.astype("<f4")
                file.write(np.ascontiguousarray(samples).data)
        end = 0
        entries = []
        for one in labelled:
            begin, end = end, end + one.waveforms.shape[1]
            entries.append(
                {
                    "station_id": one.station_id,
                    "start_time": one.start_time,
                    "samples": [begin, end],
                    "arrivals": one.arrivals.tolist(),
                }
            )
        # What is mapped may be a damaged file in whose place this one was put.
        _mapped.cache_clear()
        content = {"said": said, "stretches": entries}
        write_text(self._list(name), json.dumps(content) + "\n")

    def stretches(self, names: Iterable[str]) -> Iterator[Stretch]:
        """
        :param names: Names of parts that are there
        :return: Their stretches
        """
        for name in names:
            for entry in self._read(name)["stretches"]:
                yield Stretch(
                    entry["station_id"],
                    entry["start_time"],
                    self._samples(name),
                    *entry["samples"],
                    make_arrivals([tuple(row) for row in entry["arrivals"]]),
                )

    def said(self, name: str) -> list[str]:
        """:return: What was not used of a part, and why"""
        return self._read(name)["said"]

    def keep_only(self, names: Iterable[str]) -> None:
        """Removes parts of other names, which nothing uses any more."""
        kept = set(names)
        for path in self.folder.iterdir():
            # The folder may hold what a user has put there.
            if _PART.fullmatch(path.name) and path.stem not in kept:
                path.unlink()

    def _read(self, name: str) -> dict[str, Any]:
        try:
            content = json.loads(self._list(name).read_text(encoding="utf-8"))
            total = max((s["samples"][1] for s in content["stretches"]), default=0)
            size = self._samples(name).stat().st_size
        except (FileNotFoundError, IndexError, KeyError, TypeError, ValueError):
            return {}
        # Cut short, by a disk that was full or a copy that broke off, it is made anew.
        return content if size > total * SAMPLE_BYTES else {}

    def _samples(self, name: str) -> Path:
        # Not with_suffix: names have points.
        return self.folder / f"{name}.npy"

    def _list(self, name: str) -> Path:
        return self.folder / f"{name}.json"
