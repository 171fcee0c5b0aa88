"""Runs: what they leave, that they continue, and what goes wrong."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import seisbench.models as sbm
import torch

pytest.importorskip("lightning")

from seisbench_diting import models
from seisbench_diting.models import load_model
from seisbench_diting.training import NotFiniteError, module, train
from seisbench_diting.training.logs import read_log

MODELS = [*models.PICKERS, "EQTransformer"]


def weights_of(output) -> dict[str, torch.Tensor]:
    (path,) = Path(output).glob("*.pt")
    return torch.load(path, weights_only=True)


def assert_same_weights(first, second):
    first, second = weights_of(first), weights_of(second)
    assert first.keys() == second.keys()
    for name, value in first.items():
        assert torch.equal(value, second[name]), name


@pytest.mark.parametrize("name", MODELS)
def test_every_model_trains_and_leaves_its_results(settings, name):
    options = {"model": name.lower(), "max_steps": 2, "validate_every": 2}
    options["onnx"] = name != "EQTransformer"
    if name == "UNetPP":
        options["model"] = "UNet++"
    result = train(settings(**options))
    output = result.output

    assert result.steps == 2
    assert result.skipped == 0
    assert {"validation_loss", "validation_f1"} <= set(result.scores)
    model = getattr(sbm, name).load(output / name)
    assert model.sampling_rate == 50
    assert "".join(model.component_order) == "ZNE"
    wave = torch.randn(3, 3, 1024)
    model.eval()
    with torch.no_grad():
        expected = model(wave)
        program = torch.jit.load(str(output / f"{name}.jit"))
        ours = program(wave)
    for a, b in zip(as_tuple(ours), as_tuple(expected), strict=True):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=0)
    model.load_state_dict(weights_of(output))
    card = (output / "MODEL_CARD.md").read_text()
    for word in (name, "12 records to train, 6 to validate", "max_steps: 2", "1024"):
        assert word in card
    for picture in ("loss.png", "example.png"):
        assert (output / picture).read_bytes().startswith(b"\x89PNG")
    assert json.loads((output / "settings.json").read_text())["lr"] == 1e-4
    assert (
        "validation_f1" in (output / "logs/from_step_0000000/metrics.csv").read_text()
    )
    assert (output / f"{name}.onnx").is_file() == (name != "EQTransformer")
    assert not list(output.glob(".*.part*"))


def as_tuple(output):
    return output if isinstance(output, tuple) else (output,)


def test_a_seed_gives_the_same_weights(settings, tmp_path):
    first = train(settings())
    second = train(settings(output=str(tmp_path / "again"), workers=2))
    assert_same_weights(first.output, second.output)
    third = train(settings(output=str(tmp_path / "other"), seed=1))
    assert any(
        not torch.equal(value, weights_of(third.output)[name])
        for name, value in weights_of(first.output).items()
    )


RUN = """
import json, os, signal, sys, torch
from seisbench_diting.training import TrainingSettings, module, train

# Shells start what runs in the background with Ctrl-C ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)

values = json.loads(sys.argv[1])
settings = TrainingSettings(**{**values, "freeze": tuple(values["freeze"])})
step = module.PickerModule.training_step
torch.set_num_threads(1)

def run(kill_at, number):
    def training_step(self, batch, batch_idx):
        if self.global_step == kill_at:
            os.kill(os.getpid(), number)
        return step(self, batch, batch_idx)

    module.PickerModule.training_step = training_step
    train(settings)

# Each run in a fork, so that what takes long to import is imported once.
for kill_at, number in json.loads(sys.argv[2]):
    child = os.fork()
    if child == 0:
        try:
            run(kill_at, number)
        except BaseException:
            os._exit(1)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


def run_until(settings, *ends: tuple[int, int]) -> list[int]:
    """
    Trains as often as there are ends: steps at which a signal comes, -1 for none. Gives
    the exit status of each run, that of a signal negative.
    """
    output = subprocess.check_output(
        [sys.executable, "-c", RUN, settings.to_json(), json.dumps(ends)],
        stderr=subprocess.DEVNULL,
        text=True,
    )
    return [int(line) for line in output.splitlines() if line.lstrip("-").isdigit()]


WHOLE = (-1, 0)


@pytest.mark.slow
def test_a_run_killed_at_any_step_ends_with_the_same_weights(settings, tmp_path):
    # With dropout, whose random numbers must come again.
    options = {"model": "EQTransformer", "max_steps": 24, "n_samples": 256}
    options |= {"padlen": 16, "augmentations": {"gap": 0.3, "gap_length": [5, 20]}}
    options |= {"validate_every": 5, "checkpoint_every": 3}
    assert run_until(settings(**options), WHOLE) == [0]
    killed = settings(**options, output=str(tmp_path / "killed"))
    steps = sorted(np.random.default_rng(0).permutation(24)[:10].tolist())
    kills = [(step, int(signal.SIGKILL)) for step in steps]
    assert run_until(killed, *kills, WHOLE) == [-signal.SIGKILL] * 10 + [0]

    assert_same_weights(settings().output, killed.output)


def test_a_run_that_is_asked_to_stop_continues(settings, tmp_path):
    first = settings(output=str(tmp_path / "whole"))
    assert run_until(first, WHOLE) == [0]
    stopped = settings()
    asked = [(2, int(signal.SIGINT)), (4, int(signal.SIGTERM))]
    assert run_until(stopped, *asked) == [1, 1]
    assert not list(Path(stopped.output).glob("*.pt"))
    assert run_until(stopped, WHOLE) == [0]

    assert_same_weights(first.output, stopped.output)


def test_ctrl_c_is_what_it_is_everywhere(settings, monkeypatch):
    from seisbench_diting.training import module

    handler = signal.getsignal(signal.SIGINT)

    def interrupted(self, batch, batch_idx):
        raise KeyboardInterrupt

    monkeypatch.setattr(module.PickerModule, "training_step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(settings())
    assert signal.getsignal(signal.SIGINT) is handler


def test_a_longer_run_goes_on_from_a_shorter_one(settings, tmp_path):
    train(settings(max_steps=4))
    longer = train(settings(max_steps=8))
    whole = train(settings(max_steps=8, output=str(tmp_path / "whole")))

    assert longer.steps == 8
    steps = [step for step, _ in read_log(longer.output)["validation_loss"]]
    assert steps == [2, 5]
    assert_same_weights(longer.output, whole.output)


def test_a_damaged_checkpoint_is_passed_over(settings, tmp_path):
    train(settings(max_steps=4))
    newest = Path(settings().output) / "checkpoints" / "step=4.ckpt"
    newest.write_bytes(newest.read_bytes()[:1000])
    train(settings())
    train(settings(output=str(tmp_path / "whole")))

    assert_same_weights(settings().output, tmp_path / "whole")


def test_another_run_in_the_same_folder_is_refused(settings):
    train(settings(max_steps=2))
    with pytest.raises(ValueError, match=r"lr=0\.001 differs from 0\.0001"):
        train(settings(max_steps=2, lr=1e-3))
    train(settings(max_steps=2, lr=1e-3), resume="never")
    with pytest.raises(ValueError, match="resume='sometimes'"):
        train(settings(), resume="sometimes")


def test_must_resume_needs_something_to_resume(settings):
    with pytest.raises(ValueError, match="no checkpoint to go on from"):
        train(settings(), resume="must")


def spoil(monkeypatch, is_bad):
    """Makes the loss not a number in some steps."""
    from seisbench_diting.training import tasks

    loss = tasks.Task.loss
    calls = []

    def spoiled(self, output, label):
        calls.append(0)
        value = loss(self, output, label)
        return value * float("nan") if is_bad(len(calls)) else value

    monkeypatch.setattr(tasks.Task, "loss", spoiled)


def test_steps_that_are_not_finite_are_skipped_and_counted(settings, monkeypatch):
    spoil(monkeypatch, lambda call: call in (2, 3))
    result = train(settings(validate_every=6))

    assert result.skipped == 2
    assert result.steps == 6
    assert all(v.isfinite().all() for v in weights_of(result.output).values())
    assert "2 of them skipped" in (result.output / "MODEL_CARD.md").read_text()


def test_a_hundred_in_a_row_end_the_run(settings, monkeypatch):
    assert module.MOST_SKIPPED == 100
    monkeypatch.setattr(module, "MOST_SKIPPED", 20)
    spoil(monkeypatch, lambda call: call > 1)
    with pytest.raises(NotFiniteError, match="20 steps in a row"):
        train(settings(max_steps=200, validate_every=1000))
    assert not list(Path(settings().output).glob("*.pt"))


def test_fine_tuning_with_frozen_layers(settings, tmp_path):
    first = train(settings(max_steps=2))
    init = str(first.output / "LPPNT")
    tuned = train(
        settings(init=init, output=str(tmp_path / "tuned"), freeze=("encoder.*",))
    )
    before, after = weights_of(first.output), weights_of(tuned.output)
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed
    assert not any(name.startswith("encoder.") for name in changed)


def test_a_distillation_is_not_continued(settings):
    output = Path(settings().output)
    output.mkdir()
    (output / "distillation.json").write_text("{}")
    with pytest.raises(ValueError, match=r"another kind, see distillation\.json"):
        train(settings())


def test_weights_are_given_what_they_know(settings, tmp_path):
    first = train(settings(max_steps=1, component_order="ENZ", sampling_rate=100.0))
    init = str(first.output / "LPPNT")
    tuned = train(settings(max_steps=1, init=init, output=str(tmp_path / "tuned")))
    model = load_model(tuned.weights)
    assert (model.sampling_rate, model.component_order) == (100, "ENZ")
    # Of the package: the same.
    other = settings(max_steps=1, init="distilled", output=str(tmp_path / "other"))
    model = load_model(train(other).weights)
    assert (model.sampling_rate, model.component_order) == (100, "ENZ")
    # Going on is the same run.
    assert train(other).steps == 1
    own = settings(
        max_steps=1,
        init=f"{init}.pt",
        component_order="ZNE",
        sampling_rate=50.0,
        output=str(tmp_path / "own"),
    )
    model = load_model(train(own).weights)
    assert (model.sampling_rate, model.component_order) == (50, "ZNE")


def test_wrong_beginnings(settings, tmp_path):
    for options, word in (
        ({"init": "nowhere"}, "init='nowhere' is neither a file nor published"),
        ({"init": "LPPNM/csn"}, "init='LPPNM/csn' are weights of LPPNM, not of LPPNT"),
        ({"freeze": ("head.*",)}, r"freeze='head\.\*' fits no parameter"),
        ({"freeze": ("*",)}, "leaves nothing to train"),
        ({"model": "PhaseNet"}, "model='PhaseNet' can't be trained"),
        ({"model": "EQTransformer", "onnx": True}, "onnx=True is not possible"),
        ({"label": "point"}, "label='point' does not go with model='LPPNT'"),
        ({"data": "nowhere"}, "data='nowhere': neither a folder"),
        ({"augmentations": {"gap": 7}}, "gap=7"),
        ({"n_samples": 1000}, "in_samples=1000"),
        ({"batch_size": 1000}, "batch_size=1000"),
    ):
        with pytest.raises(ValueError, match=word):
            train(settings(**options))
    for options in ({"max_steps": 0}, {"workers": -1}, {"lr": 0}):
        (name,) = options
        with pytest.raises(ValueError, match=f"{name}="):
            settings(**options)
    other = train(settings(model="UNet", max_steps=1, output=str(tmp_path / "unet")))
    with pytest.raises(ValueError, match="does not fit LPPNT"):
        train(settings(init=str(other.output / "UNet.pt")))


def test_without_a_dev_split_there_are_no_scores(settings, small_dataset, tmp_path):
    import shutil

    import pandas as pd

    path = tmp_path / "dataset"
    shutil.copytree(small_dataset, path)
    table = pd.read_csv(path / "metadata.csv")
    table.drop(columns="split").to_csv(path / "metadata.csv", index=False)
    result = train(settings(data=str(path)))

    assert result.scores == {}
    assert (
        "24 records to train, 0 to validate"
        in (result.output / "MODEL_CARD.md").read_text()
    )


def test_two_runs_in_one_folder_at_once(settings):
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, settings(max_steps=100_000).to_json(), "[[-1,0]]"],
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        checkpoints = Path(settings().output) / "checkpoints"
        deadline = time.monotonic() + 60
        while not list(checkpoints.glob("*.ckpt")) and time.monotonic() < deadline:
            time.sleep(0.05)
        with pytest.raises(ValueError, match="another run is writing there"):
            train(settings(max_steps=100_000))
    finally:
        # With the fork that it waits for.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
