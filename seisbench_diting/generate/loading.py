"""Batches by their numbers, loaded ahead, and drawn the same each time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from torch.utils.data import DataLoader, Dataset, Sampler

from .checks import check_whole


def batch_loader(
    batches: Dataset,
    num_workers: int = 0,
    start: int = 0,
    stop: int | None = None,
    step: int = 1,
    **kwargs: Any,
) -> DataLoader:
    """
    :param batches: Batches by their numbers
    :param num_workers: Number of processes, 0 for none
    :param start: Number of the first batch, to go on where training stopped
    :param stop: Number of the batch after the last; None for no end
    :param step: Distance of batch numbers, for training on several devices
    :param kwargs: Passed to PyTorch's ``DataLoader``
    :raises ValueError: for wrong numbers
    :return: Loader of arrays as tensors
    """
    check_whole("num_workers", num_workers, 0)
    check_whole("start", start, 0)
    if stop is not None:
        check_whole("stop", stop, start)
    check_whole("step", step, 1)
    return DataLoader(
        batches,
        batch_size=None,
        sampler=Numbers(start, stop, step),
        num_workers=num_workers,
        **kwargs,
    )


class Numbers(Sampler[int]):
    """Numbers of batches, without end if there is no stop."""

    def __init__(self, start: int, stop: int | None, step: int):
        self.start = start
        self.stop = stop
        self.step = step

    def __iter__(self) -> Iterator[int]:
        number = self.start
        while self.stop is None or number < self.stop:
            yield number
            number += self.step

    def __len__(self) -> int:
        """:raises TypeError: If there is no end"""
        if self.stop is None:
            raise TypeError("There is no last batch.")
        return len(range(self.start, self.stop, self.step))


@contextmanager
def seeded(*seed: int) -> Iterator[None]:
    """
    NumPy's global state, from which SeisBench's augmentations draw, from a seed; the
    user's own state is put back.
    """
    state = np.random.get_state()
    np.random.seed(list(seed))
    try:
        yield
    finally:
        np.random.set_state(state)
