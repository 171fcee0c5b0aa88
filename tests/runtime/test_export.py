"""Exported networks give what the models give."""

import numpy as np
import onnxruntime
import pytest
import seisbench.models as sbm
import torch
from torch import nn

from seisbench_diting import models
from seisbench_diting.runtime import (
    ExportError,
    export,
    export_model,
)
from seisbench_diting.weights import weight_sets

SETS = [e for e in weight_sets() if e.model != "UNetPP" and not e.bundled]


def made(name):
    """A model whose batch normalization does something."""
    torch.manual_seed(0)
    model = getattr(models, name)()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d):
            nn.init.uniform_(module.running_mean, -0.2, 0.2)
            nn.init.uniform_(module.running_var, 0.5, 2)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.2, 0.2)
    return model.eval()


def waves(batch):
    wave = np.random.default_rng(batch).standard_normal((batch, 3, 6144))
    wave /= np.abs(wave).max(axis=(1, 2), keepdims=True)
    return wave.astype(np.float32)


def run(path, wave):
    if path.suffix == ".onnx":
        session = onnxruntime.InferenceSession(
            str(path), providers=["CPUExecutionProvider"]
        )
        names = [entry.name for entry in session.get_outputs()]
        assert names in (["prob"], ["prob", "time"])
        return session.run(names, {"wave": wave})
    with torch.no_grad():
        output = torch.jit.load(str(path))(torch.from_numpy(wave))
    return [x.numpy() for x in (output if isinstance(output, tuple) else (output,))]


def assert_same(model, path, batches):
    for batch in batches:
        wave = waves(batch)
        with torch.no_grad():
            expected = model(torch.from_numpy(wave))
        expected = expected if isinstance(expected, tuple) else (expected,)
        ours = run(path, wave)
        assert len(ours) == len(expected)
        for a, b, scale in zip(ours, expected, (1, 8), strict=False):
            assert np.abs(a - b.numpy()).max() / scale < 1e-5


@pytest.mark.parametrize("suffix", ["onnx", "jit"])
@pytest.mark.parametrize("name", models.PICKERS)
def test_random_parameters(name, suffix, tmp_path):
    model = made(name)
    path = export_model(model, tmp_path / f"{name}.{suffix}")

    assert_same(model, path, (1, 7) if name == "UNetPP" else (1, 7, 64))
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", ["onnx", "jit"])
@pytest.mark.parametrize("entry", SETS, ids=lambda entry: entry.title)
def test_published_weights(entry, suffix, published, tmp_path):
    model = published(entry.model, entry.name)
    path = export_model(model, tmp_path / f"x.{suffix}")

    # TorchScript looks for something faster for each size, which takes long.
    assert_same(model, path, (1, 7, 64) if suffix == "onnx" else (1, 7))


def test_a_file_that_differs_is_not_written(tmp_path, monkeypatch):
    fold = export.fold_batch_norms

    def spoiled(model):
        folded = fold(model)
        calls = iter(range(100))
        forward = folded.forward
        folded.forward = lambda x: forward(x) * (1 + 1e-3 * (next(calls) > 0))
        return folded

    monkeypatch.setattr(export, "fold_batch_norms", spoiled)
    (tmp_path / "old.onnx").write_bytes(b"old")
    with pytest.raises(ExportError, match=r"differs in 'prob'"):
        export_model(made("UNet"), tmp_path / "old.onnx")
    assert (tmp_path / "old.onnx").read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 1


def test_what_can_not_be_exported(tmp_path):
    with pytest.raises(ValueError, match=r"must end in \.onnx or \.jit"):
        export_model(made("LPPNT"), tmp_path / "x.pb")
    with pytest.raises(ValueError, match="model='PhaseNet'"):
        export_model(sbm.PhaseNet(), tmp_path / "x.onnx")
