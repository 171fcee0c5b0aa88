"""ONNX Runtime as a backend: same results, one graph, a way out where it can't."""

import copy
import os
import pickle
import sys
import threading
from multiprocessing.pool import ThreadPool
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from torch import nn

from seisbench_diting import models
from seisbench_diting.models import LPPNM, LPPNT, RNN
from seisbench_diting.runtime import sessions


def assert_near(ours, theirs, tolerance=1e-5):
    assert len(ours) == len(theirs) > 0
    for a, b in zip(ours, theirs, strict=True):
        assert a.stats == b.stats
        scale = 8 if a.stats.channel.endswith("off") else 1
        assert np.abs(a.data - b.data).max() / scale < tolerance


@pytest.fixture
def exports(monkeypatch):
    """Counts the exports."""
    counted = Mock(wraps=sessions.to_onnx)
    monkeypatch.setattr(sessions, "to_onnx", counted)
    return counted


@pytest.fixture
def pair(tmp_path):
    """A model that was saved."""
    torch.manual_seed(0)
    LPPNT(in_samples=1024).save(tmp_path / "mine")
    return tmp_path / "mine"


def graphs(cache):
    return list(cache.glob("*/onnx/*"))


@pytest.mark.parametrize("name", models.PICKERS)
def test_both_backends_agree(name, example):
    torch.manual_seed(1)
    model = getattr(models, name)(in_samples=1024)
    theirs = model.annotate(example, backend="torch")
    for options in ({}, {"backend": "onnx"}, {"batch_size": 1}):
        assert_near(model.annotate(example, **options), theirs)
    model.in_samples = 2048
    assert_near(model.annotate(example), model.annotate(example, backend="torch"))


@pytest.mark.parametrize(
    "weights", [*(f"{name}/csn" for name in models.PICKERS[:-1]), "LPPNM/diting"]
)
def test_published_weights_on_two_hours(weights, published, cx_pb01):
    model = published(*weights.split("/"))
    start = cx_pb01[0].stats.starttime
    stream = cx_pb01.slice(start + 3600, start + 3 * 3600)

    # Of these PyTorch itself is 1e-5 to 2e-5 away from double precision.
    coarse = weights in ("LPPNT/csn", "LPPNM/diting")
    theirs = model.annotate(stream, backend="torch")
    assert_near(model.annotate(stream), theirs, 5e-5 if coarse else 1e-5)


# The graph, in memory and in the cache


def test_the_graph_is_made_once_for_a_file(pair, cache, example, exports):
    model = LPPNT.load(pair)
    expected = model.annotate(example)
    copies = copy.deepcopy(model), pickle.loads(pickle.dumps(model))  # noqa: S301
    for same in (model, LPPNT.load(pair), *copies):
        assert_near(same.annotate(example), expected, 1e-12)

    assert exports.call_count == len(graphs(cache)) == 1
    assert LPPNT.list_pretrained(remote=False) == []


def _change_weights(model):
    for parameter in model.parameters():
        parameter.data += 0.1


def _swap_a_layer(model):
    model.encoder.pool = nn.AvgPool1d(2)


def _replace_forward(model):
    forward = model.forward
    model.forward = lambda x: forward(x).flip(-1)


@pytest.mark.parametrize("change", [_change_weights, _swap_a_layer, _replace_forward])
def test_a_changed_model_and_its_file_do_not_share_a_graph(
    change, cache, tmp_path, example
):
    RNN(in_samples=1024).save(tmp_path / "mine")
    model, untouched = RNN.load(tmp_path / "mine"), RNN.load(tmp_path / "mine")
    expected = model.annotate(example)
    change(model)

    assert_near(model.annotate(example), model.annotate(example, backend="torch"))
    if change is _replace_forward:
        with pytest.raises(ValueError, match="backend='onnx'"):
            model.annotate(example, backend="onnx")
    assert_near(RNN.load(tmp_path / "mine").annotate(example), expected, 1e-12)
    assert_near(untouched.annotate(example, backend="torch"), expected)
    # Weights that change may change again, and are not kept.
    assert len(graphs(cache)) == (2 if change is _swap_a_layer else 1)


def test_first_use_by_many_threads_at_once(example, caplog):
    """PyTorch's exporter can't run in two threads."""
    torch.manual_seed(0)
    made = [LPPNT(in_samples=1024) for _ in range(3)]
    with ThreadPool(3) as pool:
        ours = pool.map(lambda model: model.annotate(example), made)

    assert caplog.text == ""
    for model, result in zip(made, ours, strict=True):
        assert_near(result, model.annotate(example, backend="torch"))


# Where PyTorch runs instead


def _not_in_onnx(x, offset):
    return torch.special.bessel_j0(offset)


def _not_seen_by_tracing(x, offset):
    return offset.flip(-1) if (x.abs() > 0.5).float().mean() < 0.01 else offset


@pytest.mark.parametrize("change", [_not_in_onnx, _not_seen_by_tracing])
@pytest.mark.parametrize("backend", ["auto", "onnx"])
def test_what_can_not_be_exported_runs_on_torch(
    change, backend, example, caplog, capsys, exports
):
    class Changed(LPPNM):
        def forward(self, x, logits=False):
            classes, offset = super().forward(x, logits)
            return classes, change(x, offset)

    model = Changed()
    ours = [model.annotate(example, backend=backend) for _ in range(2)]
    assert exports.call_count == 1
    # PyTorch would print the graph.
    assert capsys.readouterr().out == ""
    theirs = model.annotate(example, backend="torch")

    for result in ours:
        assert_near(result, theirs, 1e-12)
    assert sum("Changed" in record.message for record in caplog.records) == 1


@pytest.mark.parametrize("package", ["onnx", "onnxruntime"])
def test_without_its_packages_torch_runs(package, example, caplog, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    assert len(LPPNT().annotate(example)) == 4
    (record,) = caplog.records
    assert package in record.message


def test_a_disk_that_is_full_and_an_error_in_a_thread(
    example, pair, cache, monkeypatch
):
    monkeypatch.setattr(os, "replace", Mock(side_effect=OSError(28, "disk full")))
    model = LPPNT.load(pair)
    assert len(model.annotate(example, backend="onnx")) == 4
    assert graphs(cache) == []

    no_room = Mock(side_effect=MemoryError("no room"))
    monkeypatch.setattr(sessions._Runner, "_run", no_room)
    with pytest.raises(MemoryError, match="no room"):
        model.annotate(example)
    assert not [t for t in threading.enumerate() if t.name.startswith("onnx")]
