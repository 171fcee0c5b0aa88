"""Travel times: close to TauP's own, from tables that may be lost or damaged."""

import tracemalloc
from pathlib import Path

import numpy as np
import obspy.taup
import pytest

from seisbench_diting.travel_times import KM_PER_DEGREE, TravelTimes, VelocityModelError
from seisbench_diting.travel_times import taup as module

DATA = Path(obspy.taup.__file__).parent / "data"


@pytest.fixture(scope="module")
def iasp91():
    return TravelTimes()


#: Distances (degrees) and depths (km) where curves bend: at the surface, at the change from
#: crust to mantle, and far away.
BENDS = [(0.0, 0.0), (0.0, 0.05), (0.001, 0.0), (0.02, 0.03), (0.7319, 16.79)]
BENDS += [(0.7362, 30.44), (1.3319, 2.478), (10.581, 653.89), (98.4, 0), (100, 20)]


@pytest.mark.parametrize(
    ("model", "deepest", "farthest"), [("iasp91", 700, 100), ("ak135", 30, 20)]
)
def test_times_are_within_50_ms_of_taup(model, deepest, farthest, rng):
    # Most random places are near and shallow.
    degrees, depths = rng.uniform(0, 1, (2, 15)) ** 2 * [[farthest], [deepest]]
    travel_times = TravelTimes(model)
    taup = module.load_taup(travel_times.model)
    for place in (*BENDS, *zip(degrees, depths, strict=True)):
        expected = [
            min(found.time for found in taup.get_travel_times(*place[::-1], names))
            for names in (module.P_PHASES, module.S_PHASES)
        ]
        found = travel_times.first_arrivals(place[0] * KM_PER_DEGREE, place[1])
        assert found == pytest.approx(expected, abs=0.05), place


def test_arrays_are_broadcast_and_beyond_the_core_there_is_nothing(iasp91):
    distances = [100.0, 11_000.0, 11_500.0, 20_000.0, np.nan]
    p, s = iasp91.first_arrivals(distances, [[5.0], [20.0]])

    one = iasp91.first_arrivals(100.0, 20.0)
    np.testing.assert_allclose(one, [p[1, 0], s[1, 0]])
    for times in (p, s):
        assert np.isfinite(times).tolist() == [[True, True, *[False] * 3]] * 2


def test_the_way_to_the_height_of_a_station_counts(iasp91):
    # Straight above the source the whole height counts, far away less of it.
    p, s = iasp91.first_arrivals(0.0, 100.0, [0.0, 2.0, -0.3])
    np.testing.assert_allclose(p[1:] - p[0], [2 / 5.8, -0.3 / 5.8], rtol=1e-6)
    np.testing.assert_allclose(s[1:] - s[0], [2 / 3.36, -0.3 / 3.36], rtol=1e-6)

    slowness = np.diff(iasp91.first_arrivals([499.5, 500.5], 10)[0])[0]
    delay = np.diff(iasp91.first_arrivals(500.0, 10, [0.0, 2.0])[0])[0]
    assert delay == pytest.approx(2 * np.sqrt(1 / 5.8**2 - slowness**2), rel=1e-3)

    above_sea_level = iasp91.first_arrivals(200.0, -1.0)
    assert above_sea_level == iasp91.first_arrivals(200.0, 0.0, 1.0)


def test_unknown_depth_and_elevation(iasp91):
    deeper = TravelTimes("IASP91", default_depth_km=15)
    assert deeper.first_arrivals(80, np.nan, np.nan) == iasp91.first_arrivals(80, 15)
    assert iasp91.first_arrivals(80) == iasp91.first_arrivals(80, 10)


@pytest.mark.parametrize(
    ("name", "value"),
    [("depth_km", 10_000.0), ("elevation_km", 1213.0), ("distance_km", -1.0)],
)
def test_impossible_values_are_named(iasp91, name, value):
    with pytest.raises(ValueError, match=f"{name}={value:.0f}"):
        iasp91.first_arrivals(**{"distance_km": 10.0, name: value})


# The cache


@pytest.fixture
def made(cache, monkeypatch):
    """Depths that TauP was asked for, in an empty cache."""
    depths = []
    make_curves = module.make_curves

    def counting(taup, depth_km):
        depths.append(depth_km)
        return make_curves(taup, depth_km)

    monkeypatch.setattr(module, "make_curves", counting)
    return depths


def test_only_what_is_needed_is_made_and_once(made):
    before = TravelTimes().first_arrivals(200, 8.0)
    # To the last digit, so that two runs give the same residuals.
    assert TravelTimes().first_arrivals(200, 8.0) == before
    assert len(made) == 10


@pytest.mark.parametrize("content", ["empty", "half", "pickle", "noise"])
def test_damaged_files_are_made_again(made, content):
    expected = TravelTimes().first_arrivals(200, 8.0)
    (path,) = TravelTimes().cache_folder.iterdir()
    good = path.read_bytes()
    if content == "pickle":
        np.savez(path, curves=np.array({"a": 1}, dtype=object))
    else:
        bad = {"empty": b"", "half": good[: len(good) // 2], "noise": good[::-1]}
        path.write_bytes(bad[content])

    for _ in range(2):
        assert TravelTimes().first_arrivals(200, 8.0) == expected
        assert len(made) == 20


def test_without_a_cache_that_can_be_written(made, cache):
    (cache.parents[1] / "seisbench_diting").write_text("no folder")
    p, _ = TravelTimes().first_arrivals(200, 8.0)
    assert 25 < p < 35


# Own models


def test_a_changed_model_has_a_table_of_its_own(cache, tmp_path):
    own, text = tmp_path / "mine.tvel", (DATA / "ak135.tvel").read_text()
    own.write_text(text)
    before = TravelTimes(own).first_arrivals([50, 500], 12.0)
    expected = TravelTimes("ak135").first_arrivals([50, 500], 12.0)
    np.testing.assert_allclose(before, expected, atol=0.01)

    # A changed model has a table of its own.
    own.write_text(text.replace("5.8000", "5.0000"))
    after = TravelTimes(str(own)).first_arrivals(50, 12.0)
    assert after[0] > before[0][0] + 1


ND = """0 5.5 3.2 2.6\n16 5.5 3.2 2.6\n16 6.7 3.9 2.8\n32 6.7 3.9 2.8
mantle\n32 7.8 4.5 3.3\n"""


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("layers.csv", "depth,vp,vs\n0,5.5,3.2\n16,6.7,3.9\n32,7.8,4.5\n"),
        ("high.csv", "-2,3,1.5\n-1,5.5,3.2\n16,6.7,3.9\n32,7.8,4.5\n"),
        ("layers.vel", "0 5.5 3.2\n16; 6.7; 3.9\n32 7.8 4.5"),
        ("crust.nd", ND),
    ],
)
def test_a_few_lines_are_a_model(cache, tmp_path, name, text):
    (tmp_path / name).write_text(text)
    model = TravelTimes(tmp_path / name)
    p, s = model.first_arrivals([0, 10, 400, 3000], [10, 10, 10, 10])
    np.testing.assert_allclose(p[:2], [10 / 5.5, 200**0.5 / 5.5], atol=0.02)
    np.testing.assert_allclose(s[:2], [10 / 3.2, 200**0.5 / 3.2], atol=0.03)
    # In the mantle of iasp91, whose velocity at the top is 8.04 km/s.
    assert p[2] == pytest.approx(400 / 8.04 + 5.8, abs=0.5)
    assert p[3] == pytest.approx(TravelTimes().first_arrivals(3000, 10)[0], abs=1.5)


NO_NUMBERS = "depth vp vs\nfoo\n"
S_BEFORE_P = "0 3.4 5.8 2.7\n35 3 5 2\n"
UPWARDS = "30 6 3.5\n10 6 3.4\n"
UNSORTED = "16 6.7 3.9\n0 5.5 3.2\n32 7.8 4.5\n"
METRES = "0 5500 3200\n16 6700 3900\n"
NO_S = "0 5.5 3.2\n16 6.7\n32 7.8 4.5\n"
INVALID = [NO_NUMBERS, S_BEFORE_P, UPWARDS, UNSORTED, METRES, NO_S, ""]


def test_layers_at_depths_of_the_table_take_little_memory(cache, tmp_path):
    # TauP's own cache of models was copied into itself at each boundary: 17 GB.
    path = tmp_path / "layers.csv"
    lines = [f"{z / 10} {5 + z / 5} {3 + z / 9}" for z in range(9)]
    path.write_text("\n".join(lines))
    model = TravelTimes(path)
    tracemalloc.start()
    model.first_arrivals(50, 0.5)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6


@pytest.mark.parametrize("text", INVALID)
def test_unknown_and_invalid_models_are_named(cache, tmp_path, text):
    with pytest.raises(VelocityModelError, match=r"'iasp92' .*iasp91"):
        TravelTimes("iasp92")
    (tmp_path / "mine.nd").write_text(text)
    with pytest.raises(VelocityModelError, match=r"mine\.nd"):
        TravelTimes(tmp_path / "mine.nd")
