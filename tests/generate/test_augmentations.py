"""Labels stay right under every augmentation, and each does what it says."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from made_records import Records, run, spike_record

from seisbench_diting import generate
from seisbench_diting.generate import training_augmentations

seeds = st.integers(0, 2**32 - 1)
first = st.integers(0, 8999)
delay = st.integers(60, 4000)

OTHER = Records(spike_record(3000, 3700, npts=8000), spike_record(4000, npts=4500))
NOISE = Records((np.random.default_rng(0).normal(3, 9, (3, 5000)), {}))

#: Further options that options of the recipe need.
NEEDED = {
    "second_event": {"second_event_records": OTHER, "second_event_ratio": (0.6, 1.0)},
    "gaussian_noise": {"snr_db": (10, 20)},
    "real_noise": {"noise_records": NOISE, "snr_db": (10, 20)},
}
#: Those that leave the spikes of arrivals as they are.
SIMPLE = ["rotation", "polarity_flip", "component_dropout", "gap", "noise_window"]
SIMPLE += ["time_stretch", "component_gain", "clipping", "record_edge"]
#: Augmentations that cut arrivals off.
CUTTING = ("gap", "record_edge")


@pytest.mark.parametrize("name", ["", *NEEDED, *SIMPLE])
@given(seed=seeds, p=first, between=delay)
def test_labels_are_where_the_arrivals_are(name, seed, p, between):
    x, metadata = spike_record(p, p + between)
    # A background, so that no window is dead.
    x[:, ::2] += 1
    options = {name: 1.0, **NEEDED.get(name, {})} if name else {}
    steps = training_augmentations(["lppn", "point", "eqt"], **options)
    state = run(steps, x, metadata, seed)
    wave, its = state["X"]
    point, lppn, eqt = (state[key][0] for key in ("point", "lppn", "eqt"))

    assert wave.shape == (3, 6144)
    # What is left of a short record may be nothing.
    assume(name != "record_edge" or wave.any())
    assert 0.4 < np.abs(wave).max() <= 2 + 1e-6
    arrivals = [a for a in generate.read_arrivals(its) if 0 <= a.sample < 6144]
    labelled = [int(a.sample) for a in arrivals if not a.hidden]
    hidden = [int(a.sample) for a in arrivals if a.hidden]
    # Each label has its signal, and each signal its label. Resampling spreads a spike.
    size = np.linalg.norm(wave, axis=0)
    slack = 1 if name == "time_stretch" else 0
    for sample in labelled:
        beside = size[max(sample - slack, 0) : sample + slack + 1]
        assert beside.max() > 0.15 * size.max()
    seen = np.flatnonzero(size > 0.65 * size.max())
    if labelled:
        # One that is cut off soon after it is seen, or stands just outside, has no label.
        allowed = (
            labelled + (hidden if name in CUTTING else []) + [-1, 6144][: slack * 2]
        )
        distance = np.abs(np.subtract.outer(seen, allowed)).min(axis=1)
        assert (distance <= 2 * slack).all()
    else:
        assert name == "noise_window" or hidden or not metadata["trace_npts"] > p
    if name not in CUTTING:
        assert not any(size[sample] > 0.15 * size.max() for sample in hidden)
    # The three labels say the same.
    assert set(np.flatnonzero(lppn[0] > 0)) == {sample // 8 for sample in labelled}
    np.testing.assert_allclose(point.sum(axis=0), 1, atol=1e-6)
    for sample in labelled:
        assert eqt[:2, sample].max() > 0.9
        assert point[1:, sample].sum() > 0.9
    assert bool(eqt[:2].any()) == bool(point[1:].any()) == bool(labelled)


@given(seeds, st.floats(-10, 30))
def test_noise_has_the_ratio_that_was_asked_for(seed, snr_db):
    x = np.random.default_rng(seed).normal(0, 1e-9, (3, 6144))
    x[:, 3000:] *= 50
    x[1] = 0
    metadata = {"trace_p_arrival_sample": 3000.0}
    for step in (
        generate.GaussianNoiseAtSNR(snr_db=(snr_db, snr_db)),
        generate.RealNoiseAtSNR(NOISE, snr_db=(snr_db, snr_db)),
    ):
        noisy = run(step, x, metadata, seed)["X"][0]
        signal = np.sqrt(np.mean(x[:, 3000:3200] ** 2))
        noise = np.sqrt(np.mean((noisy - x)[[0, 2]] ** 2))
        assert 20 * math.log10(signal / noise) == pytest.approx(snr_db, abs=0.2)
        # A dead component stays dead.
        assert not noisy[1].any()


@given(seeds)
def test_rotation_keeps_the_vertical_and_the_energy(seed):
    x = np.random.default_rng(seed).integers(-100, 100, (3, 50)).astype(np.int32)
    rotated = run(generate.HorizontalRotation("ZNE"), x, {}, seed)["X"][0]
    np.testing.assert_array_equal(rotated[0], x[0])
    ours, theirs = ((y[1:].astype(float) ** 2).sum(axis=0) for y in (rotated, x))
    np.testing.assert_allclose(ours, theirs, rtol=1e-4)


@pytest.mark.parametrize("missing", [0.0, 7.0, np.nan])
@pytest.mark.parametrize("begin", [0, 4100])
def test_an_arrival_whose_data_are_missing_has_no_label_but_is_detected(begin, missing):
    """A record that is dead from its begin has no labels at all."""
    x = np.random.default_rng(0).normal(0, 1, (3, 9000)).astype(np.float32)
    x[:, begin:] = missing
    metadata = {"trace_p_arrival_sample": 4000, "trace_s_arrival_sample": 4300}
    steps = training_augmentations(["lppn", "point", "eqt"], within=True)
    state = run(steps, x, metadata, 3)
    p, s, detection = state["eqt"][0]
    found = bool(p.any()), s.any(), detection.sum()
    assert found == (begin > 0, 0, 720 * (begin > 0))
    for key, rows in (("X", 0), ("lppn", 0), ("point", 1)):
        assert state[key][0][rows:].any() == (begin > 0)


@given(seeds, st.integers(0, 6143), st.integers(0, 6143))
def test_an_arrival_in_a_gap_has_no_label_but_its_event_is_detected(seed, p, s):
    p, s = sorted((p, s))
    x = np.ones((3, 6144), dtype=np.float32)
    metadata = {"trace_p_arrival_sample": p, "trace_s_arrival_sample": s}
    # There is no second gap.
    steps = [generate.Gap((50, 1000)), generate.Gap(), generate.EQTLabeller()]
    state = run(steps, x, metadata, seed)

    gap = np.flatnonzero(~state["X"][0].any(axis=0))
    begin, end = gap[0], gap[-1] + 1
    assert 50 <= end - begin == len(gap) <= 1000
    *phases, detection = state["y"][0]
    for label, sample in zip(phases, (p, s), strict=True):
        assert (label.max() < 0.9) == (begin - 20 < sample < end)
    expected = np.zeros(6144)
    expected[p : int(s + 1.4 * (s - p))] = 1
    expected[gap] = 0
    np.testing.assert_array_equal(detection, expected)


# Time and other instruments


@pytest.fixture
def wave():
    """A sine of 2 Hz at 100 Hz with zeros beside it, as of a record that begins late."""
    np.random.seed(0)
    x = np.zeros((3, 2000), dtype=np.float32)
    x[:, 300:1900] = np.sin(2 * np.pi * 2 * np.arange(1600) / 100)
    return x


def test_a_stretch_keeps_the_rate_and_what_is_missing(wave):
    wave[:, 1000:1100] = np.nan
    metadata = {"trace_sampling_rate_hz": 100.0, "trace_p_arrival_sample": 300.0}
    stretched, its = generate.TimeStretch((2.0, 2.0)).apply(wave, dict(metadata))
    assert stretched.shape == (3, 4000)
    assert its == {"trace_sampling_rate_hz": 100.0, "trace_p_arrival_sample": 600.0}
    missing = np.flatnonzero(np.isnan(stretched[0]))
    assert missing[[0, -1]] == pytest.approx([2000, 2200], abs=5)


INSTRUMENTS = ["BandLimit", "Clipping", "ComponentGain", "Differentiation", "Glitch"]


@pytest.mark.parametrize("name", [*INSTRUMENTS, "Integration", "RecordEdge"])
def test_what_is_zero_stays_zero_and_the_input_unchanged(name, wave):
    step = getattr(generate, name)()
    before = wave.copy()
    for _ in range(10):
        changed, _ = step.apply(wave, {})
        assert (changed.dtype, changed.shape) == (np.float32, wave.shape)
        assert np.isfinite(changed).all()
        assert not changed[:, :300].any()
        assert not changed[:, 1900:].any()
    np.testing.assert_array_equal(wave, before)
    assert not step.apply(np.zeros_like(wave), {})[0].any()


@pytest.mark.parametrize(("before", "after"), [("U", "D"), ("down", "up"), ("I", "I")])
def test_a_flip_turns_the_polarity(wave, before, after):
    flipped, its = run(generate.PolarityFlip(), wave, {"trace_polarity": before})["X"]
    np.testing.assert_array_equal(flipped, -wave)
    assert its["trace_polarity"] == after
