"""
Accuracy on six sets of labelled records, for every weight set of ours and for those of
SeisBench's pickers that are at hand.

    python -m benchmarks.accuracy [MODEL/NAME ...] [--keep FOLDER]

One rule for all: ``classify`` with default settings on whole records. A pick nearer than 0.5 s
to the label is right, further ones near it count neither way, and every other pick of the record
is false, be it an aftershock. Each set counts the same in the means. Intervals (95 %) come from
records drawn with replacement in each set. NAME may be a SeisBench pair. With ``--keep`` what was
measured stays in FOLDER, one file a weight set, and is not measured again.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import obspy
from seisbench.models import WaveformModel

from benchmarks.common import (
    print_header,
    print_heading,
    print_row,
    published,
    reference,
)
from benchmarks.peers import available
from seisbench_diting._util import write_text
from seisbench_diting.models import load_model, weights_checksum
from seisbench_diting.weights import weight_sets

TOLERANCE_S = 0.5

#: Thresholds that are tried, the usual one among them.
THRESHOLDS = tuple(round(0.05 * k, 2) for k in range(1, 20))
USUAL = THRESHOLDS.index(0.3)

#: Recall at which false picks of pickers are compared.
RECALL = 0.75

#: Samples of the bootstrap.
DRAWS = 1000

_START = obspy.UTCDateTime(2020, 1, 1)
_HOUR = 3600


class Labelled(NamedTuple):
    """
    Labelled records of one set.

    :param waveforms: Of each record (3, samples), in the order E, N, Z
    :param rates: Sampling rate of each in Hz
    :param arrivals: Seconds of P and S in each, (records, 2), NaN where there is none
    """

    waveforms: list[np.ndarray]
    rates: np.ndarray
    arrivals: np.ndarray

    def stream(self) -> obspy.Stream:
        """:return: The records, each a station named by its number"""
        return obspy.Stream(
            obspy.Trace(
                data,
                {
                    "station": f"{number:03d}",
                    "channel": f"HH{code}",
                    "sampling_rate": rate,
                    "starttime": _START,
                },
            )
            for number, (waveform, rate) in enumerate(
                zip(self.waveforms, self.rates, strict=True)
            )
            for code, data in zip("ENZ", waveform, strict=True)
        )


def read_labelled() -> dict[str, Labelled]:
    """:return: The sets by their names"""
    data = reference() / "data"
    sets = {}
    for path in [
        *sorted((data / "labelled").glob("*.npz")),
        data / "ncedc_labelled.npz",
    ]:
        with np.load(path) as file:
            waveforms, samples = file["waveforms"], file["waveforms"].shape[2]
            several = "sampling_rate" in file
            rates = file["sampling_rate"] if several else file["sampling_rate_hz"]
            rates = np.broadcast_to(rates.astype(float), len(waveforms))
            lengths = file["length"] if several else [samples] * len(waveforms)
            arrivals = np.stack([file["p_sample"], file["s_sample"]], axis=1)
        cut = [one[:, :length] for one, length in zip(waveforms, lengths, strict=True)]
        name = path.stem.removesuffix("_labelled")
        sets[name] = Labelled(cut, rates, arrivals / rates[:, None])
    return sets


class Hits(NamedTuple):
    """
    What was found, (thresholds, phases, records).

    :param residuals: Seconds of the first right pick after the label; NaN if there is none
    :param false: Number of false picks
    :param labels: Whether there is a label, (phases, records)
    """

    residuals: np.ndarray
    false: np.ndarray
    labels: np.ndarray

    def f1(self, weights: np.ndarray) -> np.ndarray:
        """
        :param weights: How often each record counts, (draws, records)
        :return: (draws, thresholds, phases)
        """
        right = np.isfinite(self.residuals) @ weights.T
        others = self.false @ weights.T + (self.labels @ weights.T)[None]
        return np.moveaxis(2 * right / np.maximum(right + others, 1), -1, 0)


def measure(model: WaveformModel, records: Labelled) -> Hits:
    """
    :param model: A picker
    :param records: Records
    :return: What it finds in them at each threshold
    """
    annotations = model.annotate(records.stream())
    shape = (len(THRESHOLDS), 2, len(records.waveforms))
    residuals, false = np.full(shape, np.nan), np.zeros(shape, dtype=int)
    for k, threshold in enumerate(THRESHOLDS):
        for pick in _picks(model, annotations, threshold):
            row = "PS".index(pick.phase[0])
            number = int(pick.trace_id.split(".")[1])
            residual = pick.peak_time - _START - records.arrivals[number, row]
            if not abs(residual) < TOLERANCE_S:
                false[k, row, number] += 1
            # The first one counts.
            elif not residuals[k, row, number] <= residual:
                residuals[k, row, number] = residual
    return Hits(residuals, false, np.isfinite(records.arrivals.T))


def _picks(model: WaveformModel, annotations: obspy.Stream, threshold: float) -> Any:
    usual = {f"{phase}_threshold": threshold for phase in "PS"}
    return model.classify_aggregate(annotations, {**model.default_args, **usual}).picks


def count_noise(model: WaveformModel) -> list[float]:
    """
    :param model: A picker
    :return: Picks an hour in microtremor records without known earthquakes, at each
        threshold
    """
    folder = reference() / "data" / "unlabelled"
    annotations, hours = obspy.Stream(), 0.0
    for path in sorted(folder.glob("noise_*/*.mseed")):
        stream = obspy.read(path)
        hours += sum(t.stats.npts * t.stats.delta for t in stream) / 3 / _HOUR
        annotations += model.annotate(stream)
    return [len(_picks(model, annotations, one)) / hours for one in THRESHOLDS]


class Result(NamedTuple):
    """
    What a picker is worth.

    :param hits: What it found in each set
    :param noise: Picks an hour of noise at each threshold
    """

    hits: dict[str, Hits]
    noise: list[float]

    def curves(self) -> np.ndarray:
        """:return: F1 (sets, thresholds, phases)"""
        ones = [np.ones((1, hits.labels.shape[1])) for hits in self.hits.values()]
        pairs = zip(self.hits.values(), ones, strict=True)
        return np.stack([hits.f1(weights)[0] for hits, weights in pairs])

    def noise_at(self, recall: float) -> float:
        """
        :param recall: Mean recall of P and S over the sets
        :return: Picks an hour of noise at the threshold with this recall; NaN if none has
        """
        every = [
            np.isfinite(hits.residuals).sum(axis=2) / hits.labels.sum(axis=1)
            for hits in self.hits.values()
        ]
        # Recall falls with the threshold.
        falling = np.mean(every, axis=(0, 2))[::-1]
        return np.interp(recall, falling, self.noise[::-1], np.nan, np.nan)

    def interval(self) -> np.ndarray:
        """:return: Half the width of the interval of the mean F1 at 0.3, of P and S"""
        rng = np.random.default_rng(0)
        drawn = [
            hits.f1(rng.multinomial(number, np.ones(number) / number, DRAWS))[:, USUAL]
            for hits in self.hits.values()
            for number in [hits.labels.shape[1]]
        ]
        low, high = np.quantile(np.mean(drawn, axis=0), (0.025, 0.975), axis=0)
        return (high - low) / 2

    def residuals_ms(self) -> list[tuple[float, float]]:
        """:return: Median and robust deviation of the residuals at 0.3 of P and S"""
        found = []
        for row in range(2):
            every = [hits.residuals[USUAL, row] for hits in self.hits.values()]
            seconds = np.concatenate(every)
            low, middle, high = np.nanquantile(seconds, (0.16, 0.5, 0.84))
            found.append((1000 * middle, 500 * (high - low)))
        return found


def result_of(
    title: str, model: WaveformModel, sets: dict[str, Labelled], keep: Path | None
) -> Result:
    """What a picker is worth, from a file if it is there."""
    checksum = weights_checksum(model)
    path = keep / f"{title.replace('/', '-').replace(' ', '-')}.json" if keep else None
    if path and path.exists():
        kept = json.loads(path.read_text(encoding="utf-8"))
        if kept["checksum"] == checksum and kept["hits"].keys() == sets.keys():
            hits = {
                name: Hits(*(np.array(values, dtype=float) for values in one))
                for name, one in kept["hits"].items()
            }
            return Result(hits, kept["noise"])
    result = Result(
        {n: measure(model, one) for n, one in sets.items()}, count_noise(model)
    )
    if path:
        lists = {n: [x.tolist() for x in hits] for n, hits in result.hits.items()}
        kept = {"checksum": checksum, "hits": lists, "noise": result.noise}
        write_text(path, json.dumps(kept) + "\n")
    return result


def pickers(names: Sequence[str]) -> Iterator[tuple[str, WaveformModel | None]]:
    """
    :param names: Names of pickers and weights, or SeisBench pairs; empty for all
    :return: Names of pickers and weights, each with the model; None where there are no
        weights at hand
    """
    for entry in weight_sets():
        if not names or entry.title in names:
            at_hand = entry.bundled or (reference() / "weights" / entry.file).is_file()
            yield entry.title, published(entry.model, entry.name) if at_hand else None
    for name, model in available():
        if not names or f"SeisBench {name}" in names:
            yield f"SeisBench {name}", model
    for name in names:
        if Path(f"{name}.json").is_file():
            yield name, load_model(name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--keep", type=Path)
    arguments = parser.parse_args()
    if arguments.keep:
        arguments.keep.mkdir(parents=True, exist_ok=True)
    print_heading("Accuracy on six sets of labelled records")
    sets = read_labelled()
    results, missing = {}, []
    for title, model in pickers(arguments.names):
        if model is None:
            missing.append(title)
        else:
            results[title] = result_of(title, model, sets, arguments.keep)
    _print_means(results)
    _print_sets(results, sets)
    if missing:
        print(f"\nNo weights at hand: {', '.join(missing)}.")


def _print_means(results: dict[str, Result]) -> None:
    print_header(
        *("weights", "P", "S", "best P", "best S", "residuals P", "residuals S"),
        "noise",
        f"noise at recall {RECALL}",
        title="Means over the sets: F1 at 0.3; the best F1 at one threshold for all sets, and "
        "that threshold; median and deviation of the residuals in ms; picks an hour of noise, "
        f"at 0.3 and where the mean recall of P and S is {RECALL}",
    )
    for title, result in results.items():
        means = result.curves().mean(axis=0)
        pairs = zip(means[USUAL], result.interval(), strict=True)
        usual = [f"**{f1:.3f}** ± {half:.3f}" for f1, half in pairs]
        best = [
            f"{means[k, row]:.3f} at {THRESHOLDS[k]:g}"
            for row, k in enumerate(means.argmax(axis=0))
        ]
        residuals = [f"{m:+.0f} ± {width:.0f}" for m, width in result.residuals_ms()]
        noise = f"{result.noise[USUAL]:.1f}", f"{result.noise_at(RECALL):.1f}"
        print_row(title, *usual, *best, *residuals, *noise)


def _print_sets(results: dict[str, Result], sets: dict[str, Labelled]) -> None:
    names = [f"{name} ({len(one.waveforms)})" for name, one in sets.items()]
    print_header("weights", *names, title="F1 of P / S at 0.3 in each set")
    for title, result in results.items():
        cells = [f"{p:.3f} / {s:.3f}" for p, s in result.curves()[:, USUAL]]
        print_row(title, *cells)


if __name__ == "__main__":
    main()
