"""Which stretches of a long record are kept, where not all of it can be."""

from __future__ import annotations

import numpy as np

#: Length of the pieces, in windows: room for windows at any place and, stretched by two,
#: still with what is around them.
PIECE_WINDOWS = 4

#: Share of what is kept that is chosen for its arrivals, if there are enough of them.
ARRIVAL_SHARE = 0.7


def choose_pieces(
    n_samples: int,
    arrivals: np.ndarray,
    n_windows: int,
    most: int,
    rng: np.random.Generator,
) -> list[tuple[int, int]]:
    """
    :param n_samples: Length of a record
    :param arrivals: Its arrivals
    :param n_windows: Samples a window
    :param most: Most samples that may be kept
    :param rng: What decides between pieces without arrivals
    :return: First sample, and the one behind the last, of what is kept, in order, pieces
        beside each other joined. Pieces with many sure arrivals go first, up to their
        share; the others are drawn from all that is left, so that noise of all kinds is
        among them.
    """
    if n_samples <= most:
        return [(0, n_samples)]
    length = PIECE_WINDOWS * n_windows
    edges = np.append(np.arange(0, n_samples - length // 2, length), n_samples)
    if edges[0] != 0:
        edges = np.array([0, n_samples])
    number = max(1, most // length)
    inside = np.searchsorted(edges, arrivals["sample"], side="right") - 1
    score = np.bincount(
        np.clip(inside, 0, len(edges) - 2),
        weights=arrivals["probability"],
        minlength=len(edges) - 1,
    )
    with_arrivals = np.flatnonzero(score > 0)
    by_score = with_arrivals[np.argsort(-score[with_arrivals], kind="stable")]
    chosen = by_score[: round(ARRIVAL_SHARE * number)]
    rest = np.setdiff1d(np.arange(len(score)), chosen)
    drawn = rng.permutation(rest)[: max(0, number - len(chosen))]
    pieces: list[tuple[int, int]] = []
    for i in np.sort(np.concatenate([chosen, drawn])):
        begin, end = int(edges[i]), int(edges[i + 1])
        if pieces and pieces[-1][1] == begin:
            begin = pieces.pop()[0]
        pieces.append((begin, end))
    return pieces
