"""Who may teach, and what they are given."""

import numpy as np
import obspy
import pytest
from seisbench.models import PhaseNet

from seisbench_diting.distillation.curves import Said, Seen, by_station
from seisbench_diting.distillation.teachers import ModelTeacher, load_teachers

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
        (one.phase, round(one.time * 1e-9, 2), round(one.probability, 2))
        for one in sorted(seen[station].arrivals, key=lambda one: one.time)
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
    assert {round(one.time * 1e-9, 3) for one in seen["CX.PB01."].arrivals} == {
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
    assert mine.knows() == "CX.PB01."
    stream[0].stats.station = "PB02"
    assert mine.see(stream, begin, end, 0.1) == {}
    for name in ("other", "other_100hz"):
        (chosen,) = load_teachers([f"{tmp_path}#{name}"], 0.5)
        assert chosen.name == "other_100hz"
    with pytest.raises(ValueError, match="no array 'oth'"):
        load_teachers([f"{tmp_path}#oth"], 0.5)


def test_two_names_of_one_arrival_count_once():
    seen = [
        Seen("XX.A.", "P", 10**9, 0.4),
        Seen("XX.A.", "P", 10**9 + 10**8, 0.7),
        Seen("XX.A.", "S", 10**9 + 10**8, 0.3),
        Seen("XX.A.", "P", 3 * 10**9, 0.2),
    ]
    known = [("XX.A.", 5, 9), ("XX.A.", 0, 5), ("XX.A.", 20, 30), ("XX.B.", 0, 1)]
    said = by_station(seen, known)
    assert [one.probability for one in said["XX.A."].arrivals] == [0.7, 0.2, 0.3]
    assert said["XX.A."].known == [(0, 9), (20, 30)]
    assert said["XX.B."] == Said([], [(0, 1)])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"mine_50hz": curve(100) * np.float16(np.nan)},
            "no probabilities in mine_50hz",
        ),
        ({"mine_50hz": curve(100) + 2}, "no probabilities in mine_50hz"),
        ({"mine_50hz": np.full((2, 100), "P")}, "can't be read"),
        ({"mine_50hz": None, "mine_0hz": curve(100)}, "at more than 0 Hz"),
        ({"start_time": "soon"}, "no file of probabilities"),
        ({"station_id": "PB01"}, "station_id='PB01', which must be NET"),
    ],
)
def test_files_that_are_wrong_are_named(tmp_path, change, message):
    content = {
        "station_id": "CX.PB01.",
        "start_time": str(START),
        "mine_50hz": curve(100, (0, 50, 0.9)),
        **change,
    }
    path = tmp_path / "a.npz"
    np.savez(path, **{k: v for k, v in content.items() if v is not None})
    with pytest.raises(ValueError, match=message) as raised:
        see_all(path)
    assert "a.npz" in str(raised.value)


def test_files_that_are_cut_are_named(tmp_path):
    rng = np.random.default_rng(0)
    path = write_file(tmp_path / "a.npz", mine_50hz=rng.random((2, 5000)))
    whole = path.read_bytes()
    for kept in (0, 10, len(whole) // 2, len(whole) - 10):
        path.write_bytes(whole[:kept])
        with pytest.raises(ValueError, match=r"a\.npz"):
            see_all(path)
    path.write_bytes(whole[:40_000] + b"damaged" + whole[40_007:])
    with pytest.raises(ValueError, match=r"a\.npz"):
        see_all(path)


def see_all(path):
    stream = obspy.Stream([obspy.Trace(np.zeros(10), {"network": "CX"})])
    stream[0].stats.update({"station": "PB01", "channel": "HHZ"})
    (teacher,) = load_teachers([str(path)], 0.5)
    return teacher.see(stream, START.ns, (START + 60).ns, 0.1)


def test_weights_that_can_not_be_had_are_named(monkeypatch):
    from seisbench_diting.distillation import teachers

    def load(name):
        raise ConnectionError("no network")

    monkeypatch.setattr(teachers, "load_model", load)
    with pytest.raises(
        ValueError, match=r"'PhaseNet/stead' can be neither .*no network"
    ):
        load_teachers(["PhaseNet/stead"], 0.5)


def test_what_is_no_teacher_is_named(tmp_path):
    with pytest.raises(ValueError, match="teachers names nobody"):
        load_teachers([], 0.5)
    with pytest.raises(ValueError, match="model='Nobody/csn'"):
        load_teachers(["Nobody/csn"], 0.5)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"no file NAME\.npz or folder"):
        load_teachers([str(tmp_path / "empty")], 0.5)
    bad = tmp_path / "bad.npz"
    np.savez(bad, station_id="CX.PB01.", mine_50hz=curve(100))
    with pytest.raises(ValueError, match="no file of probabilities with station_id"):
        load_teachers([str(bad)], 0.5)
    write_file(bad, mine_50hz=np.zeros((3, 100)))
    with pytest.raises(ValueError, match=r"arrays NAME_<rate>hz of the shape \(2"):
        load_teachers([str(bad)], 0.5)
    bad.write_bytes(b"no archive")
    with pytest.raises(ValueError, match="no file of probabilities"):
        load_teachers([str(bad)], 0.5)
    good = write_file(tmp_path / "good.npz", mine_50hz=curve(100))
    with pytest.raises(ValueError, match="no array 'his', but mine_50hz"):
        load_teachers([f"{good}#his"], 0.5)
