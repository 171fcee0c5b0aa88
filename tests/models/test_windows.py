import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from obspy import UTCDateTime

from seisbench_diting.models import Record
from seisbench_diting.models.windows import (
    TAPER,
    StackedRecord,
    cut_window,
    normalize,
    window_offsets,
)

STACKING = ("avg", "max", "taper")


def random_batch(shape=(2, 3, 512), seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=dtype)


def plain_normalize(batch, per_component=False):
    """The same in plain NumPy, for windows without missing samples."""
    batch = np.asarray(batch, dtype=np.float64)
    batch = batch - batch.mean(axis=-1, keepdims=True)
    axis = -1 if per_component else (-2, -1)
    return batch / np.abs(batch).max(axis=axis, keepdims=True)


# Normalization


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_components_have_mean_zero_and_a_joint_peak_of_one(dtype):
    batch = random_batch(dtype=dtype) * torch.tensor([1, 5, 0.1])[:, None] + 3
    result = normalize(batch)
    assert result.dtype == torch.float32
    assert result.mean(dim=-1).abs().max() < 1e-6
    assert torch.equal(result.abs().amax(dim=(1, 2)), torch.ones(2))
    assert np.allclose(result, plain_normalize(batch), rtol=0, atol=1e-6)


@pytest.mark.parametrize("per_component", [False, True])
@pytest.mark.parametrize("exponent", range(-30, 31))
def test_the_unit_does_not_matter(exponent, per_component):
    batch = random_batch() + 2
    scaled = normalize(batch * 10.0**exponent, per_component)
    assert torch.allclose(scaled, normalize(batch, per_component), rtol=0, atol=2e-7)


@pytest.mark.parametrize("per_component", [False, True])
@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_missing_samples_are_zero_and_do_not_count(value, per_component):
    batch = random_batch((1, 3, 600)) + 100
    gap = batch.clone()
    gap[0, 1, 200:300] = value
    gap[0, 2] = value
    result = normalize(gap, per_component)
    assert torch.isfinite(result).all()
    assert (result[0, 1, 200:300] == 0).all()
    assert (result[0, 2] == 0).all()
    there = torch.cat([batch[0, 1, :200], batch[0, 1, 300:]])
    centred = [batch[0, 0] - batch[0, 0].mean(), there - there.mean()]
    peaks = [x.abs().max() for x in centred]
    if not per_component:
        peaks = [max(peaks)] * 2
    found = torch.cat([result[0, 1, :200], result[0, 1, 300:]]).double()
    assert torch.allclose(result[0, 0].double(), centred[0] / peaks[0], atol=1e-6)
    assert torch.allclose(found, centred[1] / peaks[1], atol=1e-6)


@pytest.mark.parametrize("per_component", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("value", [0, 1, 0.1, -1000.3, 1e-20, 1 / 3, 2**23 + 1, 1e30])
def test_constant_windows_are_exactly_zero(value, dtype, per_component):
    batch = torch.full((2, 3, 6144), value, dtype=dtype)
    assert torch.equal(normalize(batch, per_component), torch.zeros(2, 3, 6144))


# Window positions


@st.composite
def layouts(draw):
    stride = draw(st.sampled_from([1, 8]))
    cells = draw(st.integers(min_value=1, max_value=40))
    return {
        "n_samples": draw(st.integers(min_value=1, max_value=2000)),
        "first_sample": draw(st.integers(min_value=-5000, max_value=2 * 10**11)),
        "in_samples": cells * stride,
        "step": draw(st.integers(min_value=1, max_value=cells)) * stride,
        "stride": stride,
    }


@settings(deadline=None)
@given(layouts())
def test_windows_cover_the_record_and_lie_at_fixed_times(layout):
    offsets = window_offsets(**layout)
    stride, in_samples = layout["stride"], layout["in_samples"]
    assert -stride < offsets[0] <= 0
    assert layout["n_samples"] <= offsets[-1] + in_samples
    steps = np.diff(offsets)
    assert ((steps > 0) & (steps <= layout["step"])).all()
    assert ((offsets + layout["first_sample"]) % stride == 0).all()
    assert ((offsets[1:-1] + layout["first_sample"]) % layout["step"] == 0).all()
    if len(offsets) > 1:
        assert offsets[-1] + in_samples < layout["n_samples"] + stride


@pytest.mark.parametrize("stride", [1, 8])
@pytest.mark.parametrize("n_samples", [1, 100, 6000, 6136])
def test_a_record_shorter_than_a_window_has_one(n_samples, stride):
    for first_sample in (0, 3, 170_412_345_675):
        offsets = window_offsets(n_samples, first_sample, 6144, 4608, stride)
        assert offsets.tolist() == [-(first_sample % stride)]


def test_positions_counted_from_the_record():
    assert window_offsets(20000, 0, 6144, 4608, 1).tolist() == [
        0,
        4608,
        9216,
        13824,
        13856,
    ]


def test_positions_counted_from_a_fixed_time():
    assert window_offsets(16000, 1000, 6144, 4608, 1).tolist() == [0, 3608, 8216, 9856]


# Cutting windows


@pytest.mark.parametrize(
    ("offset", "before", "after"), [(-3, 3, 0), (15, 0, 5), (-5, 5, 0), (-2, 2, 0)]
)
def test_windows_are_padded_with_nan(offset, before, after):
    data = np.arange(60, dtype=np.float32).reshape(3, 20)
    window = cut_window(data, offset, 10)
    assert window.shape == (3, 10)
    assert np.isnan(window[:, :before]).all()
    assert np.isnan(window[:, 10 - after :]).all()
    expected = data[:, max(0, offset) : offset + 10]
    assert np.array_equal(window[:, before : 10 - after], expected)


# Putting predictions together


def new_stack(n_samples, n_classes, regression, method):
    data = np.zeros((3, n_samples), dtype=np.float32)
    record = Record({}, UTCDateTime(0), 100.0, 0, data, [])
    return StackedRecord(record, np.array([0]), n_classes, regression, method)


def brute_force(n_samples, windows, n_classes, regression, method):
    channels = n_classes + regression
    result = np.full((channels, n_samples), np.nan)
    for k in range(n_samples):
        entries = []
        for start, prediction in windows:
            i = k - start
            if not 0 <= i < len(prediction) or np.isnan(prediction[i, 0]):
                continue
            place = (i + 0.5) / len(prediction)
            weight = 1.0
            if method == "taper":
                weight = min(1.0, min(place, 1 - place) / TAPER)
            entries.append((weight, prediction[i]))
        if not entries:
            continue
        for c in range(n_classes):
            values = [(weight, row[c]) for weight, row in entries]
            if method == "max":
                result[c, k] = max(value for _, value in values)
            else:
                total = sum(weight for weight, _ in values)
                result[c, k] = sum(weight * value for weight, value in values) / total
        if regression:
            sureness = [weight * max(row[1:n_classes]) for weight, row in entries]
            result[-1, k] = entries[int(np.argmax(sureness))][1][-1]
    return result


def random_windows(rng, n_samples, in_samples, regression, blind):
    starts = sorted({0, *rng.integers(0, n_samples, 6).tolist()})
    windows = []
    for start in starts:
        prediction = rng.dirichlet([1, 1, 1], in_samples)
        if regression:
            # Either P or S, so that it is clear which window is the surest.
            phase = rng.integers(1, 3, in_samples)
            prediction[:, 0] += prediction[np.arange(in_samples), phase]
            prediction[np.arange(in_samples), phase] = 0
            offset = rng.uniform(0, 8, (in_samples, 1))
            prediction = np.concatenate([prediction, offset], axis=1)
        prediction = prediction.astype(np.float32)
        if blind:
            before, after = rng.integers(0, in_samples // 2, 2)
            prediction[:before] = np.nan
            prediction[in_samples - after :] = np.nan
        windows.append((start, prediction))
    return windows


@settings(deadline=None, max_examples=150)
@given(
    seed=st.integers(min_value=0, max_value=2**32 - 1),
    method=st.sampled_from(STACKING),
    regression=st.booleans(),
    blind=st.booleans(),
    n_samples=st.integers(min_value=1, max_value=60),
    in_samples=st.integers(min_value=2, max_value=32),
)
def test_stacks_agree_with_brute_force(
    seed, method, regression, blind, n_samples, in_samples
):
    rng = np.random.default_rng(seed)
    windows = random_windows(rng, n_samples, in_samples, regression, blind)
    stack = new_stack(n_samples, 3, regression, method)
    for start, prediction in windows:
        stack.add(start, prediction)
    result = stack.curves()
    expected = brute_force(n_samples, windows, 3, regression, method)
    assert result.shape == expected.shape
    assert result.dtype == np.float32
    assert np.array_equal(np.isnan(result), np.isnan(expected))
    assert np.allclose(result, expected, rtol=1e-5, atol=1e-6, equal_nan=True)


@pytest.mark.parametrize("method", STACKING)
def test_the_offset_is_never_an_average(method):
    sure = np.tile(np.float32([0.1, 0.9, 0, 2]), (40, 1))
    unsure = np.tile(np.float32([0.95, 0.05, 0, 7]), (40, 1))
    for first, second in ((sure, unsure), (unsure, sure)):
        stack = new_stack(60, 3, True, method)
        stack.add(0, first)
        stack.add(20, second)
        offsets = stack.curves()[3]
        assert set(offsets.tolist()) == {2.0, 7.0}
        assert (offsets[25:35] == 2).all()


@pytest.mark.parametrize("method", STACKING)
def test_the_first_window_wins_among_equals(method):
    stack = new_stack(8, 3, True, method)
    for value in (1, 2, 3):
        stack.add(0, np.tile(np.float32([0.5, 0.5, 0, value]), (8, 1)))
    assert (stack.curves()[3] == 1).all()
