"""Models of every kind as one thing: windows in, picks out."""

from __future__ import annotations

import inspect
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import obspy
import seisbench.models as sbm
import torch
from seisbench.models import WaveformModel

from .. import models
from ..models import find_phase_lppn, find_phase_point2point
from ..models.base import PhasePicker
from ..models.checkpoints import read_state_dict

#: Smallest distance of two picks of one phase, in samples.
DISTANCE = 50

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

_NAMES = {1: "P", 2: "S"}
_DEFAULT_RATE = 50.0
_DEFAULT_ORDER = "ZNE"

Picks = list[tuple[str, float, float]]
Network = Callable[[np.ndarray], list[np.ndarray]]


class WindowPicker(ABC):
    """
    Picks windows.

    :param name: How it is called in tables
    :param sampling_rate: Sampling rate of the windows in Hz
    :param component_order: Order of their components
    """

    def __init__(self, name: str, sampling_rate: float, component_order: str):
        self.name = name
        self.sampling_rate = sampling_rate
        self.component_order = component_order

    @abstractmethod
    def pick(self, wave: np.ndarray, height: float, distance: int) -> list[Picks]:
        """
        :param wave: Windows (batch, 3, samples), means removed, divided by the joint peak
        :param height: Smallest probability of a pick
        :param distance: Smallest distance of two picks of one phase in samples
        :return: Phase, sample and probability of the picks of each window
        """


class NetworkPicker(WindowPicker):
    """
    A network that takes (batch, 3, samples) and gives (batch, classes, samples), or
    LPPN's two outputs.

    :param network: Function of a float32 array that gives one array, or two for LPPN
    :param others: As for :py:class:`WindowPicker`
    """

    def __init__(self, network: Network, *others: Any):
        super().__init__(*others)
        self.network = network

    def pick(self, wave: np.ndarray, height: float, distance: int) -> list[Picks]:
        output = self.network(wave)
        if len(output) == 2:
            stride = wave.shape[-1] // output[0].shape[-1]
            cells = max(1, distance // stride)
            found = find_phase_lppn(
                [_three_classes(output[0]), output[1]], height, cells, stride
            )
        else:
            found = find_phase_point2point(_three_classes(output[0]), height, distance)
        return [[(_NAMES[k], s, prob) for k, s, prob in window] for window in found]


class StreamPicker(WindowPicker):
    """
    A SeisBench picker of any kind, through its own ``classify``, each window a station.

    :param model: Model
    :param others: As for :py:class:`WindowPicker`
    """

    def __init__(self, model: WaveformModel, *others: Any):
        super().__init__(*others)
        self.model = model

    def pick(self, wave: np.ndarray, height: float, distance: int) -> list[Picks]:
        """``distance`` has no effect: the model has rules of its own."""
        stream = obspy.Stream(
            obspy.Trace(
                component,
                {
                    "network": "XX",
                    "station": f"{number:05d}",
                    "channel": f"HH{code}",
                    "sampling_rate": self.sampling_rate,
                },
            )
            for number, window in enumerate(wave)
            for component, code in zip(window, self.component_order, strict=True)
            if window.any()
        )
        picks: list[Picks] = [[] for _ in wave]
        if len(stream) == 0:
            return picks
        thresholds = {"P_threshold": height, "S_threshold": height}
        for pick in self.model.classify(stream, **thresholds).picks:
            number = int(pick.trace_id.split(".")[1])
            sample = (pick.peak_time - stream[0].stats.starttime) * self.sampling_rate
            picks[number].append((pick.phase[0], float(sample), float(pick.peak_value)))
        return picks


def load_picker(
    model: str | Path | WaveformModel,
    *,
    sampling_rate: float | None = None,
    component_order: str | None = None,
) -> WindowPicker:
    """
    :param model: A published set (``LPPNM/diting``), a pretrained model of SeisBench
        (``PhaseNet/stead``), a SeisBench pair with or without its ending, a TorchScript
        or ONNX file, or a model
    :param sampling_rate: Sampling rate in Hz of a file that does not tell it; 50 by
        default
    :param component_order: Order of the components of a file that does not tell it; ZNE
        by default
    :raises ValueError: if there is no such model
    """
    if isinstance(model, WaveformModel):
        return _of_model(model, type(model).__name__)
    text = str(model)
    path = Path(text).expanduser()
    if pair := _find_pair(path):
        return _of_model(_load_pair(*pair), text)
    if path.is_file():
        read = _onnx_network if path.suffix == ".onnx" else _torchscript_network
        rate, order = sampling_rate or _DEFAULT_RATE, component_order or _DEFAULT_ORDER
        return NetworkPicker(read(path), path.name, rate, order)
    name, slash, published = text.partition("/")
    known = _known_models()
    if name.lower() not in known:
        raise ValueError(
            f"model={text!r} is neither a file nor one of "
            f"{', '.join(models.PICKERS)}, or another model of SeisBench, with the name "
            "of its weights, such as LPPNM/diting or PhaseNet/stead."
        )
    cls = known[name.lower()]
    if not slash and not issubclass(cls, PhasePicker):
        raise ValueError(f"model={text!r} needs a name of weights: {name}/NAME.")
    loaded = cls.from_pretrained(published) if slash else cls.from_pretrained()
    return _of_model(loaded, text)


def _known_models() -> dict[str, type[WaveformModel]]:
    known = {}
    for name in (*models.PICKERS, *sbm.__all__):
        cls = getattr(models, name, None) or getattr(sbm, name, None)
        if isinstance(cls, type) and issubclass(cls, WaveformModel):
            known.setdefault(name.lower(), cls)
    return known


def _of_model(model: WaveformModel, name: str) -> WindowPicker:
    model.eval()
    rate = float(model.sampling_rate)
    order = "".join(model.component_order or _DEFAULT_ORDER)
    if not isinstance(model, PhasePicker):
        return StreamPicker(model, name, rate, order)

    def network(wave: np.ndarray) -> list[np.ndarray]:
        with torch.no_grad():
            batch = torch.from_numpy(wave).to(model.device)
            output = model(model.annotate_batch_pre(batch, {}))
        prob, *offset = output if isinstance(output, tuple) else (output,)
        prob = _p_and_s(prob, model.labels)
        return [tensor.float().cpu().numpy() for tensor in (prob, *offset)]

    return NetworkPicker(network, name, rate, order)


def _p_and_s(prob: torch.Tensor, labels: str | list[str]) -> torch.Tensor:
    """N, P, S of classes such as Pg and Pn: the larger of each phase."""
    columns = [prob[:, 0]]
    for phase in "PS":
        own = [i for i, label in enumerate(labels) if i and label[0] == phase]
        columns.append(prob[:, own].amax(dim=1))
    return torch.stack(columns, dim=1)


def _torchscript_network(path: Path) -> Network:
    try:
        program = torch.jit.load(str(path), map_location="cpu").eval()
    except RuntimeError as error:
        raise ValueError(
            f"model={str(path)!r} is neither a TorchScript file nor a SeisBench pair "
            f"(NAME.pt and NAME.json): {str(error).splitlines()[0]}"
        ) from error

    def network(wave: np.ndarray) -> list[np.ndarray]:
        with torch.no_grad():
            output = program(torch.from_numpy(wave))
        output = output if isinstance(output, (tuple, list)) else (output,)
        return [tensor.float().numpy() for tensor in output]

    return network


def _onnx_network(path: Path) -> Network:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    try:
        session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:
        raise ValueError(
            f"model={str(path)!r} can't be read as ONNX: {str(error).splitlines()[0]}"
        ) from error
    (name,) = (entry.name for entry in session.get_inputs())
    outputs = [entry.name for entry in session.get_outputs()]
    # The published names, whatever the order in the file.
    wanted = [one for one in ("prob", "time") if one in outputs] or outputs
    return lambda wave: session.run(wanted, {name: wave})


def _three_classes(prob: np.ndarray) -> np.ndarray:
    # Published LPPN files have classes that were never trained.
    return prob[:, :3]


def _find_pair(path: Path) -> tuple[Path, str | None, Path, Path] | None:
    """
    :param path: As a user names a pair: without ending, or one of its two files
    :return: Path without ending, version if there is one, weights, and arguments
    """
    match = re.fullmatch(r"(.+?)(?:\.(?:pt|json)(?:\.v([\w.]+))?)?", path.name)
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
    state = read_state_dict(weights.read_bytes())
    shapes = {name: value.shape for name, value in state.items()}
    try:
        options = json.loads(arguments.read_text(encoding="utf-8"))["model_args"]
    except (ValueError, KeyError, UnicodeDecodeError) as error:
        raise ValueError(
            f"model={str(pair)!r}: {arguments.name} has no model_args ({error})."
        ) from error
    known = _known_models()
    for name in (*models.PICKERS, *_PEERS):
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
