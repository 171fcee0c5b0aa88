"""The records of miniSEED: their own times, and which of them are damaged.

ObsPy joins records whose times fit to half a sample and keeps only the time of the first
one, so that small differences add up. It reads nothing of a file with a damaged record.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import obspy
from numpy.lib.stride_tricks import sliding_window_view

from .._util import USED

#: Start of a record: its number, its quality, a blank.
RECORD = re.compile(rb"[0-9 \x00]{6}[DRQM][ \x00]")

#: The first bytes of a record, and the usual places of blockettes 1000 and 1001.
_KINDS = (
    "V6,u1,u1,u8,u4,u2,u2,u1,u1,u1,V1,u2,u2,i2,i2,u1,V3,i4,V4,u2,V4,u1,V1,u2,V3,i1,V2"
)
_NAMES = (
    "a quality blank codes more_codes year day hour minute second c fraction samples "
)
_NAMES += "rate multiplier activity e correction f first_blockette g exponent h "
_NAMES += "blockette i microseconds j"

#: Bytes that may be part of a number, a quality, or the blank behind it.
_DIGITS, _QUALITIES, _BLANKS = (
    np.bincount([*b], minlength=256) > 0 for b in (b"0123456789 \0", b"DRQM", b" \0")
)

#: Reads the bytes of records.
Read = Callable[[bytes], obspy.Stream]


class Records:
    """
    The records of a file, or of a piece of one.

    :param path: File
    :param offset: First byte
    :param size: Number of bytes, 0 for all
    """

    def __init__(self, path: str, offset: int, size: int) -> None:
        content = np.memmap(path, np.uint8, "r").view(np.ndarray)[offset:]
        content = content[:size] if size else content
        first, length, order = _first_record(content)
        first %= length
        content = self._content = content[first:]
        self._begin = offset + first
        kind = np.dtype(_KINDS).newbyteorder(order)
        kind.names = tuple(_NAMES.split())
        bytes_at = sliding_window_view(content, kind.itemsize)

        def look(starts: np.ndarray) -> tuple[np.ndarray, ...]:
            head = bytes_at[starts].view(kind)[:, 0]
            told = 1 << np.minimum(head["exponent"], 30).astype(int)
            told = np.where(head["first_blockette"] == 1000, told, length)
            return starts, head, told, np.diff(starts, append=len(content))

        # Of one length, or of several.
        for step in (length, 128):
            cells = content[: len(content) // step * step].reshape(-1, step)
            is_start = _QUALITIES[cells[:, 6]] & _BLANKS[cells[:, 7]]
            is_start &= _DIGITS[cells[:, :6]].all(axis=1)
            starts, head, told, room = look(np.flatnonzero(is_start) * step)
            # A record does not hold the header of the next one.
            if ((told > room) | (told == length)).all():
                break
        # Where bytes are missing or too many, the next records are off this grid.
        spans = [
            (starts[i] + 8, starts[i] + room[i]) for i in np.flatnonzero(told < room)
        ]
        found = [
            begin + match.start()
            for begin, end in spans
            for match in RECORD.finditer(content[begin:end].tobytes())
            if begin + match.start() < len(bytes_at)
        ]
        others, head_of_others, *_ = look(np.array(found, int))
        others = others[
            _have_time(head_of_others) & (head_of_others["first_blockette"] == 1000)
        ]
        #: Whether ObsPy, which looks at every 128 bytes, misses records.
        self.off_grid = len(others) > 0
        #: What was found between these, if anything.
        self.between: list[str] = []
        if self.off_grid:
            starts, head, told, room = look(np.union1d(starts, others))
            gaps = np.flatnonzero(room > told)
            if n_bytes := (room - told)[gaps].sum():
                place = self._begin + (starts + told)[gaps[0]]
                self.between = [
                    f"{n_bytes} bytes from byte {place} on belong to no record"
                ]
        self._starts, self._headers = starts, head
        self._lengths = np.minimum(told, room)
        #: Numbers of the records with samples.
        self.places = np.flatnonzero(head["samples"] > 0)
        #: Whether records have a possible time.
        self._have_time = _have_time(head)
        wrong = (told > room) | ~self._have_time
        #: Numbers of the records that claim to hold the ones behind them, or have no time.
        self.wrong = self.places[wrong[self.places]]

    def bytes_of(self, places: np.ndarray) -> bytes:
        spans = zip(self._starts[places], self._lengths[places], strict=True)
        return b"".join(
            self._content[at : at + length].tobytes() for at, length in spans
        )

    def without_damaged(self, read: Read) -> str:
        """
        Leaves out the records that can't be read.

        :param read: Reader
        :raises Exception: of the reader, if no others remain
        :return: Names them, with the reader's reason; empty if all can be read alone
        """
        error = ValueError("the length or the time in its header is wrong")
        damaged: dict[int, Exception] = dict.fromkeys(self.wrong.tolist(), error)
        self.places = np.setdiff1d(self.places, self.wrong)

        def search(places: np.ndarray) -> None:
            try:
                read(self.bytes_of(places))
            # The reader's errors depend on the damage.
            except Exception as error:
                if len(places) < 2:
                    damaged.update(dict.fromkeys(places.tolist(), error))
                    return
                search(places[: len(places) // 2])
                search(places[len(places) // 2 :])

        search(self.places)
        self.places = np.setdiff1d(self.places, list(damaged))
        if not len(self.places):
            raise ValueError("; ".join(map(str, [*damaged.values()][:1])))
        if not damaged:
            return ""
        first = min(damaged)
        reason = " ".join(str(damaged[first]).split())
        time = ""
        if self._have_time[first]:
            ns = int(self._times(np.array([first]))[0])
            time = f" from {obspy.UTCDateTime(ns=ns)}"
        more = f" and {len(damaged) - 1} more" if len(damaged) > 1 else ""
        return (
            f"the record of {self._name(first)}{time}, at byte "
            f"{self._begin + self._starts[first]}{more}: damaged and not used ({reason})"
        )

    def _name(self, place: int) -> str:
        codes = self._content[self._starts[place] :][8:20].tobytes()
        parts = codes[10:], codes[:5], codes[5:7], codes[7:10]
        # As ObsPy reads them.
        return ".".join(
            part.partition(b"\0")[0].strip().decode("ascii", "ignore") for part in parts
        )

    def _times(self, places: np.ndarray) -> np.ndarray:
        """Times of records in nanoseconds since 1970, with their corrections."""
        head = self._headers
        if len(places) < len(head):
            head = head[places]
        years = (head["year"] - np.int64(1970)).view("M8[Y]").astype("M8[D]")
        days = years.view(np.int64) + head["day"] - 1
        hours = days * 24 + head["hour"]
        ticks = ((hours * 60 + head["minute"]) * 60 + head["second"]) * 10_000
        ticks += head["fraction"]
        ticks += np.where(head["activity"] & 2, 0, head["correction"])
        micro = np.where(head["blockette"] == 1001, head["microseconds"], 0)
        return ticks * 100_000 + micro * np.int64(1000)

    def _channels(self) -> dict[str, np.ndarray]:
        """Numbers of the records of each channel, in their order."""
        number = np.zeros(len(self.places), int)
        for name in ("codes", "more_codes"):
            key = self._headers[name][self.places]
            if (key != key[:1]).any():
                _, own = np.unique(key, return_inverse=True)
                number = number * len(key) + own
        channels: dict[str, np.ndarray] = {}
        for one in np.unique(number) if number.any() else {*number[:1]}:
            places = self.places[number == one]
            # To ObsPy, codes that differ only in blanks are the same.
            others = channels.get(name := self._name(places[0]), places)
            channels[name] = np.union1d(others, places)
        return channels

    def _samples(self, places: np.ndarray, known: list[float]) -> np.ndarray:
        """Nanoseconds from sample to sample, by the known rate nearest to that in the header."""
        head = self._headers[places]
        terms = (head[name].astype(float) for name in ("rate", "multiplier"))
        rate, by = (np.abs(term) ** np.sign(term) for term in terms)
        far = np.abs(np.subtract.outer(np.log(known), np.log(rate * by)))
        return 1e9 / np.array(known)[far.argmin(axis=0)]

    def correct(
        self, stream: obspy.Stream, read: Read, begin: int, end: int
    ) -> list[str]:
        """
        Gives samples the times of their records, in place: channels that drift by more than
        a sample are read in pieces that drift by at most half of one.

        :param stream: What ObsPy read of these records
        :param read: Reads records
        :param begin: First time that is needed, in nanoseconds since 1970
        :param end: Last time that is needed
        :return: What was wrong
        """
        rates = {(t.id, t.stats.sampling_rate) for t in stream}
        problems = []
        for name, places in self._channels().items():
            # A channel may have several rates.
            known = [rate for id, rate in rates if id == name and rate > 0]
            if not known:
                continue
            sample, times = self._samples(places, known), self._times(places)
            ends = times + self._headers["samples"][places] * sample
            steps = times[1:] - ends[:-1]
            # As ObsPy joins them.
            joined = (np.abs(steps) <= sample[1:] / 2) & (sample[1:] == sample[:-1])
            edges = np.concatenate([[0], np.flatnonzero(~joined) + 1, [len(times)]])
            late = np.concatenate([[0], np.cumsum(np.where(joined, steps, 0))])
            begins = np.repeat(edges[:-1], np.diff(edges))
            late -= late[begins]
            worst = int(np.argmax(np.abs(late) / sample))
            if abs(late[worst]) <= sample[worst]:
                continue
            ppm = late[worst] / (times[worst] - times[begins[worst]]) * 1e6
            problems.append(
                f"{USED}the clock of {name} drifts by {round(ppm, 1):g} ppm against the sampling "
                "rate; the times of the records are used"
            )
            stream.traces = [trace for trace in stream if trace.id != name]
            first, last = 0, {*edges}
            for i in range(1, len(times) + 1):
                if i in last or abs(late[i] - late[first]) > sample[first] / 2:
                    if times[first] <= end and ends[i - 1] >= begin:
                        stream += read(self.bytes_of(places[first:i]))
                    first = i
        return problems


def _have_time(head: np.ndarray) -> np.ndarray:
    is_date = (head["year"] >= 1900) & (head["year"] < 2200) & (head["day"] > 0)
    is_time = (head["hour"] < 24) & (head["minute"] < 60) & (head["second"] < 61)
    return is_date & (head["day"] < 367) & is_time


def _first_record(content: np.ndarray) -> tuple[int, int, Any]:
    """Place, length and byte order of the first record whose header can be read."""
    # Not above: memory that is taken before ObsPy's own makes its reader slower.
    from obspy.io.mseed.util import get_record_information

    error = ValueError("it holds no record")
    for start in range(0, len(content) // 128 * 128, 128):
        if not RECORD.match(content[start : start + 8].tobytes()):
            continue
        # If a file ends within a record, ObsPy starts at its beginning.
        some = content[start : start + (1 << 14)]
        some = some[: len(some) // 128 * 128]
        try:
            info = get_record_information(io.BytesIO(some.tobytes()))
            return start, info["record_length"], info["byteorder"]
        # The reader's errors depend on the damage.
        except Exception as reason:
            error = ValueError(str(reason))
    raise error
