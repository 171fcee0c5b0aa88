"""Whatever moment a run fails at: nothing is half there, and running again ends well."""

import json
from pathlib import Path

import numpy as np
import obspy
import pandas as pd
import pytest

from benchmarks import original
from seisbench_diting import tables
from tests import learning_runs
from tests.distillation import made_archive
from tests.faults import KINDS, fail_at_each_point
from tests.generate.made_records import write_dataset

each_kind = pytest.mark.parametrize("kind", KINDS)


def files_of(folder: Path) -> dict[str, bytes]:
    """Content of all files that are not hidden."""
    found = {str(p.relative_to(folder)): p for p in folder.rglob("*") if p.is_file()}
    return {n: p.read_bytes() for n, p in found.items() if "/." not in "/" + n}


@each_kind
def test_conversion(kind, tmp_path):
    from seisbench_diting.data import convert

    source = tmp_path / "original"
    source.mkdir()
    for number in (0, 1):
        original.write_part(source, number, 8, samples=300)

    def run(folder):
        convert(source, folder / "dataset", progress=False)

    def outcome(folder):
        files = files_of(folder / "dataset")
        report = json.loads(files.pop("conversion.json"))
        for part in report["parts"].values():
            part.pop("seconds", None)
        return files, report

    seen = fail_at_each_point(run, outcome, tmp_path / "points", kind)
    assert seen.count("replace") >= 4


@each_kind
def test_picking(kind, tmp_path):
    from seisbench_diting.models import load_model
    from seisbench_diting.picking import pick_archive

    source = tmp_path / "archive"
    source.mkdir()
    for code in ("AA", "BB"):
        stream = obspy.read()
        for trace in stream:
            trace.stats.station = code
            trace.write(str(source / f"{trace.id}.mseed"), format="MSEED")

    def run(folder):
        pick_archive(source, folder / "run", model, progress=False)

    model = load_model("LPPNT")

    def outcome(folder):
        summary = json.loads((folder / "run.json").read_text())
        table = (folder / "run.csv").read_bytes()
        return table, summary["picks_by_phase"], (folder / "run.txt").exists()

    def check(folder):
        if (folder / "run.csv").exists():
            assert len(pd.read_csv(folder / "run.csv")) == 4

    seen = fail_at_each_point(run, outcome, tmp_path / "points", kind, check)
    assert seen.count("COMMIT") >= 3
    assert seen.count("replace") >= 2


PICK = {
    "station_id": "XX.A.",
    "phase": "P",
    "time": pd.Timestamp("2022-04-09T02:28:39Z"),
    "probability": 0.9,
    "event_id": "e",
}
EVENT = {"event_id": "e", "time": PICK["time"], "latitude": 1.0, "longitude": 2.0}


@each_kind
@pytest.mark.parametrize("ending", ["events.csv", "xml", "txt", "events.parquet"])
def test_tables_replace_older_ones(ending, kind, tmp_path):
    if ending == "events.parquet":
        pytest.importorskip("pyarrow")
    versions = {}
    for depth in (1.0, 2.0):
        events = tables.event_table([{**EVENT, "depth_km": depth}])
        versions[depth] = (events, tables.assignment_table([PICK]))

    def prepare(folder):
        tables.write_association(*versions[1.0], folder / f"a.{ending}")

    def run(folder):
        tables.write_association(*versions[2.0], folder / f"a.{ending}")

    def depths(folder):
        events, picks = tables.read_association(folder / f"a.{ending}")
        assert len(picks) == 1
        return events["depth_km"].tolist()

    def check(folder):
        assert depths(folder) in ([1.0], [2.0])

    assert fail_at_each_point(run, depths, tmp_path / "points", kind, check, prepare)


@each_kind
def test_weights(kind, tmp_path):
    from seisbench_diting.weights import BUNDLED, find_set, install

    entry = find_set("LPPNT", "distilled")
    content = (BUNDLED / entry.file).read_bytes()

    def write(path, data):
        path.with_name(f"{path.name}.pt.v{entry.version}").write_bytes(data)
        path.with_name(f"{path.name}.json.v{entry.version}").write_text("{}")

    def run(folder):
        install(entry, folder / "models", write, content=content)

    def check(folder):
        # SeisBench takes a set for whole if its .json is there.
        if (folder / f"models/distilled.json.v{entry.version}").exists():
            weights = folder / f"models/distilled.pt.v{entry.version}"
            assert weights.read_bytes() == content

    seen = fail_at_each_point(run, files_of, tmp_path / "points", kind, check)
    assert seen.count("replace") == 2


#: Options of the shortest run that is validated and saves a checkpoint twice.
SHORT = {
    "max_steps": 2,
    "batch_size": 2,
    "padlen": 64,
    "validate_every": 1,
    "checkpoint_every": 1,
    "workers": 0,
    "accelerator": "cpu",
    "progress": False,
}


def values_of(folder: Path) -> dict[str, list[float]]:
    weights = learning_runs.weights_of(folder / "run")
    return {name: value.flatten().tolist() for name, value in weights.items()}


@pytest.mark.slow
def test_training(tmp_path):
    pytest.importorskip("lightning")
    from seisbench_diting.training import train

    data = write_dataset(tmp_path / "dataset", 8)

    def run(folder):
        train("LPPNT", data, folder / "run", n_samples=512, **SHORT)

    fail_at_each_point(run, values_of, tmp_path / "points", "killed")


@pytest.mark.slow
def test_distillation(tmp_path):
    pytest.importorskip("lightning")
    from seisbench_diting.distillation import distill

    archive, teacher = tmp_path / "archive", tmp_path / "teacher"
    archive.mkdir()
    teacher.mkdir()
    for trace in made_archive.station_stream("AA", 300, 0):
        trace.write(str(archive / f"{trace.id}.mseed"), format="MSEED")
    np.savez_compressed(teacher / "AA.npz", **made_archive.probabilities("AA", 300))
    options = SHORT | {"n_samples": 1024, "validation_windows": 4, "init": "random"}

    def run(folder):
        distill("LPPNT", str(teacher), str(archive), folder / "run", **options)

    fail_at_each_point(run, values_of, tmp_path / "points", "killed")
