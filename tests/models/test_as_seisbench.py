"""Pickers behave as SeisBench's own models do."""

import asyncio

import numpy as np
import pytest
import seisbench.models as sbm
import torch
from made import START, Amplitude, at, make_stream


@pytest.mark.parametrize("training", [True, False])
def test_the_mode_of_the_model_stays(training):
    modes = []

    class Watched(Amplitude):
        def forward(self, x):
            modes.append((self.training, torch.is_grad_enabled()))
            return super().forward(x)

    model = Watched().train(training)
    model.classify(make_stream(seconds=10), backend="torch")
    assert modes == [(False, False)]
    assert model.training == training
    assert torch.is_grad_enabled()


def test_asynchronous_calls_run_side_by_side_with_arguments(amplitude):
    streams = [make_stream([20.0 + k], [30.0]) for k in range(3)]

    async def main():
        # The others work inside of an event loop, too.
        assert amplitude.classify(streams[0]).picks
        calls = (amplitude.classify_async(one, S_threshold=0.95) for one in streams)
        return await amplitude.annotate_async(streams[0]), await asyncio.gather(*calls)

    annotations, outputs = asyncio.run(main())
    assert annotations == amplitude.annotate(streams[0])
    found = [pick.peak_time - START for output in outputs for pick in output.picks]
    assert found == at(20, 21, 22)
    assert {output.creator for output in outputs} == {"Amplitude"}


@pytest.mark.parametrize("blinding", [(0, 0), (100, 200)])
def test_the_wrapper_for_das(model, blinding):
    wrapper = sbm.DASWaveformModelWrapper(model, "pad")
    argdict = {"blinding": blinding, "overlap_samples": 1000}
    patches = wrapper.get_patching_structure((20_000, 2), argdict)
    x = np.stack([make_stream([t], seconds=61.44)[0].data for t in (20.03, 30.07)])
    x = torch.from_numpy(x.T[None].copy())
    with torch.no_grad():
        curves = wrapper.eval()(x, argdict)
    assert set(curves) == {"P", "S"}
    for curve in curves.values():
        assert curve.shape == (1, patches.out_samples, 2)
        assert 0 <= curve.min() <= curve.max() <= 1
    samples = curves["P"][0].argmax(dim=0) + blinding[0]
    assert samples.tolist() == [2003, 3007]
