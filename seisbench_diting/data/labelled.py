"""A dataset from a catalogue with picks and an archive of waveforms."""

from __future__ import annotations

import contextlib
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import obspy
import pandas as pd
import seisbench.data as sbd

from .. import models, tables, waveforms
from .._util import (
    ArgumentError,
    counted,
    merged,
    only_writer,
    progress_bar,
    replacing,
    takes,
)
from ..waveforms import SECOND
from .conversion import split_of_event
from .convert_settings import DatasetSettings

_COMPONENTS = "ZNE"
_DATA_FORMAT = {"dimension_order": "CW", "component_order": _COMPONENTS}

_CODES = "station_network_code", "station_code", "station_location_code"


@dataclass
class DatasetReport:
    """
    Result of making a dataset.

    :param splits: Number of records by split
    :param problems: What was left out and why, one per line
    """

    splits: Counter[str]
    problems: list[str]

    def summary(self) -> str:
        """The report for people, without the problems."""
        splits = ", ".join(f"{name} {n}" for name, n in sorted(self.splits.items()))
        return f"{counted(self.splits.total(), 'record')}: {splits}"


@takes(DatasetSettings)
def make_dataset(settings: DatasetSettings) -> DatasetReport:
    """
    Makes a dataset in SeisBench's format of the picks of a catalogue. Each station of an
    event is a record of all three components, from some time before its first pick to some
    time after its last one, in the unit and at the sampling rate of its files; NaN where
    there are no data. Picks of other events in that time are labelled as those of a second
    event, a third one and so on. All records of an event are in one split.

    :raises ArgumentError: if the catalogue has no picks, there are no waveforms of them, or
        the folder holds a dataset
    :return: Number of records, and what was left out
    """
    folder, problems = settings.output, list[waveforms.Problem]()
    folder.mkdir(parents=True, exist_ok=True)
    report = DatasetReport(Counter(), [])
    with only_writer(folder, "dataset"):
        if (folder / "metadata.csv").exists():
            reason = "it holds a dataset; choose another folder"
            raise ArgumentError("output", str(folder), reason)
        # The first one before anything is written: SeisBench reports errors as if it had
        # kept what was written.
        records = _records(settings, problems)
        if (first := next(records, None)) is None:
            reason = "hold no waveforms of the catalogue's picks: "
            reason += "; ".join(merged(problems, "record")[:3])
            raise ArgumentError("inputs", ",".join(settings.inputs), reason)
        # Metadata are written last: without them it is not a dataset.
        with (
            replacing(folder / "metadata.csv") as metadata,
            replacing(folder / "waveforms.hdf5") as samples,
            progress_bar("Cutting", "records", settings.progress) as bar,
            sbd.WaveformDataWriter(metadata, samples) as file,
        ):
            # In place of its own, which --quiet does not silence.
            file._pbar = bar
            file.data_format = _DATA_FORMAT
            for row, data in chain([first], records):
                file.add_trace(row, data)
                report.splits[row["split"]] += 1
    report.problems = merged(problems, "record")
    return report


def _records(
    settings: DatasetSettings, problems: list[waveforms.Problem]
) -> Iterator[tuple[dict[str, Any], np.ndarray]]:
    """Metadata and samples of all records; what is left out is added to the problems."""
    events, picks = tables.read_association(settings.catalog)
    if picks.empty:
        reason = "holds no picks of events with a time and a place"
        raise ArgumentError("catalog", str(settings.catalog), reason)
    by_id = {event.event_id: event for event in events.itertuples(index=False)}
    picks["ns"] = picks["time"].astype("int64") * 1000
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.closing(waveforms.Archive(Path(folder, "archive.state"))) as archive,
    ):
        archive.index(
            settings.inputs, settings.name_pattern, progress=settings.progress
        )
        problems += archive.problems()
        # Catalogues often lack location codes.
        known: dict[str, str] = {}
        for name in reversed(archive.stations()):
            known |= {name: name, name.rpartition(".")[0]: name}
        picks["place"] = [
            known.get(name) or known.get(name.rpartition(".")[0], "")
            for name in picks["station_id"]
        ]
        missing = sorted(set(picks.loc[picks["place"] == "", "station_id"]))
        problems += [(name, "no waveforms of this station") for name in missing]
        picks = picks[picks["place"] != ""].sort_values("ns")
        at_place = dict(tuple(picks.groupby("place")))
        for (event_id, place), own in picks.groupby(["event_id", "place"]):
            begin = int(own["ns"].iloc[0]) - round(settings.before * SECOND)
            end = int(own["ns"].iloc[-1]) + round(settings.after * SECOND)
            try:
                row, data, wrong = _cut(settings, archive, place, begin, end)
            except ValueError as error:
                wrong = [str(error)]
            else:
                labels, missing = _samples(row, data, own, "")
                wrong += [f"no waveforms at the time of {phase}" for phase in missing]
                others = at_place[place]
                others = others[others["event_id"] != event_id]
                others = others[others["ns"].between(begin, end)]
                by_event = others.groupby("event_id", sort=False)
                for number, (_, of_event) in zip("23456789", by_event, strict=False):
                    labels |= _samples(row, data, of_event, number)[0]
                if len(missing) < len(own):
                    yield row | labels | _source(by_id[event_id], settings), data
            problems += [(f"{event_id} {place}", reason) for reason in wrong]


def _cut(
    settings: DatasetSettings,
    archive: waveforms.Archive,
    place: str,
    begin: int,
    end: int,
) -> tuple[dict[str, Any], np.ndarray, list[str]]:
    """
    :raises ValueError: if there are no waveforms that can be read, or of several rates
    :return: Metadata and samples of a station between two times, and what was wrong there
    """
    segments = archive.segments(place, begin, end)
    used, unused = waveforms.choose_segments(segments, settings.instruments)
    chosen = [segment for of_code in used.values() for segment in of_code]
    reading = waveforms.read_segments(chosen, begin, end, settings.name_pattern)
    stream, problems, failure = reading
    if failure is not None:
        raise ValueError(failure)
    models.split_at_missing(stream)
    problems += unused + waveforms.cut_overlaps(stream)
    models.rename_components(stream)
    stream.traces = [t for t in stream if t.stats.channel[-1:] in (*_COMPONENTS,)]
    rates = sorted({trace.stats.sampling_rate for trace in stream})
    if len(rates) != 1:
        raise ValueError(
            f"several sampling rates, {rates} Hz" if rates else "no waveforms"
        )
    (rate,) = rates
    start = min(trace.stats.starttime for trace in stream)
    places = [round((trace.stats.starttime - start) * rate) for trace in stream]
    length = max(k + t.stats.npts for k, t in zip(places, stream, strict=True))
    data = np.full((3, length), np.nan, dtype=np.float32)
    for k, trace in zip(places, stream, strict=True):
        component = _COMPONENTS.index(trace.stats.channel[-1])
        data[component, k : k + trace.stats.npts] = trace.data
    row = {
        **dict(zip(_CODES, place.split("."), strict=True)),
        "trace_channel": stream[0].stats.channel[:-1],
        "trace_start_time": str(start),
        "trace_sampling_rate_hz": rate,
    }
    return row, data, [reason for _, reason in problems]


def _samples(
    row: dict[str, Any], data: np.ndarray, picks: pd.DataFrame, event: str
) -> tuple[dict[str, float], list[str]]:
    """:return: Samples of the first pick of each phase; and phases without data there"""
    start = obspy.UTCDateTime(row["trace_start_time"]).ns
    found, missing = dict[str, float](), []
    for phase, time in zip(picks["phase"], picks["ns"], strict=True):
        sample = (time - start) * 1e-9 * row["trace_sampling_rate_hz"]
        if 0 <= sample < data.shape[1] and np.isfinite(data[:, int(sample)]).any():
            found.setdefault(f"trace_{phase}{event}_arrival_sample", round(sample, 2))
        else:
            missing.append(phase)
    return found, missing


def _source(event: Any, settings: DatasetSettings) -> dict[str, Any]:
    return {
        "source_id": event.event_id,
        "source_origin_time": str(obspy.UTCDateTime(ns=event.time.value)),
        "source_latitude_deg": event.latitude,
        "source_longitude_deg": event.longitude,
        "source_depth_km": event.depth_km,
        "source_magnitude": event.magnitude,
        "split": split_of_event(event.event_id, settings.split, settings.seed),
    }
