"""Whatever moment a run fails at: nothing is half there, and running again ends well."""

import json
from functools import partial
from pathlib import Path

import numpy as np
import obspy
import pandas as pd
import pytest

from benchmarks import original
from seisbench_diting import tables
from tests import learning_runs
from tests.distillation import made_archive
from tests.faults import KINDS, Subsystem
from tests.generate.made_records import write_dataset


def files_of(folder: Path) -> dict[str, bytes]:
    """Content of all files that are not hidden."""
    found = {str(p.relative_to(folder)): p for p in folder.rglob("*") if p.is_file()}
    return {n: p.read_bytes() for n, p in found.items() if "/." not in "/" + n}


def conversion(tmp_path):
    from seisbench_diting.data import convert

    source = tmp_path / "original"
    source.mkdir()
    for number in (0, 1):
        original.write_part(source, number, 8, samples=300)

    def check(folder):
        # Chunks that SeisBench would read.
        listed = folder / "chunks"
        for name in listed.read_text().split() if listed.exists() else ():
            assert len(pd.read_csv(folder / f"metadata{name}.csv")) == 8

    return Subsystem(partial(convert, source, progress=False), files_of, check)


def picking(tmp_path):
    from seisbench_diting.models import load_model
    from seisbench_diting.picking import RunPicks, pick_archive

    source = tmp_path / "archive"
    source.mkdir()
    for code in ("AA", "BB"):
        for trace in obspy.read():
            trace.stats.station = code
            trace.write(str(source / f"{trace.id}.mseed"), format="MSEED")
    model = load_model("LPPNT")

    def outcome(folder):
        summary = json.loads((folder / "run.json").read_text())
        table = (folder / "run.csv").read_bytes()
        return table, summary["picks_by_phase"], (folder / "run.txt").exists()

    def check(folder):
        if (folder / "run.csv").exists():
            assert len(pd.read_csv(folder / "run.csv")) == 4
        if (folder / "run.state").exists():
            # A station-day is there with all of its picks or not at all.
            picks = RunPicks(folder / "run", {}, []).picks
            assert set(picks.groupby("station_id").size()) <= {2}

    def run(folder):
        pick_archive(source, folder / "run", model, progress=False)

    return Subsystem(run, outcome, check)


def weights(tmp_path):
    from seisbench_diting.weights import BUNDLED, find_set, install

    entry = find_set("LPPNT", "distilled")
    content = (BUNDLED / entry.file).read_bytes()

    def write(path, data):
        path.with_name(f"{path.name}.pt.v{entry.version}").write_bytes(data)
        path.with_name(f"{path.name}.json.v{entry.version}").write_text("{}")

    def run(folder):
        with pytest.raises(ValueError):
            install(entry, folder, write, content=content[1:], force=True)
        install(entry, folder, write, content=content)

    def check(folder):
        # SeisBench takes a set for whole if its .json is there.
        if (folder / f"distilled.json.v{entry.version}").exists():
            weights = folder / f"distilled.pt.v{entry.version}"
            assert weights.read_bytes() == content

    return Subsystem(run, files_of, check)


def table_that_replaces_another(tmp_path, ending):
    time = pd.Timestamp("2022-04-09T02:28:39Z")
    pick = {"station_id": "XX.A.", "phase": "P", "time": time, "probability": 0.9}
    event = {"event_id": "e", "time": time, "latitude": 1.0, "longitude": 2.0}

    def write(folder, depth_km):
        events = tables.event_table([{**event, "depth_km": depth_km}])
        picks = tables.assignment_table([{**pick, "event_id": "e"}])
        tables.write_association(events, picks, folder / f"a.{ending}")

    def depths(folder):
        events, picks = tables.read_association(folder / f"a.{ending}")
        assert len(picks) == 1
        return events["depth_km"].tolist()

    def check(folder):
        assert depths(folder) in ([1.0], [2.0])

    first, second = (partial(write, depth_km=depth) for depth in (1.0, 2.0))
    return Subsystem(second, depths, check, prepare=first)


#: Options of the shortest run that is validated and saves a checkpoint twice.
SHORT = learning_runs.SHORT | {"max_steps": 2, "batch_size": 2, "workers": 0}
SHORT |= {"validate_every": 1, "checkpoint_every": 1}


def values_of(folder: Path) -> dict[str, list[float]]:
    weights = learning_runs.weights_of(folder)
    return {name: value.flatten().tolist() for name, value in weights.items()}


def training(tmp_path):
    pytest.importorskip("lightning")
    from seisbench_diting.training import train

    data = write_dataset(tmp_path / "dataset", 8)
    return Subsystem(partial(train, "LPPNT", data, n_samples=512, **SHORT), values_of)


def distillation(tmp_path):
    pytest.importorskip("lightning")
    from seisbench_diting.distillation import distill

    archive, teacher = tmp_path / "archive", tmp_path / "teacher"
    archive.mkdir()
    teacher.mkdir()
    for trace in made_archive.station_stream("AA", 300, 0):
        trace.write(str(archive / f"{trace.id}.mseed"), format="MSEED")
    np.savez_compressed(teacher / "AA.npz", **made_archive.probabilities("AA", 300))
    options = SHORT | {"n_samples": 1024, "validation_windows": 4, "init": "random"}
    run = partial(distill, "LPPNT", str(teacher), str(archive), **options)
    return Subsystem(run, values_of)


LEARNING = [pytest.param(x, marks=pytest.mark.slow) for x in (training, distillation)]

#: Four kinds of files, each of which replaces an older one.
TABLES = [
    pytest.param(partial(table_that_replaces_another, ending=ending), id=ending)
    for ending in ("events.csv", "events.parquet", "xml", "txt")
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("make", [conversion, picking, weights, *TABLES])
def test_after_a_fault_at_any_commit_point_running_again_ends_well(
    make, kind, tmp_path
):
    points = make(tmp_path).fail_at_each_point(tmp_path / "points", kind)
    assert len(points) >= 3


def test_weights_are_whole_after_ctrl_c_at_any_commit_point(tmp_path):
    points = weights(tmp_path).fail_at_each_point(tmp_path / "points", "Ctrl-C")
    assert len(points) >= 3


@pytest.mark.parametrize("make", LEARNING)
def test_learning_goes_on_after_the_power_was_off_at_any_commit_point(make, tmp_path):
    points = make(tmp_path).fail_at_each_point(tmp_path / "points", "power off")
    assert len(points) >= 10


@pytest.mark.parametrize("make", [conversion, picking, *LEARNING])
def test_a_second_run_into_the_same_output_is_refused(make, tmp_path):
    make(tmp_path).assert_a_second_run_is_refused(tmp_path / "output")
