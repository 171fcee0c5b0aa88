"""The LPPN linker: its network, published and own, and what it finds."""

import numpy as np
import pytest
from made_networks import VELOCITY, made_network
from scoring import shares

from seisbench_diting.association import associate
from seisbench_diting.association.lppn_linker import (
    DISTANCE_STEP_KM,
    TIME_STEP_S,
    load_linker,
    own_table,
    published_table,
)
from seisbench_diting.travel_times import make_table


def test_the_published_network(reference):
    linker = load_linker(reference / "weights" / "link32.ckpt")
    p, s = linker.odds(60.0, np.array([5.0, 10.9, 14.4, 18.0, 25.0]))

    assert list(p > 1) == [False, True, False, False, False]
    assert list(s > 1) == [False, False, False, True, False]


def test_the_own_network_knows_travel_times():
    times = make_table("iasp91", 120.0, 20.0)
    table = own_table(load_linker(), 80.0, 30.0, times, np.array([5.0, 15.0]))

    axis = np.arange(table.density.shape[-1]) * TIME_STEP_S
    for layer, depth in enumerate(table.depths_km):
        for distance in (10, 30, 60):
            of_place = table.density[:, layer, int(distance / DISTANCE_STEP_KM)]
            mean = (of_place * axis).sum(1) / of_place.sum(1)
            np.testing.assert_allclose(mean, times.at(distance, depth), atol=0.35)
            np.testing.assert_allclose(of_place.sum(1) * TIME_STEP_S, 1, atol=0.05)


def test_tables_hold_densities(reference):
    table = published_table(load_linker(reference / "weights" / "link32.ckpt"), 90, 30)

    assert table.density.shape[:2] == (2, 1)
    assert (table.density >= 0).all()
    assert (table.density.sum(-1) * TIME_STEP_S <= 1.01).all()


@pytest.mark.parametrize("content", [b"", b"not a network", b"PK\x03\x04"])
def test_files_that_are_no_network(tmp_path, content):
    path = tmp_path / "linker.pt"
    path.write_bytes(content)

    with pytest.raises(ValueError, match=r"network=.*linker\.pt"):
        load_linker(path)


def test_weights_of_another_network(reference):
    with pytest.raises(ValueError, match="network="):
        load_linker(reference / "weights" / "china.lppnt.pt")


def test_no_network():
    with pytest.raises(FileNotFoundError, match="network="):
        load_linker("nowhere.pt")


@pytest.mark.parametrize("events", [5, 30])
def test_events_with_known_origins(events):
    made = made_network(11, events)
    result = associate(
        made.picks, made.stations, "lppn", velocity=VELOCITY, max_depth_km=20.0
    )

    precision, recall = shares(result, made.events)
    assert precision >= 0.95
    assert recall >= 0.95


def test_with_the_published_network(reference):
    made = made_network(12, 10)
    result = associate(
        made.picks,
        made.stations,
        "lppn",
        velocity=VELOCITY,
        network=str(reference / "weights" / "link32.ckpt"),
    )

    assert shares(result, made.events)[1] >= 0.9


def test_many_depths():
    made = made_network(12, 3)
    options = {"velocity": VELOCITY, "max_depth_km": 65.0}
    few, many = (
        associate(made.picks, made.stations, "lppn", depth_grid_km=step, **options)
        for step in (5.0, 0.25)
    )
    assert len(few.events) == len(many.events) == 3


def test_too_many_depths():
    made = made_network(12, 1)
    with pytest.raises(ValueError, match=r"depth_grid_km=0\.1: 3000 depths"):
        associate(
            *(made.picks, made.stations, "lppn"),
            max_depth_km=300.0,
            depth_grid_km=0.1,
        )


def test_too_many_epicentres():
    made = made_network(11, 1)
    with pytest.raises(ValueError, match=r"grid_km=0\.1: .* epicentres"):
        associate(made.picks, made.stations, "lppn", grid_km=0.1, margin_km=100.0)
