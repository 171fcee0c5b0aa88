"""The LPPN linker: its network, published and own, and what it finds."""

import numpy as np
import pytest
from made_networks import associate_by, made_network, shares

from seisbench_diting.association.lppn_linker import (
    DISTANCE_STEP_KM,
    TIME_STEP_S,
    link_densities,
    load_linker,
)
from seisbench_diting.travel_times import make_table


def test_the_published_network(reference):
    linker = load_linker(reference / "weights" / "link32.ckpt")
    p, s = linker.odds(60.0, np.array([5.0, 10.9, 14.4, 18.0, 25.0]))

    assert list(p > 1) == [False, True, False, False, False]
    assert list(s > 1) == [False, False, False, True, False]
    density = link_densities(linker, 90, 30, np.array([8.0]))
    assert (density >= 0).all()
    assert (density.sum(-1) * TIME_STEP_S <= 1.01).all()


def test_the_own_network_knows_travel_times():
    times, depths = make_table("iasp91", 120.0, 20.0), np.array([5.0, 15.0])
    densities = link_densities(load_linker(), 80.0, 30.0, depths, times)

    axis = np.arange(densities.shape[-1]) * TIME_STEP_S
    for layer, depth in enumerate(depths):
        for distance in (10, 30, 60):
            density = densities[:, layer, int(distance / DISTANCE_STEP_KM)]
            mean = (density * axis).sum(1) / density.sum(1)
            expected = times.first_arrivals(distance, depth)
            np.testing.assert_allclose(mean, expected, atol=0.35)
            np.testing.assert_allclose(density.sum(1) * TIME_STEP_S, 1, atol=0.05)


def test_files_that_hold_no_linker(reference, tmp_path):
    for number, content in enumerate((b"", b"not a network", b"PK\x03\x04")):
        (tmp_path / f"{number}.pt").write_bytes(content)
    others = [reference / "weights" / "china.lppnt.pt", "nowhere.pt"]
    for path in (*tmp_path.iterdir(), *others):
        with pytest.raises(ValueError, match=r"network=.*\.pt"):
            load_linker(path)


def test_the_published_network_finds_events(reference):
    made = made_network(12, 10)
    network = str(reference / "weights" / "link32.ckpt")
    result = associate_by("lppn", made, network=network)
    assert shares(result, made.events)[1] >= 0.9
