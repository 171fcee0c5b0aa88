"""Models that were used already, in workers of every kind."""

import multiprocessing
from multiprocessing.pool import ThreadPool

import pytest
import torch

from seisbench_diting.models import LPPNT


@pytest.mark.parametrize(
    ("make_pool", "backend"),
    [
        (multiprocessing.get_context("fork").Pool, "auto"),
        (multiprocessing.get_context("fork").Pool, "torch"),
        (ThreadPool, "auto"),
        # As Dask and joblib do.
        pytest.param(
            multiprocessing.get_context("spawn").Pool, "auto", marks=pytest.mark.slow
        ),
    ],
)
def test_workers_pick_what_their_parent_picks(make_pool, backend, example):
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        torch.manual_seed(0)
        model = LPPNT()
        model.default_args["backend"] = backend
        expected = model.classify(example).picks
        with make_pool(2) as pool:
            found = pool.map_async(model.classify, [example] * 2).get(300)
    finally:
        torch.set_num_threads(threads)
    assert len(expected) > 0
    for output in found:
        assert list(map(str, output.picks)) == list(map(str, expected))
