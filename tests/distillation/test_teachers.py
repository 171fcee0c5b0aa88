"""Teachers of every kind, and what they are given."""

import numpy as np
import obspy
import pytest
from seisbench.models import PhaseNet

pytest.importorskip("lightning")

from seisbench_diting.distillation.teachers import ModelTeacher, Opinion, load_teachers

START = obspy.UTCDateTime(2014, 5, 1)
SECOND = 10**9


def write_file(path, **changes):
    content = {"station_id": "CX.PB01.", "start_time": str(START)}
    content["mine_50hz"] = curve(100, (0, 50, 0.9))
    np.savez(path, **content | changes)
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


def rounded(opinion):
    """Phase, seconds since START and probability of each arrival."""
    return [
        (" PS"[phase], round((time - START.ns) / SECOND, 2), round(probability, 2))
        for phase, time, probability in opinion.arrivals
    ]


def test_a_model_gives_its_own_picks_and_knows_the_whole_record(published, record):
    model = published("RNN", "csn")
    seen = ModelTeacher("RNN/csn", model, 0.5).see(record, 0.1)
    options = {"overlap": 0.5, "stacking": "avg", "min_separation": 0.5}
    picks = model.classify(record, P_threshold=0.1, S_threshold=0.1, **options).picks
    assert len(seen.arrivals) > 3
    assert {time for _, time, _ in seen.arrivals} == {p.peak_time.ns for p in picks}
    whole = record[0].stats.starttime.ns, record[0].stats.endtime.ns
    assert seen.known == [pytest.approx(whole, abs=SECOND / 10)]


@pytest.mark.parametrize("name", ["RNN/csn", "RNN/diting", "PhaseNet/volpick"])
def test_a_model_teaches_whatever_the_order_the_rate_and_the_unit(
    published, reference, record, name
):
    if name.startswith("PhaseNet"):
        folder = reference / "peers" / "phasenet" / "volpick"
        model = PhaseNet.load(folder, version_str="1")
    else:
        model = published(*name.split("/"))
    teacher = ModelTeacher(name, model, 0.5)
    seen = rounded(teacher.see(record, 0.1))
    assert {phase for phase, _, _ in seen} == {"P", "S"}
    turned = obspy.Stream(reversed(record))
    for trace in turned:
        trace.data = trace.data * 1e-10
    assert rounded(teacher.see(turned, 0.1)) == seen


def test_files_of_probabilities(tmp_path):
    mine, other = curve(3000, (0, 500, 0.8), (1, 900, 0.4)), curve(6000, (0, 1000, 0.9))
    write_file(tmp_path / "a.npz", mine_50hz=mine, other_100hz=other)
    # Arrays of zeros or NaN say nothing.
    later = {"start_time": str(START + 3600)}
    write_file(tmp_path / "b.npz", **later, mine_50hz=np.zeros((2, 3000)))
    write_file(tmp_path / "c.npz", **later, mine_50hz=np.full((2, 3000), np.nan))
    stream = obspy.Stream([obspy.Trace(np.zeros(10))])
    stream[0].id = "CX.PB01..HHZ"
    mine, other = load_teachers([str(tmp_path)], 0.5, 0.1)

    seen = mine.see(stream, 0.1)
    assert rounded(seen) == [("P", 10, 0.8), ("S", 18, 0.4)]
    assert seen.known == [(START.ns, (START + 60).ns)]
    assert rounded(other.see(stream, 0.1)) == [("P", 10, 0.9)]
    stream[0].stats.station = "PB02"
    assert mine.see(stream, 0.1) == Opinion([], [])
    for name in ("other", "other_100hz"):
        (chosen,) = load_teachers([f"{tmp_path}#{name}"], 0.5, 0.1)
        assert chosen.name == "other_100hz"


@pytest.mark.parametrize(
    "change",
    [{"mine_50hz": curve(100) + 2}, {"start_time": "soon"}, {"station_id": "PB01"}],
)
def test_wrong_files_are_named(tmp_path, change):
    path = write_file(tmp_path / "a.npz", **change)
    with pytest.raises(ValueError, match=r"teachers='.*a\.npz'"):
        load_teachers([str(path)], 0.5, 0.1)


def test_damaged_files_and_teachers_that_do_not_exist_are_named(tmp_path):
    (tmp_path / "empty").mkdir()
    good, bad = (write_file(tmp_path / f"{name}.npz") for name in ("good", "bad"))
    bad.write_bytes(bad.read_bytes()[:-100])
    for name in ("Nobody/csn", tmp_path / "empty", f"{good}#his", bad):
        with pytest.raises(ValueError, match=f"teachers='{name}'"):
            load_teachers([str(name)], 0.5, 0.1)
