"""Rewritten graphs compute what they computed before."""

import io
import warnings

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from seisbench_diting import models
from seisbench_diting.runtime.graph import optimize_graph


def export(network, channels, samples):
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            (torch.zeros(2, channels, samples),),
            buffer,
            input_names=["wave"],
            output_names=["prob"],
            dynamic_axes={"wave": {0: "batch"}, "prob": {0: "batch"}},
            opset_version=17,
            dynamo=False,
        )
    return onnx.load_from_string(buffer.getvalue())


def run(graph, wave):
    session = onnxruntime.InferenceSession(
        graph.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(None, {"wave": wave})[0]


def operators(graph):
    return [node.op_type for node in graph.graph.node]


def assert_same(network, channels, samples=48):
    network.eval()
    graph = optimize_graph(export(network, channels, samples))
    for batch in (1, 3):
        wave = torch.randn(batch, channels, samples)
        with torch.no_grad():
            expected = network(wave).numpy()
        ours = run(graph, wave.numpy())
        assert ours.shape == expected.shape
        assert np.abs(ours - expected).max() <= 1e-5 * max(1, np.abs(expected).max())
    return operators(graph)


class Upsampled(nn.Module):
    def __init__(self, ratio, conv, relu):
        super().__init__()
        self.ratio, self.conv, self.relu = ratio, conv, relu

    def forward(self, x):
        x = nn.functional.interpolate(x, scale_factor=float(self.ratio))
        x = self.conv(x)
        return torch.relu(x) if self.relu else x


@settings(max_examples=40, deadline=None)
@given(
    ratio=st.integers(2, 5),
    taps=st.sampled_from([1, 3, 5, 7, 9, 11]),
    channels=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    relu=st.booleans(),
    bias=st.booleans(),
)
def test_convolutions_of_repeated_samples(ratio, taps, channels, relu, bias):
    conv = nn.Conv1d(*channels, taps, padding=taps // 2, bias=bias)
    found = assert_same(Upsampled(ratio, conv, relu), channels[0])

    assert ("Resize" in found) == (taps == 1)


@settings(max_examples=40, deadline=None)
@given(
    taps=st.sampled_from([3, 5, 7, 9, 11]),
    channels=st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 9)),
    relu=st.booleans(),
    final=st.sampled_from([None, 1, 3, 7, 11]),
)
def test_transposed_convolutions(taps, channels, relu, final):
    layers = [
        nn.ConvTranspose1d(
            *channels[:2], taps, stride=2, padding=taps // 2, output_padding=1
        )
    ]
    layers += [nn.ReLU()] * relu
    if final:
        layers.append(nn.Conv1d(*channels[1:], final, padding=final // 2))
    found = assert_same(nn.Sequential(*layers), channels[0])

    assert "ConvTranspose" not in found


@pytest.mark.parametrize(
    "layer",
    [
        nn.ConvTranspose1d(3, 4, 5, stride=2, padding=2),
        nn.ConvTranspose1d(3, 4, 4, stride=2, padding=1),
        nn.ConvTranspose1d(4, 4, 3, stride=2, padding=1, output_padding=1, groups=2),
        nn.Conv1d(3, 4, 5, dilation=2),
        nn.Conv1d(3, 4, 4),
        nn.Sequential(nn.MaxPool1d(3), nn.Conv1d(3, 6, 3, groups=3)),
        nn.Sequential(nn.Upsample(scale_factor=2.5), nn.Conv1d(3, 6, 3, padding=1)),
        nn.Sequential(
            nn.Upsample(scale_factor=2, mode="linear"), nn.Conv1d(3, 6, 3, padding=1)
        ),
    ],
    ids=str,
)
def test_other_layers_stay_right(layer):
    first = next(m for m in layer.modules() if hasattr(m, "in_channels"))
    assert_same(layer, first.in_channels)


def test_softmax_of_large_scores():
    network = nn.Sequential(nn.Conv1d(5, 5, 1, bias=False), nn.Softmax(dim=1))
    with torch.no_grad():
        # Each score is one product, so that both give the same.
        network[0].weight.copy_(1024 * torch.eye(5)[:, :, None])
    assert "Softmax" not in assert_same(network, 5)


@pytest.mark.parametrize("name", models.PICKERS)
def test_no_slow_layer_is_left(name):
    model = getattr(models, name)().eval()
    found = operators(optimize_graph(export(model, 3, model.in_samples)))

    assert "ConvTranspose" not in found
    # EQT's attention has some over the last axis.
    assert ("Softmax" in found) == (name == "EQT")
    # LPPN adds the repeated samples to what it makes of them.
    assert ("Resize" in found) == (name.startswith("LPPN") or name == "UNetPP")
