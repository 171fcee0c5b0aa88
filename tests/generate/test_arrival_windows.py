"""Windows around arrivals, quiet ones, and their amplitude."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_records import spike_record, spikes

from seisbench_diting.generate import ArrivalWindow, NoiseWindow, PeakScale

seeds = st.integers(0, 2**32 - 1)


def apply(step, x, metadata, seed=0):
    state = {"X": (x, metadata)}
    np.random.seed(seed)
    step(state)
    return state["X"]


@given(seeds, st.integers(0, 12_000), st.integers(-500, 13_000), st.data())
def test_a_window_has_its_arrival_away_from_the_edges(seed, p, s, data):
    npts = data.draw(st.integers(100, 12_000))
    x, metadata = spike_record(p, s, npts)
    # A background, so that no window is dead.
    x[:, ::2] += 1
    window, its = apply(ArrivalWindow(), x, metadata, seed)

    assert window.shape == (3, 6144)
    assert window.dtype == np.float32
    columns = ("trace_p_arrival_sample", "trace_s_arrival_sample")
    inside = [its[c] for c in columns if 0 <= metadata[c] < npts]
    if inside:
        assert any(512 <= sample < 6144 - 512 for sample in inside)
    # Every arrival in the record and in the window is where its column says.
    expected = {sample for sample in inside if 0 <= sample < 6144}
    assert set(spikes(window)) == expected or not inside
    # An arrival outside of the record has no label, but is not forgotten.
    for phase, sample in (("p", p), ("s", s)):
        is_outside = not 0 <= sample < npts
        assert np.isnan(its[f"trace_{phase}_arrival_sample"]) == is_outside
        assert (f"trace_{phase}_hidden_sample" in its) == is_outside
    kinds = ["arrival" if 0 <= one < npts else "hidden" for one in (p, s)]
    places = [its[f"trace_{n}_{k}_sample"] for n, k in zip("ps", kinds, strict=True)]
    assert places[1] - places[0] == s - p


@given(seeds, st.integers(1, 12_000))
def test_a_record_without_arrivals_gives_a_window_in_it(seed, npts):
    x = np.random.default_rng(seed).normal(5, 1, (3, npts)).astype(np.float32)
    window, _ = apply(ArrivalWindow(), x, {}, seed)

    assert (window != 0).any(axis=0).sum() >= min(npts, 6144) - (npts == 1)


def test_the_mean_of_what_exists_is_removed():
    x, metadata = spike_record(1000, 1500, npts=3000)
    window, its = apply(ArrivalWindow(), x + 1e6, metadata)

    begin = 1000 - int(its["trace_p_arrival_sample"])
    exists = np.zeros(6144, dtype=bool)
    exists[max(-begin, 0) : 3000 - begin] = True
    assert not window[:, ~exists].any()
    np.testing.assert_allclose(window[:, exists].mean(axis=1), 0, atol=1e-3)


def test_samples_that_are_missing_are_zero():
    x, metadata = spike_record(1000, 1500, npts=3000)
    x += 7
    x[1, 1200:1300] = np.nan
    x[2] = np.nan
    window, its = apply(ArrivalWindow(), x, metadata)

    p = int(its["trace_p_arrival_sample"])
    assert np.isfinite(window).all()
    assert not window[1, p + 200 : p + 300].any()
    assert not window[2].any()
    assert window[1, p] > 900


def test_windows_lie_everywhere_they_may():
    x, metadata = spike_record(4000)
    step = ArrivalWindow()
    np.random.seed(0)
    samples = []
    for _ in range(2000):
        state = {"X": (x, metadata)}
        step(state)
        samples.append(state["X"][1]["trace_p_arrival_sample"])

    assert 512 <= min(samples) < 540
    assert 6144 - 540 < max(samples) < 6144 - 512
    counts, _ = np.histogram(samples, bins=4)
    assert counts.min() > 400


@given(seeds, st.integers(0, 12_000), st.integers(0, 11_999))
def test_a_window_lies_within_the_record_where_it_can(seed, npts, p):
    x = np.ones((1, npts), dtype=np.float32)
    x[:, ::2] = 2
    metadata = {"trace_p_arrival_sample": p}
    window, its = apply(ArrivalWindow(within=True), x, metadata, seed)

    if p >= npts:
        return
    assert 512 <= its["trace_p_arrival_sample"] < 6144 - 512
    possible = npts >= 6144 and 512 <= p < npts - 512
    assert (window != 0).all() == possible


@given(seeds, st.integers(0, 8999))
def test_a_quiet_window_has_no_arrival(seed, p):
    x, metadata = spike_record(p, p + 800)
    x += np.random.default_rng(0).normal(0, 1, x.shape).astype(np.float32)
    window, its = apply(NoiseWindow(), x, metadata, seed)

    if p - 100 >= 6144 // 4:
        assert its["trace_p_arrival_sample"] >= 6144 + 100 - 1
        # At least a quarter of it is signal.
        assert (window != 0).any(axis=0).sum() >= 6144 // 4
        assert np.abs(window).max() < 10
    else:
        assert 0 <= its["trace_p_arrival_sample"] < 6144 or (
            0 <= its["trace_s_arrival_sample"] < 6144
        )


@given(seeds, st.sampled_from([1e-30, 1e-9, 1.0, 1e9, 1e30]))
def test_the_peak_is_the_factor_whatever_the_unit(seed, unit):
    x = np.random.default_rng(seed).normal(0, unit, (3, 100)).astype(np.float32)
    scaled, _ = apply(PeakScale(), x, {}, seed)

    assert scaled.dtype == np.float32
    assert 0.5 - 1e-6 <= np.abs(scaled).max() <= 2 + 1e-6
    np.testing.assert_allclose(
        scaled / np.abs(scaled).max(), x / np.abs(x).max(), rtol=1e-4, atol=1e-6
    )


def test_a_dead_window_stays_zero():
    scaled, _ = apply(PeakScale(), np.zeros((3, 100), dtype=np.float32), {})

    assert not scaled.any()


def test_neither_waveforms_nor_metadata_of_the_input_are_changed():
    x, metadata = spike_record(4000, 5000)
    before = x.copy(), dict(metadata)
    for step in (ArrivalWindow(), NoiseWindow(), PeakScale()):
        apply(step, x, metadata)
        np.testing.assert_array_equal(x, before[0])
        np.testing.assert_equal(metadata, before[1])


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: ArrivalWindow(n_samples=0), "n_samples=0"),
        (lambda: ArrivalWindow(padlen=3072), "padlen=3072"),
        (lambda: ArrivalWindow(n_samples=600), "padlen=512"),
        (lambda: PeakScale(factor=(2, 0.5)), "factor="),
        (lambda: PeakScale(factor=3), "factor=3"),
    ],
)
def test_wrong_arguments(make, word):
    with pytest.raises(ValueError, match=word):
        make()


def test_a_record_with_its_axes_exchanged():
    x, metadata = spike_record(4000)
    with pytest.raises(ValueError, match="dimension_order = 'NCW'"):
        apply(ArrivalWindow(), x.T, metadata)
