"""Runs: what they leave, that they continue, and what goes wrong."""

import itertools
import json
import math
import os
import re
import shutil
import signal

import pandas as pd
import pytest
import seisbench.models as sbm
import torch

pytest.importorskip("lightning")

from benchmarks.ncedc_dataset import write_ncedc
from seisbench_diting.models import load_model
from seisbench_diting.training import (
    NotFiniteError,
    PickerModule,
    module,
    read_log,
    train,
)
from tests.learning_runs import WHOLE, have_same_weights, run_until, weights_of


@pytest.mark.parametrize("name", ["LPPNT", "UNetPP", "RNN", "EQT", "EQTransformer"])
def test_every_kind_of_model_trains_and_leaves_its_results(options, name):
    is_ours = name != "EQTransformer"
    model = "UNet++" if name == "UNetPP" else name.lower()
    result = train(**options(model=model, max_steps=2, validate_every=2, onnx=is_ours))
    output = result.output

    assert (result.steps, result.skipped) == (2, 0)
    assert {"validation_loss", "validation_f1"} <= set(result.scores)
    model = getattr(sbm, name).load(output / name).eval()
    assert model.sampling_rate == 50
    assert "".join(model.component_order) == "ZNE"
    model.load_state_dict(weights_of(output))
    for ending in ("jit", "onnx"):
        assert (output / f"{name}.{ending}").is_file() == is_ours
    card = (output / "MODEL_CARD.md").read_text()
    for word in (name, "max_steps: 2", "1024"):
        assert word in card
    assert re.search(r"\b8 records\b.*\b8\b", card)
    assert (output / "loss.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_32_records_are_learned(reference, tmp_path, monkeypatch):
    monkeypatch.setenv("SEISBENCH_DITING_REFERENCE", str(reference))
    path = write_ncedc(tmp_path / "dataset", train=32)
    table = pd.read_csv(path / "metadata.csv")
    shown = table[table["split"] == "train"]
    both = pd.concat([shown, shown.assign(split="dev")])
    both.to_csv(path / "metadata.csv", index=False)
    others = {"batch_size": 16, "lr": 3e-3, "n_samples": 3072, "max_steps": 450}
    others |= {"augmentations": {"within": True}, "validate_every": 50}
    others |= {"accelerator": "cpu", "progress": False}
    result = train("LPPNM", path, tmp_path / "run", **others)
    # Windows that were not shown in just this place; two threads add up in another order
    # than one, which moves scores by 0.03.
    assert result.scores["validation_f1_P"] >= 0.9
    assert result.scores["validation_f1_S"] >= 0.9


def test_a_seed_gives_the_same_weights(options, whole):
    again = train(**options(workers=2))
    assert have_same_weights(again.output, whole)
    assert read_log(again.output)["validation_loss"]
    other = train(**options(seed=1, resume="never"))
    assert not have_same_weights(other.output, whole)


@pytest.mark.slow
def test_a_run_killed_at_any_step_ends_with_the_same_weights(options, tmp_path):
    # With dropout, whose random numbers must come again.
    others = {"model": "EQTransformer", "max_steps": 12, "n_samples": 256}
    others |= {"padlen": 16, "augmentations": {"gap": 0.3, "gap_length": [5, 20]}}
    whole = options(**others)
    killed = options(**others, output=tmp_path / "killed")
    assert run_until(whole, WHOLE) == [0]
    kills = [(step, int(signal.SIGKILL)) for step in (0, 3, 5, 6, 10)]
    assert run_until(killed, *kills, WHOLE) == [-signal.SIGKILL] * 5 + [0]

    assert have_same_weights(whole["output"], killed["output"])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_continues(options, whole, monkeypatch, number):
    handler = signal.getsignal(number)
    step = PickerModule.training_step

    def stopped(self, batch, batch_idx):
        if self.global_step == 3:
            os.kill(os.getpid(), number)
        return step(self, batch, batch_idx)

    monkeypatch.setattr(PickerModule, "training_step", stopped)
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        train(**options())
    assert signal.getsignal(number) is handler
    monkeypatch.undo()
    output = options()["output"]
    assert not list(output.glob("*.pt"))
    train(**options())
    assert have_same_weights(output, whole)


@pytest.mark.parametrize("is_damaged", [False, True])
def test_a_longer_run_goes_on_from_the_newest_whole_checkpoint(
    options, whole, is_damaged
):
    output = train(**options(max_steps=4)).output
    if is_damaged:
        newest = output / "checkpoints" / "step=4.ckpt"
        newest.write_bytes(newest.read_bytes()[:1000])
    longer = train(**options())

    assert longer.steps == 6
    assert [step for step, _ in read_log(output)["validation_loss"]] == [2, 5]
    assert have_same_weights(output, whole)


def test_another_run_in_the_same_folder_is_refused(options):
    output = train(**options(max_steps=2)).output
    with pytest.raises(ValueError, match=r"lr=0\.001"):
        train(**options(max_steps=2, lr=1e-3))
    train(**options(max_steps=2, lr=1e-3, resume="never"))
    # Nor one of another kind, whose checkpoints have the same names.
    (output / "settings.json").rename(output / "distillation.json")
    for resume in ("auto", "never"):
        with pytest.raises(ValueError, match="output="):
            train(**options(resume=resume))


@pytest.mark.parametrize(
    ("is_bad", "ends"), [({2, 3}.__contains__, False), ((1).__lt__, True)]
)
def test_steps_that_are_not_finite_are_skipped_and_many_end_the_run(
    options, monkeypatch, is_bad, ends
):
    loss, calls = PickerModule.loss, itertools.count(1)

    def spoiled(self, output, label):
        return loss(self, output, label) * (math.nan if is_bad(next(calls)) else 1)

    monkeypatch.setattr(PickerModule, "loss", spoiled)
    monkeypatch.setattr(module, "MOST_SKIPPED", 4)
    if ends:
        with pytest.raises(NotFiniteError):
            train(**options(validate_every=6))
        return
    result = train(**options(validate_every=6))
    assert (result.steps, result.skipped) == (6, 2)
    assert all(v.isfinite().all() for v in weights_of(result.output).values())


def test_fine_tuning_keeps_frozen_layers_rate_and_components(options, tmp_path):
    start = {"component_order": "ENZ", "sampling_rate": 100.0}
    first = train(**options(max_steps=1, **start))
    again = {"init": first.weights, "freeze": "encoder.*", "output": tmp_path / "tuned"}
    tuned = train(**options(max_steps=1, **again))

    model = load_model(tuned.weights)
    assert (model.sampling_rate, model.component_order) == (100, "ENZ")
    before, after = weights_of(first.output), weights_of(tuned.output)
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed
    assert not any(name.startswith("encoder.") for name in changed)


@pytest.mark.parametrize(
    ("others", "message"),
    [
        ({"init": "nowhere"}, "init="),
        ({"freeze": ("head.*",)}, "freeze="),
        ({"model": "LPPMM"}, "'LPPNM'"),
        ({"model": "EQTransformer", "onnx": True}, "onnx=True"),
    ],
)
def test_impossible_options_are_named(options, others, message):
    with pytest.raises(ValueError, match=message):
        train(**options(**others))
    assert not options()["output"].exists()


def test_the_command_without_records_to_validate(run, small_dataset, tmp_path):
    path = tmp_path / "dataset"
    shutil.copytree(small_dataset, path)
    table = pd.read_csv(path / "metadata.csv")
    table.drop(columns="split").to_csv(path / "metadata.csv", index=False)
    file = tmp_path / "options.toml"
    file.write_text("max_steps = 5\nbatch-size = 4\n[augmentations]\ngap = 0.2\n")
    arguments = f"train -m LPPNT -i {path} -o {tmp_path / 'run'} --max-steps 2"
    arguments += f" --n-samples 1024 --padlen 64 --config {file}"
    status, _, _ = run(*arguments.split())
    assert not status
    card = (tmp_path / "run" / "MODEL_CARD.md").read_text()
    assert re.search(r"\b24 records\b.*\b0\b", card)
    settings = json.loads((tmp_path / "run" / "settings.json").read_text())
    assert settings["augmentations"] == {"gap": 0.2}
    assert (settings["batch_size"], settings["max_steps"]) == (4, 2)
