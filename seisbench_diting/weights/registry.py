"""
The weight sets of the pickers, published or part of this package, as data: a new set is one
entry.

Everything that a picker has to know about its weights (sampling rate, component order,
classes) stands in the entry, so that no code asks for a set by its name.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any


class ChecksumError(ValueError):
    """The content of a file is not that of the weight set it was read for."""


@dataclass(frozen=True)
class Score:
    """
    How well one phase is picked.

    :param precision: Share of the picks that are right.
    :param recall: Share of the labels that are found.
    :param f1: Harmonic mean of the two.
    :param deviation_ms: Standard deviation of the residuals in milliseconds.
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


@dataclass(frozen=True)
class Scores:
    """
    What was measured for one weight set on 115 Californian records (NCEDC), with picks
    of at least 0.3 and a tolerance of 0.5 s.

    :param p: Score of the P phase.
    :param s: Score of the S phase.
    """

    p: Score
    s: Score


@dataclass(frozen=True)
class WeightSet:
    """
    One weight set, published or part of this package.

    :param model: Class name of the picker, for example "LPPNM".
    :param name: Name of the set, for example "csn".
    :param version: Version of the set in SeisBench's sense.
    :param file: Name of the file, also in a mirror.
    :param url: Where the file was published, pinned to a commit; empty for bundled sets.
    :param sha256: SHA-256 of the file, None where only the git blob is known.
    :param git_blob: Git blob id (SHA-1) of the file.
    :param size: Size of the file in bytes, None where unknown.
    :param sampling_rate: Sampling rate in Hz that the weights were trained for.
    :param component_order: Order of the components on input, for example "ENZ".
    :param labels: Classes in the order of the output channels.
    :param licence: SPDX-like name of the licence of the file.
    :param citation: What to cite when the weights are used.
    :param docstring: Description of the set for users.
    :param scores: What was measured, None where nothing was.
    :param default_args: Arguments of ``annotate`` and ``classify`` with these weights,
                         as pairs of name and value.
    :param bundled: If the file is part of this package, with the parameter names of its
                    models.
    """

    model: str
    name: str
    version: str
    file: str
    url: str
    sha256: str | None
    git_blob: str
    size: int | None
    sampling_rate: float
    component_order: str
    labels: tuple[str, ...]
    licence: str
    citation: str
    docstring: str
    scores: Scores | None
    default_args: tuple[tuple[str, Any], ...] = ()
    bundled: bool = False

    @property
    def title(self) -> str:
        """Model and name of the set, for example "LPPNM/csn"."""
        return f"{self.model}/{self.name}"

    def matches(self, content: bytes) -> bool:
        """
        Tell whether a file's content is this weight set.

        :param content: The whole file.
        :return: True if size and checksum are those of the entry.
        """
        try:
            self.check(content)
        except ChecksumError:
            return False
        return True

    def check(self, content: bytes) -> None:
        """
        Raise unless a file's content is this weight set.

        :param content: The whole file.
        :raises ChecksumError: If size or checksum differ.
        """
        if self.size is not None and len(content) != self.size:
            raise ChecksumError(
                f"{self.title}: {len(content)} bytes instead of {self.size}"
            )
        if self.sha256 is not None:
            kind, expected = "SHA-256", self.sha256
            found = hashlib.sha256(content).hexdigest()
        else:
            kind, expected = "git blob id", self.git_blob
            found = _git_blob(content)
        if found != expected:
            raise ChecksumError(f"{self.title}: {kind} {found} instead of {expected}")


def weight_sets(model: str | None = None) -> list[WeightSet]:
    """
    List the weight sets.

    :param model: Class name of a picker; None for all of them.
    :return: The sets in the order of the registry; empty for an unknown model.
    """
    return [entry for entry in WEIGHT_SETS if model in (None, entry.model)]


def find_set(model: str, name: str | None = None) -> WeightSet:
    """
    Find the latest version of one weight set.

    :param model: Class name of a picker, for example "LPPNM".
    :param name: Name of the set; None for the model's default.
    :return: The entry.
    :raises ValueError: If there is no such model or set.
    """
    of_model = weight_sets(model)
    if not of_model:
        models = (entry.model for entry in WEIGHT_SETS)
        raise ValueError(f"{model=} has no weight set; available: {_quoted(models)}")
    if name is None:
        name = DEFAULT_SETS[model]
    of_name = [entry for entry in of_model if entry.name == name]
    if not of_name:
        names = (entry.name for entry in of_model)
        raise ValueError(
            f"{name=} is no weight set of {model}; available: {_quoted(names)}"
        )
    return of_name[-1]


def _quoted(values: Iterable[str]) -> str:
    return ", ".join(repr(value) for value in sorted(set(values)))


def _git_blob(content: bytes) -> str:
    blob = b"blob %d\0" % len(content) + content
    return hashlib.sha1(blob, usedforsecurity=False).hexdigest()


_REPOSITORY = "cangyeone/seismological-ai-tools"
_COMMIT = "ff2625b7eb37044c371d8ef2e256b14af611fb66"
_COMPARISON = "phase-picking-method-compare/ckpt"
_DETECTION = "seismic-event-detection/ckpt"

#: The paper that the networks and their weights come from.
CITATION = (
    "Yu, Z., Wang, W., & Chen, Y. (2023). Benchmark on the accuracy and efficiency of "
    "several neural network based phase pickers using datasets from China Seismic "
    "Network. Earthquake Science, 36(2), 113-131. "
    "https://doi.org/10.1016/j.eqs.2022.10.001"
)
_ZHAO_2023 = (
    "Zhao, M., Xiao, Z., Chen, S., & Fang, L. (2023). DiTing: A large-scale Chinese "
    "seismic benchmark dataset for artificial intelligence in seismology. Earthquake "
    "Science, 36(2), 84-94. https://doi.org/10.1016/j.eqs.2022.01.022"
)

_UNFINISHED_TWIN = (
    f"The file of the same name under {_COMPARISON} in that repository is an "
    "unfinished run that fires everywhere (P precision 0.03); this is the other one, "
    f"from {_DETECTION}."
)
_SEVEN_CHANNELS = (
    "The published head has seven channels, of which only the first three are trained."
)
_LARGER_OF_TWO = (
    "For the scores P is the larger of Pg and Pn, and S the larger of Sg and Sn."
)


@dataclass(frozen=True)
class _Training:
    """What all weight sets of one name share, whatever the network."""

    name: str
    records: str
    sampling_rate: float
    component_order: str
    labels: tuple[str, ...]
    citation: str
    default_args: tuple[tuple[str, Any], ...] = ()
    note: str = ""
    origin: str = f"Published in https://github.com/{_REPOSITORY} (GPL-3.0)."


# The published scripts that pick with these weights divide each component by its own
# peak. On 12 h of continuous records this finds 2 to 11 points more of the S arrivals
# that two stronger pickers agree on, at about the same precision; on the labelled
# records the two ways differ by 0.01 to 0.02 in F1, either way.
_COMPONENT_PEAKS = (("norm_amp_per_comp", True),)
_COMPONENT_PEAKS_NOTE = (
    "By default annotate and classify divide each component by its own peak "
    "(norm_amp_per_comp), as the published picking scripts do with these weights. The "
    "scores are for the joint peak of all components."
)

_DITING = _Training(
    name="diting",
    records="the DiTing dataset (Zhao et al., 2023)",
    sampling_rate=50.0,
    component_order="ZNE",
    labels=("N", "P", "S"),
    citation=f"{_ZHAO_2023}\n\n{CITATION}",
)
_CSN = _Training(
    name="csn",
    records="records of the China Seismic Network (Yu et al., 2023)",
    sampling_rate=100.0,
    component_order="ENZ",
    labels=("N", "P", "S"),
    citation=CITATION,
    default_args=_COMPONENT_PEAKS,
    note=_COMPONENT_PEAKS_NOTE,
)
_CSN_PNSN = replace(
    _CSN,
    name="csn_pnsn",
    records=(
        "records of the China Seismic Network (Yu et al., 2023) with the phases "
        "Pg, Sg, Pn and Sn"
    ),
    labels=("N", "Pg", "Sg", "Pn", "Sn"),
)


def _docstring(
    model: str, training: _Training, scores: Scores | None, note: str
) -> str:
    measured = (
        "not measured: the file was not at hand"
        if scores is None
        else f"P {scores.p}; S {scores.s}"
    )
    paragraphs = [
        f"{model} trained on {training.records} at {training.sampling_rate:g} Hz, "
        f"components in the order {training.component_order}, "
        f"classes {', '.join(training.labels)}.",
        training.origin,
        f"On 115 Californian records (NCEDC), tolerance 0.5 s: {measured}.",
        note,
        training.note,
        training.citation,
    ]
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)


def _entry(
    model: str,
    training: _Training,
    *,
    scores: Scores | None,
    note: str = "",
    **file: Any,
) -> WeightSet:
    """What a training says of a set, and what is known of its file."""
    return WeightSet(
        model=model,
        name=training.name,
        version="1",
        sampling_rate=training.sampling_rate,
        component_order=training.component_order,
        labels=training.labels,
        licence="GPL-3.0",
        citation=training.citation,
        docstring=_docstring(model, training, scores, note),
        scores=scores,
        default_args=training.default_args,
        **file,
    )


def _published(
    model: str,
    training: _Training,
    path: str,
    sha256: str | None,
    git_blob: str,
    size: int | None,
    scores: Scores | None,
    note: str = "",
) -> WeightSet:
    return _entry(
        model,
        training,
        note=note,
        file=path.rsplit("/", 1)[-1],
        url=f"https://raw.githubusercontent.com/{_REPOSITORY}/{_COMMIT}/{path}",
        sha256=sha256,
        git_blob=git_blob,
        size=size,
        scores=scores,
    )


#: Teachers of the weights that are part of this package.
_TEACHERS = (
    "Li, S., Yang, X., Cao, A., Wang, C., Liu, Y., Liu, Y., & Niu, Q. (2024). SeisT: A "
    "foundational deep-learning model for earthquake monitoring tasks. IEEE Transactions "
    "on Geoscience and Remote Sensing, 62. https://doi.org/10.1109/TGRS.2024.3371503\n\n"
    "Zhong, Y., & Tan, Y. J. (2024). Deep-learning-based phase picking for "
    "volcano-tectonic and long-period earthquakes. Geophysical Research Letters, 51(12). "
    "https://doi.org/10.1029/2024GL108438\n\n"
    "Mousavi, S. M., Ellsworth, W. L., Zhu, W., Chuang, L. Y., & Beroza, G. C. (2020). "
    "Earthquake transformer - an attentive deep-learning model for simultaneous "
    "earthquake detection and phase picking. Nature Communications, 11, 3952. "
    "https://doi.org/10.1038/s41467-020-17591-w"
)
_DISTILLED = _Training(
    name="distilled",
    records=(
        "hours of continuous records without labels, to pick as SeisT, EQTransformer, RNN "
        "and EQT do"
    ),
    sampling_rate=100.0,
    component_order="ENZ",
    labels=("N", "P", "S"),
    citation=f"{CITATION}\n\n{_TEACHERS}",
    note=(
        "By every third record a checkpoint was chosen; otherwise none was used. The card "
        "beside the file, MODEL.distilled.md, states data, teachers, recipe and limits."
    ),
    origin="Part of seisbench-diting (GPL-3.0), made by its benchmarks/bundle.py.",
)


def _bundled(
    model: str, sha256: str, git_blob: str, size: int, scores: Scores
) -> WeightSet:
    return _entry(
        model,
        _DISTILLED,
        file=f"{model}.{_DISTILLED.name}.pt",
        url="",
        sha256=sha256,
        git_blob=git_blob,
        size=size,
        scores=scores,
        bundled=True,
    )


# Versions of one set stand oldest first: the last one is the latest.
WEIGHT_SETS: tuple[WeightSet, ...] = (
    _published(
        "RNN",
        _DITING,
        f"{_COMPARISON}/diting.rnn.pt",
        sha256="fefd44008fb36d919089a6148af5ec435628cd8c172823479586a197bfd7ad07",
        git_blob="b5948a3e4ec8939ceca8295ff278b693e2da87de",
        size=1_843_821,
        scores=Scores(
            p=Score(0.972, 0.904, 0.937, 68), s=Score(0.932, 0.948, 0.940, 84)
        ),
    ),
    _published(
        "RNN",
        _CSN,
        f"{_DETECTION}/china.rnn.pt",
        sha256="5a4b8f299e8773e8fb2c4bdc39ae1a8e5cecde9ec69832b869c52dc322f08ae6",
        git_blob="5dfeb0b517a1c19ef4c467233368ef6dd4d9d189",
        size=1_843_821,
        scores=Scores(
            p=Score(0.957, 0.957, 0.957, 35), s=Score(0.963, 0.896, 0.928, 90)
        ),
    ),
    _published(
        "EQT",
        _DITING,
        f"{_COMPARISON}/diting.eqt.pt",
        sha256="ee8bdd1b892f20c019934459c94cda105d5c7fd489dd2e9eaed96d76ca803ebc",
        git_blob="7c641b98cc94a6f1dc9a4c4e15094d8b65de28d3",
        size=1_835_513,
        scores=Scores(
            p=Score(0.990, 0.835, 0.906, 78), s=Score(0.900, 0.861, 0.880, 109)
        ),
    ),
    _published(
        "EQT",
        _CSN,
        f"{_DETECTION}/china.eqt.pt",
        sha256="0c7668b61701e4b3b3d8b3c1f8e8f1c5eeecd33931a28748759ac05eb91c3d37",
        git_blob="2e97a52897e130de220fca6018634fc16326e2f7",
        size=1_835_513,
        scores=Scores(
            p=Score(0.973, 0.948, 0.960, 42), s=Score(0.964, 0.930, 0.947, 103)
        ),
    ),
    _published(
        "UNet",
        _DITING,
        f"{_DETECTION}/diting.unet.pt",
        sha256="b78acb9eea703e634af00117e83a3b72958bf0f9d0773048432e283e90af0e61",
        git_blob="a6da02c2a9c07caa17f94da295f3e0fec81e9eca",
        size=719_821,
        scores=Scores(
            p=Score(0.932, 0.957, 0.944, 71), s=Score(0.920, 0.904, 0.912, 88)
        ),
        note=_UNFINISHED_TWIN,
    ),
    _published(
        "UNet",
        _CSN,
        f"{_DETECTION}/china.unet.pt",
        sha256="ec74a633b2c9a448089b05ab3a4ea54ef7377c2b961d1518897c89bc3e7d9b00",
        git_blob="fa46c1e297cc50bbb397a113235f5dd537ae9d66",
        size=719_821,
        scores=Scores(
            p=Score(0.963, 0.896, 0.928, 56), s=Score(0.944, 0.878, 0.910, 84)
        ),
    ),
    _published(
        "LPPNT",
        _DITING,
        f"{_COMPARISON}/diting.lppnt.pt",
        sha256="3ec8549ce5e8f959a445963f963bbc71dd6b6cc38070ff6e927bae7d29f859ce",
        git_blob="240ad5db8ea9a6075b5864d5f2695354836596f4",
        size=131_133,
        scores=Scores(
            p=Score(0.820, 0.870, 0.844, 79), s=Score(0.738, 0.835, 0.784, 82)
        ),
    ),
    _published(
        "LPPNT",
        _CSN,
        f"{_DETECTION}/china.lppnt.pt",
        sha256="e945fdc5bc1c5fe21b8dfdc21dfbfb4016d0abb577ef4bd6e85dff3613301f8d",
        git_blob="7415ac90cd8500238e9698d36c89a0d80f1da8bd",
        size=131_133,
        scores=Scores(
            p=Score(0.883, 0.922, 0.902, 37), s=Score(0.976, 0.704, 0.818, 84)
        ),
    ),
    _published(
        "LPPNM",
        _DITING,
        f"{_COMPARISON}/diting.lppnm.pt",
        sha256="738bb3e780822cf06475159aabaa16b2251729e07074bc4d916cdc98090b119c",
        git_blob="bb04bf13a11624c9491fb41a38a2d4aaa8fb45f9",
        size=264_573,
        scores=Scores(
            p=Score(0.936, 0.896, 0.916, 45), s=Score(0.929, 0.904, 0.916, 92)
        ),
        note=_SEVEN_CHANNELS,
    ),
    _published(
        "LPPNM",
        _CSN,
        f"{_DETECTION}/china.lppnm.pt",
        sha256="c3000fb216331e49af807c03a64fcbcd816afbba2939b6fba829b41cacd18185",
        git_blob="7ca6055d45bbe40ce8c6b0099c3f2161db4df269",
        size=264_573,
        scores=Scores(
            p=Score(0.927, 0.878, 0.902, 56), s=Score(0.968, 0.800, 0.876, 67)
        ),
        note=_SEVEN_CHANNELS,
    ),
    _published(
        "LPPNL",
        _DITING,
        f"{_COMPARISON}/diting.lppnl.pt",
        sha256="ce83eb50ef79666a7ceb40cb3e44fd90a7e136192018b0af0d4490e742cc4550",
        git_blob="234e796987b7fb748855a38658e39a2ced43a575",
        size=2_663_855,
        scores=Scores(
            p=Score(0.935, 0.870, 0.901, 61), s=Score(0.912, 0.896, 0.904, 99)
        ),
    ),
    _published(
        "LPPNL",
        _CSN,
        f"{_DETECTION}/china.lppnl.pt",
        sha256="b7424a2e0b823320d4ac803cdb2d4c02b3e6aa400954e9076227776dc1296b4a",
        git_blob="b8efb4316014210ce092a40de4dafe4a5de55b23",
        size=2_663_855,
        scores=Scores(
            p=Score(0.924, 0.843, 0.882, 37), s=Score(0.950, 0.826, 0.884, 63)
        ),
    ),
    _published(
        "RNN",
        _CSN_PNSN,
        f"{_DETECTION}/china.rnn.pnsn.pt",
        sha256="c99ceabe8e82cc20695071543b7eb1561ec9b7306cf324b51351c8908e185065",
        git_blob="261c23ba4d11c8365c633d0a9bf809dd2c3e0a76",
        size=1_844_525,
        scores=Scores(
            p=Score(0.982, 0.930, 0.955, 49), s=Score(0.927, 0.878, 0.902, 76)
        ),
        note=_LARGER_OF_TWO,
    ),
    _published(
        "UNetPP",
        _CSN,
        f"{_DETECTION}/china.unetpp.pt",
        sha256=None,
        git_blob="1eee433f368488d8f89bdc593bf0abbe2682d7a0",
        size=None,
        scores=None,
    ),
    _bundled(
        "LPPNT",
        sha256="3116ce6f676c823219ab1f4ba5a2367cd00068c7965ac9723ea3fd16b4774a7d",
        git_blob="a7f60551764119acc9a83fe91261dd3d4eec11db",
        size=125_179,
        scores=Scores(
            p=Score(0.892, 0.930, 0.911, 36), s=Score(0.903, 0.887, 0.895, 67)
        ),
    ),
    _bundled(
        "LPPNM",
        sha256="0c9b7225307c3381635b3984ece8315e41549c97c77d41b507e9f2d0e67a5078",
        git_blob="e55bfee05c1bb7b8a7ab8d07729de03761a31b54",
        size=257_659,
        scores=Scores(
            p=Score(0.924, 0.948, 0.936, 52), s=Score(0.913, 0.913, 0.913, 77)
        ),
    ),
)

DEFAULT_SETS: dict[str, str] = {
    "EQT": "csn",
    "LPPNL": "csn",
    "LPPNM": "distilled",
    "LPPNT": "distilled",
    "RNN": "csn",
    "UNet": "csn",
    "UNetPP": "csn",
}
