"""
The weight sets of the pickers, published or part of this package, as ``weight_sets.toml``
lists them.

The entry of a set tells a picker all about its weights (sampling rate, component order,
classes), so that no code asks for a set by its name.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import field
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic.dataclasses import dataclass

from .._util import ArgumentError, read_toml, suggestion

if TYPE_CHECKING:
    import numpy as np


#: Least and largest uncertainty of a pick, s: analysts pick samples, and what is farther
#: from a label than the other is no pick of it.
ERRORS_S = 0.01, 0.5


class Score(NamedTuple):
    """
    Scores of one phase on 115 Californian records (NCEDC), with picks of at least 0.3 and
    a tolerance of 0.5 s.

    :param precision: Share of the picks that are right
    :param recall: Share of the labels that are found
    :param f1: Harmonic mean of the two
    :param deviation_ms: Standard deviation of the residuals in milliseconds
    """

    precision: float
    recall: float
    f1: float
    deviation_ms: float

    def __str__(self) -> str:
        return (
            f"precision {self.precision:.3f}, recall {self.recall:.3f}, "
            f"F1 {self.f1:.3f}, deviation {self.deviation_ms:.0f} ms"
        )


class Reliability(NamedTuple):
    """
    How reliable picks of one phase are, fitted on labelled records, see
    ``benchmarks/calibration.py``. Both functions are monotone.

    :param offset: The calibrated probability is the logistic function of this,
    :param slope: and this times the logit of the probability
    :param error_s: Uncertainty in s of a pick of probability 1 whose peak is 0.1 s wide
    :param width_power: Power of the width in it
    :param probability_power: Power of the probability in it, at most 0
    """

    offset: float
    slope: float
    error_s: float
    width_power: float
    probability_power: float

    def calibrated(self, probability: np.ndarray) -> np.ndarray:
        """
        :param probability: Probabilities of picks
        :return: Share of picks of such probabilities that are right
        """
        # Rounding may put a probability above 1.
        odds_against = (1 / probability.clip(None, 1) - 1) ** self.slope
        return 1 / (1 + odds_against * math.exp(-self.offset))

    def time_uncertainty_s(
        self, probability: np.ndarray, width_s: np.ndarray
    ) -> np.ndarray:
        """
        :param probability: Probabilities of picks
        :param width_s: Standard deviation of the curve within 0.5 s of each
        :return: One standard deviation of their times in s
        """
        power = (width_s / 0.1) ** self.width_power
        error = self.error_s * power * probability**self.probability_power
        return error.clip(*ERRORS_S)


@dataclass(frozen=True, eq=False)
class WeightSet:
    """
    One weight set, published or part of this package.

    :param model: Class name of the picker, for example "LPPNM"
    :param name: Name of the set, for example "csn"
    :param version: Version of the set in SeisBench's sense
    :param file: Name of the file, also in a mirror
    :param git_blob: Git blob id (SHA-1) of the file
    :param records: Records that it was trained on
    :param origin: Where it comes from
    :param sampling_rate: Sampling rate in Hz that the weights were trained for
    :param component_order: Order of the components on input, for example "ENZ"
    :param labels: Classes in the order of the output channels
    :param licence: SPDX-like name of the licence of the file
    :param citation: What to cite when the weights are used
    :param url: Where the file was published, pinned to a commit; empty for sets that are
        part of this package
    :param sha256: SHA-256 of the file, None where only the git blob is known
    :param head: SHA-256 of the parameters of the layer that gives the classes, by which
        other files of the same network are known
    :param size: Size of the file in bytes, None where unknown
    :param default: If it is the default set of its model
    :param p: Measured score of the P phase, None where nothing was measured
    :param s: The same of the S phase
    :param reliability: Of P and S picks; empty where nothing was measured
    :param default_args: Arguments of ``annotate`` and ``classify`` with these weights
    :param remark: More for users
    :param note: More for users, on the training
    """

    model: str
    name: str
    version: str
    file: str
    git_blob: str
    records: str
    origin: str
    sampling_rate: float
    component_order: str
    labels: tuple[str, ...]
    licence: str
    citation: str
    url: str = ""
    sha256: str | None = None
    head: str | None = None
    size: int | None = None
    default: bool = False
    p: Score | None = None
    s: Score | None = None
    reliability: dict[str, Reliability] = field(default_factory=dict)
    default_args: dict[str, Any] = field(default_factory=dict)
    remark: str = ""
    note: str = ""

    @property
    def title(self) -> str:
        """Model and name of the set, for example "LPPNM/csn"."""
        return f"{self.model}/{self.name}"

    @property
    def bundled(self) -> bool:
        """If the file is part of this package, with the parameter names of its models."""
        return not self.url

    @property
    def docstring(self) -> str:
        """Description of the set for users."""
        measured = "not measured: the file was not at hand"
        if self.p is not None:
            measured = f"P {self.p}; S {self.s}"
        paragraphs = (
            f"{self.model} trained on {self.records} at {self.sampling_rate:g} Hz, "
            f"components in the order {self.component_order}, "
            f"classes {', '.join(self.labels)}.",
            self.origin,
            f"On 115 Californian records (NCEDC), tolerance 0.5 s: {measured}.",
            self.remark,
            self.note,
            self.citation,
        )
        return "\n\n".join(filter(None, paragraphs))

    def check(self, content: bytes) -> None:
        """
        :param content: A whole file
        :raises ValueError: if size or checksum are not those of the set
        """
        if self.size is not None and len(content) != self.size:
            raise ValueError(
                f"{self.title}: {len(content)} bytes instead of {self.size}"
            )
        kind, expected = "SHA-256", self.sha256
        found = hashlib.sha256(content).hexdigest()
        if expected is None:
            kind, expected = "git blob id", self.git_blob
            blob = b"blob %d\0" % len(content) + content
            found = hashlib.sha1(blob, usedforsecurity=False).hexdigest()
        if found != expected:
            raise ValueError(f"{self.title}: {kind} {found} instead of {expected}")

    def matches(self, content: bytes) -> bool:
        """If a file has size and checksum of the set."""
        try:
            self.check(content)
        except ValueError:
            return False
        return True


def weight_sets(model: str | None = None) -> list[WeightSet]:
    """
    :param model: Class name of a picker; None for all of them
    :return: Its weight sets in the order of the registry; empty for an unknown model
    """
    return [entry for entry in WEIGHT_SETS if model in (None, entry.model)]


def find_set(model: str, name: str | None = None) -> WeightSet:
    """
    Finds the latest version of one weight set.

    >>> entry = find_set("LPPNM", "diting")
    >>> entry.sampling_rate, entry.component_order, entry.licence
    (50.0, 'ZNE', 'GPL-3.0')

    :param model: Class name of a picker in any case, for example "LPPNM"
    :param name: Name of the set; None for the model's default
    :raises ValueError: if the model or set is unknown
    :return: The set
    """
    models = {known.lower(): known for known in DEFAULT_SETS}
    if model.lower() not in models:
        reason = "there is no such model" + suggestion(model, DEFAULT_SETS)
        raise ArgumentError("model", model, reason)
    model = models[model.lower()]
    name = DEFAULT_SETS[model] if name is None else name
    by_name = {entry.name: entry for entry in weight_sets(model)}
    if name not in by_name:
        reason = f"{model} has no such weights{suggestion(name, by_name)}"
        raise ArgumentError("name", name, reason)
    return by_name[name]


_DATA = read_toml((files(__package__) / "weight_sets.toml").read_text(encoding="utf-8"))

#: The paper that the networks and their weights come from.
CITATION: str = _DATA["citation"]

#: All sets; the latest version of a set comes last.
WEIGHT_SETS = tuple(
    WeightSet(**_DATA["training"][values["name"]] | values) for values in _DATA["set"]
)

#: Default set of each model.
DEFAULT_SETS = {entry.model: entry.name for entry in WEIGHT_SETS if entry.default}
