"""Networks between two."""

import math

import pytest
import torch

from seisbench_diting.distillation.blending import blend, choose_blend, raise_phase
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


def test_the_best_one_is_chosen(pair):
    learned, initial = pair
    name, value = next(iter(learned.named_parameters()))
    target = 0.7 * value + 0.3 * initial.get_parameter(name)

    def score(model):
        return -float((model.get_parameter(name) - target).abs().sum().detach())

    best = choose_blend(learned, initial, score)
    assert (best.share, best.raised) == (0.7, 0.0)
    torch.testing.assert_close(best.model.get_parameter(name), target)


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


def test_how_much_surer_is_chosen_as_well(pair):
    wave = torch.randn(1, 3, pair[0].in_samples)
    learned, initial = (model.eval() for model in pair)

    def score(model):
        with torch.no_grad():
            return -abs(float(model(wave)[0][:, 2].mean()) - target)

    with torch.no_grad():
        wanted = raise_phase(blend(learned, initial, 0.8), "S", 0.5)
        target = float(wanted(wave)[0][:, 2].mean())
    best = choose_blend(learned, initial, score, shares=(0.8,), raises=(0, 0.5, 1))
    assert (best.share, best.raised) == (0.8, 0.5)


def test_what_is_impossible(pair):
    with pytest.raises(ValueError, match=r"share=1\.5"):
        blend(*pair, 1.5)
    with pytest.raises(ValueError, match="another network"):
        blend(pair[0], LPPNM(), 0.5)
    with pytest.raises(ValueError, match=r"phase='X'.* N, P, S"):
        raise_phase(pair[0], "X", 0.5)
