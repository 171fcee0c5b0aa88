"""Labelled waveforms of an archive, on disk.

Each station-day has two files: ``NAME.npy`` with the samples, and ``NAME.json``, written last,
with its stretches without gaps and their arrivals. ``teachers/NAME.json`` holds what a model
says of a station-day, as asking one takes hours, and labels also depend on other settings.
Names depend on everything that the files are made from: a run skips the files that exist.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import obspy

from .. import _util, models, training, waveforms
from .._util import ArgumentError
from .distill_settings import DistillSettings
from .teachers import PHASES, ModelTeacher, Opinion, Teacher, TeacherArrival

#: Folder of the labels in the folder of a run, and name of their digest in its settings.
LABELS = "labels"

#: Names of the files, whose folder may also have files of the user.
_NAMES = "*-" + 16 * "[0-9a-f]"

#: Endings of files that a run makes. Its folder may be among its inputs.
_OWN_ENDINGS = {".npy", ".json", ".ckpt", ".csv", ".lock", ".pt", ".jit", ".md", ".png"}

#: One arrival: number of the phase; sample in its stretch, fractional; probability.
ARRIVAL = np.dtype([("phase", "u1"), ("sample", "f8"), ("probability", "f4")])

#: Windows before and after a day, so that its ends are as in an uncut record.
_SPARE_WINDOWS = 2

#: Arrivals of several teachers closer than this, in nanoseconds, are merged.
_SAME_NS = 300_000_000

#: How steeply confidence rises.
_STEEPNESS = 3

#: Smallest probability of the arrivals that are kept of teachers, unless the settings ask
#: for a smaller one.
_FLOOR = 0.05

#: Length of the pieces of long records that are kept, in windows, so that windows can be
#: moved and stretched by two.
_PIECE_WINDOWS = 4

#: Share of the kept data that is chosen for its arrivals, if there are enough.
_ARRIVAL_SHARE = 0.7

#: Bytes of a sample of three components.
_SAMPLE_BYTES = 12

_LOG = logging.getLogger("seisbench_diting")


@dataclass(frozen=True)
class Stretch:
    """
    Samples without gaps of one instrument, and their arrivals. If the samples are on disk,
    it can be sent to other processes without them.

    :param station_id: NET.STA.LOC
    :param start_time: Start of the record that it is cut from, as text
    :param samples: (samples, 3) float32 in the order Z, N, E, NaN where a component has no
        data; or a file with them
    :param begin: First sample
    :param end: The one behind the last
    :param arrivals: Array of :py:data:`ARRIVAL`
    """

    station_id: str
    start_time: str
    samples: np.ndarray | Path
    begin: int
    end: int
    arrivals: np.ndarray

    @property
    def n_samples(self) -> int:
        return self.end - self.begin

    @property
    def waveforms(self) -> np.ndarray:
        """(3, samples) float32, read on use."""
        samples = self.samples
        if isinstance(samples, Path):
            samples = np.load(samples, mmap_mode="r")
        return samples[self.begin : self.end].T

    def part(self, begin: int, end: int) -> Stretch:
        """
        :param begin: First sample
        :param end: The one behind the last
        :return: That part, with the arrivals in it
        """
        places = self.arrivals["sample"]
        arrivals = self.arrivals[(places >= begin) & (places < end)]
        arrivals["sample"] -= begin
        begin, end = self.begin + begin, self.begin + end
        return replace(self, begin=begin, end=end, arrivals=arrivals)


def make_arrivals(rows: Iterable[tuple[int, float, float]]) -> np.ndarray:
    """
    :param rows: Phase, sample and probability of each
    :return: Array of :py:data:`ARRIVAL`, in the order of the samples
    """
    arrivals = np.array(list(rows), dtype=ARRIVAL)
    return arrivals[np.argsort(arrivals["sample"], kind="stable")]


def merge_opinions(opinions: Sequence[Opinion]) -> list[TeacherArrival]:
    """
    Merges the arrivals of several teachers. Close arrivals of one phase, at most one from
    each teacher, become one. Its time is the mean of their times, weighted by their
    probabilities. Its probability is the mean over all teachers that looked there; teachers
    that do not find it count with a probability of zero.

    Arrivals are averaged instead of curves, because curves would be blurred if teachers
    pick slightly different times.

    :param opinions: Opinion of each teacher
    :return: Arrivals
    """
    merged = []
    for phase in PHASES.values():
        rows = sorted(
            (time, probability, teacher)
            for teacher, opinion in enumerate(opinions)
            for number, time, probability in opinion.arrivals
            if number == phase
        )
        times = np.array([time for time, _, _ in rows], dtype=np.int64)
        free = np.ones(len(rows), dtype=bool)
        # The most probable arrivals first; others are merged into them.
        for i in sorted(range(len(rows)), key=lambda i: -rows[i][1]):
            if not free[i]:
                continue
            limits = [times[i] - _SAME_NS, times[i] + _SAME_NS + 1]
            near = [k for k in range(*np.searchsorted(times, limits)) if free[k]]
            near.sort(key=lambda k: (rows[k][1], k == i))
            members = {rows[k][2]: k for k in near}
            chosen = list(members.values())
            free[chosen] = False
            weights = [rows[k][1] for k in chosen]
            time = int(np.average(times[chosen] - times[i], weights=weights) + times[i])
            asked = sum(
                teacher in members or any(b <= time < e for b, e in opinion.known)
                for teacher, opinion in enumerate(opinions)
            )
            merged.append((phase, time, sum(weights) / asked))
    return merged


def confident(probability: float, even: float) -> float:
    """
    :param probability: Mean probability of cautious teachers
    :param even: Their probability that becomes 0.5
    :return: Probability, steep around 0.5
    """
    power = probability**_STEEPNESS
    return power / (power + even**_STEEPNESS)


def read_labels(folder: Path) -> list[Stretch]:
    """
    :param folder: The folder ``labels`` of a run
    :return: Its stretches with arrivals
    """
    return [
        Stretch(samples=path.with_suffix(".npy"), arrivals=arrivals, **one)
        for path in sorted(folder.glob(f"{_NAMES}.json"))
        for one in _read(path)["stretches"]
        for arrivals in [make_arrivals(map(tuple, one.pop("arrivals")))]
    ]


def labels_digest(names: Iterable[str]) -> str:
    """
    :param names: Names of the files of labels
    :return: What changes with the waveforms and with what the teachers say of them
    """
    return hashlib.sha256("\n".join(sorted(names)).encode()).hexdigest()


def select(
    settings: DistillSettings, student: models.PhasePicker
) -> waveforms.Selection:
    """
    :param settings: Settings of the run
    :param student: The model to train
    :raises ArgumentError: if the times are impossible
    :return: The part of the archive that is used
    """
    window = settings.n_samples / student.sampling_rate
    return waveforms.Selection(
        settings.instruments,
        settings.stations,
        *waveforms.time_span(settings.start, settings.end),
        round(_SPARE_WINDOWS * window * waveforms.SECOND),
        models.MIN_RATE_SHARE * student.sampling_rate,
    )


def label_archive(
    settings: DistillSettings,
    student: models.PhasePicker,
    teachers: Sequence[Teacher],
    goes_on: bool,
) -> tuple[list[Stretch], str]:
    """
    Labels an archive, station by station and day by day. After an interruption it
    continues, and data that have changed are labelled again. If several processes share a
    run, only the first one does this.

    :param settings: Settings of the run
    :param student: The model to train, for its sampling rate and windows
    :param teachers: Teachers
    :param goes_on: Whether the run must use the same labels as before
    :raises ArgumentError: if the labels have changed, or no data can be used
    :return: Stretches with arrivals, and their digest
    """
    folder = Path(os.path.abspath(settings.folder)) / LABELS
    if training.is_first_process():
        labeller = _Labeller(settings, student, teachers, folder)
        digest = labels_digest(labeller.names)
        # Before anything that the earlier run needs is removed.
        if goes_on and settings.earlier().get(LABELS, digest) != digest:
            reason = (
                "they or the teachers hold other data than when the run began. Choose "
                "another output, or resume='never' to start again"
            )
            raise ArgumentError("inputs", settings.inputs, reason)
        labeller.make()
    files = [path.stem for path in folder.glob(f"{_NAMES}.json")]
    return read_labels(folder), labels_digest(files)


class _Labeller:
    """Makes labelled stretches of station-days."""

    def __init__(
        self,
        settings: DistillSettings,
        student: models.PhasePicker,
        teachers: Sequence[Teacher],
        folder: Path,
    ) -> None:
        self._settings = settings
        self._student = student
        self._teachers = teachers
        self._folder = folder
        self._pattern = settings.name_pattern
        self._threshold = label_floor(settings)
        (folder / "teachers").mkdir(parents=True, exist_ok=True)
        days = self._plan()
        # They share the disk.
        self._most = int(settings.cache_gb * 1e9 / _SAMPLE_BYTES / len(days))
        own = (settings.threshold, settings.even, settings.n_samples, settings.seed)
        checksums = sorted(teacher.checksum for teacher in teachers)
        made_from = (own, self._most, student.sampling_rate, checksums)
        #: Station-days by the names of their files.
        self.names = {_file_name(day, made_from): day for day in days}

    def _plan(self) -> list[waveforms.Unit]:
        settings, run = self._settings, self._folder.parent
        archive = waveforms.Archive(self._folder / "archive.state")
        try:
            archive.index(
                settings.inputs,
                self._pattern,
                lambda path: run in path.parents and path.suffix in _OWN_ENDINGS,
                settings.progress,
            )
            problems = archive.problems()
            selection = select(settings, self._student)
            days = list(archive.station_days(selection, problems, settings.progress))
        finally:
            archive.close()
        if not days:
            raise self._nothing("nothing that can be used", problems)
        for line in _util.merged(problems, "name"):
            _LOG.warning("%s", line)
        return days

    def _nothing(self, what: str, problems: Sequence[tuple[str, str]]) -> ArgumentError:
        example = ", such as {}: {}".format(*problems[0]) if problems else ""
        return ArgumentError("inputs", self._settings.inputs, f"hold {what}{example}")

    def make(self) -> None:
        """
        Makes the files that are missing, and removes those that are no longer used.

        :raises ArgumentError: if there is nothing to learn from
        """
        _util.remove_leftovers(self._folder)
        # The list of a station-day goes before its samples.
        for path in sorted(self._folder.glob(f"{_NAMES}.*")):
            if path.stem not in self.names:
                path.unlink()
        missing = {n: d for n, d in self.names.items() if not self._list(n).exists()}
        total = sum(day.days for day in self.names.values())
        done = total - sum(day.days for day in missing.values())
        about = "Labelling", "station days", self._settings.progress
        with _util.progress_bar(*about, total=total, initial=done) as bar:
            for name, day in missing.items():
                self._label(name, day)
                bar.update(day.days)
        found = {d: _read(self._list(name)) for name, d in self.names.items()}
        problems = [(d.key, one) for d, c in found.items() for one in c["problems"]]
        if not any(content["stretches"] for content in found.values()):
            raise self._nothing("nothing to learn from", problems)
        for line in _util.merged(problems, "station-day"):
            _LOG.warning("%s", line)

    def _list(self, name: str) -> Path:
        # Not with_suffix: names have points.
        return self._folder / f"{name}.json"

    def _label(self, name: str, day: waveforms.Unit) -> None:
        begin, end = day.begin - day.margin, day.end + day.margin
        reading = waveforms.read_segments(day.segments, begin, end, self._pattern)
        stream, problems, failure = reading
        if failure is not None:
            raise OSError(f"{failure}. Run the same command again: it continues.")
        models.split_at_missing(stream)
        problems += waveforms.cut_overlaps(stream)
        opinions = [self._ask(teacher, stream, day) for teacher in self._teachers]
        self._student.annotate_stream_pre(stream, {})
        known = _util.join_spans(span for one in opinions for span in one.known)
        arrivals = [
            (phase, time, sure)
            for phase, time, probability in merge_opinions(opinions)
            for sure in [confident(probability, self._settings.even)]
            if sure >= self._settings.threshold
        ]
        stretches = [
            stretch
            for record in models.cut_records(stream, "ZNE", strict=False)
            for stretch in _cut(record, known, arrivals)
        ]
        if not stretches:
            knows = "; ".join(sorted({teacher.knows for teacher in self._teachers}))
            reason = f"teachers say nothing of it; they know {knows}"
            problems.append((day.segments[0].station_id, reason))
        size = _PIECE_WINDOWS * self._settings.n_samples
        rng = np.random.default_rng([self._settings.seed, *name.encode()])
        pieces = choose_pieces(stretches, size, self._most, rng)
        self._write(name, pieces, [": ".join(one) for one in problems])

    def _ask(
        self, teacher: Teacher, stream: obspy.Stream, day: waveforms.Unit
    ) -> Opinion:
        name = _file_name(day, (day.margin, teacher.checksum, self._threshold))
        path = self._folder / "teachers" / f"{name}.json"
        if path.exists():
            return Opinion(*_read(path))
        opinion = teacher.see(stream, self._threshold).clipped(day.begin, day.end)
        # Files of probabilities are quickly read again.
        if isinstance(teacher, ModelTeacher):
            _util.write_text(path, json.dumps(opinion) + "\n")
        return opinion

    def _write(
        self, name: str, stretches: Sequence[Stretch], problems: list[str]
    ) -> None:
        ends = np.cumsum([one.n_samples for one in stretches], dtype=int).tolist()
        samples = [np.empty((0, 3)), *(one.waveforms.T for one in stretches)]
        with (
            _util.replacing(self._folder / f"{name}.npy") as path,
            path.open("wb") as file,
        ):
            np.save(file, np.concatenate(samples, dtype=np.float32))
        entries = [
            {
                "station_id": one.station_id,
                "start_time": one.start_time,
                "begin": end - one.n_samples,
                "end": end,
                "arrivals": one.arrivals.tolist(),
            }
            for end, one in zip(ends, stretches, strict=True)
        ]
        content = {"problems": problems, "stretches": entries}
        _util.write_text(self._list(name), json.dumps(content) + "\n")


def label_floor(settings: DistillSettings) -> float:
    """:return: Smallest probability of a teacher that is kept"""
    return min(settings.threshold, _FLOOR)


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _file_name(day: waveforms.Unit, made_from: Any) -> str:
    """Name of a file, without ending, that depends on the sources of its content."""
    # Keys are made of codes from headers, which may hold anything.
    clean = "".join(c if c.isalnum() or c in ".-" else "_" for c in day.key)
    sources = day.key, day.fingerprint, day.begin, day.end, made_from
    return f"{clean}-{hashlib.sha256(repr(sources).encode()).hexdigest()[:16]}"


def _cut(
    record: models.Record,
    known: Iterable[tuple[int, int]],
    arrivals: Iterable[TeacherArrival],
) -> Iterator[Stretch]:
    """The stretches of a record that a teacher knows."""
    station = ".".join(record.codes.values())
    rate, n_samples = record.sampling_rate, record.data.shape[1]
    start = record.start_time.ns
    rows = make_arrivals((k, (t - start) * 1e-9 * rate, p) for k, t, p in arrivals)
    whole = Stretch(station, str(record.start_time), record.data.T, 0, n_samples, rows)
    for span in known:
        places = (math.ceil(round((time - start) * 1e-9 * rate, 3)) for time in span)
        begin, end = (min(max(place, 0), n_samples) for place in places)
        if begin < end:
            yield whole.part(begin, end)


def choose_pieces(
    stretches: Sequence[Stretch], size: int, most: int, rng: np.random.Generator
) -> list[Stretch]:
    """
    :param stretches: Stretches of a station-day
    :param size: Samples of a piece
    :param most: Most samples that may be kept
    :param rng: Draws pieces without arrivals
    :return: All stretches if there is room for them. Otherwise pieces of them: those with
        the most probable arrivals, up to their share, and others drawn at random, so that
        they include all kinds of noise.
    """
    if sum(one.n_samples for one in stretches) <= most:
        return list(stretches)
    pieces = [
        one.part(begin, min(begin + size, one.n_samples))
        for one in stretches
        for begin in range(0, one.n_samples, size)
    ]
    # Without room for one, this gives the right amount over many days.
    number = most // size or int(rng.random() < most / size)
    scores = np.array([piece.arrivals["probability"].sum() for piece in pieces])
    sure = np.argsort(-scores, kind="stable")[: math.ceil(_ARRIVAL_SHARE * number)]
    sure = sure[scores[sure] > 0]
    others = rng.permutation(np.setdiff1d(np.arange(len(pieces)), sure))
    return [pieces[i] for i in sorted([*sure, *others[: number - len(sure)]])]
