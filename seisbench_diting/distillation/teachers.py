"""Teachers: pickers of SeisBench, and files of probabilities."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import obspy
import torch
from seisbench.models import WaveformModel

from .. import models
from .._util import ArgumentError, join_spans, station_id
from ..waveforms import shared

#: Numbers of the phases.
PHASES = {"P": 1, "S": 2}

#: Two arrivals of one phase closer than this, in seconds, are merged.
SEPARATION_SECONDS = 0.5

#: Arrays of a file of probabilities: a name, and their sampling rate.
_ARRAY = re.compile(r"(.+)_(\d+(?:\.\d+)?)hz", re.IGNORECASE)

#: Pattern of a station's name in such a file.
_STATION = re.compile(r"[^.]+\.[^.]+\.[^.]*")

#: Number of a teacher's stations named in errors.
_MOST_NAMED = 8

#: Streams are scaled to this peak. Some pickers add a small number to their divisor,
#: which silences them on records in m/s.
_PEAK = 1e4


class Opinion(NamedTuple):
    """
    A teacher's opinion of a station. Times are in nanoseconds since 1970.

    :param arrivals: Number of the phase, time and probability of each arrival
    :param known: Starts and ends of the times that the teacher has looked at, in order. At
        other times it has no opinion, which does not mean that there are no arrivals.
    """

    arrivals: list[tuple[int, int, float]]
    known: list[tuple[int, int]]

    def clipped(self, begin: int, end: int) -> Opinion:
        """:return: The opinion within a part of the time"""
        spans = [(max(first, begin), min(last, end)) for first, last in self.known]
        arrivals = [one for one in self.arrivals if begin <= one[1] <= end]
        return Opinion(arrivals, [span for span in spans if span[0] < span[1]])


#: Arrivals by station and number of the phase: time and probability.
_Found = dict[tuple[str, int], list[tuple[int, float]]]


def find_peaks(
    values: np.ndarray, begin: int, rate: float, threshold: float
) -> list[tuple[int, float]]:
    """
    :param values: Probabilities of one phase, (samples,)
    :param begin: Time of the first one in nanoseconds since 1970
    :param rate: Sampling rate in Hz
    :param threshold: Smallest probability
    :return: Times and probabilities of the maxima, placed between samples by the parabola
        through three of them
    """
    values = np.asarray(values, dtype=np.float64)
    peaks = models.peak_indices(values, threshold)
    keep = models.suppress_close(peaks, values[peaks], SEPARATION_SECONDS * rate)
    padded = np.pad(values, 1, mode="edge")
    found = []
    for peak in peaks[keep]:
        before, top, after = padded[peak : peak + 3]
        bend = before - 2 * top + after
        shift = 0.5 * (before - after) / bend if bend < 0 else 0.0
        time = begin + round((peak + float(shift)) / rate * 1e9)
        found.append((time, float(top)))
    return found


def by_station(
    found: _Found, known: Iterable[tuple[str, int, int]]
) -> dict[str, Opinion]:
    """
    :param found: Arrivals of one teacher
    :param known: Station, begin and end of the times that it has looked at
    :return: Its opinion of each station. If arrivals of one phase, such as Pg and Pn, are
        closer than :py:data:`SEPARATION_SECONDS`, the most probable one is kept.
    """
    spans = defaultdict(list)
    for station, begin, end in known:
        spans[station].append((begin, end))
    opinions = {station: Opinion([], join_spans(s)) for station, s in spans.items()}
    for (station, phase), arrivals in found.items():
        arrivals = sorted(arrivals, key=lambda one: one[0])
        times = np.array([time for time, _ in arrivals])
        probabilities = np.array([probability for _, probability in arrivals])
        keep = models.suppress_close(times, probabilities, SEPARATION_SECONDS * 1e9)
        rows = [(phase, *arrivals[number]) for number in np.flatnonzero(keep)]
        opinions.setdefault(station, Opinion([], [])).arrivals.extend(rows)
    return opinions


class Teacher(ABC):
    """
    :param name: Name in tables
    :param checksum: Changes with its opinions
    :param knows: Description of the data that it knows, for errors
    """

    def __init__(
        self, name: str, checksum: str, knows: str = "anything long enough"
    ) -> None:
        self.name = name
        self.checksum = checksum
        self.knows = knows

    @abstractmethod
    def see(
        self, stream: obspy.Stream, begin: int, end: int, threshold: float
    ) -> dict[str, Opinion]:
        """
        :param stream: Waveforms of one station
        :param begin: Begin of the time that is asked for, in nanoseconds since 1970
        :param end: Its end
        :param threshold: Smallest probability
        :return: Its opinion of each station that it knows
        """


class ModelTeacher(Teacher):
    """
    A picker of this package or of SeisBench. It gets the components in its own order, at
    its own sampling rate, and its probabilities of overlapping windows are averaged.

    :param name: As :py:func:`seisbench_diting.models.load_model` takes it
    :param model: The picker
    :param overlap: Share of a window that the next one repeats
    """

    def __init__(self, name: str, model: WaveformModel, overlap: float) -> None:
        super().__init__(name, f"{models.weights_checksum(model)} {overlap}")
        self.model = model.eval()
        self.overlap = overlap

    def see(
        self, stream: obspy.Stream, begin: int, end: int, threshold: float
    ) -> dict[str, Opinion]:
        stream = shared(stream)
        peak = max((np.abs(t.data.astype(float)).max() for t in stream), default=0.0)
        if peak > 0 and np.isfinite(peak):
            for trace in stream:
                trace.data = trace.data * (_PEAK / peak)
        arguments = {"overlap": self.overlap, "stacking": "avg"}
        with torch.no_grad():
            annotations = self.model.annotate(stream, copy=False, **arguments)
        found: _Found = defaultdict(list)
        if isinstance(self.model, models.PhasePicker):
            # By the model's own method, which knows the place of an arrival in a cell.
            options = {f"{name}_threshold": threshold for name in self.model.labels[1:]}
            options["min_separation"] = SEPARATION_SECONDS
            for pick in self.model.classify_aggregate(annotations, options).picks:
                arrival = pick.peak_time.ns, float(pick.peak_value)
                found[pick.trace_id, PHASES[pick.phase[0]]].append(arrival)
        else:
            for trace in annotations:
                # P or S, also of Pg and Sn; not of noise and detections.
                phase = PHASES.get(trace.stats.channel.rpartition("_")[2][:1])
                if phase is not None:
                    start, rate = trace.stats.starttime.ns, trace.stats.sampling_rate
                    found[station_id(trace), phase] += find_peaks(
                        trace.data, start, float(rate), threshold
                    )
        known = (
            (station_id(t), t.stats.starttime.ns, (t.stats.endtime + t.stats.delta).ns)
            for t in annotations
        )
        return by_station(found, known)


class FileTeacher(Teacher):
    """
    Probabilities of any picker, as NumPy files. Each holds ``station_id`` (NET.STA.LOC),
    ``start_time`` and arrays ``NAME_<rate>hz`` (2, samples): P and S from that time on, at
    this rate in Hz. Arrays of one name are one teacher. An array of zeros says nothing.

    :param name: Name of the arrays, with the rate
    :param files: Files, and what stations and times they are of
    """

    def __init__(self, name: str, files: Sequence[_File]) -> None:
        versions = [(file.path.name, file.version) for file in files]
        stations = sorted({file.station_id for file in files})
        knows = ", ".join([*stations[:_MOST_NAMED], "..."][: len(stations)])
        super().__init__(name, str((name, versions)), knows)
        self._rate, _ = files[0].arrays[name]
        self._files: dict[str, list[_File]] = defaultdict(list)
        for file in files:
            self._files[file.station_id].append(file)

    def see(
        self, stream: obspy.Stream, begin: int, end: int, threshold: float
    ) -> dict[str, Opinion]:
        found: _Found = defaultdict(list)
        known = []
        for station in {station_id(trace) for trace in stream}:
            for file in self._files.get(station, ()):
                _, length = file.arrays[self.name]
                last = file.begin + round(length / self._rate * 1e9)
                if file.begin >= end or last <= begin:
                    continue
                values = file.read(self.name)
                if not values.any():
                    continue
                known.append((station, file.begin, last))
                for phase, row in enumerate(values, 1):
                    found[station, phase] += find_peaks(
                        row, file.begin, self._rate, threshold
                    )
        return by_station(found, known)


class _File:
    """A file of probabilities: station and time, but not the values."""

    def __init__(self, path: Path) -> None:
        self.path = path
        status = path.stat()
        self.version = (status.st_size, status.st_mtime_ns)
        self.arrays: dict[str, tuple[float, int]] = {}
        try:
            with np.load(path) as arrays:
                self.station_id = str(arrays["station_id"])
                self.begin = obspy.UTCDateTime(str(arrays["start_time"])).ns
                for match in filter(None, map(_ARRAY.fullmatch, arrays.files)):
                    phases, length = arrays[match[0]].shape
                    self.arrays[match[0]] = float(match[2]), length
                    if phases != 2 or not float(match[2]) > 0:
                        raise ValueError(f"{match[0]} is ({phases}, {length})")
            if not self.arrays or not _STATION.fullmatch(self.station_id):
                raise ValueError(f"{self.station_id}: {', '.join(arrays.files)}")
        # Damaged files raise errors of many kinds.
        except Exception as error:
            reason = (
                "must hold station_id NET.STA.LOC, start_time, and arrays NAME_<rate>hz of "
                f"the shape (2, samples), P and S ({error})"
            )
            raise ArgumentError("teachers", str(path), reason) from error

    def read(self, name: str) -> np.ndarray:
        """
        :param name: One of its arrays
        :raises ArgumentError: if it is damaged, or holds no probabilities
        :return: Probabilities of P and S, (2, samples)
        """
        try:
            with np.load(self.path) as arrays:
                values = np.asarray(arrays[name], dtype=np.float32)
            # Rounding may take a probability a little beyond what one can be.
            if not ((values >= -0.01) & (values <= 1.01)).all():
                raise ValueError("probabilities must be numbers from 0 to 1")
        except Exception as error:
            reason = f"{name} can't be read: {error}"
            raise ArgumentError("teachers", str(self.path), reason) from error
        return values


def load_teachers(names: Sequence[str], overlap: float) -> list[Teacher]:
    """
    :param names: Models, as :py:func:`seisbench_diting.models.load_model` takes them;
        files of probabilities, or folders of them, each with ``#NAME`` for one of its
        arrays only
    :param overlap: Share of a window that the next one repeats
    :raises ArgumentError: if a model or file does not exist
    :return: Teachers, at least one for each name
    """
    teachers: list[Teacher] = []
    for name in names:
        path, _, array = name.partition("#")
        folder = Path(path).expanduser()
        if folder.is_dir() or folder.suffix == ".npz":
            teachers += _file_teachers(name, folder, array)
            continue
        try:
            model = models.load_model(name)
        except (OSError, ValueError) as error:
            reason = (
                f"it is not a file NAME.npz or a folder of them, nor a model: {error}"
            )
            raise ArgumentError("teachers", name, reason) from error
        # Tables and cards show the name of a file, not its path.
        shown = folder.name if models.find_pair(folder) else name
        teachers.append(ModelTeacher(shown, model, overlap))
    return teachers


def _file_teachers(name: str, folder: Path, array: str) -> list[Teacher]:
    paths = sorted(folder.glob("*.npz")) if folder.is_dir() else [folder]
    if not paths or not paths[0].is_file():
        raise ArgumentError(
            "teachers", name, "is not a file NAME.npz or a folder of them"
        )
    files = [_File(path) for path in paths]
    every = sorted({one for file in files for one in file.arrays})
    chosen = [n for n in every if array in ("", n, n.rpartition("_")[0])]
    if not chosen:
        raise ArgumentError("teachers", name, f"has only the arrays {', '.join(every)}")
    return [FileTeacher(one, [f for f in files if one in f.arrays]) for one in chosen]
