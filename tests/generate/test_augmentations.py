"""Labels stay right under every augmentation, and each does what it says."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_records import HEIGHT, Records, spike_record

from seisbench_diting.generate import (
    ComponentDropout,
    Gap,
    GaussianNoiseAtSNR,
    HorizontalRotation,
    PolarityFlip,
    RateJitter,
    RealNoiseAtSNR,
    SecondEvent,
    SecondRate,
    training_augmentations,
)

seeds = st.integers(0, 2**32 - 1)
first = st.integers(0, 8999)
delay = st.integers(60, 4000)

OTHER = Records(spike_record(3000, 3700, npts=8000), spike_record(4000, npts=4500))
NOISE = Records((np.random.default_rng(0).normal(3, 9, (3, 5000)), {}))

#: Every option of the recipe, switched on.
OPTIONS = {
    "published": {},
    "second_event": {
        "second_event": 1.0,
        "second_event_records": OTHER,
        "second_event_ratio": (0.6, 1.0),
    },
    "gaussian_noise": {"gaussian_noise": 1.0, "snr_db": (10, 20)},
    "real_noise": {"real_noise": 1.0, "noise_records": NOISE, "snr_db": (10, 20)},
    "rotation": {"rotation": 1.0},
    "polarity_flip": {"polarity_flip": 1.0},
    "component_dropout": {"component_dropout": 1.0},
    "gap": {"gap": 1.0},
    "rate_jitter": {"rate_jitter": 1.0, "rate_jitter_share": 0.1},
    "second_rate": {"second_rate": 1.0, "second_rate_hz": 100.0},
    "slower": {"second_rate": 1.0, "second_rate_hz": 20.0},
    "noise_window": {"noise_window": 1.0},
    "time_stretch": {"time_stretch": 1.0},
    "component_gain": {"component_gain": 1.0},
    "clipping": {"clipping": 1.0},
    "record_edge": {"record_edge": 1.0},
}

#: Resampling spreads a spike over its neighbours.
SPREAD = ("rate_jitter", "second_rate", "slower", "time_stretch")

#: What cuts arrivals off.
CUTTING = ("gap", "record_edge")


def run(steps, x, metadata, seed):
    np.random.seed(seed)
    state = {"X": (x, metadata)}
    for step in steps:
        step(state)
    return state


def near(samples, others, distance) -> list[bool]:
    return [any(abs(one - other) <= distance for other in others) for one in samples]


@pytest.mark.parametrize("name", OPTIONS)
@given(seed=seeds, p=first, between=delay)
def test_labels_are_where_the_arrivals_are(name, seed, p, between):
    x, metadata = spike_record(p, p + between)
    # A background, so that no window is dead.
    x[:, ::2] += 1
    steps = training_augmentations(["lppn", "point", "eqt"], **OPTIONS[name])
    state = run(steps, x, metadata, seed)
    wave, its = state["X"]
    point, lppn, eqt = (state[key][0] for key in ("point", "lppn", "eqt"))

    assert wave.shape == (3, 6144)
    assert 0.4 < np.abs(wave).max() <= 2 + 1e-6
    labelled, hidden = (
        sorted(
            int(value)
            for key, value in its.items()
            if key.endswith(f"_{kind}_sample") and 0 <= value < 6144
        )
        for kind in ("arrival", "hidden")
    )
    # Each label has its signal, and each signal its label.
    size = np.linalg.norm(wave, axis=0)
    slack = 1 if name in SPREAD else 0
    for sample in labelled:
        assert size[sample - slack if sample else 0 : sample + slack + 1].max() > (
            0.15 * size.max()
        )
    seen = np.flatnonzero(size > 0.65 * size.max())
    if labelled:
        # One that is cut off soon after it is seen, but has no label.
        allowed = labelled + (hidden if name in CUTTING else [])
        assert all(near(seen, allowed, slack + bool(slack)))
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


@given(seed=seeds, p=first, between=delay)
def test_all_of_it_together(seed, p, between):
    options = {}
    for name, one in OPTIONS.items():
        options |= {k: (0.5 if k == name else v) for k, v in one.items()}
    x, metadata = spike_record(p, p + between)
    state = run(training_augmentations("LPPNM", **options), x, metadata, seed)

    wave, label = state["X"][0], state["y"][0]
    assert wave.shape == (3, 6144)
    assert label.shape == (2, 768)
    assert np.isfinite(wave).all()
    assert np.isfinite(label).all()


@given(seeds, st.floats(-10, 30))
def test_noise_has_the_ratio_that_was_asked_for(seed, snr_db):
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 1e-9, (3, 6144))
    x[:, 3000:] *= 50
    metadata = {"trace_p_arrival_sample": 3000.0}
    for step in (
        GaussianNoiseAtSNR(snr_db=(snr_db, snr_db)),
        RealNoiseAtSNR(NOISE, snr_db=(snr_db, snr_db)),
    ):
        noisy = run([step], x, metadata, seed)["X"][0]
        signal = np.sqrt(np.mean(x[:, 3000:3200] ** 2))
        noise = np.sqrt(np.mean((noisy - x) ** 2))
        assert 20 * math.log10(signal / noise) == pytest.approx(snr_db, abs=0.01)


def test_noise_leaves_dead_components_dead():
    x, metadata = spike_record(3000, npts=6144)
    x += 1
    x[1] = 0
    for step in (GaussianNoiseAtSNR(), RealNoiseAtSNR(NOISE)):
        assert not run([step], x, metadata, 0)["X"][0][1].any()
        nothing = np.zeros((3, 100), dtype=np.float32)
        assert not run([step], nothing, {}, 0)["X"][0].any()


def test_noise_of_records_with_arrivals_ends_before_them():
    quiet = np.random.default_rng(0).normal(0, 1, (3, 3000)).astype(np.float32)
    x, metadata = spike_record(2000, 2500, npts=3000)
    step = RealNoiseAtSNR(Records((x + quiet, metadata)), snr_db=(0, 0))
    for seed in range(20):
        target = np.random.default_rng(seed).normal(0, 1, (3, 6144))
        added = run([step], target, {}, seed)["X"][0] - target
        assert np.abs(added).max() < 10 * added.std()


@given(seeds)
def test_rotation_keeps_the_vertical_and_the_energy(seed):
    x = np.random.default_rng(seed).normal(0, 1, (3, 50)).astype(np.float32)
    rotated = run([HorizontalRotation("ZNE")], x, {}, seed)["X"][0]

    np.testing.assert_array_equal(rotated[0], x[0])
    np.testing.assert_allclose(
        (rotated[1:] ** 2).sum(axis=0), (x[1:] ** 2).sum(axis=0), rtol=1e-4, atol=1e-6
    )
    with pytest.raises(ValueError, match="component_order='Z'"):
        HorizontalRotation("Z")


def test_a_flip_turns_the_polarity():
    x, metadata = spike_record(100, npts=200)
    flipped, its = run([PolarityFlip()], x, metadata, 0)["X"]

    np.testing.assert_array_equal(flipped, -x)
    assert its["trace_polarity"] == "D"
    for unknown in (None, np.nan, "I"):
        state = run([PolarityFlip()], x, {"trace_polarity": unknown}, 0)
        assert state["X"][1]["trace_polarity"] is unknown


@given(seeds)
def test_dropout_leaves_one_component_at_least(seed):
    x = np.ones((3, 10), dtype=np.float32)
    dropped = run([ComponentDropout()], x, {}, seed)["X"][0]

    assert 1 <= dropped.any(axis=1).sum() <= 2


def test_a_dead_record_has_no_labels():
    for x in (np.zeros((3, 9000)), np.full((3, 9000), 7.0), np.full((3, 9000), np.nan)):
        metadata = {"trace_p_arrival_sample": 4000, "trace_s_arrival_sample": 4500}
        steps = training_augmentations(["lppn", "point", "eqt"])
        state = run(steps, x.astype(np.float32), metadata, 0)
        assert not state["X"][0].any()
        assert not state["lppn"][0].any()
        assert not state["point"][0][1:].any()
        assert not state["eqt"][0].any()


def test_an_arrival_whose_data_are_missing_has_no_label_but_its_event_is_detected():
    for missing in (0.0, np.nan):
        x = np.random.default_rng(0).normal(0, 1, (3, 9000)).astype(np.float32)
        x[:, 4100:] = missing
        metadata = {"trace_p_arrival_sample": 4000, "trace_s_arrival_sample": 4300}
        steps = training_augmentations(["eqt"], within=True)
        label = run(steps, x, metadata, 3)["eqt"][0]
        assert label[0].any()
        assert not label[1].any()
        assert label[2].sum() == 720


def test_a_gap_is_not_followed_by_another():
    x, metadata = spike_record(3000, npts=6144)
    state = run([Gap(), Gap()], x + 1, metadata, 0)
    begin, end = (state["X"][1][f"trace_gap_{w}_sample"] for w in ("begin", "end"))

    assert np.flatnonzero(~state["X"][0].any(axis=0)).tolist() == list(
        range(begin, end)
    )


def test_whole_numbers_are_rotated_as_well():
    x = np.random.default_rng(0).integers(-100, 100, (3, 50)).astype(np.int32)
    rotated = run([HorizontalRotation("ZNE")], x, {}, 1)["X"][0]

    np.testing.assert_allclose(
        (rotated[1:] ** 2).sum(axis=0),
        (x[1:].astype(float) ** 2).sum(axis=0),
        rtol=1e-4,
    )


def test_noise_with_other_components_is_no_noise():
    x, metadata = spike_record(3000, npts=6144)
    one = Records((np.ones((1, 9000), dtype=np.float32).cumsum(axis=1), {}))
    with pytest.raises(ValueError, match="noise_records has 1 components"):
        run([RealNoiseAtSNR(one)], x, metadata, 0)


def test_words_for_the_polarity():
    x, _ = spike_record(100, npts=200)
    for before, after in (("up", "down"), ("negative", "positive"), ("D", "U")):
        state = run([PolarityFlip()], x, {"trace_polarity": before}, 0)
        assert state["X"][1]["trace_polarity"] == after


def test_without_signal_there_is_no_arrival():
    x, metadata = spike_record(100, 150, npts=200)
    x[1:] = 0
    seen = set()
    for seed in range(30):
        dropped, its = run([ComponentDropout()], x, metadata, seed)["X"]
        has_arrivals = np.isfinite(its["trace_p_arrival_sample"])
        assert has_arrivals == dropped.any()
        seen.add(has_arrivals)
    assert seen == {True, False}


@given(seeds, st.integers(0, 6143), st.integers(0, 6143))
def test_an_arrival_in_a_gap_has_no_label_but_its_event_is_detected(seed, p, s):
    p, s = sorted((p, s))
    x = np.ones((3, 6144), dtype=np.float32)
    metadata = {"trace_p_arrival_sample": p, "trace_s_arrival_sample": s}
    steps = [Gap((50, 1000)), *training_augmentations("eqt")[-1:]]
    state = run(steps, x, metadata, seed)
    wave, its = state["X"]
    label = state["y"][0]

    (gap,) = {(its["trace_gap_begin_sample"], its["trace_gap_end_sample"])}
    begin, end = gap
    assert 50 <= end - begin <= 1000
    assert not wave[:, begin:end].any()
    assert wave[:, :begin].all()
    assert wave[:, end:].all()
    for row, phase, sample in ((0, "p", p), (1, "s", s)):
        is_hidden = begin - 20 < sample < end
        assert np.isnan(its[f"trace_{phase}_arrival_sample"]) == is_hidden
        assert (label[row].max() < 0.9) == is_hidden
    expected = np.zeros(6144)
    expected[p : int(s + 1.4 * (s - p))] = 1
    expected[begin:end] = 0
    np.testing.assert_array_equal(label[2], expected)


@given(seeds, st.integers(500, 6000))
def test_rates_move_everything_that_is_in_samples(seed, p):
    x, metadata = spike_record(p, npts=7000)
    metadata["trace_dt_s"] = 0.02
    for step, low, high in ((RateJitter(0.2), 40, 60), (SecondRate(80.0), 80, 80)):
        wave, its = run([step], x, metadata, seed)["X"]
        rate = its["trace_sampling_rate_hz"]
        assert low - 1e-6 <= rate <= high + 1e-6
        assert its["trace_dt_s"] == pytest.approx(1 / rate)
        assert its["trace_npts"] == wave.shape[1]
        assert wave.shape[1] == pytest.approx(7000 * rate / 50, abs=2)
        assert its["trace_p_arrival_sample"] == pytest.approx(p * rate / 50)
        peak = np.linalg.norm(wave, axis=0).argmax()
        assert abs(peak - its["trace_p_arrival_sample"]) <= 1


def test_rates_keep_what_is_missing_missing():
    x, metadata = spike_record(1000, npts=4000)
    x[:, 2000:2100] = np.nan
    wave, _ = run([SecondRate(25.0)], x, metadata, 0)["X"]

    assert np.isnan(wave[:, 1002:1048]).all()
    assert np.isfinite(wave[:, :998]).all()
    assert np.isfinite(wave[:, 1052:]).all()
    with pytest.raises(ValueError, match="trace_sampling_rate_hz"):
        run([SecondRate(25.0)], x, {}, 0)


@given(seeds)
def test_a_second_event_brings_its_own_arrivals(seed):
    x, metadata = spike_record(3000, 3500, npts=6144)
    step = SecondEvent(OTHER, ratio=(0.5, 0.5), padlen=512)
    wave, its = run([step], x, metadata, seed)["X"]

    assert its["trace_p_arrival_sample"] == 3000
    second = its["trace_p2_arrival_sample"]
    if 0 <= second < 6144 and second != 3000 and second != 3500:
        assert wave[0, int(second)] == pytest.approx(0.5 * HEIGHT, rel=0.01)
    state = run([step, *training_augmentations("eqt")[-1:]], x, metadata, seed)
    assert state["y"][0][0, 3000] == 1
    # There is a third event only in a window that has no second one.
    again, more = run([step], wave, its, 0)["X"]
    assert again is wave
    assert more == its


def test_records_at_another_rate_are_resampled():
    fast, its = spike_record(6000, npts=12_000)
    its["trace_sampling_rate_hz"] = 100.0
    x, metadata = spike_record(3000, npts=6144)
    step = SecondEvent(Records((fast, its)), ratio=(1, 1), padlen=512)
    for seed in range(10):
        wave, after = run([step], x, metadata, seed)["X"]
        second = after["trace_p2_arrival_sample"]
        if abs(second - 3000) > 5:
            assert wave[0, int(second)] > 0.6 * HEIGHT
    noise = Records((np.random.default_rng(0).normal(0, 1, (3, 500)), its))
    assert run([RealNoiseAtSNR(noise)], x + 1, metadata, 0)["X"][0].std() > 0


def test_a_second_event_with_other_components():
    x, metadata = spike_record(3000, npts=6144)
    step = SecondEvent(Records(spike_record(3000, channels=1)))
    with pytest.raises(ValueError, match="missing_components='pad'"):
        run([step], x, metadata, 0)


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: RateJitter(0.6), "share=0.6"),
        (lambda: RateJitter(-1), "share=-1"),
        (lambda: SecondRate(0), "rate_hz=0"),
        (
            lambda: run([SecondRate(0.1)], *spike_record(100, npts=200), 0),
            "within a factor of 200",
        ),
        (lambda: Gap((0, 10)), "length="),
        (lambda: Gap((10, 5)), "length="),
        (lambda: Gap((1.5, 5)), "length="),
        (lambda: Gap(visible=-1), "visible=-1"),
        (lambda: GaussianNoiseAtSNR((20, 0)), "snr_db="),
        (lambda: GaussianNoiseAtSNR((0, math.nan)), "snr_db="),
        (lambda: RealNoiseAtSNR(NOISE, margin=-1), "margin=-1"),
        (lambda: SecondEvent(OTHER, ratio=(0, 1)), "ratio="),
        (lambda: ComponentDropout(phases={"x": "P"}), "phases="),
    ],
)
def test_wrong_arguments(make, word):
    with pytest.raises(ValueError, match=word):
        make()


def test_they_print_without_their_records():
    for step in (SecondEvent(OTHER), RealNoiseAtSNR(NOISE), Gap()):
        text = str(step)
        assert text.startswith(f"{type(step).__name__} (")
        assert "object at" not in text
