"""SeisBench's own pickers, as far as their weights are at hand."""

from __future__ import annotations

from collections.abc import Iterator

import seisbench.models as sbm
from seisbench.models import WaveformModel

from benchmarks.common import reference

#: SeisBench's models that pick P and S.
PICKERS = (
    "BasicPhaseAE",
    "EQTransformer",
    "GPD",
    "OBSTransformer",
    "PhaseNet",
    "PhaseNetLight",
    "PickBlue",
    "Skynet",
    "VariableLengthPhaseNet",
)


def available() -> Iterator[tuple[str, WaveformModel | None]]:
    """
    :return: Names of SeisBench's pickers and of their weights, each with the model; without
        one where no weights are in the reference material or in SeisBench's cache, which is
        empty in ``benchmarks.run``
    """
    for name in PICKERS:
        cls = getattr(sbm, name, None)
        if cls is None:
            continue
        found = False
        folder = reference() / "peers" / name.lower()
        for path in sorted(folder.glob("*.json.v*")):
            weights, _, version = path.name.partition(".json.v")
            yield f"{name}/{weights}", cls.load(folder / weights, version_str=version)
            found = True
        if not found and isinstance(cls, type):
            for weights in cls.list_pretrained(remote=False):
                yield f"{name}/{weights}", cls.from_pretrained(weights)
                found = True
        if not found:
            yield name, None
