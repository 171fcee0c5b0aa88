"""Which columns are arrivals, and columns that hold several with how sure they are."""

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
    find_arrivals,
    lppn_label,
    point_label,
    read_arrivals,
)


def test_arrivals_by_the_names_of_seisbenchs_datasets():
    names = ["p", "P", "Pn", "p2", "s", "Sg", "pP", "SKS", "tele"]
    others = ["trace_p_arrival_uncertainty_s", "trace_start_sample", "trace_npts"]
    found = find_arrivals([*(f"trace_{n}_arrival_sample" for n in names), *others])

    expected = {f"trace_{n}_arrival_sample": "P" for n in ("p", "P", "Pn", "p2")}
    expected |= {f"trace_{n}_arrival_sample": "S" for n in ("s", "Sg")}
    assert found == expected


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
    for labeller, expected in (
        (LPPNLabeller(), lppn_label(p, s, 6144)),
        (PointLabeller(), point_label(p, s, 6144)),
    ):
        np.testing.assert_array_equal(labeller.label(x, metadata), expected)


def test_windows_gaps_and_noise_move_and_hide_them():
    p, s = [2000.0, 4000.0, 6000.0], [2500.0, 4700.0, 6800.0]
    x, metadata = with_arrays(p, s, sure=0.8)
    before = {name: np.copy(value) for name, value in metadata.items()}
    for _ in range(30):
        wave, its = ArrivalWindow(6144, 256).apply(x, dict(metadata))
        wave, its = Gap((500, 1000)).apply(wave, its)
        wave, its = GaussianNoiseAtSNR((40.0, 40.0)).apply(wave, its)
        arrivals = read_arrivals(its)
        assert len(arrivals) == 6
        for arrival in arrivals:
            if 0 <= arrival.sample < 6144:
                there = np.abs(wave[:, int(arrival.sample)]).min() > 500
                assert there != arrival.hidden
    for name, value in before.items():
        np.testing.assert_array_equal(metadata[name], value)


def test_a_second_event_brings_its_own():
    rng = np.random.default_rng(0)
    first = rng.normal(size=(3, 6144)).astype(np.float32)
    second = SecondEvent(
        Records(with_arrays([3000.0], [3600.0], sure=0.7)), ratio=(10.0, 10.0)
    )
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
    # There is a third event only in a window that has no second one.
    assert second.apply(mixed, its)[0] is mixed


def test_noise_makes_arrivals_less_sure():
    x, metadata = with_arrays([3000.0], [3600.0], npts=6144, sure=0.8)
    # Where there is exactly nothing, there is no noise either.
    x += 1
    for snr, left in ((40.0, 0.8), (-20.0, 0.0)):
        _, its = GaussianNoiseAtSNR((snr, snr)).apply(x, dict(metadata))
        assert its["trace_P_arrival_probability"] == pytest.approx([left])
    # What an analyst has seen stays.
    plain = {"trace_p_arrival_sample": 3000.0}
    assert GaussianNoiseAtSNR((-20.0, -20.0)).apply(x, dict(plain))[1] == plain
