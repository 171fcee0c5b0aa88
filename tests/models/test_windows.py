"""Windows: normalized, placed, cut, and their predictions put together."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from obspy import UTCDateTime

from seisbench_diting.models import Record, normalize
from seisbench_diting.models.windows import TAPER, StackedRecord

STACKING = ("avg", "max", "taper")


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(0)
    waves = torch.randn(2, 3, 512, generator=generator, dtype=torch.float64)
    return (waves + 3) * torch.tensor([1, 5, 0.1])[:, None]


def plain_normalize(batch, per_component):
    """The same in plain NumPy: what is missing is zero and does not count."""
    batch = np.where(np.isfinite(batch), batch, np.nan).astype(np.float64)
    batch -= np.nanmean(batch, axis=-1, keepdims=True)
    axis = -1 if per_component else (-2, -1)
    return np.nan_to_num(batch / np.nanmax(np.abs(batch), axis=axis, keepdims=True))


@pytest.mark.filterwarnings("ignore:Mean of empty slice", "ignore:All-NaN")
@pytest.mark.parametrize("per_component", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("missing", [None, torch.nan, torch.inf, -torch.inf])
def test_windows_have_no_mean_and_a_peak_of_one(batch, dtype, missing, per_component):
    if missing is not None:
        batch[0, 1, 200:300] = missing
        batch[0, 2] = missing
    result = normalize(batch.to(dtype), per_component)
    assert result.dtype == torch.float32
    assert torch.equal(result.abs().amax(dim=(1, 2)), torch.ones(2))
    expected = plain_normalize(batch, per_component)
    assert np.allclose(result, expected, rtol=0, atol=2e-6)
    assert (result[~torch.isfinite(batch)] == 0).all()
    # Whatever the unit.
    for exponent in range(-30, 31, 6):
        scaled = normalize((batch * 10.0**exponent).to(dtype), per_component)
        assert torch.allclose(scaled, result, rtol=0, atol=2e-6)


# Predictions of overlapping windows


def stack(n_samples, windows, regression, method):
    data = np.zeros((3, n_samples), dtype=np.float32)
    record = Record({}, UTCDateTime(0), 100.0, 0, data, [])
    stacked = StackedRecord(record, np.array([0]), 3, regression, method)
    for start, prediction in windows:
        stacked.add(start, prediction)
    return stacked.curves()


def brute_force(n_samples, windows, regression, method):
    result = np.full((3 + regression, n_samples), np.nan)
    for k in range(n_samples):
        weights, rows = [], []
        for start, prediction in windows:
            i, length = k - start, len(prediction)
            if 0 <= i < length and np.isfinite(prediction[i, 0]):
                to_edge = min(i + 0.5, length - i - 0.5) / length
                weights.append(min(1, to_edge / TAPER) if method == "taper" else 1)
                rows.append(prediction[i])
        if not rows:
            continue
        weights, rows = np.array(weights), np.array(rows)
        result[:3, k] = np.average(rows[:, :3], axis=0, weights=weights)
        if method == "max":
            result[:3, k] = rows[:, :3].max(axis=0)
        if regression:
            # Never an average: that of the window which is surest of an arrival.
            result[3, k] = rows[np.argmax(weights * rows[:, 1:3].max(axis=1)), 3]
    return result


def random_prediction(rng, in_samples, regression):
    prediction = rng.dirichlet([1, 1, 1], in_samples)
    if regression:
        # Either P or S, so that it is clear which window is the surest.
        phase = rng.integers(1, 3, in_samples)
        prediction[np.arange(in_samples), phase] = 0
        offset = rng.uniform(0, 8, (in_samples, 1))
        prediction = np.concatenate([prediction, offset], axis=1)
    # Blinded samples.
    before, after = rng.integers(0, in_samples // 2, 2)
    prediction[:before] = prediction[in_samples - after :] = np.nan
    return prediction.astype(np.float32)


@settings(deadline=None, max_examples=100)
@given(
    seed=st.integers(min_value=0, max_value=2**32 - 1),
    method=st.sampled_from(STACKING),
    regression=st.booleans(),
    n_samples=st.integers(min_value=1, max_value=60),
    in_samples=st.integers(min_value=2, max_value=32),
)
def test_stacks_agree_with_brute_force(seed, method, regression, n_samples, in_samples):
    rng = np.random.default_rng(seed)
    windows = [
        (start, random_prediction(rng, in_samples, regression))
        for start in sorted({0, *rng.integers(0, n_samples, 6).tolist()})
    ]
    result = stack(n_samples, windows, regression, method)
    expected = brute_force(n_samples, windows, regression, method)
    assert result.dtype == np.float32
    assert np.allclose(result, expected, rtol=1e-5, atol=1e-6, equal_nan=True)
