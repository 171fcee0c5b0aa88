"""Columns that hold several arrivals, with how sure they are."""

import numpy as np
import pytest
from made_records import Records, spike_record

from seisbench_diting.generate import (
    ArrivalWindow,
    Gap,
    GaussianNoiseAtSNR,
    LPPNLabeller,
    PointLabeller,
    SecondEvent,
    lppn_label,
    point_label,
    read_arrivals,
)


def with_arrays(p, s, npts=9000, sure=None):
    """A record of spikes whose arrivals stand in arrays."""
    x, _ = spike_record(p, s, npts=npts)
    metadata = {"trace_npts": npts, "trace_sampling_rate_hz": 100.0}
    for name, samples in (("P", p), ("S", s)):
        metadata[f"trace_{name}_arrival_sample"] = np.array(samples, dtype=float)
        if sure is not None:
            probabilities = np.full(len(samples), sure)
            metadata[f"trace_{name}_arrival_probability"] = probabilities
    return x, metadata


@pytest.fixture(autouse=True)
def _seeded():
    np.random.seed(0)


def test_arrays_have_the_labels_of_their_arrivals():
    p, s = [100.0, 3000.0, 5000.5], [400.0, 3400.0]
    x, metadata = with_arrays(p, s, npts=6144)
    np.testing.assert_array_equal(
        LPPNLabeller().label(x, metadata), lppn_label(p, s, 6144)
    )
    np.testing.assert_array_equal(
        PointLabeller().label(x, metadata), point_label(p, s, 6144)
    )


def test_windows_gaps_and_noise_move_and_hide_them():
    p, s = [2000.0, 4000.0, 6000.0], [2500.0, 4700.0, 6800.0]
    x, metadata = with_arrays(p, s, sure=0.8)
    before = {name: np.copy(value) for name, value in metadata.items()}
    for _ in range(30):
        wave, its = ArrivalWindow(6144, 256).apply(x, dict(metadata))
        wave, its = Gap((500, 1000)).apply(wave, its)
        wave, its = GaussianNoiseAtSNR((40.0, 40.0)).apply(wave, its)
        for arrival in read_arrivals(its):
            if 0 <= arrival.sample < 6144:
                there = np.abs(wave[:, int(arrival.sample)]).min() > 500
                assert there != arrival.hidden
        hidden = [a for a in read_arrivals(its) if a.hidden]
        seen = [a for a in read_arrivals(its) if not a.hidden]
        assert len(hidden) + len(seen) == 6
    for name, value in before.items():
        np.testing.assert_array_equal(metadata[name], value)


def test_sure_arrivals_are_chosen_more_often():
    x, metadata = with_arrays([1000.0, 7000.0], [])
    metadata["trace_P_arrival_probability"] = np.array([0.1, 0.9])
    window = ArrivalWindow(512, 100)
    chosen = [
        0 <= window.apply(x, dict(metadata))[1]["trace_P_arrival_sample"][1] < 512
        for _ in range(300)
    ]
    assert 0.8 < np.mean(chosen) < 0.98


def test_a_second_event_brings_its_own():
    rng = np.random.default_rng(0)
    first = rng.normal(size=(3, 6144)).astype(np.float32)
    x, metadata = with_arrays([3000.0], [3600.0], sure=0.7)
    second = SecondEvent(Records((x, metadata)), ratio=(10.0, 10.0))
    its_own = {
        "trace_P_arrival_sample": np.array([1000.0]),
        "trace_P_arrival_probability": np.array([0.9]),
    }
    mixed, its = second.apply(first, dict(its_own))
    arrivals = read_arrivals(its)
    assert [(a.phase, a.event) for a in arrivals] == [("P", 1), ("P", 2), ("S", 2)]
    assert [a.probability for a in arrivals] == pytest.approx([0.9, 0.7, 0.7])
    for arrival in arrivals[1:]:
        assert np.abs(mixed[:, int(arrival.sample)]).min() > 5


def test_what_drowns_is_less_sure():
    x, metadata = with_arrays([3000.0], [3600.0], npts=6144, sure=0.8)
    # Where there is exactly nothing, there is no noise either.
    x += 1
    quiet, loud = (
        GaussianNoiseAtSNR((snr, snr)).apply(x, dict(metadata))[1]
        for snr in (40.0, -20.0)
    )
    assert quiet["trace_P_arrival_probability"] == pytest.approx([0.8])
    assert loud["trace_P_arrival_probability"] == pytest.approx([0.0])
    # What an analyst has seen stays.
    plain = {"trace_p_arrival_sample": 3000.0}
    _, its = GaussianNoiseAtSNR((-20.0, -20.0)).apply(x, dict(plain))
    assert its == plain
