"""
Waveforms with what teachers say of them, on disk.

A part holds what was taken of one station's day: ``NAME.npy``, samples of all of its
stretches one after the other, and ``NAME.json``, what they are and the arrivals in them.
The second is written last: without it, the part is not there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..files import replacing, write_text
from .arrivals import make_arrivals


@dataclass(frozen=True)
class Stretch:
    """
    Samples without gap of one instrument, and their arrivals.

    :param station_id: NET.STA.LOC
    :param start_time: Time of the first sample, as text, which sorts by time
    :param waveforms: (3, samples) float32 in the order Z, N, E; NaN where a component has
        no data
    :param arrivals: What teachers say, see :py:data:`.arrivals.ARRIVAL`
    """

    station_id: str
    start_time: str
    waveforms: np.ndarray
    arrivals: np.ndarray

    def part(self, begin: int, end: int) -> Stretch:
        """
        :param begin: First sample
        :param end: The one behind the last
        :return: That part, with the arrivals in it. It keeps the time of the whole.
        """
        places = self.arrivals["sample"]
        arrivals = self.arrivals[(places >= begin) & (places < end)]
        arrivals["sample"] -= begin
        return replace(self, waveforms=self.waveforms[:, begin:end], arrivals=arrivals)


class LabelStore:
    """
    :param folder: Where parts lie; it is made if it does not exist
    """

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def has(self, key: str, fingerprint: str) -> bool:
        """
        :param key: Name of the part
        :param fingerprint: What it was made from
        :return: If it is there, whole, and made from just that
        """
        return self._read(key).get("fingerprint") == fingerprint

    def write(
        self, key: str, fingerprint: str, stretches: Sequence[Stretch], said: list[str]
    ) -> None:
        """
        :param key: Name of the part
        :param fingerprint: What it was made from
        :param stretches: What it holds; it may be nothing
        :param said: What was not used, and why
        """
        path = self._path(key, ".json")
        # The old list must not stand beside new samples.
        path.unlink(missing_ok=True)
        total = sum(one.waveforms.shape[1] for one in stretches)
        header = {"descr": "<f4", "fortran_order": False, "shape": (total, 3)}
        with (
            replacing(self._path(key, ".npy")) as temporary,
            temporary.open("wb") as file,
        ):
            np.lib.format.write_array_header_2_0(file, header)
            for one in stretches:
                samples = one.waveforms.T.astype("<f4")
                file.write(np.ascontiguousarray(samples).data)
        begin = 0
        entries = []
        for one in stretches:
            end = begin + one.waveforms.shape[1]
            entries.append(
                {
                    "station_id": one.station_id,
                    "start_time": one.start_time,
                    "samples": [begin, end],
                    "arrivals": one.arrivals.tolist(),
                }
            )
            begin = end
        content = {"fingerprint": fingerprint, "said": said, "stretches": entries}
        write_text(path, json.dumps(content) + "\n")

    def stretches(self, keys: Sequence[str]) -> Iterator[Stretch]:
        """
        :param keys: Names of parts that are there
        :return: Their stretches; samples are read when they are used
        """
        for key in keys:
            entries = self._read(key)["stretches"]
            if not entries:
                continue
            samples = np.load(self._path(key, ".npy"), mmap_mode="r")
            for entry in entries:
                yield Stretch(
                    entry["station_id"],
                    entry["start_time"],
                    samples[slice(*entry["samples"])].T,
                    make_arrivals([tuple(row) for row in entry["arrivals"]]),
                )

    def said(self, keys: Sequence[str]) -> list[tuple[str, str]]:
        """:return: Parts, and what was not used of them"""
        return [(key, reason) for key in keys for reason in self._read(key)["said"]]

    def keep_only(self, keys: Sequence[str]) -> None:
        """Removes parts of other names, which nothing uses any more."""
        kept = {self._path(key, "").name for key in keys}
        for path in self.folder.iterdir():
            if path.suffix in (".npy", ".json") and path.stem not in kept:
                path.unlink()

    def _read(self, key: str) -> dict[str, Any]:
        try:
            content = self._path(key, ".json").read_text(encoding="utf-8")
            return json.loads(content) if self._path(key, ".npy").is_file() else {}
        except (FileNotFoundError, ValueError):
            return {}

    def _path(self, key: str, ending: str) -> Path:
        # Keys are made of codes from headers, which may hold anything.
        name = "".join(c if c.isalnum() or c in ".-" else "_" for c in key)
        digest = hashlib.sha256(key.encode()).hexdigest()[:8]
        return self.folder / f"{name}-{digest}{ending}"
