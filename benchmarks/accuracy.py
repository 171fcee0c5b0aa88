"""
Accuracy on 115 labelled Californian records, for every weight set of ours and for those of
SeisBench's pickers that are at hand.

    python -m benchmarks.accuracy [MODEL/NAME ...]

Two ways: one window a record from 10 s before P on, as the published scores were measured
(joint peak), for SeisBench's pickers 61.44 s put to their ``annotate``; and ``classify`` on the
whole 90 s record. Picks of at least 0.3; nearer than 0.5 s is right.
"""

import sys
from collections.abc import Iterator

from benchmarks.common import (
    print_header,
    print_heading,
    print_row,
    published,
    reference,
)
from benchmarks.ncedc import HEIGHT, Records, read_records, score_streams, score_windows
from benchmarks.peers import available, score_peer
from seisbench_diting.weights import Score, weight_sets

_THRESHOLDS = {"P_threshold": HEIGHT, "S_threshold": HEIGHT}


def measured(
    records: Records, names: list[str]
) -> Iterator[tuple[str, tuple[Score, ...] | None]]:
    """
    :param records: Records
    :param names: Names of pickers and weights, empty for all
    :return: Names of pickers and weights, with the scores of P and S of windows, and of
        ``classify``; None where there are no weights at hand
    """
    for entry in weight_sets():
        title = entry.title
        if names and title not in names:
            continue
        if not (entry.bundled or (reference() / "weights" / entry.file).is_file()):
            yield title, None
            continue
        model = published(entry.model, entry.name)
        yield (
            title,
            (*score_windows(model, records), *score_streams(model, records)),
        )
    for name, model in available():
        title = f"SeisBench {name}"
        if names and title not in names:
            continue
        if model is None:
            yield title, None
            continue
        streams = score_streams(model, records, **_THRESHOLDS)
        yield title, (*score_peer(model, records), *streams)


def main() -> None:
    print_heading("Accuracy on 115 records of NCEDC")
    print_header(
        *("weights", "window P", "window S", "`classify` P", "`classify` S"),
        title="Precision / recall / **F1** / deviation of the residuals in ms",
    )
    missing = []
    for title, scores in measured(read_records(), sys.argv[1:]):
        if scores is None:
            missing.append(title)
            continue
        cells = (
            f"{x.precision:.3f} / {x.recall:.3f} / **{x.f1:.3f}** / {x.deviation_ms:.0f}"
            for x in scores
        )
        print_row(title, *cells)
    if missing:
        print(f"\nNo weights at hand: {', '.join(missing)}.")


if __name__ == "__main__":
    main()
