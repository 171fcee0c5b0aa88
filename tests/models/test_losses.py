"""Losses, written out by hand for small cases."""

import math

import pytest
import torch

from seisbench_diting.models import LPPNT, eqt_loss, lppn_loss, point_loss


def test_point_loss():
    prob = torch.tensor([[[0.7, 0.2], [0.2, 0.5], [0.1, 0.3]]])
    label = torch.tensor([[[1.0, 0.0], [0.0, 0.75], [0.0, 0.25]]])

    expected = -math.log(0.7) - 0.75 * math.log(0.5) - 0.25 * math.log(0.3)
    assert point_loss(prob, label).item() == pytest.approx(expected, rel=1e-5)
    # A probability of zero gives a large loss, and not an infinite one.
    certain = torch.tensor([[[0.0], [1.0], [0.0]]])
    assert point_loss(certain, certain.roll(1, 1)).item() == pytest.approx(20.72, 0.001)


def test_lppn_loss():
    prob = torch.tensor([[[0.8, 0.1, 0.5], [0.1, 0.6, 0.2], [0.1, 0.3, 0.3]]])
    offset = torch.tensor([[1.0, 3.0, 7.0]])
    # No arrival, P with its offset, ignored.
    label = torch.tensor([[[0.0, 1.0, -1.0], [0.0, 5.0, -1.0]]])

    expected = -math.log(0.8) - math.log(0.6) + 0.1 * (3 - 5) ** 2
    for windows in (1, 2):
        output = torch.log(prob).repeat(windows, 1, 1), offset.repeat(windows, 1)
        loss = lppn_loss(output, label.repeat(windows, 1, 1)).item()
        assert loss == pytest.approx(windows * expected, rel=1e-5)


def test_lppn_loss_without_arrivals_has_finite_gradients():
    model = LPPNT().train()
    label = torch.zeros(2, 2, 768)
    lppn_loss(model(torch.randn(2, 3, 6144), logits=True), label).backward()

    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    assert all(torch.isfinite(g).all() for g in gradients)
    assert model.offset_head.weight.grad.abs().max() == 0


def test_eqt_loss():
    output = [torch.tensor([[0.9, 0.5]]), torch.tensor([[0.2, 0.2]]), torch.ones(1, 2)]
    label = torch.tensor([[[1.0, 0.0], [0.0, 0.0], [1.0, 1.0]]])

    p = -(math.log(0.9) + math.log(0.5)) / 2
    s = -math.log(0.8)
    assert eqt_loss(output, label).item() == pytest.approx(0.4 * p + 0.55 * s, rel=1e-5)
