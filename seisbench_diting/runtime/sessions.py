"""ONNX Runtime as a backend of ``annotate`` and ``classify``."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import threading
import time
import weakref
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from .. import __version__
from .._util import LEFTOVER, replacing
from ..models import (
    BackendUnavailableError,
    Output,
    PhasePicker,
    Runner,
    weights_checksum,
)
from .export import INPUT, ExportError, export_model
from .runtime import load_runtime

if TYPE_CHECKING:
    import onnxruntime

#: Folder of the graphs, beside the weights in SeisBench's cache.
FOLDER = "onnx"

#: Graphs of a model that stay there; of older ones those used least recently are removed.
MOST_GRAPHS = 16

#: Batches that are prepared before one is through, more than there are threads.
_AHEAD = 2

_STALE_SECONDS = 3600.0


class _Made:
    """What was made of a model, and from what. Models wait for their own only."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.key = ""
        self.result: onnxruntime.InferenceSession | BackendUnavailableError | None = (
            None
        )


_lock = threading.Lock()

# Not an attribute of the model, which could then be neither copied nor sent to a process.
_made: weakref.WeakKeyDictionary[PhasePicker, _Made] = weakref.WeakKeyDictionary()


def _after_fork() -> None:
    # Of the threads that may hold the locks none is in the child.
    global _lock
    _lock = threading.Lock()
    for made in _made.values():
        made.lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def make_runner(model: PhasePicker) -> Runner:
    """
    The graph is made once. That of weights that were loaded from a file stays in
    SeisBench's cache, that of others in memory.

    :param model: Picker on the CPU, in single precision
    :raises BackendUnavailableError: if a package is missing or the model can't be
        exported
    :return: What runs its network with ``torch.get_num_threads()`` threads, each of
        them one batch at a time
    """
    if _is_watched(model):
        raise BackendUnavailableError(
            "it has hooks or functions of its own, which ONNX Runtime would not call."
        )
    weights = weights_checksum(model)
    key = _key(model, weights)
    with _lock:
        made = _made.setdefault(model, _Made())
    with made.lock:
        if made.key != key:
            try:
                made.result = _open(_graph(model, weights, key))
            except BackendUnavailableError as error:
                made.result = error
            made.key = key
        result = made.result
    if isinstance(result, BackendUnavailableError):
        raise result
    return _Runner(result)


def open_graph(graph: bytes) -> Runner:
    """
    :param graph: Content of an ONNX file with one input ``wave``
    :raises BackendUnavailableError: if ONNX Runtime can't read it
    :return: What runs it, as :py:func:`make_runner`
    """
    return _Runner(_open(graph))


class _Runner:
    def __init__(self, session: onnxruntime.InferenceSession):
        self._session = session

    def __call__(self, waves: Iterator[torch.Tensor]) -> Iterator[Output]:
        threads = torch.get_num_threads()
        if threads == 1:
            yield from map(self._run, waves)
            return
        # A thread for each batch is faster than all of them on one layer after another.
        pool = ThreadPoolExecutor(threads, thread_name_prefix="onnx")
        try:
            pending: deque[Future[Output]] = deque()
            for wave in waves:
                pending.append(pool.submit(self._run, wave))
                if len(pending) >= threads + _AHEAD:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)

    def _run(self, wave: torch.Tensor) -> Output:
        outputs = self._session.run(None, {INPUT: np.ascontiguousarray(wave.numpy())})
        tensors = tuple(map(torch.from_numpy, outputs))
        return tensors if len(tensors) > 1 else tensors[0]


def _is_watched(model: PhasePicker) -> bool:
    """If calling the model does what its classes do not say."""
    return any(
        module._forward_hooks or module._forward_pre_hooks or "forward" in vars(module)
        for module in model.modules()
    )


def _key(model: PhasePicker, weights: str) -> str:
    """Whatever makes another graph changes the key."""
    kind = type(model)
    # Layers and their options, which may have been changed after the model was made.
    layers = nn.Module.__repr__(model)
    parts = (weights, kind.__module__, kind.__qualname__, model.in_samples, layers)
    text = " ".join(map(str, (*parts, __version__, torch.__version__)))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _graph(model: PhasePicker, weights: str, key: str) -> bytes:
    # Weights that were changed in memory, as in training, may change at every call. And
    # the graph of a class from elsewhere may change while its name does not.
    lasting = model.stored_checksum == weights and type(model).__module__.startswith(
        f"{__package__.partition('.')[0]}."
    )
    folder = type(model)._model_path() / FOLDER
    if lasting and (content := _read(folder, key)):
        return content
    content = export_graph(model)
    if lasting:
        # Without room or permission to write the graph is made again next time.
        with contextlib.suppress(OSError):
            _write(folder, key, content)
    return content


def export_graph(model: PhasePicker) -> bytes:
    """
    :param model: Picker
    :raises BackendUnavailableError: if it can't be exported
    :return: Content of its ONNX file
    """
    with tempfile.TemporaryDirectory() as folder:
        try:
            return export_model(model, Path(folder) / "graph.onnx").read_bytes()
        except ExportError as error:
            raise BackendUnavailableError(str(error)) from error
        # What the layers of a user, and PyTorch's tools for them, raise is theirs.
        except Exception as error:
            raise BackendUnavailableError(
                f"it can't be exported ({type(error).__name__}: {error})."
            ) from error


def _read(folder: Path, key: str) -> bytes | None:
    """The graph that was written for this key, if it is as it was written."""
    for path in folder.glob(f"{key}-*.onnx"):
        with contextlib.suppress(OSError):
            content = path.read_bytes()
            if path.name == _name(key, content):
                # When it was used last.
                os.utime(path)
                return content
            path.unlink()
    return None


def _write(folder: Path, key: str, content: bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / _name(key, content)) as temporary:
        temporary.write_bytes(content)
    _remove_old(folder)


def _remove_old(folder: Path) -> None:
    """Removes what killed processes left, and graphs that were not used for long."""
    ages = []
    for path in folder.iterdir():
        # Another process may remove the same file.
        with contextlib.suppress(OSError):
            used = path.stat().st_mtime
            if path.suffix == ".onnx":
                ages.append((used, path))
            elif path.suffix == LEFTOVER and time.time() - used > _STALE_SECONDS:
                path.unlink()
    for _, path in sorted(ages, reverse=True)[MOST_GRAPHS:]:
        path.unlink(missing_ok=True)


def _name(key: str, content: bytes) -> str:
    return f"{key}-{hashlib.sha256(content).hexdigest()[:32]}.onnx"


def _open(graph: bytes) -> onnxruntime.InferenceSession:
    try:
        onnxruntime = load_runtime()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        return onnxruntime.InferenceSession(
            graph, options, providers=["CPUExecutionProvider"]
        )
    # ONNX Runtime's errors have no common class.
    except Exception as error:
        raise BackendUnavailableError(
            f"ONNX Runtime can't be used ({type(error).__name__}: {error})."
        ) from error
