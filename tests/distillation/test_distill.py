"""Runs: what they learn, that they continue, what they leave, and what goes wrong."""

import json
import os
import re
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import obspy
import pytest
import torch
from made_archive import PERIOD, START, P, S, probabilities

pytest.importorskip("lightning")

from seisbench_diting.cli import main
from seisbench_diting.distillation import DistillSettings, TeacherCache, distill
from seisbench_diting.distillation.corpus import TeacherBatches, make_corpus
from seisbench_diting.distillation.teachers import FileTeacher
from seisbench_diting.models import load_model
from tests.learning_runs import WHOLE, have_same_weights, run_until, weights_of

#: What takes more than a few hundred steps to learn.
HARDEST = (
    "time_stretch",
    "band_limit",
    "integration",
    "differentiation",
    "gaussian_noise",
    "real_noise",
    "record_edge",
    "component_dropout",
)


def stretches_of(output):
    labels = Path(output) / "labels"
    names = sorted(path.name.removesuffix(".json") for path in labels.glob("*.json"))
    return list(TeacherCache(labels).stretches(names))


@pytest.mark.slow
def test_a_student_learns_what_its_teacher_knows(options, archive):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        result = distill(
            **options(
                max_steps=250,
                batch_size=16,
                lr=1e-2,
                augmentations=dict.fromkeys(HARDEST, 0.0),
                validate_every=50,
                validation_windows=100,
            )
        )
    finally:
        torch.set_num_threads(threads)
    assert result.scores["validation_f1_P"] > 0.9
    assert result.scores["validation_f1_S"] > 0.9
    model = load_model(result.weights)
    picks = model.classify(obspy.read(str(archive / "*AA*"))).picks
    expected = [START + (k * PERIOD + x) / 100 for k in range(24) for x in (P, S)]
    near = [min(abs(t - pick.peak_time) for pick in picks) < 0.1 for t in expected]
    assert np.mean(near) > 0.9


@pytest.mark.parametrize("student", ["lppnm", "UNet", "RNN"])
def test_every_kind_of_student_leaves_its_results(options, student):
    result = distill(**options(student=student))
    name = {"lppnm": "LPPNM"}.get(student, student)
    assert result.steps == 6
    assert result.weights == result.output / name
    # All but those in the last tenth of two stations with 24 events each.
    assert 80 <= result.arrivals <= 90
    model = load_model(result.weights)
    assert (model.sampling_rate, model.component_order) == (100, "ZNE")
    card = (result.output / "MODEL_CARD.md").read_text()
    for word in (name, "networks XX", "2 stations", "max_steps: 6", "validation_f1"):
        assert word in card
    assert str(result.output) not in card
    assert (result.output / f"{name}.jit").is_file()
    assert not list(result.output.rglob(".*partial*"))


def test_labels_are_where_the_teacher_says(options):
    result = distill(**options(max_steps=1))
    stretches = stretches_of(result.output)
    assert [s.station_id for s in stretches] == ["XX.AA.", "XX.BB."]
    for stretch in stretches:
        assert stretch.waveforms.shape == (3, 60000)
        places = np.sort(stretch.arrivals["sample"])
        expected = [k * PERIOD + x for k in range(24) for x in (P, S)]
        np.testing.assert_allclose(places, expected, atol=0.6)
        np.testing.assert_allclose(stretch.arrivals["probability"], 0.992, atol=0.002)


@pytest.mark.parametrize("order", ["ZNE", "ENZ"])
def test_windows_show_their_labels(options, order):
    distill(**options(max_steps=1))
    stretches = stretches_of(options()["output"])
    changed = {"second_event": 0.0, "snr_db": (20, 30), "clipping": 0.0}
    quiet = DistillSettings(**options(augmentations=changed, batch_size=32))
    corpus = make_corpus(stretches, 1536, order, 100.0)
    batches = TeacherBatches(corpus, quiet, "lppn")
    batch = batches[3]
    again = TeacherBatches(corpus, quiet, "lppn")[3]
    np.testing.assert_array_equal(batch["wave"], again["wave"])
    assert batch["wave"].shape == (32, 3, 1536)
    assert batch["wave"].dtype == batch["lppn"].dtype == np.float32
    peaks = np.abs(batch["wave"]).max(axis=(1, 2))
    np.testing.assert_allclose(peaks, 1, atol=1e-6)
    # Behind an arrival is more than before it.
    rises = []
    for wave, label in zip(batch["wave"], batch["lppn"], strict=True):
        for phase in (1, 2):
            for cell in np.flatnonzero(label[phase] > 0.5):
                place = int(cell * 8 + label[3, cell])
                before = np.abs(wave[:, max(0, place - 60) : place - 5])
                after = np.abs(wave[:, place : place + 55])
                if before.size and before.max() > 0:
                    rises.append(after.mean() / before.mean())
    assert len(rises) > 20
    assert np.median(rises) > 2


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_run_killed_anywhere_ends_with_the_same_weights(options, tmp_path):
    whole, killed = options(output=tmp_path / "whole"), options()
    assert run_until(whole, WHOLE) == [0]
    ends = [("XX.AA.", 9), (0, 9), (1, 9), (3, 9), (4, 2), (5, 9), WHOLE]
    assert run_until(killed, *ends) == [-9, -9, -9, -9, 1, -9, 0]
    assert have_same_weights(whole["output"], killed["output"])


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_score_at_the_step_of_a_checkpoint_is_not_forgotten(options, tmp_path):
    # The first score is the best: the rate is so high that the parameters run away.
    make = partial(options, validate_every=2, averaging=0.0, lr=0.5)
    whole, killed = make(output=tmp_path / "whole"), make()
    assert run_until(whole, WHOLE) == [0]
    assert run_until(killed, (3, 9), WHOLE) == [-9, 0]
    assert have_same_weights(whole["output"], killed["output"])


def test_a_run_that_has_ended_keeps_its_weights(options, tmp_path):
    first = distill(**options(held_out=0.0))
    before = weights_of(first.output)
    distill(**options(held_out=0.0))
    after = weights_of(first.output)
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_other_times_are_labelled_anew(options):
    distill(**options(max_steps=1, end=str(START + 200)))
    assert {s.n_samples for s in stretches_of(options()["output"])} == {20_000}
    distill(**options(max_steps=1, end=str(START + 400), resume="never"))
    assert {s.n_samples for s in stretches_of(options()["output"])} == {40_000}


def test_what_a_user_has_put_there_stays(options):
    labels = options()["output"] / "labels"
    labels.mkdir(parents=True)
    (labels / "mine.npy").write_bytes(b"x")
    (labels / "mine.json").write_text("{}")
    distill(**options(max_steps=1))
    assert (labels / "mine.npy").exists()
    assert (labels / "mine.json").exists()


def test_a_run_may_lie_above_its_archive(options, archive, tmp_path):
    project = tmp_path / "project"
    shutil.copytree(archive, project / "archive")
    first = options(inputs=(str(project),), output=str(project), max_steps=2)
    assert distill(**first).arrivals > 0
    # What the run has made is no input.
    assert distill(**first).steps == 2


def test_numbers_may_be_those_of_numpy(options, tmp_path):
    first = distill(**options(output=tmp_path / "first", max_steps=np.int64(1)))
    second = options(init=first.weights, max_steps=1, lr=np.float32(1e-3))
    assert distill(**second).steps == 1


def test_what_is_not_used_is_told(options, archive, tmp_path, caplog):
    mine = tmp_path / "mine"
    shutil.copytree(archive, mine)
    (mine / "broken.mseed").write_bytes(b"no waveforms")
    distill(**options(inputs=(str(mine),), max_steps=1))
    assert "broken.mseed" in caplog.text


def test_of_two_teachers_one_may_not_know_a_station(options, teacher, tmp_path):
    content = dict(np.load(teacher / "AA.npz"))
    only = tmp_path / "only"
    only.mkdir()
    np.savez(
        only / "AA.npz", **{k.replace("sure", "other"): v for k, v in content.items()}
    )
    distill(**options(teachers=(str(teacher), str(only)), max_steps=1))
    for stretch in stretches_of(options()["output"]):
        assert stretch.n_samples == 60_000
        np.testing.assert_allclose(stretch.arrivals["probability"], 0.992, atol=0.002)


def test_a_run_that_is_short_is_validated_at_its_end(options):
    result = distill(**options(max_steps=2, validate_every=500))
    assert result.scores["step"] == 2


def test_teachers_are_not_asked_again(options, monkeypatch):
    distill(**options(max_steps=2))

    def see(*arguments):
        raise AssertionError("The teacher was asked again.")

    monkeypatch.setattr(FileTeacher, "see", see)
    assert distill(**options(max_steps=2, resume="never")).steps == 2
    # Nor for what does not concern them, nor where there is less room.
    others = {"threshold": 0.2, "even": 0.3, "cache_gb": 0.0004, "held_out": 0.2}
    assert distill(**options(max_steps=2, **others, resume="never")).steps == 2
    with pytest.raises(AssertionError, match="asked again"):
        distill(**options(max_steps=2, threshold=0.01, resume="never"))


def test_what_was_damaged_is_made_again(options):
    distill(**options(max_steps=1))
    labels = options()["output"] / "labels"
    before = stretches_of(options()["output"])
    waveforms = [np.array(s.waveforms) for s in before]
    samples = sorted(labels.glob("*.npy"))[0]
    with samples.open("rb+") as file:
        file.truncate(1000)
    for path in (labels / "said").glob("*.json"):
        path.write_text("[1]")
    distill(**options(max_steps=1, resume="never"))
    for stretch, expected in zip(
        stretches_of(options()["output"]), waveforms, strict=True
    ):
        np.testing.assert_array_equal(stretch.waveforms, expected)


def test_a_checkpoint_is_chosen_by_labelled_records(options, tmp_path):
    import seisbench.data as sbd

    folder = tmp_path / "labelled"
    folder.mkdir()
    rng = np.random.default_rng(0)
    files = folder / "metadata.csv", folder / "waveforms.hdf5"
    with sbd.WaveformDataWriter(*files) as writer:
        writer.data_format = {"dimension_order": "CW", "component_order": "ENZ"}
        for split in ("train", "dev", "dev"):
            writer.add_trace(
                {
                    "trace_sampling_rate_hz": 100.0,
                    "trace_p_arrival_sample": 1000.0,
                    "trace_s_arrival_sample": 1400.0,
                    "split": split,
                },
                rng.normal(size=(3, 4000)).astype(np.float32),
            )
    result = distill(**options(validation=str(folder)))
    assert set(result.scores) >= {"validation_f1", "validation_f1_P"}
    assert (result.output / "checkpoints" / "best.ckpt").is_file()


def test_quiet_at_the_end_there_is_nothing_to_validate_on(options, archive, tmp_path):
    folder = tmp_path / "sure_of_the_first_half"
    folder.mkdir()
    for code in ("AA", "BB"):
        content = probabilities(code, 600)
        content["sure_100hz"][:, 30_000:] = 0
        np.savez(folder / f"{code}.npz", **content)
    result = distill(**options(teachers=(str(folder),), held_out=0.3))
    assert result.scores == {}
    assert load_model(result.weights)


def test_a_student_that_finds_nothing_yet_is_validated_with_zero(options):
    result = distill(**options(max_steps=3, lr=1e-12))
    assert result.scores["validation_f1"] <= 0.3


def test_what_a_student_began_with_is_told(options, tmp_path):
    first = distill(**options(max_steps=3))
    assert first.initial_scores == {}
    again = options(init=str(first.weights), output=str(tmp_path / "again"), lr=1e-9)
    second = distill(**again)
    assert second.initial_scores["validation_f1"] == pytest.approx(
        first.scores["validation_f1"], abs=1e-6
    )
    card = (second.output / "MODEL_CARD.md").read_text()
    assert "- init: LPPNT\n" in card
    assert "validation_f1 of the weights that it began with" in card


def test_a_run_is_not_continued_with_other_data(options, archive, tmp_path):
    mine = tmp_path / "mine"
    shutil.copytree(archive, mine)
    make = partial(options, inputs=(str(mine),))
    distill(**make(max_steps=2))
    assert distill(**make(max_steps=2)).steps == 2
    for path in mine.glob("*BB*"):
        path.unlink()
    labels = set((options()["output"] / "labels").iterdir())
    with pytest.raises(ValueError, match=r"inputs=.*other data"):
        distill(**make(max_steps=2))
    # Nothing is lost: with the data as they were it goes on.
    assert labels <= set((options()["output"] / "labels").iterdir())
    assert distill(**make(max_steps=2, resume="never")).steps == 2


def test_what_only_a_killed_process_leaves_is_removed(options):
    output = options()["output"]
    (output / "labels" / "said").mkdir(parents=True)
    left = [
        folder / ".LPPNT.pt-12345678.partial"
        for folder in (output, output / "labels", output / "labels" / "said")
    ]
    for path in left:
        path.write_text("x")
    distill(**options(max_steps=1))
    assert not any(path.exists() for path in left)


def test_disk_is_bounded_and_what_is_not_used_any_more_goes(options):
    result = distill(**options(max_steps=1, cache_gb=0.0004))
    kept = sum(s.n_samples for s in stretches_of(result.output))
    assert kept * 12 <= 0.0004e9
    assert kept > 20_000
    labels = Path(result.output) / "labels"
    distill(**options(max_steps=1, stations="XX.AA", held_out=0.0, resume="never"))
    assert len(list(labels.glob("*.npy"))) == 1


@pytest.mark.parametrize(
    ("others", "message"),
    [
        ({"student": "EQTransformer"}, "student='EQTransformer'"),
        ({"student": "Nobody"}, "student='Nobody'"),
        ({"n_samples": 1000}, "n_samples=1000"),
        ({"teachers": ()}, "teachers="),
        ({"teachers": "no/where.json"}, "teachers='no/where.json'"),
        ({"inputs": "nowhere"}, "inputs='nowhere'"),
        ({"init": "LPPNM/nobody"}, "init='LPPNM/nobody'"),
        ({"init": "./x"}, r"init='\./x'"),
        ({"max_steps": 2.5}, "max_steps=2.5"),
        ({"lr": float("inf")}, "lr=inf"),
        ({"held_out": 1.0}, "held_out=1.0"),
        ({"shares": (0, 1, 1)}, "shares="),
        ({"shares": ("a", 1, 1)}, "shares="),
        ({"start": "2020-01-02", "end": "2020-01-01"}, "start="),
        ({"start": "soon"}, "start='soon'"),
        ({"instruments": "H"}, "instruments='H'"),
        ({"augmentations": {"gap": 2.0}}, "gap=2.0"),
        ({"augmentations": {"gape": 0.2}}, "gape"),
        ({"augmentations": {"within": False}}, "augmentations=.*within"),
        ({"stations": ("YY.*",)}, "inputs=.*nothing that can be used"),
        ({"threshold": 0.995}, "inputs="),
        ({"even": 0.0}, "even=0.0"),
        ({"seed": -1}, "seed=-1"),
        ({"sampling_rate": 0.0}, "sampling_rate=0.0"),
        ({"component_order": ""}, "component_order=''"),
        ({"validation": "nowhere"}, "validation='nowhere'"),
        ({"accelerator": "abacus"}, "accelerator='abacus'"),
    ],
)
def test_options_that_are_not_possible_are_named(options, others, message):
    with pytest.raises((ValueError, OSError), match=message):
        distill(**options(**others))
    asked = {"stations", "threshold"} & others.keys()
    assert asked or not options()["output"].exists()


def test_a_file_is_no_folder(options, tmp_path):
    (tmp_path / "run").write_text("mine")
    with pytest.raises(OSError, match="run"):
        distill(**options())
    assert (tmp_path / "run").read_text() == "mine"


def test_another_run_in_its_folder_is_not_continued(options):
    distill(**options(max_steps=2))
    with pytest.raises(ValueError, match=r"lr=0.1: .* 0.002"):
        distill(**options(max_steps=2, lr=0.1))
    assert distill(**options(max_steps=2, lr=0.1, resume="never")).steps == 2


def test_teachers_that_know_nothing_of_a_station(options, teacher, tmp_path, caplog):
    only = tmp_path / "only"
    only.mkdir()
    (only / "AA.npz").write_bytes((teacher / "AA.npz").read_bytes())
    result = distill(**options(teachers=(str(only),), max_steps=1))
    assert {s.station_id for s in stretches_of(result.output)} == {"XX.AA."}
    message = r"say nothing of XX\.BB\. for 600 s of the 600 s .*they know XX\.AA\."
    assert re.search(message, caplog.text)
    other = options(teachers=(str(only),), stations="XX.BB", output=tmp_path / "b")
    with pytest.raises(ValueError, match=r"nothing to learn from.*nothing of XX\.BB\."):
        distill(**other)


def test_of_what_a_teacher_has_not_seen_it_says_nothing(options, teacher, tmp_path):
    for code in ("AA", "BB"):
        content = dict(np.load(teacher / f"{code}.npz"))
        # It ends after a third of the record, and another one looks at all of it.
        content["half_100hz"] = content["sure_100hz"][:, :20_000]
        np.savez(tmp_path / f"{code}.npz", **content)
    both = distill(**options(teachers=(str(tmp_path),), max_steps=1, cache_gb=1.0))
    for stretch in stretches_of(both.output):
        assert stretch.n_samples == 60_000
        np.testing.assert_allclose(stretch.arrivals["probability"], 0.992, atol=0.002)
    folder = tmp_path / "alone"
    distill(**options(teachers=f"{tmp_path}#half", output=folder, max_steps=1))
    for stretch in stretches_of(folder):
        assert stretch.n_samples == 20_000
        assert len(stretch.arrivals) == 16


def test_the_command(archive, teacher, tmp_path, monkeypatch, capsys):
    arguments = f"distill -m LPPNT -t {teacher} -i {archive} -o {tmp_path / 'run'}"
    arguments += " --init random --max-steps 2 --batch-size 4 --n-samples 1536"
    arguments += " --workers 0 --validate-every 2"
    monkeypatch.setattr(sys, "argv", ["seisbench-diting", *arguments.split()])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    said = capsys.readouterr().out
    assert "2 steps, 0 of them skipped; " in said
    assert "validation_f1_P" in said
    settings_file = tmp_path / "run" / "distillation.json"
    assert json.loads(settings_file.read_text())["batch_size"] == 4


@pytest.mark.slow
def test_several_devices_share_a_run(options, tmp_path):
    program = tmp_path / "program.py"
    program.write_text(
        "import json, sys\n"
        "from seisbench_diting.distillation import distill\n"
        "print('steps', distill(**json.loads(sys.argv[1])).steps)\n"
    )
    shared = options(devices=2, max_steps=2, validation_windows=8)
    output = subprocess.run(
        [sys.executable, program, json.dumps(shared, default=str)],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert output.returncode == 0, output.stderr
    assert "steps 2" in output.stdout
    assert (shared["output"] / "LPPNT.pt").is_file()
