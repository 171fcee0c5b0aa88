"""Load models by name or file."""

from __future__ import annotations

import glob
import importlib
import inspect
import json
import re
from collections.abc import Sequence
from numbers import Real
from pathlib import Path
from typing import Any

import seisbench.models as sbm
from seisbench.models import WaveformModel

from .._util import ArgumentError, add_to, errors_of, suggestion
from ..weights import weight_sets
from .base import PhasePicker
from .lppn import LPPNL, LPPNM, LPPNT
from .pretrained import read_state_dict, weights_checksum
from .recurrent import EQT, RNN
from .unet import UNet, UNetPP

_OURS: dict[str, type[PhasePicker]] = {
    cls.__name__: cls for cls in (LPPNT, LPPNM, UNet, EQT, RNN, LPPNL, UNetPP)
}

#: Names of the pickers, the smallest first.
PICKERS = tuple(_OURS)

add_to("seisbench.models", dict(_OURS))

#: Pickers of SeisBench whose pairs are recognized. Not all of its models: making one may
#: take minutes, and some have the parameters of another.
_PEERS = (
    *("PhaseNet", "EQTransformer", "VariableLengthPhaseNet", "BasicPhaseAE", "GPD"),
    *("OBSTransformer", "Skynet"),
)


def load_model(
    name: str | Path,
    sampling_rate: float | None = None,
    component_order: str | None = None,
    labels: Sequence[str] = (),
) -> WaveformModel:
    """
    Loads a model. TorchScript files are programs: name only those that you trust.

    :param name: A model of this package, with its default weights or a published set
        (``LPPNM``, ``LPPNM/diting``), a pretrained model of SeisBench
        (``PhaseNet/stead``), a SeisBench pair with or without its ending, a published
        file of any name, or a network as TorchScript or ONNX
    :param sampling_rate: Sampling rate in Hz of a network file that does not contain it
    :param component_order: Order of its components
    :param labels: Its classes, in the order of its output
    :raises ValueError: if there is no such model, or if it has other properties
    :return: Model with weights, in evaluation mode
    """
    if len(labels) == 1:
        labels = labels[0]
    told: dict[str, Any] = {
        "sampling_rate": sampling_rate,
        "component_order": component_order,
        "labels": labels,
    }
    model = _load(str(name), told).eval()
    for key, value in told.items():
        own = getattr(model, key)
        if value and _plain(value) != _plain(own):
            has = f"{own:g} Hz" if isinstance(own, Real) else _joined(key, own)
            raise ArgumentError(key, value, f"{name} has {has}; leave this out")
    return model


def _plain(value: Any) -> float | str:
    return float(value) if isinstance(value, Real) else "".join(value or ())


def _joined(key: str, own: Sequence[str]) -> str:
    return ("," if key == "labels" else "").join(own)


def _load(text: str, told: dict[str, Any]) -> WaveformModel:
    path = Path(text).expanduser()
    if path.is_file():
        content = path.read_bytes()
        for entry in weight_sets():
            if entry.matches(content):
                picker = _OURS[entry.model].from_published(entry, content)
                # Its graph for ONNX Runtime is kept.
                picker.stored_checksum = weights_checksum(picker)
                return picker
    if pair := find_pair(path):
        return _load_pair(*pair)
    if path.is_file():
        # By its name, as it imports the models.
        runtime = importlib.import_module("seisbench_diting.runtime")
        network: WaveformModel = runtime.load_network(path, **told)
        return network
    model, _, weights = text.partition("/")
    known = _known_models()
    by_lower = {known_name.lower(): known_name for known_name in known}
    if model.lower() not in by_lower:
        reason = "it is neither a file nor a model" + suggestion(model, known)
        raise ArgumentError("model", text, reason)
    cls = known[by_lower[model.lower()]]
    if not weights and not issubclass(cls, PhasePicker):
        raise ArgumentError("model", text, f"name its weights, too: {model}/NAME")
    with errors_of("model", text):
        loaded: WaveformModel = cls.from_pretrained(*[weights] if weights else [])
    return loaded


def thresholds(model: WaveformModel, value: float) -> dict[str, float]:
    """
    :param model: Model of this package or of SeisBench
    :param value: Smallest probability of a pick
    :return: Arguments of ``classify`` that set it for all P and S phases of the model
    """
    return {f"{p}_threshold": value for p in model.labels if p[:1] in ("P", "S")}


def _known_models() -> dict[str, type[WaveformModel]]:
    theirs = {name: getattr(sbm, name) for name in sbm.__all__}
    return _OURS | {
        name: cls
        for name, cls in theirs.items()
        if WaveformModel in getattr(cls, "__mro__", ())[1:]
    }


def names_file(name: str | Path) -> bool:
    """:return: If a model's name is that of a file, or of a pair without its ending"""
    path = Path(name).expanduser()
    return path.is_file() or find_pair(path) is not None


def find_pair(path: Path) -> tuple[Path, str | None] | None:
    """
    :param path: As a user names a pair: without ending, or one of its two files
    :return: Path without ending, and version if there is one: the newest, where the name
        has none
    """
    match = re.fullmatch(r"(.+?)(?:\.(?:pt|json)(?:\.v([\w.]+))?)?", path.name)
    if match is None:
        # "", "." and "/" are not names.
        return None
    stem, named = match.groups()
    files = path.parent.glob(f"{glob.escape(stem)}.pt.v*")
    found = {file.name.rpartition(".v")[2] for file in files}
    versions = [named] if named else [*sorted(found, key=_rank, reverse=True), None]
    for version in versions:
        files = WaveformModel._get_weights_file_paths(path.with_name(stem), version)
        if all(file.is_file() for file in files):
            return path.with_name(stem), version
    return None


def _rank(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", version)]


def _load_pair(pair: Path, version: str | None) -> WaveformModel:
    """
    Loads a SeisBench pair. It does not name its class, so the class whose parameters have
    these names and shapes is taken.
    """
    arguments, weights = WaveformModel._get_weights_file_paths(pair, version)
    try:
        state = read_state_dict(weights.read_bytes())
        options = json.loads(arguments.read_text(encoding="utf-8"))["model_args"]
    except (ValueError, KeyError) as error:
        reason = f"it can't be read ({type(error).__name__}: {error})"
        raise ArgumentError("model", str(pair), reason) from error
    shapes = {name: value.shape for name, value in state.items()}
    known = _known_models()
    for name in (*PICKERS, *_PEERS):
        if name in known and _shapes(known[name], options) == shapes:
            return known[name].load(pair, version_str=version)
    raise ArgumentError(
        "model",
        str(pair),
        f"its parameters fit no picker of this package and no {', '.join(_PEERS)}",
    )


def _shapes(cls: type[WaveformModel], options: dict[str, Any]) -> dict[str, Any]:
    """Names and shapes of parameters, none if the class can't be made with these."""
    accepted = inspect.signature(cls).parameters
    try:
        model = cls(**{k: v for k, v in options.items() if k in accepted})
    except (TypeError, ValueError, RuntimeError, ImportError, AssertionError):
        return {}
    return {name: value.shape for name, value in model.state_dict().items()}
