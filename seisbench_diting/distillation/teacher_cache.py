"""
Opinions of teachers on an archive, and its waveforms with labels, on disk.

Running the teachers takes hours, and labels also depend on settings that do not affect the
teachers' opinions, so opinions and labels are kept separately. A part holds the waveforms
of one station-day: ``NAME.npy``, the concatenated samples of its stretches, and
``NAME.json``, a list of the stretches with their arrivals. The second file is written last;
without it, the part does not exist. Names depend on everything a part was made from, so
that files are never overwritten.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import obspy

from .. import _util, models, training, waveforms
from .._util import ArgumentError
from .distill_settings import DistillSettings
from .labels import between, confident, make_arrivals, merge_arrivals
from .teachers import Opinion, Teacher

#: Folder of the labels in the folder of a run, and name of their digest in its settings.
LABELS = "labels"

#: File in the folder of a run with the names of the parts, for its further processes.
_PARTS = "labels.json"

#: Endings of files that a run makes. Its folder may be among its inputs.
_OWN_ENDINGS = (
    *(".npy", ".json", ".ckpt", ".csv", ".lock"),
    ".pt",
    ".jit",
    ".md",
    ".png",
)

#: Windows before and after a day, so that its ends are as in an uncut record.
_SPARE_WINDOWS = 2

#: Arrivals of several teachers closer than this, in seconds, are merged.
_SAME_SECONDS = 0.3

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

#: Names of files of the cache, whose folder may also have files of the user.
_OWN = re.compile(r"(.+-[0-9a-f]{16})\.(?:npy|json)")

#: Files that are mapped at once. Systems limit a process to some hundreds.
_MOST_MAPPED = 128

_DAY_SECONDS = 86400

_LOG = logging.getLogger("seisbench_diting")


@dataclass(frozen=True)
class Stretch:
    """
    Samples without gaps of one instrument, and their arrivals. If the samples are on disk,
    it can be sent to other processes without them.

    :param station_id: NET.STA.LOC
    :param start_time: Time of the first sample of what was stored together, as text, which
        sorts by time
    :param samples: (samples, 3) float32 in the order Z, N, E, NaN where a component has no
        data; or a file with them
    :param begin: First sample
    :param end: The one behind the last
    :param arrivals: See :py:data:`.labels.ARRIVAL`
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
        array = _mapped(samples) if isinstance(samples, Path) else samples
        return array[self.begin : self.end].T

    def part(self, begin: int, end: int) -> Stretch:
        """
        :param begin: First sample
        :param end: The one behind the last
        :return: That part, with the arrivals in it
        """
        arrivals = between(self.arrivals, begin, end)
        begin, end = self.begin + begin, self.begin + end
        return replace(self, begin=begin, end=end, arrivals=arrivals)


@lru_cache(maxsize=_MOST_MAPPED)
def _mapped(path: Path) -> np.ndarray:
    return np.load(path, mmap_mode="r")


def _file_name(key: str, made_from: Any) -> str:
    """Name of a file, without ending, that depends on the sources of its content."""
    # Keys are made of codes from headers, which may hold anything.
    clean = "".join(c if c.isalnum() or c in ".-" else "_" for c in key)
    digest = hashlib.sha256(f"{key}\n{made_from!r}".encode()).hexdigest()
    return f"{clean}-{digest[:16]}"


class TeacherCache:
    """
    :param folder: Folder, which is made if it does not exist
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._opinions = folder / "said"
        self._opinions.mkdir(parents=True, exist_ok=True)

    def clean(self, parts: Iterable[str], opinions: Iterable[str]) -> None:
        """
        Removes leftovers of killed processes and files that are no longer used.

        :param parts: Names of parts to keep
        :param opinions: Names of opinions to keep
        """
        for folder, names in ((self.folder, parts), (self._opinions, opinions)):
            _util.remove_leftovers(folder)
            kept = set(names)
            for path in folder.iterdir():
                if (own := _OWN.fullmatch(path.name)) and own[1] not in kept:
                    path.unlink()

    def opinion(
        self, name: str, ask: Callable[[], dict[str, Opinion]]
    ) -> dict[str, Opinion]:
        """
        :param name: Changes with the waveforms and the teacher
        :param ask: Asks the teacher
        :return: The teacher's opinion of each station, new or from the cache
        """
        path = self._opinions / f"{name}.json"
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            return {station: Opinion(*one) for station, one in content.items()}
        except (AttributeError, FileNotFoundError, TypeError, ValueError):
            # It is missing or damaged.
            opinions = ask()
        _util.write_text(path, json.dumps(opinions) + "\n")
        return opinions

    def write(
        self, name: str, stretches: Sequence[Stretch], problems: list[str]
    ) -> None:
        """
        :param name: Name of the part
        :param stretches: Its content; it may be empty
        :param problems: What was not used, and why
        """
        ends = np.cumsum([0, *(one.n_samples for one in stretches)]).tolist()
        header = {"descr": "<f4", "fortran_order": False, "shape": (ends[-1], 3)}
        with _util.replacing(self._samples(name)) as path, path.open("wb") as file:
            np.lib.format.write_array_header_2_0(file, header)
            for one in stretches:
                file.write(np.ascontiguousarray(one.waveforms.T, dtype="<f4").data)
        entries = [
            {
                "station_id": one.station_id,
                "start_time": one.start_time,
                "samples": ends[number : number + 2],
                "arrivals": one.arrivals.tolist(),
            }
            for number, one in enumerate(stretches)
        ]
        # A damaged file that this one replaces may still be mapped.
        _mapped.cache_clear()
        content = {"said": problems, "stretches": entries}
        _util.write_text(self.folder / f"{name}.json", json.dumps(content) + "\n")

    def read(self, name: str) -> dict[str, Any] | None:
        """
        :param name: Name of a part
        :return: Content of its list, None if the part is not there, or damaged
        """
        try:
            text = (self.folder / f"{name}.json").read_text(encoding="utf-8")
            content = json.loads(text)
            total = max((s["samples"][1] for s in content["stretches"]), default=0)
            size = self._samples(name).stat().st_size
        except (FileNotFoundError, IndexError, KeyError, TypeError, ValueError):
            return None
        # It may be cut short, by a full disk or a copy that was interrupted.
        return content if size > total * _SAMPLE_BYTES else None

    def stretches(self, names: Iterable[str]) -> Iterator[Stretch]:
        """
        :param names: Names of parts
        :return: Their stretches
        """
        for name in names:
            for entry in (self.read(name) or {"stretches": ()})["stretches"]:
                arrivals = make_arrivals([tuple(row) for row in entry["arrivals"]])
                (begin, end), path = entry["samples"], self._samples(name)
                station, start = entry["station_id"], entry["start_time"]
                yield Stretch(station, start, path, begin, end, arrivals)

    def _samples(self, name: str) -> Path:
        # Not with_suffix: names have points.
        return self.folder / f"{name}.npy"


class Labels(NamedTuple):
    """
    Labels of an archive.

    :param stretches: Stretches with arrivals
    :param teachers: Names of the teachers
    :param digest: Changes with the waveforms and with what the teachers say of them
    """

    stretches: list[Stretch]
    teachers: list[str]
    digest: str


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
) -> Labels:
    """
    Labels an archive, station by station and day by day. After an interruption it
    continues, and data that have changed are labelled again. If several processes share a
    run, only the first one does this.

    :param settings: Settings of the run
    :param student: The model to train, for its sampling rate and windows
    :param teachers: Teachers
    :param goes_on: Whether the run must use the same labels as before
    :raises ArgumentError: if the labels have changed, or no data can be used
    :return: Labels
    """
    run = Path(os.path.abspath(settings.folder))
    cache = TeacherCache(run / LABELS)
    is_first = training.is_first_process()
    if is_first:
        labeller = _Labeller(settings, student, teachers, cache)
        names = [labeller.part_of(day) for day in labeller.days]
    else:
        names = json.loads((run / _PARTS).read_text(encoding="utf-8"))["names"]
    digest = hashlib.sha256("\n".join(sorted(names)).encode()).hexdigest()
    # Before anything that the earlier run needs is removed.
    if goes_on and settings.earlier().get(LABELS, digest) != digest:
        reason = "they or the teachers hold other data than when the run began. Choose "
        reason += "another output, or resume='never' to start again"
        raise ArgumentError("inputs", settings.inputs, reason)
    if is_first:
        problems = labeller.make(names)
        if not any(cache.stretches(names)):
            raise _nothing(settings, "nothing to learn from", problems)
        for line in _util.merged(problems, "station-day"):
            _LOG.warning("%s", line)
        _util.write_text(run / _PARTS, json.dumps({"names": names}) + "\n")
    return Labels(list(cache.stretches(names)), [t.name for t in teachers], digest)


def _nothing(
    settings: DistillSettings, what: str, problems: Sequence[tuple[str, str]]
) -> ArgumentError:
    example = ", such as {}: {}".format(*problems[0]) if problems else ""
    return ArgumentError("inputs", settings.inputs, f"hold {what}{example}")


class _Labeller:
    """Makes labelled stretches of station-days."""

    def __init__(
        self,
        settings: DistillSettings,
        student: models.PhasePicker,
        teachers: Sequence[Teacher],
        cache: TeacherCache,
    ) -> None:
        self._settings = settings
        self._student = student
        self._teachers = teachers
        self._cache = cache
        pattern = settings.name_pattern
        self._pattern = waveforms.NamePattern(pattern) if pattern else None
        self._threshold = min(settings.threshold, _FLOOR)
        self.days = self._plan()
        # They share the disk.
        self._most = int(settings.cache_gb * 1e9 / _SAMPLE_BYTES / len(self.days))

    def _plan(self) -> list[waveforms.StationDay]:
        settings, folder, shown = (
            self._settings,
            self._cache.folder,
            self._settings.progress,
        )

        def is_own(path: Path) -> bool:
            return folder.parent in path.parents and path.suffix in _OWN_ENDINGS

        archive = waveforms.Archive(folder / "archive.state")
        try:
            archive.index(settings.inputs, self._pattern, is_own, shown)
            problems = archive.problems()
            selection = select(settings, self._student)
            days = list(archive.station_days(selection, problems, shown))
        finally:
            archive.close()
        if not days:
            raise _nothing(settings, "nothing that can be used", problems)
        for line in _util.merged(problems, "name"):
            _LOG.warning("%s", line)
        return days

    def part_of(self, day: waveforms.StationDay) -> str:
        """:return: Name of the part, which changes with everything it is made from"""
        settings, rate = self._settings, self._student.sampling_rate
        made_from = [
            (day.fingerprint, day.begin, day.end),
            sorted(teacher.checksum for teacher in self._teachers),
            *(settings.threshold, settings.even, settings.n_samples, rate),
        ]
        # Another station in the archive leaves less room only for long records.
        if day.days * _DAY_SECONDS * rate > self._most:
            made_from += [self._most, settings.seed]
        return _file_name(day.key, made_from)

    def _asked(self, day: waveforms.StationDay, teacher: Teacher) -> str:
        times = (day.fingerprint, day.begin, day.end, day.margin)
        return _file_name(day.key, (times, teacher.checksum, self._threshold))

    def make(self, names: Sequence[str]) -> list[tuple[str, str]]:
        """
        :param names: Names of the parts of all days; those that are missing are made
        :return: What was not used of each day, and why
        """
        cache = self._cache
        asked = (self._asked(day, t) for day in self.days for t in self._teachers)
        cache.clean(names, asked)
        amounts = [max(day.days, 1e-6) for day in self.days]
        done = [cache.read(name) is not None for name in names]
        finished = float(np.dot(amounts, done))
        progress = _util.progress_bar(
            "Labelling", "days", self._settings.progress, sum(amounts), finished
        )
        for day, name, amount, is_done in zip(
            self.days, names, amounts, done, strict=True
        ):
            if not is_done:
                cache.write(name, *self._label(day))
                progress.update(amount)
        progress.close()
        return [
            (day.key, reason)
            for day, name in zip(self.days, names, strict=True)
            for reason in (cache.read(name) or {"said": ()})["said"]
        ]

    def _label(self, day: waveforms.StationDay) -> tuple[list[Stretch], list[str]]:
        """Stretches of a day, and the data that were not used."""
        begin, end = day.begin - day.margin, day.end + day.margin
        reading = waveforms.read_segments(day.segments, begin, end, self._pattern)
        stream, problems, failure = reading
        if failure is not None:
            raise OSError(f"{failure}. Run the same command again: it continues.")
        models.split_at_missing(stream)
        problems += waveforms.cut_overlaps(stream)
        said = [f"{subject}: {reason}" for subject, reason in problems]
        opinions = [self._ask(teacher, stream, day) for teacher in self._teachers]
        self._student.annotate_stream_pre(stream, {})
        stretches: list[Stretch] = []
        for record in models.cut_records(stream, "ZNE", strict=False):
            rate, start = record.sampling_rate, record.start_time.ns
            # Without the margin.
            first = max(0, round((day.begin - start) * 1e-9 * rate))
            last = max(0, round((day.end - start) * 1e-9 * rate))
            record.data = record.data[:, first:last]
            record.start_time += first / rate
            if record.data.size:
                known, unknown = self._judge(record, opinions)
                stretches += known
                said += unknown
        return self._choose(stretches, day), said

    def _ask(
        self, teacher: Teacher, stream: obspy.Stream, day: waveforms.StationDay
    ) -> dict[str, Opinion]:
        begin, end = day.begin, day.end

        def ask() -> dict[str, Opinion]:
            own = waveforms.shared(stream)
            found = teacher.see(own, begin, end, self._threshold)
            return {name: one.clipped(begin, end) for name, one in found.items()}

        return self._cache.opinion(self._asked(day, teacher), ask)

    def _judge(
        self, record: models.Record, opinions: Sequence[dict[str, Opinion]]
    ) -> tuple[list[Stretch], list[str]]:
        """Stretches of a record that a teacher knows, and the rest."""
        station = f"{record.network}.{record.station}.{record.location}"
        rate, n_samples = record.sampling_rate, record.data.shape[1]
        begin = record.start_time.ns
        arrivals, known = [], []
        for of_teacher in opinions:
            opinion = of_teacher.get(station, Opinion([], []))
            rows = [(k, (t - begin) * 1e-9 * rate, p) for k, t, p in opinion.arrivals]
            arrivals.append(make_arrivals([r for r in rows if 0 <= r[1] < n_samples]))
            spans = [
                [math.ceil(round((time - begin) * 1e-9 * rate, 3)) for time in span]
                for span in opinion.known
            ]
            known.append(np.clip(spans, 0, n_samples).astype(int).reshape(-1, 2))
        found = merge_arrivals(arrivals, _SAME_SECONDS * rate, known)
        found["probability"] = confident(found["probability"], self._settings.even)
        found = found[found["probability"] >= self._settings.threshold]
        covered = _util.join_spans((a, b) for a, b in np.concatenate(known) if a < b)
        stretches = []
        for first, end in covered:
            start, own = (
                str(record.start_time + first / rate),
                between(found, first, end),
            )
            stretches.append(Stretch(station, start, record.data.T, first, end, own))
        edges = [0, *(edge for span in covered for edge in span), n_samples]
        longest = max(b - a for a, b in zip(edges[::2], edges[1::2], strict=True))
        # At its ends a record is always too short for some pickers.
        if stretches and longest < self._settings.n_samples:
            return stretches, []
        return stretches, [
            f"teachers say nothing of {station} for {longest / rate:.0f} s of the "
            f"{n_samples / rate:.0f} s from {record.start_time} on; they know "
            + "; ".join(sorted({teacher.knows for teacher in self._teachers}))
        ]

    def _choose(
        self, stretches: Sequence[Stretch], day: waveforms.StationDay
    ) -> list[Stretch]:
        """Part of a day that fits the limit of the disk space."""
        digest = hashlib.sha256(f"{self._settings.seed} {day.key}".encode()).digest()
        rng = np.random.default_rng(int.from_bytes(digest[:8], "little"))
        records = [(one.n_samples, one.arrivals) for one in stretches]
        rate, chosen = self._student.sampling_rate, []
        for number, begin, end in choose_pieces(
            records, self._settings.n_samples, self._most, rng
        ):
            start = obspy.UTCDateTime(stretches[number].start_time) + begin / rate
            part = stretches[number].part(begin, end)
            chosen.append(replace(part, start_time=str(start)))
        return chosen


def choose_pieces(
    records: Sequence[tuple[int, np.ndarray]],
    window: int,
    most: int,
    rng: np.random.Generator,
) -> list[tuple[int, int, int]]:
    """
    :param records: Length of each record in samples, and its arrivals
    :param window: Samples a window
    :param most: Most samples that may be kept
    :param rng: Decides between pieces without arrivals
    :return: Number of the record, first sample, and the one behind the last, of the kept
        pieces in order; adjacent pieces are joined. Pieces with many probable arrivals are
        chosen first, up to their share. The others are drawn from the rest, so that they
        include all kinds of noise. If the limit is less than one piece, one is kept with
        the probability that gives the right size on average.
    """
    if sum(n_samples for n_samples, _ in records) <= most:
        return [(i, 0, n_samples) for i, (n_samples, _) in enumerate(records)]
    size = _PIECE_WINDOWS * window
    pieces, scores = [], []
    for number, (n_samples, arrivals) in enumerate(records):
        # The last piece takes a short rest.
        begins = list(range(0, max(1, n_samples - size // 2), size))
        for begin, end in zip(begins, [*begins[1:], n_samples], strict=True):
            pieces.append((number, begin, end))
            # Arrivals per sample, so that long pieces are not preferred.
            sure = float(between(arrivals, begin, end)["probability"].sum())
            scores.append(sure / (end - begin))
    length = np.array([end - begin for _, begin, end in pieces])
    by_score = np.argsort(-np.array(scores), kind="stable")
    by_score = by_score[np.array(scores)[by_score] > 0]
    chosen: list[int] = []

    def take(order: np.ndarray, room: float) -> None:
        for number in order:
            if length[number] <= room:
                room -= length[number]
                chosen.append(int(number))

    take(by_score, min(most, _ARRIVAL_SHARE * most + size / 2))
    rest = rng.permutation(np.setdiff1d(np.arange(len(pieces)), chosen))
    take(rest, most - length[chosen].sum())
    if not chosen:
        first = int(by_score[0] if len(by_score) else rest[0])
        chosen = [first] if rng.random() < most / length[first] else []
    joined: list[tuple[int, int, int]] = []
    for number, begin, end in (pieces[i] for i in sorted(chosen)):
        if joined and joined[-1][0] == number and joined[-1][2] == begin:
            begin = joined.pop()[1]
        joined.append((number, begin, end))
    return joined
