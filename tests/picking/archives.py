"""Archives that tests make from real records."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import obspy
from obspy.core.inventory import Channel, Inventory, Network, Response, Station


def write_pieces(
    stream: obspy.Stream,
    folder: Path,
    cuts: Sequence[float],
    name: str = "{id}.{number:03d}.mseed",
    format: str = "MSEED",
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
            path = folder / name.format(id=trace.id, number=number)
            piece.write(str(path), format=format)
            paths.append(path)
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


def small_archive(stream: obspy.Stream, folder: Path) -> int:
    """
    Eight stations, three days, 216 files: 25 min around each midnight.

    :return: Number of files
    """
    number = 0
    for station in range(8):
        for day in range(3):
            piece = stream.slice(
                stream[0].stats.starttime + 2700 * station + 700 * day,
                stream[0].stats.starttime + 2700 * station + 700 * day + 300,
            )
            start = obspy.UTCDateTime(2020, 1, 1 + day, 23, 58, 7 * station)
            moved = renamed(piece, f"S{station}", str(start))
            number += len(
                write_pieces(
                    moved,
                    folder / f"S{station}",
                    [80.0 + station, 200.0],
                    name=f"{{id}}.{day}.{{number}}.mseed",
                )
            )
    return number


def pick_tuples(picks) -> list[tuple[str, str, int, float]]:
    """SeisBench's picks as (station, phase, microseconds, probability), sorted."""
    return sorted(
        (pick.trace_id, pick.phase, round(pick.peak_time.ns / 1000), pick.peak_value)
        for pick in picks
    )


def row_tuples(table) -> list[tuple[str, str, int, float]]:
    """Picks of a table in the same way."""
    times = table["time"].astype("int64")
    return sorted(
        zip(
            table["station_id"],
            table["phase"],
            times,
            table["probability"],
            strict=True,
        )
    )


def assert_same_picks(table, picks, seconds: float = 1e-5) -> None:
    """A table holds what SeisBench's picks are, to the rounding of single precision."""
    rows, expected = row_tuples(table), pick_tuples(picks)
    assert [row[:2] for row in rows] == [pick[:2] for pick in expected]
    apart = [abs(a[2] - b[2]) for a, b in zip(rows, expected, strict=True)]
    assert max(apart, default=0) <= seconds * 1e6
    np.testing.assert_allclose(
        [row[3] for row in rows], [pick[3] for pick in expected], atol=1e-4
    )


def make_inventory(
    network: str, station: str, location: str, channel: str, gain: float
) -> Inventory:
    """A seismometer of 120 s with so many counts for one m/s."""
    response = Response.from_paz(
        zeros=[0j, 0j],
        poles=[-0.037 + 0.037j, -0.037 - 0.037j],
        stage_gain=gain,
        stage_gain_frequency=5.0,
        input_units="M/S",
        output_units="COUNTS",
        normalization_frequency=5.0,
        normalization_factor=1.0,
    )
    described = Channel(
        channel, location, 0, 0, 0, 0, sample_rate=100.0, response=response
    )
    return Inventory(
        [Network(network, [Station(station, 0, 0, 0, channels=[described])])]
    )


def write_inventory(path: Path, *arguments) -> None:
    make_inventory(*arguments).write(str(path), format="STATIONXML")
