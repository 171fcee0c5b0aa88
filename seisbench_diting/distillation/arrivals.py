"""Arrivals as teachers see them: phase, place, and how sure they are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

#: One arrival: 1 for P and 2 for S, as in the labels; sample in its record, fractional;
#: probability.
ARRIVAL = np.dtype([("phase", "u1"), ("sample", "f8"), ("probability", "f4")])

#: Numbers of the phases by the first letter of their names.
PHASES = {"P": 1, "S": 2}

#: Arrivals of several teachers closer than this, in seconds, are one.
SAME_SECONDS = 0.3

#: How steeply confidence rises.
_STEEPNESS = 3


def make_arrivals(rows: Sequence[tuple[int, float, float]]) -> np.ndarray:
    """
    :param rows: Phase, sample and probability of each
    :return: Arrivals in the order of their samples
    """
    arrivals = np.array(list(rows), dtype=ARRIVAL)
    return arrivals[np.argsort(arrivals["sample"], kind="stable")]


def between(arrivals: np.ndarray, begin: int, end: int) -> np.ndarray:
    """
    :param arrivals: Arrivals in a record
    :param begin: First sample of a part of it
    :param end: The one behind the last
    :return: Those in the part, in its samples
    """
    inside = arrivals[(arrivals["sample"] >= begin) & (arrivals["sample"] < end)]
    inside["sample"] -= begin
    return inside


def merge_arrivals(
    opinions: Sequence[np.ndarray],
    tolerance: float,
    known: Sequence[np.ndarray] | None = None,
) -> np.ndarray:
    """
    What several teachers say together. Arrivals of one phase that lie close to each
    other, at most one of each teacher, are one: at the mean of their samples, weighted by
    their probabilities, with the mean of the probabilities of all teachers that looked
    there. Who looked and does not see it counts with a probability of zero.

    Averaging arrivals and not curves keeps sharp what teachers place a little differently.

    :param opinions: Arrivals of each teacher
    :param tolerance: Samples between arrivals that are one
    :param known: First sample, and the one behind the last, of what each teacher has looked
        at, (stretches, 2); None if each has looked at everything
    :return: Arrivals
    """
    rows: list[tuple[int, float, float]] = []
    for phase in PHASES.values():
        # The surest first: others gather around it.
        candidates = sorted(
            (
                (float(one["probability"]), float(one["sample"]), teacher)
                for teacher, arrivals in enumerate(opinions)
                for one in arrivals[arrivals["phase"] == phase]
            ),
            reverse=True,
        )
        samples = np.array([sample for _, sample, _ in candidates])
        order = np.argsort(samples, kind="stable")
        free = np.ones(len(candidates), dtype=bool)
        for i, (_, sample, _) in enumerate(candidates):
            if not free[i]:
                continue
            first = np.searchsorted(samples, sample - tolerance, sorter=order)
            last = np.searchsorted(samples, sample + tolerance, "right", sorter=order)
            near = sorted(k for k in order[first:last] if free[k])
            members = {candidates[k][2]: k for k in reversed(near)}
            free[list(members.values())] = False
            weights = np.array([candidates[k][0] for k in members.values()])
            places = samples[list(members.values())]
            place = float(np.average(places, weights=weights))
            asked = len(opinions)
            if known is not None:
                asked = sum(
                    teacher in members
                    or bool(((spans[:, 0] <= place) & (place < spans[:, 1])).any())
                    for teacher, spans in enumerate(known)
                )
            rows.append((phase, place, float(weights.sum() / asked)))
    return make_arrivals(rows)


def confident(probabilities: np.ndarray, even: float) -> np.ndarray:
    """
    :param probabilities: What cautious teachers say, in the mean
    :param even: What they say of an arrival that is there as likely as not
    :return: Probabilities, 0.5 there, and steep around it
    """
    powers = np.asarray(probabilities, dtype=np.float64) ** _STEEPNESS
    return powers / (powers + even**_STEEPNESS)
