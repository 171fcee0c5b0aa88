"""
Fits what probabilities of picks mean, and the uncertainty of their times, to six sets of
labelled records, for every weight set of ours that is at hand.

    python -m benchmarks.calibration [MODEL/NAME ...] [--write]

Picks of at least 0.1 by ``classify`` with default settings are right if they are nearer than
0.5 s to the label of their phase; records without one don't count. Each set counts the same.

The calibrated probability is a logistic function of the logit of the probability. The
uncertainty of the time is a power of the width of the peak times one of the probability; both
are fitted to the residuals as the scale of a Student distribution, as these have heavy tails, and
scaled so that it covers 68 % of the residuals of sets left out. Half the 95 % interval is 2.66
times it, as for a Student distribution of three degrees of freedom.

All figures of the tables are of sets left out: what is said of a set was fitted to the five
others. The registry gets what was fitted to all six: ``--write`` puts it there, otherwise it is
printed. Without names, the diagram beside the page is drawn, too.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.special import logit

from benchmarks.accuracy import TOLERANCE_S, Labelled, pickers, read_labelled
from benchmarks.common import print_header, print_heading, print_row
from seisbench_diting import weights
from seisbench_diting._util import write_text
from seisbench_diting.models import PhasePicker
from seisbench_diting.weights import DEFAULT_SETS, Reliability

REGISTRY = Path(weights.__file__).with_name("weight_sets.toml")
DIAGRAM = Path(__file__).with_name("reliability.svg")

#: Least probability of picks to fit, and of those in the tables.
LEAST, USUAL = 0.1, 0.3

#: Degrees of freedom of the Student distribution of residuals.
STUDENT = 3.0

#: Share of residuals within the uncertainty, and half the 95 % interval of that distribution
#: in units of it.
COVERED, WIDER = 0.683, 2.66

#: Keeps powers small where few residuals tell them.
RIDGE = 0.003

#: With these numbers the uncertainty of a pick is the width of its peak.
WIDTH = Reliability(0.0, 1.0, 0.1, 1.0, 0.0)

BINS = 10


class Picks(NamedTuple):
    """
    Picks of one phase in labelled records, (picks,) each.

    :param group: Number of the set
    :param probability: Probability
    :param width: Width of the peak in s
    :param residual: Seconds after the label
    """

    group: np.ndarray
    probability: np.ndarray
    width: np.ndarray
    residual: np.ndarray

    def where(self, mask: np.ndarray) -> Picks:
        """:return: Some of the picks"""
        return Picks(*(values[mask] for values in self))

    @property
    def right(self) -> np.ndarray:
        """Mask of the picks that are near their label."""
        return np.abs(self.residual) < TOLERANCE_S

    @property
    def weight(self) -> np.ndarray:
        """So that each set counts the same."""
        return 1 / np.bincount(self.group)[self.group]


def measure(model: PhasePicker, sets: dict[str, Labelled]) -> dict[str, Picks]:
    """:return: What a picker finds, by phase"""
    model.reliability = {"P": WIDTH, "S": WIDTH}
    rows: dict[str, list[tuple[float, ...]]] = {"P": [], "S": []}
    for group, records in enumerate(sets.values()):
        stream = records.stream()
        start = stream[0].stats.starttime
        for pick in model.classify(stream, P_threshold=LEAST, S_threshold=LEAST).picks:
            phase = pick.phase[0]
            number = int(pick.trace_id.split(".")[1])
            label = records.arrivals[number, "PS".index(phase)]
            values = pick.peak_value, pick.time_uncertainty_s
            if np.isfinite(label):
                rows[phase].append((group, *values, pick.peak_time - start - label))
    found = {phase: np.array(values).T for phase, values in rows.items()}
    return {phase: Picks(x[0].astype(int), *x[1:]) for phase, x in found.items()}


def fit_probability(picks: Picks) -> Reliability:
    """:return: With the logistic function; the uncertainty is the width"""
    x = logit(picks.probability.clip(1e-3, 1 - 1e-3))
    sign = np.where(picks.right, -1, 1)

    def loss(values: np.ndarray) -> float:
        wrong = np.logaddexp(0, sign * (values[0] + values[1] * x))
        return float(np.average(wrong, weights=picks.weight))

    offset, slope = minimize(loss, (0.0, 1.0)).x
    return WIDTH._replace(offset=float(offset), slope=float(slope))


def _fit_error(picks: Picks) -> Reliability:
    """:return: With the scale of a Student distribution"""
    w = picks.weight
    x = np.stack([np.log(picks.width / 0.1), np.log(picks.probability)])
    means = np.average(x, axis=1, weights=w)[:, None]

    def loss(values: np.ndarray) -> float:
        scale = values[0] + values[1:] @ (x - means)
        far = np.log1p((picks.residual / np.exp(scale)) ** 2 / STUDENT)
        each = (STUDENT + 1) / 2 * far + scale
        return float(np.average(each, weights=w) + RIDGE * (values[1:] ** 2).sum())

    # Neither a wider peak nor a less probable one is more certain.
    bounds = [(None, None), (0, None), (None, 0)]
    middle, *powers = minimize(loss, (-2.5, 1.0, 0.0), bounds=bounds).x
    error = float(np.exp(middle - powers @ means[:, 0]))
    return Reliability(0.0, 1.0, error, *map(float, powers))


def _ratios(fitted: Reliability, picks: Picks) -> np.ndarray:
    """Sizes of residuals in units of the uncertainty."""
    errors = fitted.time_uncertainty_s(picks.probability, picks.width)
    return np.abs(picks.residual) / errors


def fit_error(picks: Picks) -> Reliability:
    """:return: With an uncertainty that covers its share of the residuals of sets left out"""
    ratios = left_out(picks, _fit_error, _ratios)
    order = np.argsort(ratios)
    shares = picks.weight[order].cumsum() / picks.weight.sum()
    factor = ratios[order][np.searchsorted(shares, COVERED)]
    fitted = _fit_error(picks)
    return fitted._replace(error_s=fitted.error_s * float(factor))


def fit(picks: Picks) -> Reliability:
    """:return: What is fitted to picks of one phase"""
    offset, slope, *_ = fit_probability(picks)
    return fit_error(picks.where(picks.right))._replace(offset=offset, slope=slope)


def left_out(
    picks: Picks,
    fit: Callable[[Picks], Reliability],
    use: Callable[[Reliability, Picks], np.ndarray],
) -> np.ndarray:
    """:return: For the picks of each set, what comes of a fit to the other sets"""
    found = np.empty(len(picks.group))
    for group in np.unique(picks.group):
        out = picks.group == group
        found[out] = use(fit(picks.where(~out)), picks.where(out))
    return found


def calibration_error(probability: np.ndarray, picks: Picks) -> float:
    """:return: Expected calibration error, each set counting the same"""
    place = np.minimum((probability * BINS).astype(int), BINS - 1)
    differences = picks.weight * (probability - picks.right)
    sums = np.abs(np.bincount(place, differences)).sum()
    return float(sums / picks.weight.sum())


class Result(NamedTuple):
    """
    Of one phase of a weight set, for the usual picks.

    :param fitted: To all sets
    :param picks: Picks
    :param calibrated: Their probabilities, of sets left out
    :param errors: Expected calibration error before and after; and the mean of those of
        each set alone
    :param covered: Share of the residuals within the 68 and 95 % intervals, (2, sets)
    """

    fitted: Reliability
    picks: Picks
    calibrated: np.ndarray
    errors: tuple[tuple[float, float], tuple[float, float]]
    covered: np.ndarray


def assess(picks: Picks) -> Result:
    """:return: What is fitted, and what of it holds for sets left out"""
    usual = picks.probability >= USUAL
    calibrated = left_out(
        picks, fit_probability, lambda known, x: known.calibrated(x.probability)
    )[usual]
    ratios = np.full(len(usual), np.nan)
    ratios[picks.right] = left_out(picks.where(picks.right), fit_error, _ratios)
    shown, ratios = picks.where(usual), ratios[usual]
    pairs = []
    for probability in (shown.probability, calibrated):
        alone = [
            calibration_error(probability[shown.group == group], shown.where(mask))
            for group in np.unique(shown.group)
            for mask in [shown.group == group]
        ]
        pairs.append((calibration_error(probability, shown), float(np.mean(alone))))
    covered = [
        [
            np.mean(ratios[shown.right & (shown.group == group)] < factor)
            for group in range(max(shown.group) + 1)
        ]
        for factor in (1, WIDER)
    ]
    return Result(fit(picks), shown, calibrated, tuple(pairs), np.array(covered))


def draw(results: dict[str, dict[str, Result]]) -> None:
    """Draws the reliability of the default sets that come with the package."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, 2, figsize=(7, 6.4), sharex=True, sharey=True)
    titles = [f"{model}/{name}" for model, name in DEFAULT_SETS.items()]
    for row, phase in zip(axes, "PS", strict=True):
        for axis, after in zip(row, (False, True), strict=True):
            axis.plot((0, 1), (0, 1), color="0.7", lw=1)
            for title in titles:
                if title not in results or not title.endswith("distilled"):
                    continue
                one = results[title][phase]
                x = one.calibrated if after else one.picks.probability
                place = np.minimum((x * BINS).astype(int), BINS - 1)
                total = np.bincount(place, one.picks.weight, BINS)
                # Bins of few picks tell nothing.
                known = np.bincount(place, minlength=BINS) >= 8
                means = [
                    np.bincount(place, one.picks.weight * y, BINS)[known] / total[known]
                    for y in (x, one.picks.right)
                ]
                axis.plot(*means, "o-", ms=3, lw=1.2, label=title)
            when = "calibrated, sets left out" if after else "as the network gives them"
            axis.set_title(f"{phase}, {when}", fontsize=9)
    for axis in axes[1]:
        axis.set_xlabel("probability")
    for axis in axes[:, 0]:
        axis.set_ylabel("share of right picks")
    axes[0, 0].legend(fontsize=8)
    figure.tight_layout()
    with plt.rc_context({"svg.hashsalt": "reliability"}):
        figure.savefig(DIAGRAM, metadata={"Date": None})


def lines(one: dict[str, Result]) -> str:
    """:return: Lines of the registry"""
    text = ""
    for phase, result in one.items():
        numbers = ", ".join(f"{float(f'{x:.3g}'):g}" for x in result.fitted)
        text += f"reliability.{phase} = [{numbers}]\n"
    return text


def write(title: str, text: str) -> None:
    """Puts lines into the registry, in place of those of a set."""
    model, name = title.split("/")
    before, mark, rest = REGISTRY.read_text(encoding="utf-8").partition(
        f'model = "{model}"\nname = "{name}"\n'
    )
    own, end, others = rest.partition("\n[[set]]")
    own = re.sub(r"^reliability\..*\n", "", own, flags=re.MULTILINE)
    write_text(REGISTRY, before + mark + own.rstrip("\n") + f"\n{text}" + end + others)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    print_heading("Probabilities and uncertainties of picks, of sets left out")
    sets = read_labelled()
    results = {}
    for title, model in pickers(arguments.names):
        if isinstance(model, PhasePicker):
            phases = measure(model, sets).items()
            results[title] = {phase: assess(picks) for phase, picks in phases}
    _print(results, list(sets))
    for title, one in results.items():
        if arguments.write:
            write(title, lines(one))
        elif arguments.names:
            print(f"\n{title}:\n{lines(one)}")
    if not arguments.names:
        draw(results)


def _print(results: dict[str, dict[str, Result]], sets: list[str]) -> None:
    print_header(
        *("weights", "P", "S", "each set P", "each set S", "68 % P", "95 % P"),
        *("68 % S", "95 % S"),
        title="Expected calibration error before → after, of all picks and as a mean over "
        "the sets alone, which have few; and shares of the residuals within the 68 and "
        "95 % intervals, means over the sets",
    )
    every = []
    for title, one in results.items():
        each = [one["P"], one["S"]]
        errors = [
            [x.errors[when][kind] for when in (0, 1)] for kind in (0, 1) for x in each
        ]
        shares = [share for x in each for share in np.nanmean(x.covered, axis=1)]
        every.append([*np.ravel(errors), *shares])
        _print_means(title, every[-1])
    _print_means("mean", np.mean(every, axis=0))
    for phase in "PS":
        print_header(
            "weights",
            *sets,
            title=f"Shares of the residuals of {phase} within the 68 / 95 % intervals in each set",
        )
        covered = {title: one[phase].covered for title, one in results.items()}
        covered["mean"] = np.mean([*covered.values()], axis=0)
        for title, shares in covered.items():
            print_row(title, *(f"{a:.2f} / {b:.2f}" for a, b in shares.T))


def _print_means(title: str, values: object) -> None:
    pairs, shares = np.split(np.array(values), [8])
    cells = [f"{a:.3f} → {b:.3f}" for a, b in pairs.reshape(4, 2)]
    print_row(title, *cells, *(f"{share:.3f}" for share in shares))


if __name__ == "__main__":
    main()
