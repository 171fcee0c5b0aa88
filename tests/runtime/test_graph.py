"""Rewritten graphs compute what they computed before."""

import numpy as np
import onnx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from seisbench_diting.runtime.export import open_session, trace_onnx
from seisbench_diting.runtime.graph import optimize_graph


def rewritten(network):
    """Operators of the rewritten graph, which gives what the network gives."""
    network.eval()
    network.in_samples, network.regression = 48, False
    graph = optimize_graph(onnx.load_from_string(trace_onnx(network)))
    session = open_session(graph.SerializeToString())
    for batch in (1, 3):
        wave = torch.randn(batch, 3, 48)
        with torch.no_grad():
            expected = network(wave).numpy()
        (ours,) = session.run(None, {"wave": wave.numpy()})
        assert ours.shape == expected.shape
        assert np.abs(ours - expected).max() <= 1e-5 * max(1, np.abs(expected).max())
    return {node.op_type for node in graph.graph.node}


@settings(max_examples=20, deadline=None)
@given(
    ratio=st.integers(2, 5),
    taps=st.sampled_from([1, 3, 5, 7, 9, 11]),
    channels=st.integers(1, 9),
    relu=st.booleans(),
    bias=st.booleans(),
)
def test_convolutions_of_repeated_samples(ratio, taps, channels, relu, bias):
    layers = [
        nn.Upsample(scale_factor=float(ratio)),
        nn.Conv1d(3, channels, taps, padding=taps // 2, bias=bias),
    ]
    operators = rewritten(nn.Sequential(*layers, *[nn.ReLU()] * relu))

    assert ("Resize" in operators) == (taps == 1)


@settings(max_examples=20, deadline=None)
@given(
    taps=st.sampled_from([3, 5, 7, 9, 11]),
    channels=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    relu=st.booleans(),
    final=st.sampled_from([None, 1, 3, 7, 11]),
)
def test_transposed_convolutions(taps, channels, relu, final):
    options = {"stride": 2, "padding": taps // 2, "output_padding": 1}
    layers = [nn.ConvTranspose1d(3, channels[0], taps, **options), *[nn.ReLU()] * relu]
    if final:
        layers.append(nn.Conv1d(*channels, final, padding=final // 2))

    assert "ConvTranspose" not in rewritten(nn.Sequential(*layers))


@pytest.mark.parametrize(
    "layer",
    [
        nn.ConvTranspose1d(3, 4, 4, stride=2, padding=1),
        nn.ConvTranspose1d(3, 6, 3, stride=2, padding=1, output_padding=1, groups=3),
        nn.Conv1d(3, 4, 5, dilation=2),
        nn.Sequential(nn.Upsample(scale_factor=2.5), nn.Conv1d(3, 6, 3)),
        nn.Sequential(nn.Upsample(None, 2, "linear"), nn.Conv1d(3, 6, 3)),
    ],
    ids=str,
)
def test_other_layers_stay_right(layer):
    rewritten(layer)
