"""Latency: what is counted, how memory is bounded, and the command."""

import numpy as np
import pytest
import seisbench.data as sbd
import torch
from torch import nn

from seisbench_diting import models
from seisbench_diting.evaluation import latency
from seisbench_diting.models import LPPNM, LPPNT, RNN, UNet


def multiplications(model):
    """Of convolutions, counted by the shapes that they give."""
    total = 0

    def add(layer, _, output):
        nonlocal total
        width = layer.in_channels // layer.groups * layer.kernel_size[0]
        total += output.shape[1] * output.shape[2] * width

    for module in model.modules():
        if isinstance(module, nn.Conv1d):
            module.register_forward_hook(add)
    model(torch.zeros(1, 3, model.in_samples))
    return total


@pytest.mark.parametrize("cls", [LPPNM, UNet])
def test_operations_of_convolutions(cls):
    assert latency.count_flops(cls().eval()) == 2 * multiplications(cls().eval())


def test_operations_of_recurrent_layers():
    class Recurrent(RNN):
        """Nothing but its two layers, on 48 steps."""

        def __init__(self):
            super().__init__()
            self.encoder, self.decoder = nn.AvgPool1d(128), nn.Identity()
            self.recurrent = nn.Sequential(
                self.recurrent[0].lstm, _First(), self.recurrent[1].lstm, _First()
            )

        def forward(self, x, logits=False):
            x = self.encoder(x.repeat(1, 22, 1)[:, :64]).transpose(1, 2)
            x = self.recurrent[1](self.recurrent[0](x))[:, :, :96]
            return self.recurrent[3](self.recurrent[2](x))

    # Four gates, two directions, 48 steps, two operations a multiplication.
    expected = 2 * 48 * 2 * 4 * 96 * ((64 + 96) + (96 + 96))
    assert latency.count_flops(Recurrent().eval()) == expected


class _First(nn.Module):
    def forward(self, x):
        return x[0]


@pytest.mark.parametrize("backend", ["onnx", "torch", "torchscript", "bfloat16"])
def test_every_backend_is_measured(backend):
    found = latency.measure_latency(LPPNT(), backend, batch=20, cycles=3)

    assert (found.model, found.backend, found.device) == ("LPPNT", backend, "cpu")
    assert (found.batch, found.part) == (20, 8)
    assert found.milliseconds > 0
    assert found.deviation >= 0


def test_the_first_third_does_not_count(monkeypatch):
    clock = iter(range(1000))
    monkeypatch.setattr(latency.time, "perf_counter", lambda: next(clock) ** 2)
    found = latency.measure_latency(LPPNT(), "torch", batch=1, cycles=6)

    # Each cycle takes the time between two squares: 1, 5, 9, 13, 17, 21 s.
    assert found.milliseconds == 1000 * np.mean([9, 13, 17, 21])


@pytest.mark.parametrize("batch", [1, 20, 1440, 5001])
def test_every_window_is_evaluated_in_parts(batch, monkeypatch):
    seen = []

    def forward(self, x):
        seen.append(x.shape)
        assert x.abs().amax() == 1
        return x

    monkeypatch.setattr(LPPNT, "forward", forward)
    monkeypatch.setattr(latency, "_MOST_WINDOWS", 16)
    latency.measure_latency(LPPNT(), "torch", batch=batch, cycles=3)

    assert sum(shape[0] for shape in seen) == 3 * batch
    assert {shape[1:] for shape in seen} == {(3, 6144)}
    assert max(shape[0] for shape in seen) <= 8


def test_the_command_measures_all_seven(run):
    status, out, _ = run(
        "latency", "--batch", "2", "--cycles", "3", "--backend", "torch"
    )

    assert status == 0
    for name in models.PICKERS:
        (line,) = [x for x in out.splitlines() if x.startswith(f"{name} ")]
        assert line.split()[1] == "torch"
    assert "11,784" in out


@pytest.fixture
def dataset(tmp_path):
    """Records with steps at both arrivals, in two splits."""
    rng = np.random.default_rng(0)
    with sbd.WaveformDataWriter(
        tmp_path / "data" / "metadata.csv", tmp_path / "data" / "waveforms.hdf5"
    ) as writer:
        writer.data_format = {"dimension_order": "CW", "component_order": "ZNE"}
        for number in range(12):
            wave = rng.standard_normal((3, 9000)).astype(np.float32)
            wave[:, 3000:] *= 10
            writer.add_trace(
                {
                    "trace_p_arrival_sample": 3000,
                    "trace_s_arrival_sample": 4000,
                    "trace_sampling_rate_hz": 100,
                    "split": "train" if number < 8 else "test",
                },
                wave,
            )
    return tmp_path / "data"


def test_own_models_get_their_f1(dataset, run, tmp_path):
    LPPNT().save(tmp_path / "mine")
    status, out, err = run(
        *("latency", "-m", tmp_path / "mine", "-i", dataset),
        *("--batch", "4", "--cycles", "3", "-o", tmp_path / "x.png"),
    )

    assert status == 0, err
    rows = [line.split() for line in out.splitlines() if line.startswith(str(tmp_path))]
    assert [row[1] for row in rows] == ["onnx", "torch"]
    assert all(0 <= float(f1) <= 1 for row in rows for f1 in row[-2:])
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")


def test_the_mode_of_the_model_stays():
    model = LPPNT().train()
    latency.measure_latency(model, "torch", batch=1, cycles=3)
    assert model.training


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("-d", "abacus"), "--device=abacus"),
        (("-d", "meta"), "--device=meta"),
        (("--backend", "tensorrt"), "--backend=tensorrt"),
        (("--batch", "0"), "--batch=0"),
        (("--cycles", "2.5"), "--cycles=2.5"),
        (("-i", "DATA"), "--input=DATA"),
        (("-m", "LPPNX"), "LPPNX"),
        (("-m", "."), "model="),
        (("-o", "x.png"), "--output=x.png"),
        (("-m", "LPPNT", "-i", "x", "-o", "x.xyz"), "x.xyz"),
    ],
)
def test_wrong_options(arguments, message, run):
    status, _, errors = run("latency", *arguments)

    assert status == 1
    assert message in errors
