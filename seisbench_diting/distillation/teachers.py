"""Teachers: pickers of SeisBench, and files of probabilities."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import obspy
import torch
from seisbench.models import WaveformModel

from .. import models
from .._util import ArgumentError, errors_of, first_of, join_spans, station_id
from ..waveforms import shared

#: Numbers of the phases.
PHASES = {"P": 1, "S": 2}

#: Two arrivals of one phase closer than this, in seconds, are merged.
SEPARATION_SECONDS = 0.5

#: Arrays of a file of probabilities: a name, and their sampling rate.
_ARRAY = re.compile(r"(.+)_(\d+(?:\.\d+)?)hz", re.IGNORECASE)

#: Number of a teacher's stations named in errors.
_MOST_NAMED = 8

#: Streams are scaled to this peak. Some pickers add a small number to their divisor,
#: which silences them on records in m/s.
_PEAK = 1e4

#: Number of the phase, time in nanoseconds since 1970, and probability.
TeacherArrival = tuple[int, int, float]


class Opinion(NamedTuple):
    """
    A teacher's opinion of a station. Times are in nanoseconds since 1970.

    :param arrivals: Arrivals
    :param known: Starts and ends of the times that the teacher has looked at, in order. At
        other times it has no opinion, which does not mean that there are no arrivals.
    """

    arrivals: list[TeacherArrival]
    known: list[tuple[int, int]]

    def clipped(self, begin: int, end: int) -> Opinion:
        """:return: The opinion within a part of the time"""
        spans = [(max(first, begin), min(last, end)) for first, last in self.known]
        arrivals = [one for one in self.arrivals if begin <= one[1] <= end]
        return Opinion(arrivals, [span for span in spans if span[0] < span[1]])


def make_opinion(
    arrivals: Iterable[TeacherArrival], known: Iterable[tuple[int, int]]
) -> Opinion:
    """
    :param arrivals: Arrivals of one teacher at one station
    :param known: Begin and end of the times that it has looked at
    :return: Its opinion. If arrivals of one phase, such as Pg and Pn, are closer than
        :py:data:`SEPARATION_SECONDS`, the most probable one is kept.
    """
    kept: list[TeacherArrival] = []
    arrivals = sorted(arrivals)
    for number in PHASES.values():
        of_phase = [one for one in arrivals if one[0] == number]
        times = np.array([one[1] for one in of_phase])
        probabilities = np.array([one[2] for one in of_phase])
        keep = models.suppress_close(times, probabilities, SEPARATION_SECONDS * 1e9)
        kept += [of_phase[i] for i in np.flatnonzero(keep)]
    return Opinion(kept, join_spans(known))


def find_arrivals_in(
    phase: int, values: np.ndarray, begin: int, rate: float, threshold: float
) -> list[TeacherArrival]:
    """
    :param phase: Number of the phase
    :param values: Its probabilities, (samples,)
    :param begin: Time of the first one in nanoseconds since 1970
    :param rate: Sampling rate in Hz
    :param threshold: Smallest probability
    :return: Arrivals at the maxima, placed between samples by the parabola through three
        of them
    """
    values = np.asarray(values, dtype=np.float64)
    peaks = models.peak_indices(values, threshold)
    padded = np.pad(values, 1, mode="edge")
    found = []
    for peak in peaks:
        before, top, after = padded[peak : peak + 3]
        bend = before - 2 * top + after
        shift = 0.5 * (before - after) / bend if bend < 0 else 0.0
        time = begin + round((peak + float(shift)) / rate * 1e9)
        found.append((phase, time, float(top)))
    return found


class ModelTeacher:
    """
    A picker of this package or of SeisBench. It gets the components in its own order, at
    its own sampling rate, and its probabilities of overlapping windows are averaged.

    :param name: As :py:func:`seisbench_diting.models.load_model` takes it
    :param model: The picker
    :param overlap: Share of a window that the next one repeats
    """

    def __init__(self, name: str, model: WaveformModel, overlap: float) -> None:
        self.name = name
        self.checksum = f"{models.weights_checksum(model)} {overlap}"
        self.knows = "anything long enough"
        self.model = model.eval()
        self.overlap = overlap

    def see(self, stream: obspy.Stream, threshold: float) -> Opinion:
        """
        :param stream: Waveforms of one station
        :param threshold: Smallest probability
        :return: Its opinion of the station
        """
        stream = shared(stream)
        peak = max((np.abs(t.data.astype(float)).max() for t in stream), default=0.0)
        if peak > 0 and np.isfinite(peak):
            for trace in stream:
                trace.data = trace.data * (_PEAK / peak)
        arguments = {"overlap": self.overlap, "stacking": "avg"}
        with torch.no_grad():
            annotations = self.model.annotate(stream, copy=False, **arguments)
        found: list[TeacherArrival] = []
        if isinstance(self.model, models.PhasePicker):
            # By the model's own method, which knows the place of an arrival in a cell.
            options = models.thresholds(self.model, threshold)
            options["min_separation"] = SEPARATION_SECONDS
            found = [
                (PHASES[pick.phase[0]], pick.peak_time.ns, float(pick.peak_value))
                for pick in self.model.classify_aggregate(annotations, options).picks
            ]
        else:
            for trace in annotations:
                # P or S, also of Pg and Sn; not of noise and detections.
                phase = PHASES.get(trace.stats.channel.rpartition("_")[2][:1])
                if phase is not None:
                    start, rate = trace.stats.starttime.ns, trace.stats.sampling_rate
                    found += find_arrivals_in(phase, trace.data, start, rate, threshold)
        known = (
            (t.stats.starttime.ns, (t.stats.endtime + t.stats.delta).ns)
            for t in annotations
        )
        return make_opinion(found, known)


class FileTeacher:
    """
    Probabilities of any picker, as NumPy files; see :py:func:`_read_curves`.

    :param name: Name of the arrays, with the rate
    :param opinions: What they say of each station
    """

    def __init__(self, name: str, opinions: dict[str, Opinion]) -> None:
        digest = hashlib.sha256(repr(sorted(opinions.items())).encode())
        stations = sorted(opinions)
        self.name = name
        self.checksum = digest.hexdigest()
        self.knows = first_of(stations, _MOST_NAMED)
        self._opinions = opinions

    def see(self, stream: obspy.Stream, threshold: float) -> Opinion:
        """As of :py:class:`ModelTeacher`, of all times."""
        stations = {station_id(trace) for trace in stream} & self._opinions.keys()
        return self._opinions[stations.pop()] if stations else Opinion([], [])


#: ``checksum`` changes with what a teacher says; ``knows`` describes what it knows.
Teacher = ModelTeacher | FileTeacher


def _read_curves(
    path: Path, array: str, threshold: float
) -> Iterator[tuple[str, str, Opinion]]:
    """
    Reads a file of probabilities: ``station_id`` (NET.STA.LOC), ``start_time``, and arrays
    ``NAME_<rate>hz`` (2, samples): P and S from that time on, at this rate in Hz. NaN counts
    as zero, and an array of zeros says nothing.

    :param array: Arrays to read, with or without the rate; empty for all
    :return: Name of each array, station, and opinion
    """
    try:
        with np.load(path) as arrays:
            station = str(arrays["station_id"])
            begin = obspy.UTCDateTime(str(arrays["start_time"])).ns
            if station.count(".") != 2:
                raise ValueError(f"station_id {station!r}")
            for match in filter(None, map(_ARRAY.fullmatch, arrays.files)):
                if array not in ("", match[0], match[1]):
                    continue
                values = np.nan_to_num(arrays[match[0]].astype(np.float32))
                rate = float(match[2])
                # Rounding may take a probability a little beyond what one can be.
                if not (rate > 0 and ((values >= -0.01) & (values <= 1.01)).all()):
                    raise ValueError(f"{match[0]} holds other numbers than 0 to 1")
                p, s = values
                found = find_arrivals_in(1, p, begin, rate, threshold)
                found += find_arrivals_in(2, s, begin, rate, threshold)
                span = (begin, begin + round(len(p) / rate * 1e9))
                yield match[0], station, Opinion(found, [span] if values.any() else [])
    # Damaged files raise errors of many kinds.
    except Exception as error:
        reason = (
            "must hold station_id NET.STA.LOC, start_time, and arrays NAME_<rate>hz of the "
            f"shape (2, samples), probabilities of P and S ({error})"
        )
        raise ArgumentError("teachers", str(path), reason) from error


def load_teachers(
    names: Sequence[str], overlap: float, threshold: float
) -> list[Teacher]:
    """
    :param names: Models, as :py:func:`seisbench_diting.models.load_model` takes them;
        files of probabilities, or folders of them, each with ``#NAME`` for one of its
        arrays only
    :param overlap: Share of a window that the next one repeats
    :param threshold: Smallest probability of arrivals in files
    :raises ArgumentError: if a model or file does not exist
    :return: Teachers, at least one for each name
    """
    teachers: list[Teacher] = []
    for name in names:
        text, _, array = name.partition("#")
        path = Path(text).expanduser()
        if path.is_dir() or path.suffix == ".npz":
            teachers += _file_teachers(name, path, array, threshold)
            continue
        no_file = "it is neither a file NAME.npz, nor a folder of them, nor a model: "
        with errors_of("teachers", name, no_file):
            model = models.load_model(name)
        # Tables and cards show the name of a file, not its path.
        shown = path.name if models.names_file(path) else name
        teachers.append(ModelTeacher(shown, model, overlap))
    return teachers


def _file_teachers(
    name: str, path: Path, array: str, threshold: float
) -> Iterator[Teacher]:
    found: dict[str, dict[str, Opinion]] = defaultdict(
        lambda: defaultdict(lambda: Opinion([], []))
    )
    for file in sorted(path.glob("*.npz")) if path.is_dir() else [path]:
        for one, station, opinion in _read_curves(file, array, threshold):
            found[one][station].arrivals.extend(opinion.arrivals)
            found[one][station].known.extend(opinion.known)
    if not found:
        reason = f"holds no files NAME.npz with arrays {array or 'NAME'}_<rate>hz"
        raise ArgumentError("teachers", name, reason)
    for one, stations in sorted(found.items()):
        yield FileTeacher(one, {k: make_opinion(*v) for k, v in stations.items()})
