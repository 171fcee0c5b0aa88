"""Networks between two, and networks that are surer of a phase."""

import math

import pytest
import torch

pytest.importorskip("lightning")

from seisbench_diting.distillation import blend, raise_phase
from seisbench_diting.models import LPPNT, RNN


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_a_blend_has_the_weighted_mean_of_the_parameters(share):
    pair = LPPNT(), LPPNT()
    learned, initial = (model.state_dict() for model in pair)
    for name, value in blend(*pair, share).state_dict().items():
        if value.is_floating_point():
            expected = share * learned[name] + (1 - share) * initial[name]
            torch.testing.assert_close(value, expected)


@pytest.mark.parametrize("cls", [LPPNT, RNN])
def test_a_phase_is_seen_more_often(cls):
    torch.manual_seed(0)
    model = cls().eval()
    wave = torch.randn(2, 3, model.in_samples)

    def odds(one):
        output = one(wave)
        prob = output[0] if isinstance(output, tuple) else output
        return prob[:, 2] / prob[:, 0], prob[:, 1] / prob[:, 0]

    with torch.no_grad():
        (s, p), (more, same) = odds(model), odds(raise_phase(model, "S", 0.5))
    # Odds of S to noise grow by e to the half, those of P stay.
    torch.testing.assert_close(more, s * math.exp(0.5), rtol=1e-3, atol=1e-6)
    torch.testing.assert_close(same, p, rtol=1e-3, atol=1e-6)


def test_a_changed_network_has_no_calibration():
    model = LPPNT.from_pretrained()
    assert model.reliability
    assert not raise_phase(model, "S", 0.5).reliability
    assert not blend(model, LPPNT(), 0.5).reliability
