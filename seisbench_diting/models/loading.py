"""Models by name or by file, as users name them."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path
from typing import Any

import seisbench.models as sbm
from seisbench.models import WaveformModel

from . import PICKERS
from .base import PhasePicker
from .checkpoints import read_state_dict

#: Pickers of SeisBench whose pairs are recognized. Not all of its models: making one may
#: take minutes, and some have the parameters of another.
_PEERS = (
    "PhaseNet",
    "EQTransformer",
    "VariableLengthPhaseNet",
    "BasicPhaseAE",
    "GPD",
    "OBSTransformer",
    "Skynet",
)


def load_model(name: str | Path) -> WaveformModel:
    """
    :param name: A model of this package, with its default weights or a published set
        (``LPPNM``, ``LPPNM/diting``), a pretrained model of SeisBench
        (``PhaseNet/stead``), or a SeisBench pair with or without its ending
    :raises ValueError: if there is no such model
    :return: Model with weights, in evaluation mode
    """
    text = str(name)
    if pair := find_pair(Path(text).expanduser()):
        return _load_pair(*pair).eval()
    if Path(text).expanduser().is_file():
        raise ValueError(
            f"model={text!r} is a file, but no part of a SeisBench pair (NAME.pt and "
            "NAME.json). Exported files are for `evaluate` and for other programs."
        )
    if "," in text:
        raise ValueError(f"model={text!r} names several models; name one.")
    model, slash, weights = text.partition("/")
    known = _known_models()
    if model.lower() not in known:
        raise ValueError(
            f"model={text!r} is neither a file nor one of {', '.join(PICKERS)}, or "
            "another model of SeisBench, with the name of its weights, such as "
            "LPPNM/diting or PhaseNet/stead."
        )
    cls = known[model.lower()]
    if not slash and not issubclass(cls, PhasePicker):
        raise ValueError(f"model={text!r} needs a name of weights: {model}/NAME.")
    loaded = cls.from_pretrained(weights) if slash else cls.from_pretrained()
    return loaded.eval()


def _known_models() -> dict[str, type[WaveformModel]]:
    from .. import models

    known = {}
    for name in (*PICKERS, *sbm.__all__):
        cls = getattr(models, name, None) or getattr(sbm, name, None)
        if isinstance(cls, type) and issubclass(cls, WaveformModel):
            known.setdefault(name.lower(), cls)
    return known


def find_pair(path: Path) -> tuple[Path, str | None, Path, Path] | None:
    """
    :param path: As a user names a pair: without ending, or one of its two files
    :return: Path without ending, version if there is one, weights, and arguments
    """
    match = re.fullmatch(r"(.+?)(?:\.(?:pt|json)(?:\.v([\w.]+))?)?", path.name)
    if match is None:
        # "", "." and "/" are no names.
        return None
    stem, version = match.groups()
    versions = [version]
    if version is None:
        # The newest, where none is named.
        files = path.parent.glob(f"{stem}.pt.v*")
        versions += sorted((file.name.rpartition(".v")[2] for file in files), key=_rank)
    for one in reversed(versions):
        ending = "" if one is None else f".v{one}"
        files = [path.with_name(f"{stem}.{kind}{ending}") for kind in ("pt", "json")]
        if all(file.is_file() for file in files):
            return path.with_name(stem), one, *files
    return None


def _rank(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", version)]


def _load_pair(
    pair: Path, version: str | None, weights: Path, arguments: Path
) -> WaveformModel:
    """
    Loads a SeisBench pair, which does not say what class it is of: the one whose
    parameters have these names and shapes.
    """
    try:
        state = read_state_dict(weights.read_bytes())
    except ValueError as error:
        raise ValueError(f"model={str(weights)!r}: {error}") from error
    shapes = {name: value.shape for name, value in state.items()}
    try:
        options = json.loads(arguments.read_text(encoding="utf-8"))["model_args"]
    except (ValueError, KeyError, UnicodeDecodeError) as error:
        raise ValueError(
            f"model={str(pair)!r}: {arguments.name} has no model_args ({error})."
        ) from error
    known = _known_models()
    for name in (*PICKERS, *_PEERS):
        cls = known.get(name.lower())
        if cls is not None and _shapes(cls, options) == shapes:
            return cls.load(pair, version_str=version)
    raise ValueError(
        f"model={str(pair)!r} has the parameters of no picker of this package or of "
        f"SeisBench ({', '.join(_PEERS)})."
    )


def _shapes(cls: type[WaveformModel], options: dict[str, Any]) -> dict[str, Any]:
    """Names and shapes of parameters, none if the class can't be made with these."""
    accepted = inspect.signature(cls).parameters
    try:
        model = cls(**{k: v for k, v in options.items() if k in accepted})
    except (TypeError, ValueError, RuntimeError, ImportError, AssertionError):
        return {}
    return {name: value.shape for name, value in model.state_dict().items()}
