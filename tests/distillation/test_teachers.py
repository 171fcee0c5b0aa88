"""Who may teach, and what they are given."""

import numpy as np
import obspy
import pytest
from seisbench.models import PhaseNet

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
        for one in sorted(seen[station], key=lambda one: one.time)
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
    assert len(seen["CX.PB01."]) > 3
    assert {round(one.time * 1e-9, 3) for one in seen["CX.PB01."]} == {
        round(pick.peak_time.timestamp, 3) for pick in expected
    }
    turned = obspy.Stream(reversed(record.copy()))
    for trace in turned:
        trace.data = trace.data * 1e-10
    assert times(teacher.see(turned, begin, end, 0.1)) == times(seen)
    slow = ModelTeacher("RNN/diting", published("RNN", "diting"), 0.5)
    assert slow.model.sampling_rate == 50
    assert slow.see(record, begin, end, 0.3)["CX.PB01."]


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
    assert mine.see(stream, later, later + 60 * 10**9, 0.1) is None
    assert mine.see(stream, (START + 3600).ns, (START + 3660).ns, 0.1) is None
    stream[0].stats.station = "PB02"
    assert mine.see(stream, begin, end, 0.1) is None
    (chosen,) = load_teachers([f"{tmp_path}#other"], 0.5)
    assert chosen.name == "other_100hz"


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
