"""Who may teach, and what they are given."""

from operator import itemgetter

import numpy as np
import obspy
import pytest
from seisbench.models import PhaseNet

pytest.importorskip("lightning")

from seisbench_diting.distillation.teachers import (
    ModelTeacher,
    Opinion,
    by_station,
    load_teachers,
)

START = obspy.UTCDateTime(2014, 5, 1)


def write_file(path, station="CX.PB01.", start=START, **arrays):
    np.savez(path, station_id=station, start_time=str(start), **arrays)
    return path


def curve(samples, *places):
    values = np.zeros((2, samples), dtype=np.float16)
    for row, place, height in places:
        values[row, place - 2 : place + 3] = np.array([0.2, 0.6, 1, 0.6, 0.2]) * height
    return values


@pytest.fixture
def record(cx_pb01):
    first = cx_pb01[0].stats.starttime
    return cx_pb01.slice(first + 3600, first + 3900).copy()


def times(seen, station="CX.PB01."):
    return [
        (" PS"[phase], round(time * 1e-9, 2), round(probability, 2))
        for phase, time, probability in sorted(
            seen[station].arrivals, key=itemgetter(1)
        )
    ]


def test_a_model_gets_its_own_order_and_rate_and_any_unit(published, record):
    begin, end = (record[0].stats[k].ns for k in ("starttime", "endtime"))
    model = published("RNN", "csn")
    teacher = ModelTeacher("RNN/csn", model, 0.5)
    seen = teacher.see(record, begin, end, 0.1)
    expected = model.classify(
        record,
        overlap=0.5,
        stacking="avg",
        min_separation=0.5,
        P_threshold=0.1,
        S_threshold=0.1,
    ).picks
    assert len(seen["CX.PB01."].arrivals) > 3
    ((first, last),) = seen["CX.PB01."].known
    assert abs(first - begin) < 1e8
    assert abs(last - end) < 1e8
    assert {round(time * 1e-9, 3) for _, time, _ in seen["CX.PB01."].arrivals} == {
        round(pick.peak_time.timestamp, 3) for pick in expected
    }
    turned = obspy.Stream(reversed(record.copy()))
    for trace in turned:
        trace.data = trace.data * 1e-10
    assert times(teacher.see(turned, begin, end, 0.1)) == times(seen)
    slow = ModelTeacher("RNN/diting", published("RNN", "diting"), 0.5)
    assert slow.model.sampling_rate == 50
    assert slow.see(record, begin, end, 0.3)["CX.PB01."].arrivals


def test_a_model_of_seisbench_teaches(record, reference):
    model = PhaseNet.load(reference / "peers" / "phasenet" / "volpick", version_str="1")
    begin, end = (record[0].stats[k].ns for k in ("starttime", "endtime"))
    teacher = ModelTeacher("PhaseNet/volpick", model, 0.5)
    seen = times(teacher.see(record, begin, end, 0.1))
    assert {phase for phase, _, _ in seen} == {"P", "S"}
    weak = record.copy()
    for trace in weak:
        trace.data = trace.data * 1e-10
    assert times(teacher.see(weak, begin, end, 0.1)) == seen


def test_files_of_probabilities(tmp_path):
    write_file(
        tmp_path / "a.npz",
        mine_50hz=curve(3000, (0, 500, 0.8), (1, 900, 0.4)),
        other_100hz=curve(6000, (0, 1000, 0.9)),
    )
    write_file(tmp_path / "b.npz", start=START + 3600, mine_50hz=curve(3000))
    stream = obspy.Stream([obspy.Trace(np.zeros(10), {"network": "CX"})])
    stream[0].stats.update({"station": "PB01", "channel": "HHZ"})
    mine, other = load_teachers([str(tmp_path)], 0.5)
    begin, end = START.ns, (START + 60).ns

    seen = mine.see(stream, begin, end, 0.1)
    at = START.timestamp
    assert times(seen) == [("P", at + 10, 0.8), ("S", at + 18, 0.4)]
    assert times(other.see(stream, begin, end, 0.1)) == [("P", at + 10, 0.9)]
    # Of other times and stations they know nothing, and an empty array says nothing.
    later = (START + 7200).ns
    assert mine.see(stream, later, later + 60 * 10**9, 0.1) == {}
    assert mine.see(stream, (START + 3600).ns, (START + 3660).ns, 0.1) == {}
    assert seen["CX.PB01."].known == [(begin, end)]
    assert mine.knows == "CX.PB01."
    stream[0].stats.station = "PB02"
    assert mine.see(stream, begin, end, 0.1) == {}
    for name in ("other", "other_100hz"):
        (chosen,) = load_teachers([f"{tmp_path}#{name}"], 0.5)
        assert chosen.name == "other_100hz"
    with pytest.raises(ValueError, match=r"teachers=.*#oth"):
        load_teachers([f"{tmp_path}#oth"], 0.5)


def test_two_names_of_one_arrival_count_once():
    found = {
        ("XX.A.", 1): [(10**9, 0.4), (10**9 + 10**8, 0.7), (3 * 10**9, 0.2)],
        ("XX.A.", 2): [(10**9 + 10**8, 0.3)],
    }
    known = [("XX.A.", 5, 9), ("XX.A.", 0, 5), ("XX.A.", 20, 30), ("XX.B.", 0, 1)]
    opinions = by_station(found, known)
    assert [one[2] for one in opinions["XX.A."].arrivals] == [0.7, 0.2, 0.3]
    assert opinions["XX.A."].known == [(0, 9), (20, 30)]
    assert opinions["XX.B."] == Opinion([], [(0, 1)])


@pytest.mark.parametrize(
    "change",
    [
        {"mine_50hz": curve(100) * np.float16(np.nan)},
        {"mine_50hz": curve(100) + 2},
        {"mine_50hz": np.full((2, 100), "P")},
        {"mine_50hz": np.zeros((3, 100))},
        {"mine_50hz": None},
        {"mine_50hz": None, "mine_0hz": curve(100)},
        {"start_time": "soon"},
        {"start_time": None},
        {"station_id": "PB01"},
    ],
)
def test_files_that_are_wrong_are_named(tmp_path, change):
    content = {
        "station_id": "CX.PB01.",
        "start_time": str(START),
        "mine_50hz": curve(100, (0, 50, 0.9)),
        **change,
    }
    path = tmp_path / "a.npz"
    np.savez(path, **{k: v for k, v in content.items() if v is not None})
    with pytest.raises(ValueError, match=r"teachers='.*a\.npz'"):
        see_all(path)


def test_files_that_are_damaged_are_named(tmp_path):
    rng = np.random.default_rng(0)
    path = write_file(tmp_path / "a.npz", mine_50hz=rng.random((2, 5000)))
    whole = path.read_bytes()
    cuts = [whole[:kept] for kept in (0, 10, len(whole) // 2, len(whole) - 10)]
    for content in (*cuts, whole[:40_000] + b"damaged" + whole[40_007:]):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"teachers='.*a\.npz'"):
            see_all(path)


def see_all(path):
    stream = obspy.Stream([obspy.Trace(np.zeros(10), {"network": "CX"})])
    stream[0].stats.update({"station": "PB01", "channel": "HHZ"})
    (teacher,) = load_teachers([str(path)], 0.5)
    return teacher.see(stream, START.ns, (START + 60).ns, 0.1)


def test_teachers_that_do_not_exist_are_named(tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    good = write_file(tmp_path / "good.npz", mine_50hz=curve(100))
    for name, reason in (
        ("Nobody/csn", "nor a model"),
        (str(tmp_path / "empty"), "folder"),
        (f"{good}#his", "mine_50hz"),
    ):
        with pytest.raises(ValueError, match=f"teachers='{name}': .*{reason}"):
            load_teachers([name], 0.5)
