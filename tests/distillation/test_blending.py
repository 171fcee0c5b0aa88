"""Networks between two."""

import pytest
import torch

from seisbench_diting.distillation.blending import blend, choose_blend
from seisbench_diting.models import LPPNM, LPPNT


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

    best, share = choose_blend(learned, initial, score)
    assert share == 0.7
    torch.testing.assert_close(best.get_parameter(name), target)


def test_what_is_impossible(pair):
    with pytest.raises(ValueError, match=r"share=1\.5"):
        blend(*pair, 1.5)
    with pytest.raises(ValueError, match="another network"):
        blend(pair[0], LPPNM(), 0.5)
