"""ONNX Runtime as a backend: same results, one graph, a way out where it can't."""

import copy
import logging
import os
import pickle
import subprocess
import sys
import threading
from multiprocessing.pool import ThreadPool

import numpy as np
import pytest
import torch
from torch import nn

from seisbench_diting import models
from seisbench_diting.models import LPPNM, LPPNT, RNN
from seisbench_diting.runtime import sessions

#: In a module of its own, as a process would load it.
ANNOTATE = """
import sys
import numpy as np, obspy
from seisbench_diting.models import LPPNT
model = LPPNT.load(sys.argv[1])
stream = obspy.read()
stream.resample(100)
print(sum(float(np.abs(trace.data).sum()) for trace in model.annotate(stream)))
"""


def assert_near(ours, theirs, tolerance=1e-5):
    assert len(ours) == len(theirs) > 0
    for a, b in zip(ours, theirs, strict=True):
        assert a.stats == b.stats
        scale = 8 if a.stats.channel.endswith("off") else 1
        assert np.abs(a.data - b.data).max() / scale < tolerance


@pytest.fixture
def exports(monkeypatch):
    """A list that grows with every export."""
    made = []
    export = sessions.to_onnx

    def counted(model):
        made.append(type(model).__name__)
        return export(model)

    monkeypatch.setattr(sessions, "to_onnx", counted)
    return made


@pytest.fixture
def pair(tmp_path):
    torch.manual_seed(0)
    LPPNT().save(tmp_path / "mine")
    return tmp_path / "mine"


def graphs(cache):
    return sorted((cache / "lppnt" / "onnx").glob("*"))


@pytest.mark.parametrize("name", models.PICKERS)
def test_both_backends_agree(name, example):
    torch.manual_seed(1)
    model = getattr(models, name)()
    theirs = model.annotate(example, backend="torch")
    for options in ({}, {"backend": "onnx"}, {"batch_size": 1}):
        assert_near(model.annotate(example, **options), theirs)


@pytest.mark.parametrize(
    ("name", "weights"),
    [
        *((name, "csn") for name in ("LPPNM", "RNN", "EQT", "UNet", "LPPNL", "LPPNT")),
        ("LPPNM", "diting"),
    ],
)
def test_published_weights_on_two_hours(name, weights, published, cx_pb01):
    model = published(name, weights)
    start = cx_pb01[0].stats.starttime
    stream = cx_pb01.slice(start + 3600, start + 3 * 3600)

    # Of these PyTorch itself is 1e-5 to 2e-5 away from double precision.
    coarse = name == "LPPNT" or weights == "diting"
    tolerance = 5e-5 if coarse else 1e-5
    theirs = model.annotate(stream, backend="torch")
    assert_near(model.annotate(stream), theirs, tolerance)


@pytest.mark.parametrize("threads", [1, 3])
def test_threads_are_those_of_torch(threads, example, monkeypatch):
    used = set()
    run = sessions._Runner._run

    def noted(self, wave):
        used.add(threading.get_ident())
        return run(self, wave)

    monkeypatch.setattr(sessions._Runner, "_run", noted)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        LPPNT().annotate(example, batch_size=1, overlap=0.9)
    finally:
        torch.set_num_threads(before)
    if threads == 1:
        assert used == {threading.get_ident()}
    else:
        assert len(used) <= threads
        assert threading.get_ident() not in used


def test_the_graph_is_made_once_for_a_file(pair, cache, example, exports):
    expected = LPPNT.load(pair).annotate(example)
    model = LPPNT.load(pair)
    for _ in range(2):
        assert_near(model.annotate(example), expected, 1e-12)

    assert exports == ["LPPNT"]
    assert len(graphs(cache)) == 1
    assert LPPNT.list_pretrained(remote=False) == []


def test_changed_weights_are_seen_and_not_kept(pair, cache, example, exports):
    model = LPPNT.load(pair)
    before = model.annotate(example)
    with torch.no_grad():
        model.class_head.bias.data[1] += 1.0
    after = model.annotate(example)

    assert np.abs(after[1].data - before[1].data).max() > 1e-3
    assert_near(after, model.annotate(example, backend="torch"))
    assert len(exports) == 2
    assert len(graphs(cache)) == 1


def test_a_cache_that_can_not_be_written(pair, cache, example, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    assert len(LPPNT.load(pair).annotate(example, backend="onnx")) == 4
    assert graphs(cache) == []


def test_first_use_by_many_at_once(pair, tmp_path, example):
    environment = {**os.environ, "SEISBENCH_CACHE_ROOT": str(tmp_path / "cache")}
    # SeisBench makes its own configuration at first, which one must not see half-written.
    subprocess.run(
        [sys.executable, "-c", "import seisbench"], env=environment, check=True
    )
    command = [sys.executable, "-W", "ignore", "-c", ANNOTATE, str(pair)]
    processes = [
        subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(3)
    ]
    printed = [process.communicate(timeout=300) for process in processes]

    assert [process.returncode for process in processes] == [0, 0, 0], printed
    assert len({out for out, _ in printed}) == 1
    left = list((tmp_path / "cache").rglob("onnx/*"))
    assert len(left) == 1
    assert left[0].suffix == ".onnx"


def test_models_that_are_made_at_once(example, caplog):
    """PyTorch's exporter can't run in two threads."""
    torch.manual_seed(0)
    made = [LPPNT() for _ in range(3)]
    with caplog.at_level(logging.WARNING), ThreadPool(3) as pool:
        ours = pool.map(lambda model: model.annotate(example), made)

    assert not [r for r in caplog.records if "PyTorch" in r.message]
    for model, result in zip(made, ours, strict=True):
        assert_near(result, model.annotate(example, backend="torch"))


def test_a_model_in_use_is_not_hashed(example, monkeypatch):
    model = LPPNT()
    expected = model.annotate(example)
    monkeypatch.setattr(sessions, "weights_checksum", None)
    assert_near(model.annotate(example), expected, 1e-12)


def test_a_model_in_use_can_be_copied(example):
    model = LPPNT()
    expected = model.annotate(example)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):  # noqa: S301
        assert_near(other.annotate(example), expected, 1e-12)


class Unknown(LPPNM):
    """A layer that ONNX does not have."""

    def forward(self, x, logits=False):
        classes, offset = super().forward(x, logits)
        return classes, torch.special.bessel_j0(offset)


class Branching(LPPNM):
    """What tracing does not see."""

    def forward(self, x, logits=False):
        classes, offset = super().forward(x, logits)
        if (x.abs() > 0.5).float().mean() < 0.01:
            classes = classes.flip(-1)
        return classes, offset


@pytest.mark.parametrize("cls", [Unknown, Branching])
@pytest.mark.parametrize("backend", ["auto", "onnx"])
def test_what_can_not_be_exported_runs_on_torch(
    cls, backend, example, caplog, capsys, exports
):
    model = cls()
    with caplog.at_level(logging.WARNING):
        ours = [model.annotate(example, backend=backend) for _ in range(2)]
    assert exports == [cls.__name__]
    # PyTorch would print the graph.
    assert capsys.readouterr().out == ""
    theirs = model.annotate(example, backend="torch")

    for result in ours:
        assert_near(result, theirs, 1e-12)
    messages = [r.message for r in caplog.records if "PyTorch" in r.message]
    assert len(messages) == 1
    assert cls.__name__ in messages[0]


@pytest.mark.parametrize("package", ["onnx", "onnxruntime"])
def test_a_missing_package(package, example, caplog, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with caplog.at_level(logging.WARNING):
        assert len(LPPNT().annotate(example)) == 4
    (message,) = [r.message for r in caplog.records if "PyTorch" in r.message]
    assert package in message


def test_impossible_backends(example):
    with pytest.raises(ValueError, match=r"backend='tensorrt'"):
        LPPNT().annotate(example, backend="tensorrt")
    model = LPPNT().double()
    with pytest.raises(ValueError, match=r"backend='onnx'.* torch\.float64"):
        model.annotate(example, backend="onnx")
    assert len(model.annotate(example)) == 4


def test_an_error_in_a_thread_reaches_the_caller(example, monkeypatch):
    def fail(self, wave):
        raise MemoryError("no room")

    monkeypatch.setattr(sessions._Runner, "_run", fail)
    with pytest.raises(MemoryError, match="no room"):
        LPPNT().annotate(example)
    assert not [t for t in threading.enumerate() if t.name.startswith("onnx")]


def _swap_a_layer(model):
    model.encoder.pool = nn.AvgPool1d(2)


def _replace_forward(model):
    forward = model.forward
    model.forward = lambda x: forward(x).flip(-1)


def _add_a_hook(model):
    model.decoder.register_forward_hook(lambda module, inputs, output: output * 2)


def _odd_buffer(model):
    model.register_buffer("odd", torch.zeros(3, dtype=torch.bfloat16))


@pytest.mark.parametrize(
    "change", [_swap_a_layer, _replace_forward, _add_a_hook, _odd_buffer]
)
def test_a_model_that_was_changed(change, cache, tmp_path, example):
    """Neither its own graph nor that of the unchanged weights may be the wrong one."""
    RNN().save(tmp_path / "mine")
    model, untouched = RNN.load(tmp_path / "mine"), RNN.load(tmp_path / "mine")
    expected = model.annotate(example)
    change(model)

    assert_near(model.annotate(example), model.annotate(example, backend="torch"))
    assert_near(RNN.load(tmp_path / "mine").annotate(example), expected, 1e-12)
    assert_near(untouched.annotate(example, backend="torch"), expected)


def test_old_graphs_are_removed(cache, tmp_path, example, monkeypatch):
    monkeypatch.setattr(sessions, "MOST_GRAPHS", 3)
    for number in range(5):
        LPPNT().save(tmp_path / f"{number}")
        LPPNT.load(tmp_path / f"{number}").annotate(example)
        # Used again and again, so that it stays.
        LPPNT.load(tmp_path / "0").annotate(example)
        for age, path in enumerate(sorted(graphs(cache), key=os.path.getmtime)):
            os.utime(path, (1000 + age, 1000 + age))

    assert len(graphs(cache)) == 3
