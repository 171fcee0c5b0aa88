"""TorchScript and ONNX files as pickers."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import obspy
import torch
from torch import nn

from .._util import ArgumentError, MissingError
from ..models import PhasePicker, Record, StackedRecord, cut_records, normalize
from ..weights import WEIGHT_SETS, Reliability
from .export import PROPERTIES, open_session, quiet

#: Names of the outputs in published files.
_OUTPUTS = ("prob", "time")

#: What the file or the caller must give.
_NEEDED = {
    "sampling_rate": "in Hz, such as 100",
    "component_order": "such as ENZ",
    "labels": "classes in the order of the output, such as N,P,S",
}

#: Larger than the probability of a class that was never trained.
_NOTHING = 1e-3

#: Networks of records add 1e-6 to the peak that they divide by.
_PEAK = 1e6

#: Runs a network: TorchScript is a module, whose device can be changed.
_Call = Callable[[torch.Tensor], Any]


class FileNet(PhasePicker):
    """
    A network in a TorchScript or ONNX file. It takes windows (batch, 3, samples), as
    files of this package and of the tutorial do; or, as the published pickers of any
    length, a record (samples, 3), and divides it into windows itself. Then ``overlap``,
    ``stacking`` and ``norm_amp_per_comp`` have no effect, and TorchScript gives only
    picks above its own threshold, which are single values in the curves.
    """

    length_multiple = 1

    def __init__(self, call: _Call, content: bytes, is_whole: bool, **kwargs: Any):
        super().__init__(**kwargs)
        self.call = call
        #: The file, for exporting it again.
        self.content = content
        self._is_whole = is_whole
        # Tells networks apart, and knows the device.
        digest = torch.tensor([*hashlib.sha256(content).digest()], dtype=torch.float32)
        self.digest = nn.Parameter(digest, requires_grad=False)
        output = self._probe()
        self.regression = len(output) > 1  # type: ignore[misc]
        self.stride = self.in_samples // output[0].shape[-1]  # type: ignore[misc]

    def _probe(self) -> tuple[torch.Tensor, ...]:
        """:raises ValueError: if it is not a network of these classes"""
        shape = (2, 3, self.in_samples)
        noise = np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)
        with torch.no_grad():
            prob, *time = self._outputs(torch.from_numpy(noise))
        sums = prob.sum(dim=1)
        n_classes = len(self.labels)
        if (
            prob.shape[1] != n_classes
            or self.in_samples % prob.shape[-1]
            or not torch.allclose(sums, torch.ones_like(sums), atol=_NOTHING)
        ):
            given = tuple(prob.shape)
            raise ValueError(
                f"for windows {shape} its output {given} is not probabilities of the "
                f"classes {','.join(self.labels)}"
            )
        return prob, *time

    def forward(self, x: torch.Tensor) -> Any:
        """
        :param x: Normalized waveforms, (batch, 3, samples)
        :return: Class probabilities (batch, classes, cells), and where the file has them
            the positions of arrivals in the cells in samples (batch, cells)
        """
        prob, *time = self._outputs(x)
        return (prob, *time) if time else prob

    def _outputs(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        n_classes = len(self.labels)
        if not self._is_whole:
            prob, *time = self._call(x)
            # Published networks squeeze a batch of one, and LPPNM has classes that were
            # never trained.
            prob = prob.reshape(len(x), -1, prob.shape[-1])[:, :n_classes]
            return prob, *(one.reshape(len(x), -1) for one in time)
        curves = torch.stack([self._of_record(one) for one in x])
        return curves[:, :n_classes], curves[:, n_classes]

    def _call(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        output = self.call(x)
        return tuple(output) if isinstance(output, tuple | list) else (output,)

    def _of_record(self, x: torch.Tensor) -> torch.Tensor:
        """Curves (classes and position, samples) of a record (3, samples)."""
        outputs = [one.cpu().numpy() for one in self._call(_PEAK * x.T.contiguous())]
        n_classes, n_samples = len(self.labels), x.shape[-1]
        if len(outputs) == 1:
            # Without picks, the output may have one dimension.
            kind, time, found = outputs[0].T if outputs[0].size else np.zeros((3, 0))
            column = kind.astype(int) + 1
            width = max([n_classes, *(column + 1)])
            prob = np.zeros((len(kind), width), dtype=np.float32)
            prob[np.arange(len(kind)), column] = found
        else:
            prob, time = outputs
        if prob.shape[1] < n_classes or (prob[:, n_classes:] > _NOTHING).any():
            raise ValueError(
                f"it has {prob.shape[1]} classes; labels={','.join(self.labels)}"
            )
        if not ((prob > -_NOTHING) & (prob < 1 + _NOTHING)).all():
            raise ValueError("its probabilities are not numbers from 0 to 1")
        # Its windows may reach beyond the record.
        inside = (time >= 0) & (time < n_samples)
        prob, time = prob[inside, :n_classes].clip(0, 1), time[inside]
        cell = time.astype(int)
        curves = np.zeros((n_classes + 1, n_samples), dtype=np.float32)
        for curve, values in zip(curves[1:-1], prob.T[1:], strict=True):
            np.maximum.at(curve, cell, np.ascontiguousarray(values))
        surest_last = np.argsort(prob[:, 1:].max(axis=1))
        curves[-1, cell[surest_last]] = (time - cell)[surest_last]
        curves[0] = np.maximum(0, 1 - curves[1:-1].sum(axis=0))
        return torch.from_numpy(curves).to(x.device)

    def _predict(
        self, stream: obspy.Stream, argdict: dict[str, Any]
    ) -> Iterator[StackedRecord]:
        if not self._is_whole:
            yield from super()._predict(stream, argdict)
            return
        record: Record
        for record in cut_records(stream, self.component_order, argdict["strict"]):
            stacked = StackedRecord(
                record, np.zeros(1, dtype=int), len(self.labels), True, "avg"
            )
            wave = normalize(torch.from_numpy(record.data)[None]).to(self.device)
            curves = self.annotate_batch_post(self(wave), "cells", argdict)
            stacked.add(0, curves[0].cpu().numpy())
            yield stacked


def load_network(
    path: Path,
    sampling_rate: float | None = None,
    component_order: str | None = None,
    labels: Iterable[str] = (),
) -> FileNet:
    """
    Loads a TorchScript or ONNX network. TorchScript is a program: load only files that
    you trust.

    :param path: File. Properties are taken from the file, or from the published set with
        the same layer of classes, or else from the caller.
    :param sampling_rate: Sampling rate in Hz
    :param component_order: Order of the components
    :param labels: Classes
    :raises ArgumentError: if it is no such file, or if something is not known
    :return: Picker
    """
    content = path.read_bytes()
    is_script = zipfile.is_zipfile(io.BytesIO(content))
    if content[:2] == b"PK" and not is_script:
        reason = "its end is missing; copy or download it again"
        raise ArgumentError("model", str(path), reason)
    try:
        found = _open_script(content) if is_script else _open_onnx(content)
    # Errors of ONNX Runtime and PyTorch.
    except Exception as error:
        kind = "TorchScript (parameters alone are not enough)" if is_script else "ONNX"
        reason = (
            f"it is neither a SeisBench pair (NAME.pt and NAME.json) nor a published "
            f"file, and can't be read as {kind}: {str(error).splitlines()[0].partition('. ')[0]}"
        )
        raise ArgumentError("model", str(path), reason) from error
    call, is_whole, own, digests = found
    told: dict[str, Any] = {
        "sampling_rate": sampling_rate,
        "component_order": component_order,
        "labels": list(labels),
    }
    more = ("default_args", "reliability")
    entry = next((e for e in WEIGHT_SETS if e.head in digests), None)
    if unknown := [x for x in told["labels"] if x[:1] not in ("N", "P", "S")]:
        reason = f"{unknown[0]!r} is neither N nor a P or S phase"
        raise ArgumentError("labels", ",".join(told["labels"]), reason)
    if entry is not None:
        told = {name: getattr(entry, name) for name in (*told, *more)}
    properties = told | json.loads(own or "{}")
    missing = MissingError("", None, "")
    missing.problems = [
        (name, None, f"{path.name} does not contain it; {how}")
        for name, how in _NEEDED.items()
        if not properties[name]
    ]
    if missing.problems:
        raise missing
    properties["phases"] = properties.pop("labels")
    known = properties.pop("reliability", {})
    try:
        model = FileNet(call, content, is_whole, **properties)
    except (ValueError, TypeError, RuntimeError) as error:
        reason = f"it can't be used: {str(error).strip().splitlines()[-1]}"
        raise ArgumentError("model", str(path), reason) from error
    if not is_whole:
        # Else curves are single values, of no width.
        model.reliability = {phase: Reliability(*x) for phase, x in known.items()}
    return model


def _digest(values: np.ndarray) -> str:
    return hashlib.sha256(values.tobytes()).hexdigest()


def _open_script(content: bytes) -> tuple[_Call, bool, str, set[str]]:
    """
    :return: What runs it, if it takes whole records, its properties, and checksums of
        its parameters
    """
    more = {PROPERTIES: ""}
    with quiet():
        program = torch.jit.load(io.BytesIO(content), "cpu", _extra_files=more).eval()

    try:
        with torch.no_grad():
            program(torch.zeros(2, 3, 6144))
        is_whole = False
    # It takes other shapes.
    except (RuntimeError, torch.jit.Error):
        is_whole = True
    digests = {_digest(value.numpy()) for value in program.state_dict().values()}
    return program, is_whole, more[PROPERTIES], digests


def _open_onnx(content: bytes) -> tuple[_Call, bool, str, set[str]]:
    """As :py:func:`_open_script`."""
    import onnx
    from onnx import numpy_helper

    session = open_session(content, torch.get_num_threads())
    (input_,) = session.get_inputs()
    outputs = [entry.name for entry in session.get_outputs()]
    # The published names, whatever the order in the file.
    wanted = [one for one in _OUTPUTS if one in outputs] or outputs

    def call(x: torch.Tensor) -> list[torch.Tensor]:
        found = session.run(wanted, {input_.name: x.cpu().numpy()})
        return [torch.from_numpy(one).to(x.device) for one in found]

    own = session.get_modelmeta().custom_metadata_map.get(PROPERTIES, "")
    weights = onnx.load_from_string(content).graph.initializer
    digests = {_digest(numpy_helper.to_array(value)) for value in weights}
    return call, len(input_.shape) == 2, own, digests
