"""Augmentations that stand for other instruments."""

import numpy as np
import pytest

from seisbench_diting.generate import (
    BandLimit,
    Clipping,
    ComponentGain,
    Differentiation,
    Glitch,
    Integration,
    RecordEdge,
    TimeStretch,
)


@pytest.fixture
def wave():
    """A sine of 2 Hz at 100 Hz with zeros beside it, as of a record that begins late."""
    x = np.zeros((3, 2000), dtype=np.float32)
    x[:, 300:1900] = np.sin(2 * np.pi * 2 * np.arange(1600) / 100)
    return x


@pytest.fixture(autouse=True)
def _seeded():
    np.random.seed(0)


ALL = [BandLimit, Clipping, ComponentGain, Differentiation, Glitch, Integration]


@pytest.mark.parametrize("cls", [*ALL, RecordEdge])
def test_what_is_zero_stays_zero_and_the_input_unchanged(cls, wave):
    before = wave.copy()
    for _ in range(20):
        changed, _ = cls().apply(wave, {})
        assert changed.dtype == np.float32
        assert changed.shape == wave.shape
        assert np.isfinite(changed).all()
        assert not changed[:, :300].any()
        assert not changed[:, 1900:].any()
    np.testing.assert_array_equal(wave, before)
    dead, _ = cls().apply(np.zeros_like(wave), {})
    assert not dead.any()


def test_velocity_becomes_acceleration_and_displacement(wave):
    inner = slice(600, 1800)
    time = np.arange(2000)[inner] - 300
    slope, _ = Differentiation().apply(wave, {})
    amplitude = 2 * np.pi * 2 / 100
    expected = amplitude * np.cos(2 * np.pi * 2 * (time - 0.5) / 100)
    np.testing.assert_allclose(slope[0, inner], expected, atol=0.02 * amplitude)

    summed, _ = Integration().apply(wave, {})
    shape = np.cos(2 * np.pi * 2 * time / 100)
    likeness = np.corrcoef(summed[0, inner], shape)[0, 1]
    assert likeness < -0.95


def test_bands_are_limited():
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(3, 20000)).astype(np.float32)
    steep = BandLimit(low=(0.1, 0.1), high=(0.4, 0.4), order=(4, 4))
    kinds = set()
    for _ in range(20):
        limited, _ = steep.apply(noise, {})
        power = np.abs(np.fft.rfft(limited[0])) ** 2
        low, middle, high = (
            power[int(a * 10000) : int(b * 10000)].mean()
            for a, b in ((0.0, 0.03), (0.15, 0.3), (0.8, 1.0))
        )
        kinds.add((low < 0.01 * middle, high < 0.01 * middle))
    assert kinds == {(True, False), (False, True), (True, True)}


def test_gains_clipping_and_glitches(wave):
    changed, _ = ComponentGain((0.5, 2.0)).apply(wave, {})
    ratio = np.abs(changed).max(axis=1) / np.abs(wave).max(axis=1)
    assert len(set(ratio)) == 3
    assert ((ratio > 0.5) & (ratio < 2)).all()

    clipped, _ = Clipping((0.2, 0.2)).apply(wave, {})
    np.testing.assert_allclose(np.abs(clipped).max(), 0.2, rtol=0.01)
    same = np.abs(wave) < 0.19
    np.testing.assert_array_equal(clipped[same], wave[same])

    for _ in range(30):
        added, _ = Glitch((3.0, 3.0)).apply(wave, {})
        touched = (added != wave).any(axis=1)
        assert touched.sum() <= 1
        assert np.abs(added).max() < 4.01


def test_a_glitch_makes_what_it_hides_less_sure(wave):
    metadata = {
        "trace_P_arrival_sample": np.array([500.0, 1500.0]),
        "trace_P_arrival_probability": np.array([0.9, 0.8]),
    }
    lowered = 0
    for _ in range(50):
        _, its = Glitch((5.0, 5.0)).apply(wave, dict(metadata))
        after = its["trace_P_arrival_probability"]
        assert (after <= metadata["trace_P_arrival_probability"]).all()
        lowered += (after < metadata["trace_P_arrival_probability"]).any()
    assert 0 < lowered < 50
    np.testing.assert_array_equal(metadata["trace_P_arrival_probability"], [0.9, 0.8])


def test_a_stretch_keeps_the_rate(wave):
    metadata = {"trace_sampling_rate_hz": 100.0, "trace_p_arrival_sample": 300.0}
    stretched, its = TimeStretch((2.0, 2.0)).apply(wave, dict(metadata))
    assert stretched.shape == (3, 4000)
    assert its == {"trace_sampling_rate_hz": 100.0, "trace_p_arrival_sample": 600.0}
    lengths = {TimeStretch().apply(wave, dict(metadata))[0].shape[1] for _ in range(30)}
    assert len(lengths) > 10
    assert 1000 <= min(lengths) < 1400
    assert 2900 < max(lengths) <= 4000


def test_an_edge_takes_arrivals_away(wave):
    metadata = {"trace_p_arrival_sample": 500.0, "trace_s_arrival_sample": 1500.0}
    kinds = set()
    for _ in range(50):
        cut, its = RecordEdge().apply(wave, dict(metadata))
        there = np.flatnonzero(cut[0])
        for name, sample in metadata.items():
            seen = there[0] - 2 <= sample <= there[-1] - 17
            assert np.isnan(its[name]) != seen or not seen
            if np.isnan(its[name]):
                assert its[name.replace("arrival", "hidden")] == sample
        kinds.add((np.isnan(its["trace_p_arrival_sample"]), there[0] > 310))
    assert len(kinds) >= 3


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: BandLimit(low=(0.2, 0.5), high=(0.4, 0.9)), "low"),
        (lambda: BandLimit(high=(0.5, 1.0)), "high"),
        (lambda: Clipping((0.5, 0.1)), "share"),
        (lambda: ComponentGain((0, 1)), "ratio"),
        (lambda: Glitch(spike=0), "spike"),
        (lambda: TimeStretch((0.5, 20.0)), "factor"),
        (lambda: RecordEdge(least=2.0), "least"),
    ],
)
def test_impossible_values_are_named(make, name):
    with pytest.raises(ValueError, match=f"{name}="):
        make()
