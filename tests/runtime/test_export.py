"""Exported networks give what the models give."""

import numpy as np
import pytest
import seisbench.models as sbm
import torch
from torch import nn

from seisbench_diting import models
from seisbench_diting.runtime import ExportError, export, export_model
from seisbench_diting.runtime.export import open_session
from seisbench_diting.weights import weight_sets

SETS = [e for e in weight_sets() if e.model != "UNetPP" and not e.bundled]


def made(name, **arguments):
    """A model whose batch normalization does something."""
    torch.manual_seed(0)
    model = getattr(models, name)(**{"in_samples": 1024, **arguments})
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d):
            for values in (module.running_mean, module.bias):
                nn.init.uniform_(values, -0.2, 0.2)
            for values in (module.running_var, module.weight):
                nn.init.uniform_(values, 0.5, 1.5)
    return model.eval()


def assert_same(model, path):
    names = ["prob", "time"][: 1 + model.regression]
    if path.suffix == ".onnx":
        assert [entry.name for entry in open_session(str(path)).get_outputs()] == names
    loaded = models.load_model(path)
    for batch in (1, 7):
        wave = np.random.default_rng(batch).normal(size=(batch, 3, model.in_samples))
        wave = (wave / np.abs(wave).max(axis=(1, 2), keepdims=True)).astype(np.float32)
        with torch.no_grad():
            both = [one(torch.from_numpy(wave)) for one in (loaded, model)]
        ours, theirs = (one if model.regression else [one] for one in both)
        for a, b, scale in zip(ours, theirs, [1, 8][: len(names)], strict=True):
            assert (a - b).abs().max() / scale < 1e-5


@pytest.mark.parametrize("suffix", ["onnx", "jit"])
@pytest.mark.parametrize("name", models.PICKERS)
def test_exported_networks_give_the_same(name, suffix, tmp_path):
    model = made(name)
    path = export_model(model, tmp_path / f"{name}.{suffix}")

    assert_same(model, path)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("suffix", ["onnx", "jit"])
@pytest.mark.parametrize("entry", SETS, ids=lambda entry: entry.title)
def test_published_networks_give_the_same(entry, suffix, published, tmp_path):
    model = published(entry.model, entry.name)

    assert_same(model, export_model(model, tmp_path / f"x.{suffix}"))


def test_a_file_that_differs_is_not_written(tmp_path, monkeypatch):
    # So that rounding makes a difference.
    monkeypatch.setattr(export, "TOLERANCE", 0.0)
    (tmp_path / "old.onnx").write_bytes(b"old")
    with pytest.raises(ExportError, match="'prob'"):
        export_model(made("UNet"), tmp_path / "old.onnx")
    assert (tmp_path / "old.onnx").read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 1


def test_other_endings_and_models_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"output='.*x\.pb'"):
        export_model(made("LPPNT"), tmp_path / "x.pb")
    with pytest.raises(ValueError, match="model='PhaseNet'"):
        export_model(sbm.PhaseNet(), tmp_path / "x.onnx")
