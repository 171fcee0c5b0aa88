"""Picks of a stream, as a table."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import obspy
import pandas as pd
from seisbench.models import WaveformModel

from ..models import (
    PhasePicker,
    load_model,
    rename_components,
    split_at_missing,
    station_id,
    warning_anew,
)
from ..tables import pick_table
from .notes import collecting
from .options import PickOptions
from .prepare import cut_overlaps, share
from .quality import Measure

#: Of models that do not say what rate and windows they want: Hz and seconds.
_USUAL_RATE = 100.0
_USUAL_WINDOW = 60.0

#: Models of SeisBench are not made for several threads.
_foreign_lock = threading.Lock()


@dataclass(frozen=True)
class Piece:
    """
    Samples without gap of one component in one record.

    :param record: Name of the record, such as a file
    :param station_id: NET.STA.LOC
    :param component: Last letter of the channel code
    :param begin: Time of the first sample in nanoseconds since 1970
    :param end: Time of the last sample
    """

    record: str
    station_id: str
    component: str
    begin: int
    end: int


@dataclass
class Picked:
    """
    What came of a stream.

    :param rows: Picks, as rows of a pick table, with times in microseconds since 1970
    :param problems: What was not used, and why
    :param annotations: Probability curves
    :param network_seconds: What the model took
    """

    rows: list[dict[str, Any]]
    problems: list[tuple[str, str]]
    annotations: obspy.Stream
    network_seconds: float


def pick_stream(
    stream: obspy.Stream,
    model: WaveformModel | str = "LPPNM",
    *,
    prob: float = 0.3,
    min_separation: float = 1.0,
    overlap: float | None = None,
    snritv: float = 1.0,
    bandpass: tuple[float, float] = (1.0, 10.0),
    inventory: obspy.Inventory | None = None,
    record: str = "",
) -> pd.DataFrame:
    """
    Picks of any number of stations, with SNR and amplitude of the vertical component.

    :param stream: Waveforms; they stay as they are
    :param model: Picker, or its name, as :py:func:`seisbench_diting.models.load_model`
    :param prob: Smallest probability of a pick
    :param min_separation: Of two picks of one phase at one station closer than this, in
        seconds, the more probable one stays
    :param overlap: Of windows, as a share or in samples. Default: the model's own.
    :param snritv: Seconds before and after a pick for its SNR and amplitude
    :param bandpass: Lowest and highest frequency in Hz for SNR and amplitude
    :param inventory: If given, amplitudes are in m/s; otherwise in the stream's unit
    :param record: Name of the record, for the column of this name
    :raises TypeError: if the stream is none
    :raises ValueError: if an option is impossible
    :return: Table of picks, see :py:data:`seisbench_diting.tables.COLUMNS`
    """
    if not isinstance(stream, obspy.Stream):
        raise TypeError(
            f"stream must be an obspy.Stream, got {type(stream).__name__}. Put single "
            "traces into obspy.Stream([trace])."
        )
    options = PickOptions(prob, min_separation, overlap, snritv, bandpass)
    picker = load_model(model) if isinstance(model, str) else model
    picked = pick_waveforms(
        share(stream), picker, options, inventory, pieces_of(stream, record)
    )
    return table_of(picked.rows)


def pieces_of(stream: obspy.Stream, record: str) -> list[Piece]:
    """:return: The traces of a stream that is one record"""
    return [
        Piece(
            record,
            station_id(trace),
            trace.stats.channel[-1:],
            trace.stats.starttime.ns,
            trace.stats.endtime.ns,
        )
        for trace in stream
    ]


def pick_waveforms(
    stream: obspy.Stream,
    model: WaveformModel,
    options: PickOptions,
    inventory: obspy.Inventory | None,
    pieces: Sequence[Piece],
) -> Picked:
    """
    :param stream: Waveforms, whose traces, but not whose samples, are modified
    :param model: Picker
    :param options: Options
    :param inventory: If given, amplitudes are in m/s
    :param pieces: The records that picks are said to lie in
    :return: What came of it
    """
    split_at_missing(stream)
    problems = cut_overlaps(stream)
    verticals = _verticals(stream)
    started = time.perf_counter()
    with collecting() as notes:
        annotations, picks = _classify(model, stream, options)
    network_seconds = time.perf_counter() - started
    problems += [("", note) for note in notes]

    rows = [
        {
            "station_id": pick.trace_id,
            "phase": pick.phase,
            "time": round(pick.peak_time.ns / 1000),
            "probability": float(pick.peak_value),
        }
        for pick in picks
    ]
    measure = Measure(options.snritv, options.bandpass, inventory)
    by_station = defaultdict(list)
    for row in rows:
        by_station[row["station_id"]].append(row)
    for station, of_station in by_station.items():
        # Rows are in the order of time.
        times = np.array([row["time"] * 1000 for row in of_station])
        snr, amplitude, wrong = measure(verticals.get(station, []), times)
        problems += [(station, reason) for reason in wrong]
        near = [piece for piece in pieces if piece.station_id == station]
        for row, ratio, peak in zip(of_station, snr, amplitude, strict=True):
            row["snr"] = _number(ratio)
            row["amplitude"] = _number(peak)
            row["record"], row["relative_time_s"] = _locate(row["time"] * 1000, near)
    return Picked(rows, problems, annotations, network_seconds)


def _verticals(stream: obspy.Stream) -> dict[str, list[obspy.Trace]]:
    """Vertical traces of each station, as the models tell them, with their own names."""
    named = share(stream)
    rename_components(named)
    found = defaultdict(list)
    for trace, original in zip(named, stream, strict=True):
        if trace.stats.channel[-1:] == "Z":
            found[station_id(trace)].append(
                obspy.Trace(original.data, original.stats.copy())
            )
    return found


def _classify(model: WaveformModel, stream: obspy.Stream, options: PickOptions):
    arguments = options.arguments(_phases(model))
    if not isinstance(model, PhasePicker):
        with _foreign_lock:
            found = model.classify(stream, **arguments)
        return obspy.Stream(), sorted(found.picks, key=lambda pick: pick.peak_time)
    arguments["min_separation"] = options.min_separation
    with warning_anew():
        annotations = model.annotate(stream, copy=False, **arguments)
    picks = model.classify_aggregate(annotations, {**model.default_args, **arguments})
    return annotations, picks.picks


def rate_of(model: WaveformModel) -> float:
    """Sampling rate of a model in Hz; some take any."""
    return float(model.sampling_rate or _USUAL_RATE)


def window_seconds(model: WaveformModel) -> float:
    """Length of a model's windows in seconds; some take any."""
    samples = getattr(model, "in_samples", None)
    return samples / rate_of(model) if samples else _USUAL_WINDOW


def load_on(model: WaveformModel | str, device: str) -> WaveformModel:
    """
    :param model: Model, or its name
    :param device: As PyTorch names it
    :return: The model, in evaluation mode, there
    """
    loaded = load_model(model) if isinstance(model, str) else model.eval()
    return loaded.to(device)


def _phases(model: WaveformModel) -> list[str]:
    labels = list(model.labels)
    return [name for name in labels if name[:1] in ("P", "S")]


def _number(value: float) -> float | None:
    """For JSON, which has no NaN."""
    return float(value) if np.isfinite(value) else None


def _locate(at: int, pieces: Sequence[Piece]) -> tuple[str, float | None]:
    """
    The record that a pick lies in, by the vertical component where there is one, and
    seconds from the first sample that its components have in common.
    """
    around = [piece for piece in pieces if piece.begin <= at <= piece.end]
    if not around:
        # Between the last sample of one file and the first of the next.
        if not pieces:
            return "", None
        around = [min(pieces, key=lambda piece: _distance(piece, at))]
    # Where files overlap, the samples of the one that begins first are used.
    used: dict[str, Piece] = {}
    for piece in sorted(around, key=lambda piece: (piece.begin, piece.record)):
        used.setdefault(piece.component, piece)
    vertical = used[min(used, key=lambda component: "ZNE123".find(component) % 9)]
    begin = max(piece.begin for piece in used.values())
    return vertical.record, (at - begin) * 1e-9


def _distance(piece: Piece, at: int) -> int:
    return max(piece.begin - at, at - piece.end)


def table_of(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """
    :param rows: Rows with times in microseconds since 1970
    :return: Table of picks
    """
    table = pd.DataFrame(list(rows))
    for name in ("time", "theoretical_time"):
        if name in table:
            table[name] = pd.to_datetime(table[name], unit="us", utc=True)
    return pick_table(table)
