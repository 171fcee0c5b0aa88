"""Models that were used already, in workers of every kind."""

import multiprocessing
from multiprocessing.pool import ThreadPool

import joblib
import pytest
import torch

from seisbench_diting.models import LPPNT


def _fork(classify, streams, method="fork"):
    with multiprocessing.get_context(method).Pool(2) as pool:
        return pool.map_async(classify, streams).get(300)


def _spawn(classify, streams):
    return _fork(classify, streams, "spawn")


def _threads(classify, streams):
    with ThreadPool(2) as pool:
        return pool.map_async(classify, streams).get(120)


def _joblib(classify, streams):
    calls = (joblib.delayed(classify)(stream) for stream in streams)
    return joblib.Parallel(n_jobs=2, timeout=300)(calls)


def _dask(classify, streams):
    from distributed import Client

    options = {"threads_per_worker": 2, "dashboard_address": None, "timeout": 300}
    with Client(n_workers=1, **options) as client:
        futures = client.map(classify, streams, pure=False)
        return [future.result(300) for future in futures]


@pytest.mark.parametrize(
    ("run", "backend"),
    [
        (_fork, "auto"),
        (_fork, "torch"),
        (_threads, "auto"),
        pytest.param(_spawn, "auto", marks=pytest.mark.slow),
        pytest.param(_joblib, "auto", marks=pytest.mark.slow),
        pytest.param(_dask, "auto", marks=pytest.mark.slow),
    ],
)
def test_workers_pick_what_their_parent_picks(run, backend, example):
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        torch.manual_seed(0)
        model = LPPNT()
        model.default_args["backend"] = backend
        expected = model.classify(example).picks
        found = run(model.classify, [example] * 2)
    finally:
        torch.set_num_threads(threads)
    assert len(expected) > 0
    assert [list(map(str, one.picks)) for one in found] == [
        list(map(str, expected))
    ] * 2
