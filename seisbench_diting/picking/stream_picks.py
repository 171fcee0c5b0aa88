"""Pick a stream, and measure SNR and amplitude of its picks."""

from __future__ import annotations

import logging
import threading
import warnings
from collections import defaultdict
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import numpy as np
import obspy
import pandas as pd
import seisbench
import torch
from scipy import signal
from seisbench.models import WaveformModel

from .._util import (
    USED,
    ArgumentError,
    band_sections,
    check_type,
    make,
    merged,
    station_id,
)
from ..models import (
    PhasePicker,
    check_calibrated,
    load_model,
    rename_components,
    split_at_missing,
    thresholds,
)
from ..tables import pick_table
from ..waveforms import Problem, Segment, cut_overlaps, segments_of, shared, usable
from .pick_settings import PickOptions
from .polarity import first_motion_at

#: Default rate in Hz and length of windows in s, for models that do not define them.
_USUAL_RATE = 100.0
_USUAL_WINDOW = 60.0

#: A filter of 1 Hz forgets its beginning in less than this.
_LEAD_PERIODS = 15.0

#: Longer for removing the response, because the ends are tapered.
_RESPONSE_SECONDS = 60.0

#: SeisBench's own models can't be used by several threads.
_foreign_lock = threading.Lock()

_notes: ContextVar[list[str] | None] = ContextVar("_notes", default=None)


@dataclass
class Picked:
    """
    Picks of a stream.

    :param rows: Rows of a pick table, with times in microseconds since 1970
    :param problems: What was not used, and why
    :param annotations: Probability curves
    """

    rows: list[dict[str, Any]]
    problems: list[Problem]
    annotations: obspy.Stream


def pick_stream(
    stream: obspy.Stream,
    model: WaveformModel | str = "LPPNM",
    *,
    inventory: obspy.Inventory | None = None,
    record: str = "",
    **options: Any,
) -> pd.DataFrame:
    """
    Picks any number of stations, with SNR and amplitude of the vertical component.

    >>> import obspy
    >>> picks = pick_stream(obspy.read(), "LPPNM", threshold=0.5)
    >>> picks[["station_id", "phase", "probability", "snr"]].round(1)
      station_id phase  probability   snr
    0   BW.RJOB.     P          0.9  17.2
    1   BW.RJOB.     S          0.9   2.6

    :param stream: Waveforms; they are not modified
    :param model: Picker, or its name as for ``seisbench-diting pick``
    :param inventory: If given, amplitudes are in m/s
    :param record: Name of the record, for the column of this name
    :param options: ``device``, ``threshold``, ``min_separation``, ``overlap``,
        ``calibrated``, ``snr_window``, ``bandpass`` and ``polarity``, as of
        :py:func:`pick_archive`
    :raises ArgumentError: if an option is not possible
    :return: Table of picks, see :py:data:`seisbench_diting.tables.COLUMNS`. What was not
        used is a warning.
    """
    settings = make(PickOptions, {"model": model, **options})
    loaded = load_for(settings)
    check_type("stream", stream, obspy.Stream)
    traces, problems = usable(stream)
    segments = segments_of(traces, record)
    picked = pick_waveforms(traces, loaded, settings, inventory, segments)
    problems += picked.problems
    for text in merged(((x or "any", y) for x, y in problems), "station"):
        warnings.warn(text, stacklevel=2)
    return table_of(picked.rows)


def table_of(rows: Sequence[dict[str, Any]] | pd.DataFrame) -> pd.DataFrame:
    """
    :param rows: Rows with times in microseconds since 1970
    :return: Table of picks
    """
    table = pd.DataFrame(rows)
    for name in ("time", "theoretical_time"):
        if name in table:
            table[name] = pd.to_datetime(table[name], unit="us", utc=True)
    return pick_table(table)


def load_for(settings: PickOptions) -> WaveformModel:
    """
    :param settings: Settings with a model, or its name, and a device
    :raises ArgumentError: if the device is not available, or no calibration that is asked for
    :return: The model, in evaluation mode, on the device
    """
    model, device = settings.model, settings.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    is_model = isinstance(model, WaveformModel)
    loaded = model.eval() if is_model else load_model(model, **settings.told)
    check_calibrated(loaded, settings.calibrated)
    try:
        return loaded.to(device)
    # PyTorch raises a different error for each kind of device.
    except Exception as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise ArgumentError(
            "device", device, f"is not possible here: {reason}. Use cpu, or auto"
        ) from error


def rate_of(model: WaveformModel) -> float:
    """Sampling rate of a model in Hz; some take any."""
    return float(model.sampling_rate or _USUAL_RATE)


def window_seconds(model: WaveformModel) -> float:
    """Length of a model's windows in seconds; some take any."""
    samples = getattr(model, "in_samples", None)
    return samples / rate_of(model) if samples else _USUAL_WINDOW


def pick_waveforms(
    stream: obspy.Stream,
    model: WaveformModel,
    options: PickOptions,
    inventory: obspy.Inventory | None,
    segments: Sequence[Segment],
) -> Picked:
    """
    :param stream: Waveforms, whose traces, but not whose samples, are modified
    :param model: Picker
    :param options: Options
    :param inventory: If given, amplitudes are in m/s
    :param segments: Where the waveforms come from, for the columns of the record
    :return: Picks
    """
    notes: list[str] = []
    token = _notes.set(notes)
    try:
        split_at_missing(stream)
        problems = cut_overlaps(stream)
        verticals = _verticals(stream)
        annotations, picks = _classify(model, stream, options)
    finally:
        _notes.reset(token)
    problems += [("", note) for note in notes]
    by_station: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for pick in picks:
        row = {
            "station_id": pick.trace_id,
            "phase": pick.phase,
            "time": round(pick.peak_time.ns / 1000),
            "probability": float(pick.peak_value),
            "time_uncertainty_s": getattr(pick, "time_uncertainty_s", None),
        }
        by_station[pick.trace_id].append(row)
    for station, rows in by_station.items():
        # Rows are in the order of time.
        times = np.array([row["time"] * 1000 for row in rows])
        vertical = verticals.get(station, [])
        snr, amplitude, wrong = measure(vertical, times, options, inventory)
        problems += [(station, reason) for reason in wrong]
        near = [segment for segment in segments if segment.station_id == station]
        for row, ratio, peak in zip(rows, snr, amplitude, strict=True):
            # Neither JSON nor SQLite has NaN.
            row["snr"] = float(ratio) if np.isfinite(ratio) else None
            row["amplitude"] = float(peak) if np.isfinite(peak) else None
            row["record"], row["relative_time_s"] = _locate(row["time"] * 1000, near)
            if options.polarity:
                is_p = row["phase"][0] == "P"
                motion = first_motion_at(vertical, row["time"] * 1000) if is_p else ""
                row["polarity"] = motion
    all_rows = [row for rows in by_station.values() for row in rows]
    return Picked(all_rows, problems, annotations)


def _verticals(stream: obspy.Stream) -> dict[str, list[obspy.Trace]]:
    """Vertical traces of each station, as used by the models, with original names."""
    named = shared(stream)
    rename_components(named)
    found = defaultdict(list)
    for trace, original in zip(named, shared(stream), strict=True):
        if trace.stats.channel[-1:] == "Z":
            found[station_id(trace)].append(original)
    return found


def _classify(
    model: WaveformModel, stream: obspy.Stream, options: PickOptions
) -> tuple[obspy.Stream, list[Any]]:
    arguments: dict[str, Any] = thresholds(model, options.threshold)
    if options.overlap is not None:
        arguments["overlap"] = options.overlap
    if not isinstance(model, PhasePicker):
        with _foreign_lock:
            found = model.classify(stream, **arguments)
        return obspy.Stream(), sorted(found.picks, key=lambda pick: pick.peak_time)
    arguments["min_separation"] = options.min_separation
    arguments["calibrated"] = options.calibrated
    annotations = model.annotate(stream, copy=False, **arguments)
    picks = model.classify_aggregate(annotations, {**model.default_args, **arguments})
    return annotations, picks.picks


def _is_for_log(record: logging.LogRecord) -> bool:
    """Moves warnings of SeisBench into the list of this thread, if it has one."""
    notes = _notes.get()
    if notes is None or record.levelno < logging.WARNING:
        return True
    notes.append(getattr(record, "begin", "") + record.getMessage())
    return False


seisbench.logger.addFilter(_is_for_log)


def _locate(at: int, segments: Sequence[Segment]) -> tuple[str, float | None]:
    """
    Finds the record of a pick, by the vertical component if there is one, and its time in
    seconds after the first sample that all components of the record have.
    """
    if not segments:
        return "", None
    # The nearest one, between the last sample of one file and the first of the next.
    around = [s for s in segments if s.stretch <= at <= s.end] or [
        min(segments, key=lambda s: max(s.stretch - at, at - s.end))
    ]
    # If files overlap, the samples of the one that begins first are used.
    used: dict[str, Segment] = {}
    for segment in sorted(around, key=lambda s: (s.stretch, s.part.path)):
        used.setdefault(segment.channel[-1:], segment)
    vertical = used[min(used, key=lambda component: "ZNE123".find(component) % 9)]
    begin = max(segment.stretch for segment in used.values())
    return vertical.part.path, (at - begin) * 1e-9


def measure(
    vertical: Sequence[obspy.Trace],
    times: np.ndarray,
    options: PickOptions,
    inventory: obspy.Inventory | None,
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """
    Measures picks in the vertical component in a frequency band: the ratio of the
    standard deviations after and before, and the largest absolute value around it.

    :param vertical: Vertical component of one station, as recorded
    :param times: Times of picks in nanoseconds since 1970, (picks,), ascending
    :param options: For the length before and after the pick, and the band
    :param inventory: If given, amplitudes are in m/s
    :return: SNR and amplitude, each (picks,), NaN where there are no data; and problems
    """
    found = np.full((2, len(times)), np.nan)
    problems: list[str] = []
    for trace in vertical:
        stats = trace.stats
        begin, end = stats.starttime.ns, stats.endtime.ns
        inside = np.flatnonzero((times >= begin) & (times <= end))
        if len(inside):
            places = np.round((times[inside] - begin) * 1e-9 * stats.sampling_rate)
            found[:, inside] = _measure_trace(
                trace, places.astype(np.int64), options, inventory, problems
            )
    return *found, list(dict.fromkeys(problems))


def _measure_trace(
    trace: obspy.Trace,
    places: np.ndarray,
    options: PickOptions,
    inventory: obspy.Inventory | None,
    problems: list[str],
) -> np.ndarray:
    rate, band = trace.stats.sampling_rate, options.bandpass
    found = np.full((2, len(places)), np.nan)
    sections = band_sections(band, rate)
    if sections is None:
        problems.append(
            f"{USED}{trace.id} has no SNR and amplitude: {rate:g} Hz is too low for the "
            f"band of {band[0]:g} to {band[1]:g} Hz"
        )
        return found
    n = max(2, round(options.snr_window * rate))
    around = 0 if inventory is None else round(_RESPONSE_SECONDS * rate)
    lead = n + round(_LEAD_PERIODS / band[0] * rate) + around
    # Picks whose stretches touch are measured in one.
    gaps = np.flatnonzero(np.diff(places) > lead + n + around) + 1
    for members in np.split(np.arange(len(places)), gaps):
        first = max(0, places[members[0]] - lead)
        data = trace.data[first : places[members[-1]] + n + around]
        data = np.asarray(data, dtype=np.float64)
        filtered = ground = _filtered(sections, data)
        if inventory is not None:
            piece = obspy.Trace(data.copy(), trace.stats.copy())
            piece.stats.starttime += first / rate
            try:
                piece.remove_response(inventory, output="VEL", water_level=60)
                ground = _filtered(sections, piece.data)
            # Responses can be wrong in many ways.
            except Exception as error:
                reason = f"its response can't be removed ({error})"
                problems.append(f"{trace.id} has no amplitude: {reason}")
                ground = np.full_like(filtered, np.nan)
        for i in members:
            place = places[i] - first
            before = max(0, place - n)
            ratio = _ratio(filtered[place : place + n], filtered[before:place], n)
            found[:, i] = ratio, np.abs(ground[before : place + n]).max()
    return found


def _filtered(sections: np.ndarray, data: np.ndarray) -> np.ndarray:
    # Start the filter in the steady state of the first value, to avoid a step.
    return signal.sosfilt(sections, data - data[0])


def _ratio(after: np.ndarray, before: np.ndarray, n: int) -> float:
    # With less than half of the samples, the ratio is meaningless.
    if min(len(after), len(before)) < max(2, n // 2):
        return np.nan
    noise = before.std()
    return float(after.std() / noise) if noise > 0 else np.nan
