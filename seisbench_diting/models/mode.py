"""Evaluation mode of a model that several threads may use at once."""

import os
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

_lock = threading.Lock()

# For each model in use the number of its users, and the mode that it was in before. Not
# an attribute of the model, which could then be neither copied nor sent to a process.
_users: "weakref.WeakKeyDictionary[nn.Module, int]" = weakref.WeakKeyDictionary()
_training: "weakref.WeakKeyDictionary[nn.Module, bool]" = weakref.WeakKeyDictionary()


def _after_fork() -> None:
    # Of the threads that may hold the lock none is in the child.
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


@contextmanager
def evaluation_mode(model: nn.Module) -> Iterator[None]:
    """
    Keeps a model in evaluation mode. The last one to leave puts the former mode back.

    :param model: Model
    """
    with _lock:
        if _users.get(model, 0) == 0:
            _training[model] = model.training
            model.eval()
        _users[model] = _users.get(model, 0) + 1
    try:
        yield
    finally:
        with _lock:
            _users[model] -= 1
            if _users[model] == 0:
                model.train(_training[model])
