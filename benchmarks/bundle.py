"""
Makes the weights that are part of the package, set ``distilled``.

    python -m benchmarks.bundle LPPNT LPPNM -o RUNS [--write]

Teachers are the probabilities of SeisT and of EQTransformer with the weights ``volpick``,
which lie beside the records, and RNN/csn and EQT/csn; students begin with ``csn``. They learn
from ``cx_pb01``, ``cx_other``, ``ridgecrest``, ``ci_2020`` and ``iceland_2014``. The
checkpoint, and how much of ``csn`` is kept, are chosen on every third record of
``ncedc_labelled``, of which nothing else is used. Interrupted, it goes on. ``--write`` puts the
file and its card into the package; what is printed goes into the registry. Needs the records whose folder is in
``SEISBENCH_DITING_REFERENCE``, and published weights in ``SEISBENCH_DITING_MIRROR`` or a
network.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from benchmarks.common import print_heading, reference
from benchmarks.distilled import SEEN_EVERY, part
from benchmarks.ncedc import Records, read_records, score_windows
from benchmarks.ncedc_dataset import write_dataset
from seisbench_diting._util import replacing, write_text
from seisbench_diting.distillation import (
    DistillationResult,
    blend,
    distill,
    raise_phase,
)
from seisbench_diting.models import PhasePicker, load_model
from seisbench_diting.weights import BUNDLED

DATA = ("cx_pb01", "cx_other", "ridgecrest", "ci_2020", "iceland_2014")
TEACHERS = ("RNN/csn", "EQT/csn")

#: Learning rate of each student, its steps, and those of the runs that go on from there.
STEPS = {
    "LPPNT": (2e-3, 12_000, (3600, 4800)),
    "LPPNM": (2e-3, 8000, (2400, 3000)),
    "LPPNL": (1e-3, 6000, (1800, 2400)),
    "UNet": (1e-3, 6000, (1800, 2400)),
    "RNN": (1e-3, 6000, (1800, 2400)),
    "EQT": (1e-3, 6000, (1800, 2400)),
}

#: What they do otherwise: seeds, learning rate beside that of the first, surer labels. Means
#: of networks are better than each of them (Wortsman et al., 2022, Model soups,
#: https://arxiv.org/abs/2203.05482).
AGAIN_SEEDS = (44, 45)
AGAIN_RATE, AGAIN_EVEN = 0.5, 0.12

#: Shares of what was learned that are tried, and what is added to the scores of S.
SHARES = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
RAISES = (0.0, 0.25, 0.5, 0.75)

SOURCES = """\
Waveforms, without labels: CX.PB01 (IPOC, network CX, https://doi.org/10.14470/PK615318), \
PB.B916, B917, B918 and B921 (Plate Boundary Observatory, network PB), sixteen stations of \
the network CI (SCSN, https://doi.org/10.7914/SN/CI), and twelve of the network Z7 (Cambridge, \
Iceland 2014, as distributed with QuakeMigrate).

Teachers: SeisT (Li et al., 2024, https://doi.org/10.1109/TGRS.2024.3371503), sizes m and l, \
trained on DiTing; SeisBench's EQTransformer with the weights volpick \
(https://github.com/zhong-yy/volpick); RNN and EQT of this package with the weights csn.
"""

LIMITS = """\
## Limits

Hours of local and regional earthquakes at four places stand for all that there is. Not made
for teleseisms, volcanic tremor, ocean-bottom or borehole records other than these, nor for
records below 40 Hz. What all teachers miss, a student misses, too; probabilities are those of
teachers made confident, not frequencies, and those of S were raised. A small picker remains
below its teachers, whose F1 on the records of NCEDC is about 0.985 for P and S, and below the
large RNN for P.
"""


def make(name: str, runs: Path) -> list[DistillationResult]:
    """
    :param name: Student
    :param runs: Folder of the runs
    :return: What came of each run
    """
    labelled = runs / "ncedc"
    if not (labelled / "metadata.csv").is_file():
        write_dataset(labelled, lambda number: number % SEEN_EVERY == 0)
    lr, steps, again_steps = STEPS[name]
    data = reference() / "data"
    options = {
        "student": name,
        "teachers": [str(data / "teacher"), *TEACHERS],
        "inputs": [data / folder for folder in DATA],
        "held_out": 0.0,
        "validation": labelled,
        "validate_every": 250,
    }
    first = distill(
        **options, output=runs / name, init=f"{name}/csn", max_steps=steps, lr=lr
    )
    again = [
        distill(
            **options,
            output=runs / f"{name}-{seed}",
            init=first.weights,
            max_steps=more,
            lr=AGAIN_RATE * lr,
            even=AGAIN_EVEN,
            seed=seed,
        )
        for more, seed in zip(again_steps, AGAIN_SEEDS, strict=True)
    ]
    return [first, *again]


class Blend(NamedTuple):
    """
    :param model: A network
    :param share: Share of what was learned in it
    :param raised: What was added to the scores of S
    """

    model: PhasePicker
    share: float
    raised: float


def choose_blend(
    learned: PhasePicker, initial: PhasePicker, score: Callable[[PhasePicker], float]
) -> Blend:
    """
    :param learned: A network
    :param initial: The network that it began with
    :param score: How good a network is; larger is better
    :return: The best of the networks between them
    """
    candidates = [
        Blend(raise_phase(blend(learned, initial, share), "S", by), share, by)
        for share in SHARES
        for by in RAISES
    ]
    return max(candidates, key=lambda candidate: score(candidate.model))


def mean_of(models: Sequence[PhasePicker]) -> PhasePicker:
    """:return: A network with the means of their parameters"""
    mean = models[0]
    for number, model in enumerate(models[1:], 2):
        mean = blend(model, mean, 1 / number)
    return mean


def mean_f1(model: PhasePicker, records: Records) -> float:
    """Of P and S, over thresholds around the usual one, as the records are few."""
    scores = [
        one.f1
        for height in (0.2, 0.3, 0.4)
        for one in score_windows(model, records, height)
    ]
    return float(np.mean(scores))


def write(name: str, folders: Sequence[Path]) -> None:
    """
    Puts the weights and their card into the package, and prints what they are worth.

    :param name: Student
    :param folders: Folders of the runs
    """
    records = read_records()
    number = np.arange(len(records.waveforms))
    looked_at = part(records, number % SEEN_EVERY == 0)

    def score(candidate: PhasePicker) -> float:
        return mean_f1(candidate, looked_at)

    networks = {folder.name: load_model(folder / name) for folder in folders}
    means = [
        (together, choose_blend(mean, load_model(f"{name}/csn"), score))
        for number in range(2, len(networks) + 1)
        for together in itertools.combinations(networks, number)
        for mean in [mean_of([networks[one] for one in together])]
    ]
    together, best = max(means, key=lambda one: score(one[1].model))
    memory = io.BytesIO()
    torch.save(best.model.state_dict(), memory)
    content = memory.getvalue()
    with replacing(BUNDLED / f"{name}.distilled.pt") as temporary:
        temporary.write_bytes(content)
    cards = [
        (folder / "MODEL_CARD.md").read_text(encoding="utf-8") for folder in folders
    ]
    cut = cards[0].index("## Settings")
    lines = [cards[0][:cut]]
    for folder, card in zip(folders, cards, strict=True):
        of_run = card[card.index("## Settings") :].replace("## ", "### ")
        lines += [f"## Run {folder.name}\n", of_run]
    lines += [
        f"## Together: {best.share:.0%} of the mean of {' and '.join(together)}, "
        f"{1 - best.share:.0%} of {name}/csn, scores of S raised by {best.raised:g}\n",
        "Of the means of two or all of the runs, half or more of one of them and the rest "
        "of csn, and the scores of S (before the softmax) raised by "
        f"{', '.join(f'{by:g}' for by in RAISES)}, this one is best on every third record "
        "of NCEDC, in the mean F1 of P and S at thresholds of 0.2, 0.3 and 0.4.\n",
        SOURCES,
        "## Records of NCEDC\n",
    ]
    for title, chosen in (
        ("every third, by which it was chosen", number % SEEN_EVERY == 0),
        ("the others, never looked at", number % SEEN_EVERY != 0),
        ("all", number >= 0),
    ):
        p, s = score_windows(best.model, part(records, chosen))
        lines.append(f"- {title}: P {p}; S {s}")
    text = "\n".join([*lines, "", LIMITS])
    write_text(BUNDLED / f"{name}.distilled.md", text)
    print(text)
    print(f"sha256={hashlib.sha256(content).hexdigest()!r}, size={len(content)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("models", nargs="+", choices=list(STEPS))
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    print_heading("Bundled weights")
    arguments.output.mkdir(parents=True, exist_ok=True)
    for name in arguments.models:
        results = make(name, arguments.output)
        for result in results:
            print(name, result.steps, result.arrivals, result.hours, result.scores)
        if arguments.write:
            write(name, [result.output for result in results])


if __name__ == "__main__":
    main()
