"""Latency: what is counted, how memory is bounded, and the command."""

import numpy as np
import onnxruntime
import pytest
import seisbench.data as sbd
import torch
from torch import nn

from seisbench_diting import cli, models
from seisbench_diting.models import LPPNM, LPPNT, RNN, UNet
from seisbench_diting.runtime import latency, quantize


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


def test_parameters():
    assert latency.count_parameters(LPPNT()) == 11784


@pytest.mark.parametrize("backend", ["onnx", "torch", "torchscript", "bfloat16"])
def test_every_backend_is_measured(backend):
    found = latency.measure_latency(LPPNT(), backend, name="x", batch=20, cycles=3)

    assert (found.model, found.backend, found.device) == ("x", backend, "cpu")
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


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"backend": "tensorrt"}, r"backend='tensorrt' must be one of onnx, torch"),
        ({"batch": 0}, "batch=0 must be a whole number of at least 1"),
        ({"batch": 2.5}, "batch=2.5 must be a whole number"),
        ({"cycles": 2}, "cycles=2 must be a whole number of at least 3"),
        ({"cycles": "5"}, "cycles='5' must be a whole number"),
    ],
)
def test_impossible_measurements(options, message):
    with pytest.raises(ValueError, match=message):
        latency.measure_latency(LPPNT(), **options)


def windows(batch):
    wave = np.random.default_rng(batch).standard_normal((batch, 3, 6144))
    return (wave / np.abs(wave).max(axis=(1, 2), keepdims=True)).astype(np.float32)


def test_quantized(tmp_path):
    torch.manual_seed(0)
    model = LPPNM().eval()
    path = quantize(model, iter([windows(4), windows(3)]), tmp_path / "int8.onnx")
    assert [file.name for file in tmp_path.iterdir()] == ["int8.onnx"]

    session = onnxruntime.InferenceSession(str(path))
    operators = path.read_bytes()
    assert operators.count(b"QuantizeLinear") > 20
    wave = windows(5)
    prob, _ = session.run(["prob", "time"], {"wave": wave})
    with torch.no_grad():
        expected = model(torch.from_numpy(wave))[0].numpy()
    assert np.abs(prob - expected).max() < 0.1
    assert np.corrcoef(prob.ravel(), expected.ravel())[0, 1] > 0.9


def test_what_can_not_be_quantized(tmp_path):
    with pytest.raises(ValueError, match=r"path='x.foo' must end in \.onnx"):
        quantize(LPPNT(), [windows(1)], "x.foo")
    with pytest.raises(ValueError, match=r"shape \(1, 3, 100\), not \(batch, 3, 6144"):
        quantize(LPPNT(), [windows(1)[:, :, :100]], tmp_path / "int8.onnx")
    with pytest.raises(ValueError, match="model=RNN can't be quantised"):
        quantize(RNN(), [windows(1)], tmp_path / "int8.onnx")
    with pytest.raises(ValueError, match="waves holds no windows"):
        quantize(LPPNT(), [], tmp_path / "int8.onnx")
    assert list(tmp_path.iterdir()) == []


def run(capsys, monkeypatch, *arguments):
    monkeypatch.setattr("sys.argv", ["seisbench-diting", "latency", *arguments])
    code = 0
    try:
        cli.main()
    except SystemExit as stop:
        code = stop.code or 0
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_the_command_measures_all_seven(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    code, out, _ = run(
        capsys, monkeypatch, "--batch", "2", "--cycles", "3", "--backend", "torch"
    )

    assert code == 0
    for name in models.PICKERS:
        (line,) = [x for x in out.splitlines() if x.startswith(f"{name} ")]
        assert line.split()[1] == "torch"
    assert "11,784" in out
    assert (tmp_path / "latency.png").read_bytes().startswith(b"\x89PNG")
    assert len(list(tmp_path.iterdir())) == 1


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


def test_eight_bits_beside_the_model(dataset, capsys, monkeypatch, tmp_path):
    LPPNT().save(tmp_path / "mine")
    code, out, err = run(
        capsys,
        monkeypatch,
        *("-m", str(tmp_path / "mine"), "-i", str(dataset), "--int8"),
        *("--batch", "4", "--cycles", "3", "-o", str(tmp_path / "x.png")),
    )

    assert code == 0, err
    backends = [
        line.split()[1] for line in out.splitlines() if line.startswith(str(tmp_path))
    ]
    assert backends == ["onnx", "torch", "int8"]
    assert "F1: measured" in out
    assert (tmp_path / "x.png").exists()


def test_eight_bits_need_lppn_and_a_train_split(dataset, capsys, monkeypatch, tmp_path):
    RNN().save(tmp_path / "rnn")
    options = ("-i", str(dataset), "--int8")
    code, _, err = run(capsys, monkeypatch, "-m", str(tmp_path / "rnn"), *options)
    assert code == 1
    assert "--int8 is for LPPN" in err

    LPPNT().save(tmp_path / "lppnt")
    table = (dataset / "metadata.csv").read_text().replace("train", "test")
    (dataset / "metadata.csv").write_text(table)
    code, out, err = run(capsys, monkeypatch, "-m", str(tmp_path / "lppnt"), *options)
    assert code == 1
    assert "train split" in err
    assert "ms" not in out


def test_precision_and_mode_of_the_model():
    model = LPPNT().train()
    latency.measure_latency(model, "torch", batch=1, cycles=3)
    assert model.training
    with pytest.raises(ValueError, match=r"model is in torch\.float64"):
        latency.measure_latency(model.double(), "torch", batch=1, cycles=3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("-d", "abacus"), "device='abacus' can't be used"),
        (("--backend", "tensorrt"), "backend='tensorrt' must be one of"),
        (("-i", "DATA"), "--input needs models with weights"),
        (("-m", "LPPNT/csn", "--int8"), "--int8 needs --input"),
        (("-m", "LPPNX"), "model='LPPNX'"),
        (("-m", ""), "model=''"),
        (("-m", "."), "model='.'"),
        (("-d", "meta"), "device='meta' can't be used"),
        (("-d", "cpu:5"), "device='cpu:5' can't be used"),
        (("-o", "x.xyz"), "output='x.xyz' must end in .png"),
        (("-o", "nodir/x.png"), "there is no folder nodir"),
        (("-m", "LPPNT/csn", "-o", "x.png"), "--output needs F1"),
    ],
)
def test_wrong_options(arguments, message, capsys, monkeypatch):
    code, _, err = run(capsys, monkeypatch, *arguments)

    assert code == 1
    assert message in err


def test_the_paper_has_a_figure_for_every_model():
    from seisbench_diting.cli.latency import PAPER

    assert set(PAPER) == set(models.PICKERS)
    assert all(0.7 < s < p < 1 for p, s in PAPER.values())
