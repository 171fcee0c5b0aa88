"""What is made of one station's day: stretches, and what the teachers say of them."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import obspy

from ..models import PhasePicker, Record, cut_records, split_at_missing, warning_anew
from ..picking.block import read_segments_between
from ..picking.names import NamePattern
from ..picking.plan import Unit
from ..picking.prepare import cut_overlaps, share
from .arrivals import SAME_SECONDS, between, confident, make_arrivals, merge_arrivals
from .choosing import choose_pieces
from .curves import Said, clipped, rows_between
from .opinions import OpinionStore
from .settings import DistillationSettings
from .store import SAMPLE_BYTES, Labelled, part_name
from .teachers import Teacher

_DAY_SECONDS = 86400

#: Teachers are asked for arrivals as sure as this, or surer, if the settings want no others.
_FLOOR = 0.05

#: Folder of what each teacher said, beside what was made of it.
_OPINIONS = "said"


class Labeller:
    """
    Makes labelled stretches of a station's day.

    :param settings: Settings of the run
    :param student: The model that is to learn
    :param teachers: Who is asked
    :param folder: Folder for what they say
    :param pattern: What file names say
    :param units: Number of days of stations, which share the disk
    """

    def __init__(
        self,
        settings: DistillationSettings,
        student: PhasePicker,
        teachers: Sequence[Teacher],
        folder: Path,
        pattern: NamePattern | None,
        units: int,
    ):
        self._settings = settings
        self._student = student
        self._teachers = teachers
        self._pattern = pattern
        self._most = int(settings.cache_gb * 1e9 / SAMPLE_BYTES / units)
        self._least = min(settings.least, _FLOOR)
        self._opinions = OpinionStore(folder / _OPINIONS)

    def name(self, unit: Unit) -> str:
        """:return: Name of what is made of a day, which changes with all that it hangs on"""
        settings, rate = self._settings, self._student.sampling_rate
        made_from = [
            (unit.fingerprint, unit.begin, unit.end),
            sorted(t.checksum for t in self._teachers),
            settings.least,
            settings.even,
            settings.n_samples,
            rate,
        ]
        # Another station in the archive leaves less room only for long records.
        if unit.days * _DAY_SECONDS * rate > self._most:
            made_from += [self._most, settings.seed]
        return part_name(unit.key, repr(made_from))

    def forget_others(self, units: Sequence[Unit]) -> None:
        """Removes what teachers said of other days."""
        self._opinions.keep_only(
            self._asked(u, t) for u in units for t in self._teachers
        )

    def _asked(self, unit: Unit, teacher: Teacher) -> str:
        day = (unit.fingerprint, unit.begin, unit.end, unit.margin)
        return part_name(unit.key, repr((day, teacher.checksum, self._least)))

    def label(self, unit: Unit) -> tuple[list[Labelled], list[str]]:
        """:return: Stretches of one station's day, and what was not used of it"""
        stream, problems, passing = read_segments_between(
            unit.segments,
            unit.begin - unit.margin,
            unit.end + unit.margin,
            self._pattern,
        )
        if passing is not None:
            raise OSError(f"{passing}. Run the same command again: it continues.")
        split_at_missing(stream)
        problems += cut_overlaps(stream)
        said = [f"{subject}: {reason}" for subject, reason in problems]
        with warning_anew():
            opinions = [self._ask(teacher, stream, unit) for teacher in self._teachers]
            self._student.annotate_stream_pre(stream, {})
        labelled: list[Labelled] = []
        for record in cut_records(stream, "ZNE", strict=False):
            inside = _clip(record, unit)
            if inside is not None:
                known, unknown = self._judge(inside, opinions)
                labelled += known
                said += unknown
        return self._choose(labelled, unit), said

    def _ask(
        self, teacher: Teacher, stream: obspy.Stream, unit: Unit
    ) -> dict[str, Said]:
        return self._opinions.get(
            self._asked(unit, teacher),
            lambda: clipped(
                teacher.see(share(stream), unit.begin, unit.end, self._least),
                unit.begin,
                unit.end,
            ),
        )

    def _judge(
        self, record: Record, opinions: Sequence[dict[str, Said]]
    ) -> tuple[list[Labelled], list[str]]:
        """Stretches of a record of which a teacher says anything, and which it leaves."""
        station = f"{record.network}.{record.station}.{record.location}"
        rate, n_samples = record.sampling_rate, record.data.shape[1]
        begin = record.start_time.ns
        said = [of_teacher.get(station, Said([], [])) for of_teacher in opinions]
        known = [
            np.array(
                [_samples(span, begin, rate) for span in one.known], dtype=int
            ).reshape(-1, 2)
            for one in said
        ]
        arrivals = merge_arrivals(
            [
                make_arrivals(rows_between(one.arrivals, begin, rate, n_samples))
                for one in said
            ],
            SAME_SECONDS * rate,
            known,
        )
        arrivals["probability"] = confident(
            arrivals["probability"], self._settings.even
        )
        arrivals = arrivals[arrivals["probability"] >= self._settings.least]
        labelled, last, longest = [], 0, 0
        for first, end in _covered(np.concatenate(known), n_samples):
            labelled.append(
                Labelled(
                    station,
                    str(record.start_time + first / rate),
                    record.data[:, first:end],
                    between(arrivals, first, end),
                )
            )
            longest, last = max(longest, first - last), end
        longest = max(longest, n_samples - last)
        # At its ends a record is too short for some pickers, always.
        if labelled and longest < self._settings.n_samples:
            return labelled, []
        return labelled, [
            f"teachers say nothing of {station} for {longest / rate:.0f} s of the "
            f"{n_samples / rate:.0f} s from {record.start_time} on; they know "
            + "; ".join(sorted({teacher.knows() for teacher in self._teachers}))
        ]

    def _choose(self, labelled: Sequence[Labelled], unit: Unit) -> list[Labelled]:
        """As much of a day as there is room for."""
        digest = hashlib.sha256(f"{self._settings.seed} {unit.key}".encode()).digest()
        rng = np.random.default_rng(int.from_bytes(digest[:8], "little"))
        lengths = [(one.waveforms.shape[1], one.arrivals) for one in labelled]
        chosen = choose_pieces(lengths, self._settings.n_samples, self._most, rng)
        rate = self._student.sampling_rate
        return [
            Labelled(
                labelled[number].station_id,
                str(obspy.UTCDateTime(labelled[number].start_time) + begin / rate),
                labelled[number].waveforms[:, begin:end],
                between(labelled[number].arrivals, begin, end),
            )
            for number, begin, end in chosen
        ]


def _samples(span: tuple[int, int], begin: int, rate: float) -> tuple[int, int]:
    """First sample of a record that lies in a span of time, and the one behind the last."""
    first, end = (math.ceil(round((t - begin) * 1e-9 * rate, 3)) for t in span)
    return first, end


def _covered(spans: np.ndarray, n_samples: int) -> list[tuple[int, int]]:
    """Parts of a record that lie in any of the spans, in order, and apart."""
    covered: list[tuple[int, int]] = []
    for first, end in np.clip(spans, 0, n_samples)[np.argsort(spans[:, 0])].tolist():
        if covered and first <= covered[-1][1]:
            covered[-1] = (covered[-1][0], max(end, covered[-1][1]))
        elif first < end:
            covered.append((first, end))
    return covered


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
