"""
What distilled weights are worth, beside the published ones.

    python -m benchmarks.distilled [accuracy] [agreement] [alarms] [robustness]
        [--models LPPNM/distilled,LPPNM/csn,LPPNM/diting]

``accuracy``: one window a record of ``ncedc_labelled``, as published scores are measured;
``seen`` are the records by which a checkpoint may have been chosen, every third one.
``agreement``: picks of ``classify`` shared with RNN/csn at 0.3, and those of the quietest
hour. ``alarms``: picks an hour of 24 h of noise. ``robustness``: the records at other
sampling rates, with one component, turned, in another unit, and with noise.
"""

from __future__ import annotations

import argparse
import copy
from collections.abc import Callable, Iterator

import numpy as np
import obspy
from scipy.signal import resample

from benchmarks.common import (
    is_near,
    print_heading,
    published,
    read_cx_pb01,
    reference,
)
from benchmarks.ncedc import Records, read_records, score_streams, score_windows
from seisbench_diting._util import station_id
from seisbench_diting.models import PhasePicker, load_model
from seisbench_diting.weights import Score, find_set

#: Every so many-th record may have been looked at to choose a checkpoint.
SEEN_EVERY = 3

MODELS = "LPPNM/distilled,LPPNM/csn,LPPNM/diting,LPPNT/distilled,LPPNT/csn,LPPNT/diting"

#: A pick this near, in seconds, is the same.
SAME_S = 0.5

THRESHOLDS = (0.1, 0.3, 0.5)

_RATE = 100.0
_HOUR = 3600


def load(name: str) -> PhasePicker:
    """
    :param name: MODEL/SET, or a SeisBench pair
    :return: The model; published weights come from the reference material
    """
    model, _, weights = name.partition("/")
    try:
        find_set(model, weights)
    except ValueError:
        return load_model(name)
    return published(model, weights)


def part(records: Records, chosen: np.ndarray) -> Records:
    """Some of the records."""
    some = copy.copy(records)
    some.waveforms = records.waveforms[chosen]
    some.arrivals = records.arrivals[chosen]
    return some


def print_accuracy(names: list[str]) -> None:
    records = read_records()
    number = np.arange(len(records.waveforms))
    parts = {
        "seen": number % SEEN_EVERY == 0,
        "unseen": number % SEEN_EVERY != 0,
        "all": number >= 0,
    }
    print("## Accuracy: precision / recall / F1 / deviation\n")
    print("| weights | records | P | S |\n| --- | --- | --- | --- |")
    for name in names:
        model = load(name)
        for title, chosen in parts.items():
            p, s = score_windows(model, part(records, chosen))
            print(
                f"| {name} | {title} ({chosen.sum()}) | {_cell(p)} | {_cell(s)} |",
                flush=True,
            )
    print()


def _cell(x: Score) -> str:
    return f"{x.precision:.3f} / {x.recall:.3f} / {x.f1:.3f} / {x.deviation_ms:.0f} ms"


def print_agreement(names: list[str]) -> None:
    streams = {
        "cx_pb01": read_cx_pb01(),
        "ridgecrest": obspy.read(str(reference() / "data" / "ridgecrest" / "*")),
    }
    print(
        "## Shared with RNN/csn at 0.3: precision / recall; picks of the quietest hour\n"
    )
    print("| weights | data | P | S | picks | quietest hour |")
    print("| --- | --- | --- | --- | --- | --- |")
    for title, stream in streams.items():
        teacher = _times(load("RNN/csn"), stream)
        quiet = _quietest(teacher, stream)
        for name in names:
            picks = _times(load(name), stream)
            cells = []
            for phase in "PS":
                keys = sorted({key for key in (*picks, *teacher) if key[1] == phase})
                ours = [picks.get(key, np.empty(0)) for key in keys]
                theirs = [teacher.get(key, np.empty(0)) for key in keys]
                pairs = list(zip(ours, theirs, strict=True))
                right = sum(is_near(a, b, SAME_S).sum() for a, b in pairs)
                found = sum(is_near(b, a, SAME_S).sum() for a, b in pairs)
                cells.append(
                    f"{right / max(1, sum(map(len, ours))):.3f} / "
                    f"{found / max(1, sum(map(len, theirs))):.3f}"
                )
            every = np.concatenate([*picks.values(), np.empty(0)])
            inside = (every >= quiet) & (every < quiet + _HOUR)
            print(
                f"| {name} | {title} | {cells[0]} | {cells[1]} | {len(every)} | "
                f"{inside.sum()} |",
                flush=True,
            )
    print()


def _times(
    model: PhasePicker, stream: obspy.Stream
) -> dict[tuple[str, str], np.ndarray]:
    found: dict[tuple[str, str], list[float]] = {}
    for pick in model.classify(stream, P_threshold=0.3, S_threshold=0.3).picks:
        key = (pick.trace_id, pick.phase[0])
        found.setdefault(key, []).append(pick.peak_time.timestamp)
    return {key: np.sort(times) for key, times in found.items()}


def _quietest(picks: dict[tuple[str, str], np.ndarray], stream: obspy.Stream) -> float:
    """Begin of the hour with the fewest picks of the teacher."""
    every = np.concatenate(list(picks.values()))
    first = max(trace.stats.starttime.timestamp for trace in stream)
    last = min(trace.stats.endtime.timestamp for trace in stream) - _HOUR
    begins = np.arange(first, max(last, first + 1), 60)
    counts = [((every >= b) & (every < b + _HOUR)).sum() for b in begins]
    return float(begins[int(np.argmin(counts))])


def noise_streams(hours: int = 12) -> Iterator[tuple[str, obspy.Stream]]:
    """
    :param hours: Hours of each kind
    :return: Noise with the spectra of quiet minutes and random phases; and quiet minutes
        themselves, one after the other, each tapered at its ends
    """
    quiet = list(_quiet_minutes())
    number = hours * 60
    print(
        f"{number} minutes of each kind, made of {len(quiet)} quiet ones.\n", flush=True
    )
    rng = np.random.default_rng(0)
    yield "random phases", _joined([_shuffled(quiet, rng) for _ in range(number)])
    order = rng.permutation(np.resize(np.arange(len(quiet)), number))
    yield "quiet minutes", _joined([quiet[i] for i in order])


def _quiet_minutes() -> Iterator[np.ndarray]:
    """
    Minutes of three components in which neither RNN nor EQT see anything at 0.1, each
    from a record of the reference.
    """
    length = int(60 * _RATE)
    teachers = [load("RNN/csn"), load("EQT/csn")]
    stream = read_cx_pb01()
    stream += obspy.read(str(reference() / "data" / "ridgecrest" / "*"))
    seen: dict[str, list[float]] = {}
    for model in teachers:
        for pick in model.classify(stream, P_threshold=0.1, S_threshold=0.1).picks:
            seen.setdefault(pick.trace_id, []).append(pick.peak_time.timestamp)
    for station in sorted({station_id(trace) for trace in stream}):
        times = seen.get(station, [])
        network, code, location = station.split(".")
        traces = stream.select(network, code, location)
        traces.sort(["channel"], reverse=True)
        first = max(trace.stats.starttime for trace in traces)
        n_samples = int((min(t.stats.endtime for t in traces) - first) * _RATE)
        data = np.stack([t.slice(first).data[:n_samples] for t in traces])
        places = np.sort((np.array(times) - first.timestamp) * _RATE)
        for begin in range(0, n_samples - length, length):
            near = np.searchsorted(places, [begin - 30 * _RATE, begin + length + 500])
            if near[0] == near[1]:
                minute = data[:, begin : begin + length].astype(float)
                minute -= minute.mean(axis=1, keepdims=True)
                yield minute / minute.std()


def _shuffled(minutes: list[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """Noise with the spectrum of a minute drawn at random."""
    minute = minutes[rng.integers(len(minutes))]
    spectrum = np.abs(np.fft.rfft(minute, axis=1))
    phases = np.exp(2j * np.pi * rng.random(spectrum.shape))
    noise = np.fft.irfft(spectrum * phases, minute.shape[1], axis=1)
    return noise / noise.std()


def _joined(minutes: list[np.ndarray]) -> obspy.Stream:
    """One station; each minute fades into the next, so that no step lies between them."""
    fade = int(2 * _RATE)
    ramp = np.sin(np.linspace(0, np.pi / 2, fade))
    step = minutes[0].shape[1] - fade
    data = np.zeros((3, step * len(minutes) + fade))
    for number, minute in enumerate(minutes):
        minute = minute.copy()
        minute[:, :fade] *= ramp
        minute[:, -fade:] *= ramp[::-1]
        data[:, number * step : number * step + minute.shape[1]] += minute
    return obspy.Stream(
        obspy.Trace(
            row.astype(np.float32),
            {"station": "NOISE", "channel": f"HH{code}", "sampling_rate": _RATE},
        )
        for row, code in zip(data, "ZNE", strict=True)
    )


def print_alarms(names: list[str]) -> None:
    print("## Picks an hour of noise, at thresholds of 0.1, 0.3 and 0.5\n")
    streams = list(noise_streams())
    print("| weights | noise | hours | 0.1 | 0.3 | 0.5 |")
    print("| --- | --- | --- | --- | --- | --- |")
    for title, stream in streams:
        hours = stream[0].stats.npts / _RATE / _HOUR
        for name in names:
            least = min(THRESHOLDS)
            picks = load(name).classify(stream, P_threshold=least, S_threshold=least)
            values = np.array([pick.peak_value for pick in picks.picks])
            counts = [(values >= threshold).sum() / hours for threshold in THRESHOLDS]
            cells = " | ".join(f"{count:.2f}" for count in counts)
            print(f"| {name} | {title} | {hours:.1f} | {cells} |", flush=True)
    print()


def _at_rate(rate: float) -> Callable[[Records], Records]:
    def change(records: Records) -> Records:
        n_samples = int(records.waveforms.shape[-1] * rate / records.sampling_rate)
        changed = copy.copy(records)
        changed.waveforms = resample(
            records.waveforms.astype(float), n_samples, axis=-1
        )
        changed.arrivals = records.arrivals * rate / records.sampling_rate
        changed.sampling_rate = rate
        return changed

    return change


def _with(
    change: Callable[[np.ndarray, np.random.Generator], np.ndarray],
) -> Callable[[Records], Records]:
    def changed(records: Records) -> Records:
        rng = np.random.default_rng(0)
        new = copy.copy(records)
        new.waveforms = np.stack(
            [change(one.astype(float), rng) for one in records.waveforms]
        )
        return new

    return changed


def _vertical(wave: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    # Order E, N, Z.
    return wave * np.array([0, 0, 1])[:, None]


def _turned(wave: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    angle = rng.uniform(0, 2 * np.pi)
    east, north, vertical = wave
    cos, sin = np.cos(angle), np.sin(angle)
    return np.stack([cos * east - sin * north, sin * east + cos * north, vertical])


def _noisy(decibel: float) -> Callable[[np.ndarray, np.random.Generator], np.ndarray]:
    def change(wave: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        centred = wave - wave.mean(axis=1, keepdims=True)
        # Of the loudest two seconds.
        power = np.convolve((centred**2).mean(axis=0), np.ones(200) / 200, "valid")
        level = np.sqrt(power.max()) * 10 ** (-decibel / 20)
        return centred + rng.normal(0, level, wave.shape)

    return change


#: What is done to the records.
CHANGES: dict[str, Callable[[Records], Records]] = {
    "as they are": lambda records: records,
    "40 Hz": _at_rate(40),
    "50 Hz": _at_rate(50),
    "200 Hz": _at_rate(200),
    "vertical only": _with(_vertical),
    "turned": _with(_turned),
    "times 1e-9": _with(lambda wave, rng: wave * 1e-9),
    "noise, 20 dB": _with(_noisy(20)),
    "noise, 10 dB": _with(_noisy(10)),
    "noise, 5 dB": _with(_noisy(5)),
}


def print_robustness(names: list[str]) -> None:
    print("## F1 of P / S of `classify` on the whole records, changed\n")
    print(f"| records | {' | '.join(names)} |")
    print(f"| --- |{' --- |' * len(names)}")
    models = [load(name) for name in names]
    whole = read_records()
    for title, change in CHANGES.items():
        records = change(whole)
        cells = []
        for model in models:
            p, s = score_streams(model, records, P_threshold=0.3, S_threshold=0.3)
            cells.append(f"{p.f1:.3f} / {s.f1:.3f}")
        print(f"| {title} | {' | '.join(cells)} |", flush=True)
    print()


PARTS = {
    "accuracy": print_accuracy,
    "agreement": print_agreement,
    "alarms": print_alarms,
    "robustness": print_robustness,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=[])
    parser.add_argument("--models", default=MODELS)
    arguments = parser.parse_args()
    print_heading("Distilled weights")
    for name in arguments.parts or PARTS:
        PARTS[name](arguments.models.split(","))


if __name__ == "__main__":
    main()
