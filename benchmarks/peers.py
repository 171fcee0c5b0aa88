"""SeisBench's own pickers, as far as their weights are at hand."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import obspy
import seisbench.models as sbm
from seisbench.models import WaveformModel

from benchmarks.common import reference
from benchmarks.ncedc import HEIGHT, LEAD_S, Records, score
from seisbench_diting.models import peak_indices, suppress_close
from seisbench_diting.weights import Score

#: SeisBench's models that pick P and S.
PICKERS = (
    "BasicPhaseAE",
    "EQTransformer",
    "GPD",
    "OBSTransformer",
    "PhaseNet",
    "PhaseNetLight",
    "PickBlue",
    "Skynet",
    "VariableLengthPhaseNet",
)

#: Seconds of a window, those of this package's pickers at 100 Hz.
WINDOW_S = 61.44

#: Of two picks closer than this, in seconds, the more probable one stays.
_APART_S = 0.5


def available() -> Iterator[tuple[str, WaveformModel | None]]:
    """
    :return: Names of SeisBench's pickers and of their weights, each with the model; without
        one where no weights are in the reference material or in SeisBench's cache, which is
        empty in ``benchmarks.run``
    """
    for name in PICKERS:
        cls = getattr(sbm, name, None)
        if cls is None:
            continue
        found = False
        folder = reference() / "peers" / name.lower()
        for path in sorted(folder.glob("*.json.v*")):
            weights, _, version = path.name.partition(".json.v")
            yield f"{name}/{weights}", cls.load(folder / weights, version_str=version)
            found = True
        if not found and isinstance(cls, type):
            for weights in cls.list_pretrained(remote=False):
                yield f"{name}/{weights}", cls.from_pretrained(weights)
                found = True
        if not found:
            yield name, None


def score_peer(model: WaveformModel, records: Records) -> tuple[Score, Score]:
    """
    The rule of :py:func:`benchmarks.ncedc.score_windows` with the peer's own ``annotate``, as
    its window may be shorter: maxima of at least 0.3 in 61.44 s from 10 s before P on.
    """
    rate = records.sampling_rate
    found: dict[str, list[np.ndarray]] = {"P": [], "S": []}
    labels: dict[str, list[float]] = {"P": [], "S": []}
    for waveform, arrivals in zip(records.waveforms, records.arrivals, strict=True):
        first = max(0, round(arrivals[0] - LEAD_S * rate))
        window = waveform[:, first : first + round(WINDOW_S * rate)]
        picks = _picks(model, window, records)
        for number, phase in enumerate("PS"):
            found[phase].append(picks[phase])
            labels[phase].append(arrivals[number] - first)
    length = WINDOW_S * rate
    p, s = (
        score(
            found[phase],
            [x if 0 <= x < length else None for x in labels[phase]],
            rate,
        )
        for phase in "PS"
    )
    return p, s


def _picks(
    model: WaveformModel, window: np.ndarray, records: Records
) -> dict[str, np.ndarray]:
    """Samples of picks by phase."""
    rate = records.sampling_rate
    start = obspy.UTCDateTime(2020, 1, 1)
    stream = obspy.Stream(
        obspy.Trace(
            data.astype(np.float64),
            {
                "station": "X",
                "channel": f"HH{code}",
                "sampling_rate": rate,
                "starttime": start,
            },
        )
        for code, data in zip(records.component_order, window, strict=True)
    )
    picks: dict[str, list[float]] = {"P": [], "S": []}
    for trace in model.annotate(stream):
        phase = trace.stats.channel.rpartition("_")[2]
        if phase in picks:
            values = np.nan_to_num(np.ma.filled(trace.data.astype(float), 0.0))
            peaks = peak_indices(values, HEIGHT)
            keep = suppress_close(
                peaks, values[peaks], _APART_S * trace.stats.sampling_rate
            )
            begin = (trace.stats.starttime - start) * rate
            picks[phase] += list(begin + peaks[keep] * rate / trace.stats.sampling_rate)
    return {phase: np.array(samples) for phase, samples in picks.items()}
