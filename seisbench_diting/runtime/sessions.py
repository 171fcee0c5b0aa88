"""ONNX Runtime as a backend of ``annotate`` and ``classify``."""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
import weakref
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import seisbench
import torch
from torch import nn

from .. import __version__
from .._util import replacing
from ..models import (
    BackendUnavailableError,
    HookedError,
    Output,
    PhasePicker,
    Runner,
    weights_checksum,
)
from .export import INPUT, open_session, to_onnx
from .network_files import FileNet

if TYPE_CHECKING:
    import onnxruntime

#: Folder of the graphs, beside the weights in SeisBench's cache.
FOLDER = "onnx"

#: Number of graphs of a model that are kept there, those used last.
MOST_GRAPHS = 16

#: Number of batches that are prepared ahead, in addition to one a thread.
_AHEAD = 2

# Only one thread makes a graph, as PyTorch's exporter is not safe for threads.
_lock = threading.Lock()


class _Made:
    """The session of a model, and what it was made from."""

    def __init__(self, model: PhasePicker) -> None:
        self.description = _description(model)
        self.values = [value.detach().clone() for value in _values(model)]
        self.session: onnxruntime.InferenceSession | None = None
        self.reason = ""
        try:
            self.session = open_session(_graph(model, self.description))
        # Layers of a user, PyTorch's exporter and ONNX Runtime raise all kinds of errors.
        except Exception as error:
            self.reason = f"{error}" or type(error).__name__
            seisbench.logger.warning(
                f"{type(model).__name__} runs on PyTorch, which is slower: {self.reason}"
            )

    def fits(self, model: PhasePicker) -> bool:
        """
        If the model is still the same. Values are compared, which is faster than a
        checksum: not all ways to change a parameter leave other traces.
        """
        values = _values(model)
        return [v.dtype for v in values] == [v.dtype for v in self.values] and (
            all(map(torch.equal, values, self.values))
            and self.description == _description(model)
        )


# Not an attribute of the model, which could then be neither copied nor sent to a process.
_made: weakref.WeakKeyDictionary[PhasePicker, _Made] = weakref.WeakKeyDictionary()


def make_runner(model: PhasePicker) -> Runner:
    """
    The graph is made once. It is kept in SeisBench's cache if the weights were loaded from a
    file, otherwise in memory.

    :param model: Picker on the CPU, in single precision
    :raises BackendUnavailableError: if a package is missing or the model can't be
        exported
    :return: What runs its network with ``torch.get_num_threads()`` threads, each of
        them one batch at a time
    """
    if isinstance(model, FileNet):
        raise BackendUnavailableError("it is a file")
    if _is_watched(model):
        reason = "it has hooks or a replaced forward, which ONNX Runtime would not call"
        raise HookedError(reason)
    made = _made.get(model)
    if made is None or not made.fits(model):
        with _lock:
            # Another thread may have made it meanwhile.
            made = _made.get(model)
            if made is None or not made.fits(model):
                made = _made[model] = _Made(model)
    if made.session is None:
        raise BackendUnavailableError(made.reason)
    return _Runner(made.session)


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
        prob, *offset = map(torch.from_numpy, outputs)
        return (prob, offset[0]) if offset else prob


def _is_watched(model: PhasePicker) -> bool:
    """If calling the model does more than its classes define."""
    return any(
        module._forward_hooks or module._forward_pre_hooks or "forward" in vars(module)
        for module in model.modules()
    )


def _values(model: PhasePicker) -> list[torch.Tensor]:
    return [*model.parameters(), *model.buffers()]


def _description(model: PhasePicker) -> str:
    """All but the values: layers and their options may be changed at any time."""
    kind = type(model)
    layers = nn.Module.__repr__(model)
    return f"{kind.__module__} {kind.__qualname__} {model.in_samples} {layers}"


def _graph(model: PhasePicker, description: str) -> bytes:
    weights = weights_checksum(model)
    # Weights that were changed in memory, as in training, may change at every call. And
    # the graph of a class from elsewhere may change while its name does not.
    if model.stored_checksum != weights or not type(model).__module__.startswith(
        f"{__package__.partition('.')[0]}."
    ):
        return to_onnx(model)
    text = f"{weights} {description} {__version__} {torch.__version__}"
    key = hashlib.sha256(text.encode()).hexdigest()[:32]
    path = type(model)._model_path() / FOLDER / f"{key}.onnx"
    with contextlib.suppress(OSError):
        # When it was used last.
        os.utime(path)
        return path.read_bytes()
    content = to_onnx(model)
    # Without room or permission to write, the graph is made again next time. Another
    # process may remove the same files.
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            temporary.write_bytes(content)
        graphs = sorted(path.parent.glob("*.onnx"), key=os.path.getmtime)
        for old in graphs[:-MOST_GRAPHS]:
            old.unlink()
    return content
