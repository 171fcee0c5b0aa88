"""Archives that tests make from real records, and how they are picked and compared."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import obspy

from seisbench_diting.picking import pick_archive


def run(inputs, output, model, **options):
    return pick_archive(inputs, output, model, **{"progress": False, **options})


def lines(path) -> list[str]:
    return Path(path).read_text().splitlines()


def write_all(stream: obspy.Stream, folder: Path, format: str = "SAC") -> Path:
    """Writes a file for each trace."""
    folder.mkdir(parents=True, exist_ok=True)
    for trace in stream:
        trace.write(str(folder / f"{trace.id}.{format.lower()}"), format=format)
    return folder


def write_pieces(
    stream: obspy.Stream,
    folder: Path,
    cuts: Sequence[float],
    name: str = "{id}.{number:03d}.mseed",
) -> list[Path]:
    """
    Writes a stream in files that follow each other without gap.

    :param cuts: Where to cut, in seconds after the first sample
    :return: The files
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for trace in stream:
        rate = trace.stats.sampling_rate
        edges = [0, *(round(cut * rate) for cut in sorted(cuts)), trace.stats.npts]
        for number, (begin, end) in enumerate(itertools.pairwise(edges)):
            piece = trace.copy()
            piece.data = trace.data[begin:end].copy()
            piece.stats.starttime += begin / rate
            paths.append(folder / name.format(id=trace.id, number=number))
            piece.write(str(paths[-1]), format="MSEED")
    return paths


def renamed(
    stream: obspy.Stream, station: str, start: str, seconds: float = 0
) -> obspy.Stream:
    """A copy of another name, that begins at another time, perhaps at another place."""
    first = min(trace.stats.starttime for trace in stream)
    cut = stream.slice(first + seconds).copy()
    for trace in cut:
        trace.stats.station = station
        offset = trace.stats.starttime - (first + seconds)
        trace.stats.starttime = obspy.UTCDateTime(start) + offset
    return cut


def with_code(stream: obspy.Stream, code: str) -> obspy.Stream:
    """A copy with another band and instrument code."""
    changed = stream.copy()
    for trace in changed:
        trace.stats.channel = code + trace.stats.channel[-1]
    return changed


def small_archive(stream: obspy.Stream, folder: Path) -> Path:
    """Four stations, 5 min around two midnights: 12 station-days in 72 files."""
    for station, day in itertools.product(range(4), range(2)):
        begin = stream[0].stats.starttime + 2700 * station + 700 * day
        start = obspy.UTCDateTime(2020, 1, 1 + day, 23, 58, 7 * station)
        moved = renamed(stream.slice(begin, begin + 300), f"S{station}", str(start))
        name = f"{{id}}.{day}.{{number}}.mseed"
        write_pieces(moved, folder / f"S{station}", [80.0 + station, 200.0], name)
    return folder


def row_tuples(table) -> list[tuple[str, str, int, float]]:
    """Picks of a table as (station, phase, microseconds, probability), sorted."""
    times = table["time"].astype("int64")
    columns = table["station_id"], table["phase"], times, table["probability"]
    return sorted(zip(*columns, strict=True))


def assert_same_picks(table, picks) -> None:
    """A table holds what SeisBench's picks are, to the rounding of single precision."""
    rows = row_tuples(table)
    expected = sorted(
        (pick.trace_id, pick.phase, round(pick.peak_time.ns / 1000), pick.peak_value)
        for pick in picks
    )
    assert [row[:2] for row in rows] == [pick[:2] for pick in expected]
    for column, tolerance in ((2, 10), (3, 1e-4)):
        ours, theirs = ([row[column] for row in one] for one in (rows, expected))
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance)
