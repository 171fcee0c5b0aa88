"""Measures as text."""

from __future__ import annotations

from collections.abc import Sequence

from .counting import Interval, PhaseMetrics
from .evaluate import Evaluation

_HEADINGS = ("precision", "recall", "F1", "mean ms", "deviation ms", "MAD ms")


def table(evaluations: Sequence[Evaluation], bootstraps: int = 1000) -> str:
    """
    :param evaluations: One for each model
    :param bootstraps: Number of samples of windows for the intervals; 0 for none
    :return: A line for each model and phase, and below it the interval that holds the
        figure with 95 % confidence
    """
    width = max(len(evaluation.name) for evaluation in evaluations)
    lines = [
        f"{'model':<{width}} phase windows arrivals  picks"
        + "".join(f"{heading:>16}" for heading in _HEADINGS)
    ]
    for evaluation in evaluations:
        for phase in "PS":
            found = evaluation.measure(phase, bootstraps=bootstraps)
            lines.append(
                f"{evaluation.name:<{width}} {phase:<5} {len(evaluation.windows):>7} "
                f"{found.arrivals:>8} {found.picks:>6}"
                + "".join(f"{value:>16}" for value in _values(found))
            )
            if bootstraps:
                lines.append(
                    " " * (width + 30)
                    + "".join(f"{value:>16}" for value in _intervals(found))
                )
    return "\n".join(lines)


def figures(metrics: PhaseMetrics) -> tuple[list[Interval], list[Interval]]:
    """Shares, and residuals in ms, in the order of the table."""
    return (
        [metrics.precision, metrics.recall, metrics.f1],
        [metrics.mean_ms, metrics.deviation_ms, metrics.mad_ms],
    )


def _values(metrics: PhaseMetrics) -> list[str]:
    shares, times = figures(metrics)
    return [f"{x.value:.3f}" for x in (*shares, *times)]


def _intervals(metrics: PhaseMetrics) -> list[str]:
    shares, times = figures(metrics)
    return [
        *(f"{x.low:.3f}-{x.high:.3f}" for x in shares),
        *(f"{x.low:.1f} to {x.high:.1f}" for x in times),
    ]
