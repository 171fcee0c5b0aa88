"""Which stretches of a long record are kept, where not all of it can be."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

#: Length of the pieces, in windows: room for windows at any place and, stretched by two,
#: still with what is around them.
PIECE_WINDOWS = 4

#: Share of what is kept that is chosen for its arrivals, if there are enough of them.
ARRIVAL_SHARE = 0.7


def choose_pieces(
    records: Sequence[tuple[int, np.ndarray]],
    window: int,
    most: int,
    rng: np.random.Generator,
) -> list[tuple[int, int, int]]:
    """
    :param records: Length of each record in samples, and its arrivals
    :param window: Samples a window
    :param most: Most samples that may be kept
    :param rng: What decides between pieces without arrivals
    :return: Number of the record, first sample, and the one behind the last, of what is
        kept, in order, pieces beside each other joined. Pieces with many sure arrivals go
        first, up to their share; the others are drawn from all that is left, so that noise
        of all kinds is among them. Where not even one piece has room, there is one as often
        as it takes to keep as much in the mean.
    """
    if sum(n_samples for n_samples, _ in records) <= most:
        return [(i, 0, n_samples) for i, (n_samples, _) in enumerate(records)]
    pieces = [
        (number, begin, end)
        for number, (n_samples, _) in enumerate(records)
        for begin, end in _cut(n_samples, PIECE_WINDOWS * window)
    ]
    length = np.array([end - begin for _, begin, end in pieces])
    score = np.array([_score(records[n][1], begin, end) for n, begin, end in pieces])
    # Sure arrivals a sample: long pieces are not better than short ones.
    by_score = np.argsort(-score / length, kind="stable")
    by_score = by_score[score[by_score] > 0]
    for_arrivals = min(most, ARRIVAL_SHARE * most + PIECE_WINDOWS * window / 2)
    chosen = _fitting(by_score, length, for_arrivals)
    rest = rng.permutation(np.setdiff1d(np.arange(len(pieces)), chosen))
    chosen += _fitting(rest, length, most - length[chosen].sum())
    if not chosen:
        first = by_score[0] if len(by_score) else rest[0]
        chosen = [first] if rng.random() < most / length[first] else []
    joined: list[tuple[int, int, int]] = []
    for number, begin, end in (pieces[i] for i in sorted(chosen)):
        if joined and joined[-1][0] == number and joined[-1][2] == begin:
            begin = joined.pop()[1]
        joined.append((number, begin, end))
    return joined


def _cut(n_samples: int, length: int) -> list[tuple[int, int]]:
    """Begins and ends of pieces; the last one takes a short rest."""
    begins = list(range(0, max(1, n_samples - length // 2), length))
    return list(zip(begins, [*begins[1:], n_samples], strict=True))


def _score(arrivals: np.ndarray, begin: int, end: int) -> float:
    inside = (arrivals["sample"] >= begin) & (arrivals["sample"] < end)
    return float(arrivals["probability"][inside].sum())


def _fitting(order: np.ndarray, length: np.ndarray, room: float) -> list[int]:
    """Those that have room, the first in order first."""
    taken = []
    for number in order:
        if length[number] <= room:
            room -= length[number]
            taken.append(int(number))
    return taken
