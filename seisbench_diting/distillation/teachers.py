"""Who teaches: pickers of SeisBench, and files of probabilities."""

from __future__ import annotations

import re
import threading
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import obspy
import torch
from seisbench.models import WaveformModel

from ..models import PhasePicker, find_pair, load_model, station_id, weights_checksum
from ..picking.prepare import share
from .curves import SEPARATION_SECONDS, Curve, Said, Seen, by_station, seen_in

#: Arrays of a file of probabilities: a name, and their sampling rate.
_ARRAY = re.compile(r"(.+)_(\d+(?:\.\d+)?)hz", re.IGNORECASE)

#: So many stations of a teacher are named in errors.
_MOST_TOLD = 8

#: What a station is called in such a file.
_STATION = re.compile(r"[^.]+\.[^.]+\.[^.]*")

#: What a damaged file of probabilities raises.
_UNREADABLE = (
    EOFError,
    KeyError,
    OSError,
    TypeError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)

#: Streams are brought to this peak. Some pickers add a small number to their divisor,
#: which silences them on records in m/s.
_PEAK = 1e4


class Teacher(ABC):
    """
    :param name: How it is called in tables
    :param checksum: Changes with what it says
    """

    def __init__(self, name: str, checksum: str):
        self.name = name
        self.checksum = checksum

    @abstractmethod
    def see(
        self, stream: obspy.Stream, begin: int, end: int, least: float
    ) -> dict[str, Said]:
        """
        :param stream: Waveforms of one station
        :param begin: Time in nanoseconds since 1970 from which it is asked
        :param end: Time to which it is asked
        :param least: Smallest probability
        :return: What it says of each station of which it knows anything
        """

    def knows(self) -> str:
        """:return: What it can say something of, for errors"""
        return "anything long enough"


class ModelTeacher(Teacher):
    """
    A picker of this package or of SeisBench. It gets the components in its own order, at
    its own sampling rate, and what it says of overlapping windows is averaged.

    :param name: As :py:func:`seisbench_diting.models.load_model` takes it
    :param model: The picker
    :param overlap: Share of a window that the next one repeats
    """

    def __init__(self, name: str, model: WaveformModel, overlap: float):
        super().__init__(name, f"{weights_checksum(model)} {overlap}")
        self.model = model.eval()
        self.overlap = overlap
        # Models of SeisBench are not made for several threads.
        self._lock = threading.Lock()

    def see(
        self, stream: obspy.Stream, begin: int, end: int, least: float
    ) -> dict[str, Said]:
        stream = share(stream)
        peak = max((np.abs(t.data.astype(float)).max() for t in stream), default=0.0)
        if peak > 0 and np.isfinite(peak):
            for trace in stream:
                trace.data = trace.data * (_PEAK / peak)
        arguments = {"overlap": self.overlap, "stacking": "avg"}
        with self._lock, torch.no_grad():
            annotations = self.model.annotate(stream, copy=False, **arguments)
        known = (
            (station_id(t), t.stats.starttime.ns, (t.stats.endtime + t.stats.delta).ns)
            for t in annotations
        )
        if isinstance(self.model, PhasePicker):
            return by_station(self._picks(annotations, least), known)
        seen = (
            one
            for trace in annotations
            if (phase := _phase(trace.stats.channel.rpartition("_")[2]))
            for one in seen_in(_curve(trace, phase), least)
        )
        return by_station(seen, known)

    def _picks(self, annotations: obspy.Stream, least: float) -> list[Seen]:
        """By the model's own rule, which knows where in a cell an arrival lies."""
        thresholds = {f"{phase}_threshold": least for phase in self.model.labels[1:]}
        found = self.model.classify_aggregate(
            annotations, {**thresholds, "min_separation": SEPARATION_SECONDS}
        )
        return [
            Seen(
                pick.trace_id,
                pick.phase[0],
                pick.peak_time.ns,
                float(pick.peak_value),
            )
            for pick in found.picks
        ]


class FileTeacher(Teacher):
    """
    Probabilities of any picker, as NumPy files. Each holds ``station_id`` (NET.STA.LOC),
    ``start_time`` and arrays ``NAME_<rate>hz`` (2, samples): P and S from that time on, at
    so many Hz. Arrays of one name are one teacher. An array without any value other than
    zero says nothing.

    :param name: Name of the arrays, with the rate
    :param files: Files, and what stations and times they are of
    """

    def __init__(self, name: str, files: Sequence[_File]):
        super().__init__(name, str((name, [(f.path.name, f.version) for f in files])))
        self._rate = float(_ARRAY.fullmatch(name)[2])
        self._files: dict[str, list[_File]] = defaultdict(list)
        for file in files:
            self._files[file.station_id].append(file)

    def see(
        self, stream: obspy.Stream, begin: int, end: int, least: float
    ) -> dict[str, Said]:
        seen: list[Seen] = []
        known: list[tuple[str, int, int]] = []
        for station in {station_id(trace) for trace in stream}:
            for file in self._files.get(station, ()):
                length = file.lengths[self.name] / self._rate
                last = file.begin + round(length * 1e9)
                if file.begin >= end or last <= begin:
                    continue
                values = file.read(self.name)
                if not values.any():
                    continue
                known.append((station, file.begin, last))
                for phase, row in zip("PS", values, strict=True):
                    curve = Curve(station, phase, file.begin, self._rate, row)
                    seen += seen_in(curve, least)
        return by_station(seen, known)

    def knows(self) -> str:
        first = sorted(self._files)
        more = len(first) - _MOST_TOLD
        return ", ".join(first[:_MOST_TOLD]) + (f" and {more} more" if more > 0 else "")


class _File:
    """A file of probabilities: what it is of, but not its values."""

    def __init__(self, path: Path):
        self.path = path
        status = path.stat()
        self.version = (status.st_size, status.st_mtime_ns)
        try:
            with np.load(path) as arrays:
                names = [name for name in arrays.files if _ARRAY.fullmatch(name)]
                self.station_id = str(arrays["station_id"])
                self.begin = obspy.UTCDateTime(str(arrays["start_time"])).ns
                shapes = {name: arrays[name].shape for name in names}
        except _UNREADABLE as error:
            raise ValueError(
                f"teachers: {path} is no file of probabilities with station_id, "
                f"start_time and arrays NAME_<rate>hz ({error})."
            ) from error
        wrong = [n for n, shape in shapes.items() if len(shape) != 2 or shape[0] != 2]
        wrong += [n for n in names if not float(_ARRAY.fullmatch(n)[2]) > 0]
        if wrong or not names:
            raise ValueError(
                f"teachers: {path} must hold arrays NAME_<rate>hz of the shape (2, "
                f"samples), P and S, at more than 0 Hz, but has {shapes or 'none'}."
            )
        if not _STATION.fullmatch(self.station_id):
            raise ValueError(
                f"teachers: {path} has station_id={self.station_id!r}, which must be "
                "NET.STA.LOC, such as CX.PB01. where there is no location code."
            )
        self.lengths = {name: shape[1] for name, shape in shapes.items()}

    def read(self, name: str) -> np.ndarray:
        """
        :param name: One of its arrays
        :raises ValueError: if it is damaged, or holds what is no probability
        :return: Probabilities of P and S, (2, samples)
        """
        try:
            with np.load(self.path) as arrays:
                values = np.asarray(arrays[name], dtype=np.float32)
        except _UNREADABLE as error:
            raise ValueError(
                f"teachers: {self.path} can't be read ({error}). Make it anew."
            ) from error
        # Rounding may take a probability a little beyond what one can be.
        if not ((values >= -0.01) & (values <= 1.01)).all():
            raise ValueError(
                f"teachers: {self.path} holds no probabilities in {name}: values must be "
                "numbers from 0 to 1."
            )
        return values


def load_teachers(names: Sequence[str], overlap: float) -> list[Teacher]:
    """
    :param names: Models, as :py:func:`seisbench_diting.models.load_model` takes them;
        files of probabilities, or folders of them, each with ``#NAME`` for one of its
        arrays only
    :param overlap: Share of a window that the next one repeats
    :raises ValueError: if there is no such model or file
    :return: Teachers, at least one for each name
    """
    if not names:
        raise ValueError("teachers names nobody; give a model such as RNN/csn.")
    teachers: list[Teacher] = []
    for name in names:
        path, _, array = str(name).partition("#")
        folder = Path(path).expanduser()
        if folder.is_dir() or folder.suffix == ".npz":
            teachers += _file_teachers(str(name), folder, array)
        else:
            # In tables and cards a path is nobody's business, a name is.
            short = folder.name if find_pair(folder) else str(name)
            teachers.append(ModelTeacher(short, _load(str(name)), overlap))
    return teachers


def _load(name: str) -> WaveformModel:
    try:
        return load_model(name)
    except (OSError, ValueError) as error:
        raise ValueError(
            f"teachers: {name!r} can be neither loaded as a model ({error}) nor is it a "
            "file NAME.npz or a folder of them."
        ) from error


def _file_teachers(name: str, folder: Path, array: str) -> list[Teacher]:
    paths = sorted(folder.glob("*.npz")) if folder.is_dir() else [folder]
    if not paths or not paths[0].is_file():
        raise ValueError(f"teachers={name!r} is no file NAME.npz or folder of them.")
    files = [_File(path) for path in paths]
    every = sorted({one for file in files for one in file.lengths})
    chosen = [one for one in every if array in ("", one, _ARRAY.fullmatch(one)[1])]
    if not chosen:
        raise ValueError(
            f"teachers={name!r}: the files have no array {array!r}, but "
            f"{', '.join(every)}."
        )
    return [FileTeacher(one, [f for f in files if one in f.lengths]) for one in chosen]


def _phase(label: str) -> str | None:
    """P or S, also of Pg and Sn; None of noise and detections."""
    return label[:1] if label[:1] in ("P", "S") else None


def _curve(trace: obspy.Trace, phase: str) -> Curve:
    stats = trace.stats
    return Curve(
        station_id(trace),
        phase,
        stats.starttime.ns,
        float(stats.sampling_rate),
        trace.data,
    )
