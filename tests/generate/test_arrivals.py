"""Which columns are arrivals, and columns that hold several with how sure they are."""

import numpy as np
import pytest
from made_records import Records, run, spike_record

from seisbench_diting import generate
from seisbench_diting.generate import read_arrivals


def test_arrivals_by_the_names_of_seisbenchs_datasets():
    names = ["p", "P", "Pn", "p2", "s", "Sg", "pP", "SKS", "tele"]
    others = ["trace_p_arrival_uncertainty_s", "trace_start_sample", "trace_npts"]
    found = generate.find_arrivals(
        [*(f"trace_{n}_arrival_sample" for n in names), *others]
    )

    expected = {f"trace_{n}_arrival_sample": "P" for n in ("p", "P", "Pn", "p2")}
    expected |= {f"trace_{n}_arrival_sample": "S" for n in ("s", "Sg")}
    assert found == expected


def with_arrays(p, s, npts=9000, sure=1.0):
    """A record of spikes whose arrivals stand in arrays."""
    x, _ = spike_record(p, s, npts=npts)
    metadata = {"trace_npts": npts, "trace_sampling_rate_hz": 100.0}
    for name, samples in (("P", p), ("S", s)):
        probabilities = np.full(len(samples), sure)
        metadata[f"trace_{name}_arrival_sample"] = np.array(samples)
        metadata[f"trace_{name}_arrival_probability"] = probabilities
    return x, metadata


def test_a_second_event_brings_its_own():
    rng = np.random.default_rng(0)
    first = rng.normal(size=(3, 6144)).astype(np.float32)
    others = Records(with_arrays([3000.0], [3600.0], sure=0.7))
    second = generate.SecondEvent(others, ratio=(10.0, 10.0))
    mixed, its = run(second, first, with_arrays([1000.0], [], sure=0.9)[1])["X"]
    arrivals = read_arrivals(its)
    assert [(a.phase, a.event) for a in arrivals] == [("P", 1), ("P", 2), ("S", 2)]
    assert [a.probability for a in arrivals] == pytest.approx([0.9, 0.7, 0.7])
    for arrival in arrivals[1:]:
        assert np.abs(mixed[:, int(arrival.sample)]).min() > 5
    # There is a third event only in a window that has no second one.
    assert second.apply(mixed, its)[0] is mixed
