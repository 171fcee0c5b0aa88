"""Runs: what they learn, that they continue, what they leave, and what goes wrong."""

import json
import os
import shutil
import subprocess
import sys
from functools import partial

import numpy as np
import obspy
import pytest
import torch
from made_archive import PERIOD, START, P, S, probabilities

pytest.importorskip("lightning")

from seisbench_diting.distillation import distill, read_labels
from seisbench_diting.distillation.teachers import ModelTeacher
from seisbench_diting.models import LPPNT, load_model
from seisbench_diting.weights import MIRROR_VARIABLE
from tests.learning_runs import WHOLE, have_same_weights, run_until
from tests.pages import blocks, run_code

#: Augmentations that take more than a few hundred steps to learn.
HARDEST = (
    *("time_stretch", "band_limit", "integration", "differentiation"),
    *("gaussian_noise", "real_noise", "record_edge", "component_dropout"),
)

EXPECTED = [k * PERIOD + x for k in range(24) for x in (P, S)]


@pytest.mark.slow
def test_a_student_learns_what_its_teacher_knows(options, archive):
    long = {"max_steps": 250, "batch_size": 16, "lr": 1e-2, "validate_every": 50}
    easy = dict.fromkeys(HARDEST, 0.0)
    result = distill(**options(**long, augmentations=easy, validation_windows=100))
    assert min(result.scores[f"validation_f1_{phase}"] for phase in "PS") > 0.9
    picks = load_model(result.weights).classify(obspy.read(str(archive / "*AA*"))).picks
    times = [START + sample / 100 for sample in EXPECTED]
    near = [min(abs(t - pick.peak_time) for pick in picks) < 0.1 for t in times]
    assert np.mean(near) > 0.9


def test_labels_are_where_the_teacher_says(finished):
    stretches = read_labels(finished.output / "labels")
    assert [s.station_id for s in stretches] == ["XX.AA.", "XX.BB."]
    for stretch in stretches:
        assert stretch.waveforms.shape == (3, 60_000)
        places = np.sort(stretch.arrivals["sample"])
        np.testing.assert_allclose(places, EXPECTED, atol=0.6)
        np.testing.assert_allclose(stretch.arrivals["probability"], 0.992, atol=0.002)


@pytest.mark.parametrize("student", ["LPPNM", "UNet", "RNN"])
def test_every_kind_of_student_leaves_its_results(options, student):
    result = distill(**options(student=student.lower()))
    assert result.steps == 6
    assert result.weights == result.output / student
    # All but those in the last tenth of two stations with 24 events each.
    assert 80 <= result.arrivals <= 90
    assert result.initial_scores == {}
    model = load_model(result.weights)
    assert (model.sampling_rate, model.component_order) == (100, "ZNE")
    card = (result.output / "MODEL_CARD.md").read_text()
    for word in (student, "max_steps: 6", "validation_f1"):
        assert word in card
    assert (result.output / f"{student}.jit").is_file()


#: The first score is the best: the rate is so high that the parameters run away. It was
#: forgotten, as it was at the step of a checkpoint.
RUNNING_AWAY = {"validate_every": 2, "averaging": 0.0, "lr": 0.5}


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize(
    ("others", "ends", "statuses"),
    [
        ({}, [("XX.AA.", 9), (0, 9), (3, 9), (4, 2), (5, 9)], [-9, -9, -9, 1, -9]),
        (RUNNING_AWAY, [(3, 9)], [-9]),
    ],
)
def test_a_run_killed_anywhere_ends_with_the_same_weights(
    options, tmp_path, others, ends, statuses
):
    whole, killed = options(**others, output=tmp_path / "whole"), options(**others)
    assert run_until(whole, WHOLE) == [0]
    assert run_until(killed, *ends, WHOLE) == [*statuses, 0]
    assert have_same_weights(whole["output"], killed["output"])


def test_another_run_or_other_data_in_the_same_folder_are_refused(
    options, archive, tmp_path
):
    mine = shutil.copytree(archive, tmp_path / "mine")
    make = partial(options, inputs=str(mine), max_steps=2)
    labels = distill(**make()).output / "labels"
    with pytest.raises(ValueError, match=r"lr=0.1"):
        distill(**make(lr=0.1))
    for path in mine.glob("*BB*"):
        path.unlink()
    before = set(labels.iterdir())
    with pytest.raises(ValueError, match=r"inputs="):
        distill(**make())
    # Nothing is lost: with the data as they were it goes on.
    assert before <= set(labels.iterdir())
    # What was left behind and labels that are no longer used are removed.
    (labels / ".killed-12345678.partial").write_text("x")
    distill(**make(resume="never", end=str(START + 200)))
    (stretch,) = read_labels(labels)
    assert (stretch.station_id, stretch.n_samples) == ("XX.AA.", 20_000)
    assert len(list(labels.glob("*.npy"))) == 1
    assert not list(labels.glob(".*"))


def test_a_run_may_lie_above_its_archive_beside_other_files(options, archive, tmp_path):
    project = tmp_path / "project"
    shutil.copytree(archive, project / "archive")
    (project / "labels").mkdir()
    (project / "labels" / "mine.json").write_text("{}")
    again = options(inputs=(str(project),), output=str(project), max_steps=2)
    assert distill(**again).arrivals > 0
    # What the run has made is no input.
    assert distill(**again).steps == 2
    assert (project / "labels" / "mine.json").exists()


def test_unused_files_and_stations_are_told(
    options, archive, teacher, tmp_path, caplog
):
    mine = shutil.copytree(archive, tmp_path / "mine")
    (mine / "broken.mseed").write_bytes(b"no waveforms")
    make = partial(options, inputs=mine, teachers=teacher / "AA.npz", max_steps=1)
    result = distill(**make(cache_gb=0.0004))
    stretches = read_labels(result.output / "labels")
    assert {stretch.station_id for stretch in stretches} == {"XX.AA."}
    # As much is kept as may be.
    assert sum(stretch.n_samples for stretch in stretches) <= 0.0004e9 / 12
    for name in ("broken.mseed", "XX.BB."):
        assert name in caplog.text
    with pytest.raises(ValueError, match=r"XX\.BB\."):
        distill(**make(stations="XX.BB", output=tmp_path / "b"))


@pytest.mark.parametrize(
    ("chosen", "samples", "arrivals"), [("", 60_000, 48), ("#half", 20_000, 16)]
)
def test_a_teacher_says_nothing_of_times_that_it_has_not_seen(
    options, teacher, tmp_path, chosen, samples, arrivals
):
    for path in teacher.iterdir():
        content = dict(np.load(path))
        # It ends after a third of the record, and another one looks at all of it.
        content["half_100hz"] = content["sure_100hz"][:, :20_000]
        np.savez(tmp_path / path.name, **content)
    result = distill(**options(teachers=f"{tmp_path}{chosen}", max_steps=1))
    for stretch in read_labels(result.output / "labels"):
        assert (stretch.n_samples, len(stretch.arrivals)) == (samples, arrivals)
        np.testing.assert_allclose(stretch.arrivals["probability"], 0.992, atol=0.002)


def test_models_are_not_asked_again(options, tmp_path, monkeypatch):
    torch.manual_seed(0)
    LPPNT(in_samples=1536).save(tmp_path / "large")
    make = partial(options, teachers=tmp_path / "large", max_steps=1)
    distill(**make())

    def see(*arguments):
        raise AssertionError("The teacher was asked again.")

    monkeypatch.setattr(ModelTeacher, "see", see)
    # Nor for what does not concern them.
    others = {"threshold": 0.06, "even": 0.3, "held_out": 0.2, "resume": "never"}
    assert distill(**make(**others)).steps == 1
    with pytest.raises(AssertionError, match="asked again"):
        distill(**make(threshold=0.01, resume="never"))


def test_without_arrivals_at_the_end_nothing_is_validated(options, tmp_path):
    for code in ("AA", "BB"):
        content = probabilities(code, 600)
        content["sure_100hz"][:, 30_000:] = 0
        np.savez(tmp_path / f"{code}.npz", **content)
    result = distill(**options(teachers=str(tmp_path), held_out=0.3, max_steps=3))
    assert result.scores == {}
    assert load_model(result.weights)


@pytest.mark.parametrize(
    ("others", "message"),
    [
        ({"student": "EQTransformer"}, "student='EQTransformer'"),
        ({"threshold": 0.995}, "inputs="),
        ({"stations": ("YY.*",)}, "inputs="),
    ],
)
def test_impossible_options_are_named(options, others, message):
    with pytest.raises(ValueError, match=message):
        distill(**options(**others))
    asked = {"stations", "threshold"} & others.keys()
    assert asked or not options()["output"].exists()


def test_the_code_of_the_page_runs(reference, cache, archive, tmp_path, monkeypatch):
    monkeypatch.setenv(MIRROR_VARIABLE, str(reference / "weights"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ARCHIVE").symlink_to(archive)
    (code,) = blocks("docs/distillation.md")
    short = "max_steps=2, batch_size=2, workers=0"
    run_code(code.replace("max_steps=2000", short), tmp_path)
    assert (tmp_path / "RUN" / "LPPNT.pt").is_file()


def test_the_command_prints_scores_and_keeps_its_settings(
    run, archive, teacher, tmp_path
):
    arguments = f"distill -m LPPNT -t {teacher} -i {archive} -o {tmp_path / 'run'}"
    arguments += " --init random --max-steps 2 --batch-size 4 --n-samples 1536"
    status, output, _ = run(*arguments.split(), "--workers", "0")
    assert not status
    assert "validation_f1_P" in output
    settings = json.loads((tmp_path / "run" / "distillation.json").read_text())
    assert settings["batch_size"] == 4


@pytest.mark.slow
def test_several_devices_share_a_run(options, tmp_path):
    shared = options(devices=2, max_steps=2, validation_windows=8)
    # A file, as Lightning starts it again for the second device.
    script = tmp_path / "distill_twice.py"
    script.write_text(
        "import json, sys; from seisbench_diting.distillation import distill\n"
        "distill(**json.loads(sys.argv[1]))"
    )
    arguments = [sys.executable, str(script), json.dumps(shared, default=str)]
    subprocess.run(arguments, check=True, timeout=300)
    assert (shared["output"] / "LPPNT.pt").is_file()
