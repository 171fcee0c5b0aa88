"""Networks between two."""

import math

import pytest
import torch

pytest.importorskip("lightning")

from seisbench_diting.distillation import blend, raise_phase
from seisbench_diting.models import EQT, LPPNM, LPPNT, RNN, UNet


@pytest.fixture
def pair():
    torch.manual_seed(0)
    return LPPNT(), LPPNT()


def test_both_ends_and_the_middle(pair):
    learned, initial = pair
    kept = {name: value.clone() for name, value in learned.state_dict().items()}
    for share, ends in ((1.0, learned), (0.0, initial)):
        state = blend(learned, initial, share).state_dict()
        assert all(torch.equal(state[k], v) for k, v in ends.state_dict().items())
    middle = blend(learned, initial, 0.5).state_dict()
    for name, value in middle.items():
        mean = (learned.state_dict()[name] + initial.state_dict()[name]) / 2
        if value.is_floating_point():
            torch.testing.assert_close(value, mean)
    assert all(torch.equal(kept[k], v) for k, v in learned.state_dict().items())


@pytest.mark.parametrize("cls", [LPPNT, UNet, RNN, EQT])
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


def test_what_is_impossible(pair):
    with pytest.raises(ValueError, match=r"share=1\.5"):
        blend(*pair, 1.5)
    with pytest.raises(ValueError, match="initial="):
        blend(pair[0], LPPNM(), 0.5)
    with pytest.raises(ValueError, match="phase='X'"):
        raise_phase(pair[0], "X", 0.5)
