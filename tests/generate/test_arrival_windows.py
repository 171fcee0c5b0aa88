"""Windows around arrivals, quiet ones, and their amplitude."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from made_records import run, spike_record, spikes

from seisbench_diting.generate import ArrivalWindow, PeakScale

seeds = st.integers(0, 2**32 - 1)


@given(seeds, st.integers(0, 12_000), st.integers(-500, 13_000), st.data())
def test_a_window_has_its_arrival_away_from_the_edges(seed, p, s, data):
    npts = data.draw(st.integers(100, 12_000))
    x, metadata = spike_record(p, s, npts)
    # A background, so that no window is dead.
    x[:, ::2] += 1
    window, its = run(ArrivalWindow(), x, metadata, seed)["X"]

    assert window.shape == (3, 6144)
    assert window.dtype == np.float32
    columns = ("trace_p_arrival_sample", "trace_s_arrival_sample")
    inside = [its[c] for c in columns if 0 <= metadata[c] < npts]
    if inside:
        assert any(512 <= sample < 6144 - 512 for sample in inside)
        # Every arrival in the record and in the window is where its column says.
        assert set(spikes(window)) == {t for t in inside if 0 <= t < 6144}
    # An arrival outside of the record has no label, but is not forgotten.
    places = []
    for phase, sample in (("p", p), ("s", s)):
        is_outside = not 0 <= sample < npts
        assert np.isnan(its[f"trace_{phase}_arrival_sample"]) == is_outside
        kind = "hidden" if is_outside else "arrival"
        places.append(its[f"trace_{phase}_{kind}_sample"])
    assert places[1] - places[0] == s - p


@given(seeds, st.integers(1, 12_000))
def test_a_record_without_arrivals_gives_a_window_in_it(seed, npts):
    x = np.random.default_rng(seed).normal(5, 1, (3, npts)).astype(np.float32)
    window, _ = run(ArrivalWindow(), x, {}, seed)["X"]
    assert (window != 0).any(axis=0).sum() >= min(npts, 6144) - (npts == 1)


def test_means_are_removed_and_missing_samples_are_zero():
    x, metadata = spike_record(1000, 1500, npts=3000)
    x += 1e6
    x[1, 1200:1300] = np.nan
    x[2] = np.nan
    window, its = run(ArrivalWindow(), x, metadata)["X"]

    p = int(its["trace_p_arrival_sample"])
    exists = np.zeros(6144, dtype=bool)
    exists[max(p - 1000, 0) : p + 2000] = True
    assert not window[:, ~exists].any()
    assert not window[1, p + 200 : p + 300].any()
    assert not window[2].any()
    assert abs(window[0, exists].mean()) < 1e-3
    assert window[:2, p].min() > 900


# A record of one sample has no signal, and therefore no arrival.
@given(seeds, st.integers(2, 12_000), st.integers(0, 11_999))
def test_a_window_lies_within_the_record_where_it_can(seed, npts, p):
    x = np.ones((1, npts), dtype=np.float32)
    x[:, ::2] = 2
    step, metadata = ArrivalWindow(within=True), {"trace_p_arrival_sample": p}
    window, its = run(step, x, metadata, seed)["X"]
    if p < npts:
        assert 512 <= its["trace_p_arrival_sample"] < 6144 - 512
        possible = npts >= 6144 and 512 <= p < npts - 512
        assert (window != 0).all() == possible


@given(seeds, st.sampled_from([1e-30, 1e-9, 1.0, 1e9, 1e30]))
def test_the_peak_is_the_factor_whatever_the_unit(seed, unit):
    x = np.random.default_rng(seed).normal(0, unit, (3, 100)).astype(np.float32)
    scaled, _ = run(PeakScale(), x, {}, seed)["X"]

    assert scaled.dtype == np.float32
    assert 0.5 - 1e-6 <= np.abs(scaled).max() <= 2 + 1e-6
    shape, before = (y / np.abs(y).max() for y in (scaled, x))
    np.testing.assert_allclose(shape, before, rtol=1e-4, atol=1e-6)
    assert not run(PeakScale(), 0 * x, {})["X"][0].any()
