"""Teachers go through an archive, station by station and day by day."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import obspy

from ..models.base import PhasePicker
from ..models.records import Record, cut_records
from ..models.streams import split_at_missing
from ..models.warned import warning_anew
from ..picking.block import read_segments_between
from ..picking.index import SECOND, index_files
from ..picking.inputs import find_files
from ..picking.names import NamePattern
from ..picking.plan import Planner, Unit
from ..picking.prepare import cut_overlaps, share
from ..picking.progress import Progress, counting
from ..picking.state import State
from .arrivals import SAME_SECONDS, confident, make_arrivals, merge_arrivals
from .choosing import choose_pieces
from .curves import Seen, rows_between
from .settings import DistillationSettings
from .store import Labelled, LabelStore, Stretch
from .teachers import Teacher

_LOG = logging.getLogger("seisbench_diting")

#: Bytes of a sample of three components.
_SAMPLE_BYTES = 12

#: Windows around a day, so that those at its ends are as in an uncut record.
_SPARE_WINDOWS = 2

_DAY_SECONDS = 86400


@dataclass(frozen=True)
class Labels:
    """
    What the teachers said.

    :param store: Where it lies
    :param names: Names of its parts
    :param teachers: Who said it
    """

    store: LabelStore
    names: list[str]
    teachers: list[str]

    def stretches(self) -> list[Stretch]:
        return list(self.store.stretches(self.names))


def label_archive(
    settings: DistillationSettings,
    student: PhasePicker,
    teachers: Sequence[Teacher],
    folder: Path,
) -> Labels:
    """
    Goes on where it was interrupted; what has changed is done again.

    :param settings: Settings of the run
    :param student: The model that is to learn, for its sampling rate and windows
    :param teachers: Who says what is there
    :param folder: Folder for what they say
    :raises ValueError: if there is nothing that can be used
    :return: What they said
    """
    folder = Path(os.path.abspath(folder))
    store = LabelStore(folder)
    pattern = NamePattern(settings.name_pattern) if settings.name_pattern else None
    state = State(folder / "archive.state")
    try:
        units = _plan(settings, student, state, folder, pattern)
        most = _most_samples(settings, len(units))
        made_from = hashlib.sha256(
            repr(
                (
                    sorted((t.name, t.checksum) for t in teachers),
                    settings.least,
                    settings.even,
                    settings.n_samples,
                    student.sampling_rate,
                )
            ).encode()
        ).hexdigest()
        names = {}
        for unit in units:
            fingerprint = f"{unit.fingerprint} {made_from}"
            # Another station in the archive leaves less room only for long records.
            if unit.days * _DAY_SECONDS * student.sampling_rate > most:
                fingerprint += f" {most}"
            names[unit.key] = store.name(unit.key, fingerprint)
        days = {u.key: max(u.days, 1e-6) for u in units}
        done = {u.key for u in units if store.has(names[u.key])}
        bar = Progress(
            sum(days.values()), sum(days[key] for key in done), settings.progress
        )
        try:
            for unit in units:
                if unit.key in done:
                    continue
                labelled, said = _label(
                    unit, settings, student, teachers, pattern, most
                )
                store.write(names[unit.key], labelled, said)
                bar.add(days[unit.key])
        finally:
            bar.close()
    finally:
        state.close()
    store.keep_only(names.values())
    for key, name in names.items():
        for reason in store.said(name):
            _LOG.warning("%s: %s", key, reason)
    return Labels(store, list(names.values()), [teacher.name for teacher in teachers])


def _plan(
    settings: DistillationSettings,
    student: PhasePicker,
    state: State,
    folder: Path,
    pattern: NamePattern | None,
) -> list[Unit]:
    with counting("Reading headers", " files", settings.progress) as bar:
        # What lies in the run's own folder is no input.
        paths = (
            p for p in find_files(settings.inputs) if folder.parent not in p.parents
        )
        index_files(state, paths, pattern, bar.update)
    window = settings.n_samples / student.sampling_rate
    planner = Planner(
        settings.codes,
        settings.stations,
        settings.start_ns,
        settings.end_ns,
        round(_SPARE_WINDOWS * window * SECOND),
        student.sampling_rate,
    )
    with counting("Planning", " stations", settings.progress) as bar:
        planner.plan(state, bar.update)
    units = [
        planner.find(state, key, task)
        for key, task in state.rows("SELECT key, task FROM plan ORDER BY position")
    ]
    if not units:
        problem = state.execute("SELECT subject, reason FROM problems").fetchone()
        raise ValueError(
            f"inputs={', '.join(settings.inputs)!r} hold nothing that can be used"
            + (f", such as {problem[0]}: {problem[1]}." if problem else ".")
        )
    return units


def _most_samples(settings: DistillationSettings, units: int) -> int:
    return int(settings.cache_gb * 1e9 / _SAMPLE_BYTES / units)


def _label(
    unit: Unit,
    settings: DistillationSettings,
    student: PhasePicker,
    teachers: Sequence[Teacher],
    pattern: NamePattern | None,
    most: int,
) -> tuple[list[Labelled], list[str]]:
    """Stretches of one station's day, and what was not used of it."""
    stream, problems, passing = read_segments_between(
        unit.segments, unit.begin - unit.margin, unit.end + unit.margin, pattern
    )
    if passing is not None:
        raise OSError(f"{passing}. Run the same command again: it continues.")
    split_at_missing(stream)
    problems += cut_overlaps(stream)
    said = [f"{subject}: {reason}" for subject, reason in problems]
    with warning_anew():
        seen = [
            teacher.see(share(stream), unit.begin, unit.end, settings.least)
            for teacher in teachers
        ]
        student.annotate_stream_pre(stream, {})
    records = []
    for record in cut_records(stream, "ZNE", strict=False):
        inside = _clip(record, unit)
        if inside is not None:
            records.append((inside, _ask(inside, seen, teachers, settings)))
    total = sum(record.data.shape[1] for record, _ in records)
    digest = hashlib.sha256(f"{settings.seed} {unit.key}".encode()).digest()
    rng = np.random.default_rng(int.from_bytes(digest[:8], "little"))
    labelled = []
    for record, arrivals in records:
        share_of_it = most * record.data.shape[1] // max(total, most)
        for begin, end in choose_pieces(
            record.data.shape[1], arrivals, settings.n_samples, share_of_it, rng
        ):
            inside = (arrivals["sample"] >= begin) & (arrivals["sample"] < end)
            of_piece = arrivals[inside]
            of_piece["sample"] -= begin
            labelled.append(
                Labelled(
                    f"{record.network}.{record.station}.{record.location}",
                    str(record.start_time + begin / record.sampling_rate),
                    record.data[:, begin:end],
                    of_piece,
                )
            )
    return labelled, said


def _clip(record: Record, unit: Unit) -> Record | None:
    """The part of a record that is the unit's own, without what is around it."""
    rate = record.sampling_rate
    begin = max(0, round((unit.begin - record.start_time.ns) * 1e-9 * rate))
    end = round((unit.end - record.start_time.ns) * 1e-9 * rate)
    data = record.data[:, begin : max(begin, end)]
    if data.shape[1] == 0:
        return None
    return Record(
        record.network,
        record.station,
        record.location,
        record.start_time + begin / rate,
        rate,
        record.first_sample + begin,
        data,
        [],
    )


def _ask(
    record: Record,
    seen: Sequence[dict[str, list[Seen]] | None],
    teachers: Sequence[Teacher],
    settings: DistillationSettings,
) -> np.ndarray:
    station = f"{record.network}.{record.station}.{record.location}"
    rate, n_samples = record.sampling_rate, record.data.shape[1]
    opinions = [
        make_arrivals(
            rows_between(
                of_teacher.get(station, ()), record.start_time.ns, rate, n_samples
            )
        )
        for of_teacher in seen
        if of_teacher is not None
    ]
    if not opinions:
        raise ValueError(
            f"teachers: {', '.join(t.name for t in teachers)} say nothing of {station} at "
            f"{obspy.UTCDateTime(ns=record.start_time.ns)}. Add a model, such as RNN/csn."
        )
    arrivals = merge_arrivals(opinions, SAME_SECONDS * rate)
    arrivals["probability"] = confident(arrivals["probability"], settings.even)
    return arrivals[arrivals["probability"] >= settings.least]
