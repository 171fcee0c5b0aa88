"""Runs: what they leave, that they continue, and what goes wrong."""

import json
import os
import shutil
import signal
import subprocess
import time

import numpy as np
import pandas as pd
import pytest
import seisbench.models as sbm
import torch

pytest.importorskip("lightning")

from benchmarks.ncedc_dataset import write_ncedc
from seisbench_diting import models
from seisbench_diting.models import load_model
from seisbench_diting.training import (
    NotFiniteError,
    PickerModule,
    TrainSettings,
    module,
    read_log,
    train,
)
from tests.learning_runs import (
    WHOLE,
    command,
    have_same_weights,
    run_until,
    weights_of,
)


@pytest.mark.parametrize("name", [*models.PICKERS, "EQTransformer"])
def test_every_model_trains_and_leaves_its_results(options, name):
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
    if is_ours:
        wave = torch.randn(3, 3, 1024)
        with torch.no_grad():
            expected = model(wave)
            ours = torch.jit.load(str(output / f"{name}.jit"))(wave)
        torch.testing.assert_close(ours, expected, atol=1e-5, rtol=0)
    assert (output / f"{name}.onnx").is_file() == is_ours
    card = (output / "MODEL_CARD.md").read_text()
    for word in (name, "12 records to train, 6 to validate", "max_steps: 2", "1024"):
        assert word in card
    assert (output / "loss.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((output / "settings.json").read_text())["lr"] == 1e-4
    log = output / "logs/from_step_0000000/metrics.csv"
    assert "validation_f1" in log.read_text()


@pytest.mark.slow
def test_32_records_are_learned(reference, tmp_path, monkeypatch):
    monkeypatch.setenv("SEISBENCH_DITING_REFERENCE", str(reference))
    path = write_ncedc(tmp_path / "dataset", train=32)
    table = pd.read_csv(path / "metadata.csv")
    shown = table[table["split"] == "train"]
    both = pd.concat([shown, shown.assign(split="dev")])
    both.to_csv(path / "metadata.csv", index=False)
    threads = torch.get_num_threads()
    # More wait for each other on layers this small.
    torch.set_num_threads(1)
    try:
        result = train(
            model="LPPNM",
            data=path,
            output=tmp_path / "run",
            max_steps=450,
            batch_size=16,
            lr=3e-3,
            n_samples=3072,
            augmentations={"within": True},
            validate_every=50,
            accelerator="cpu",
            progress=False,
        )
    finally:
        torch.set_num_threads(threads)
    # Windows that were not shown in just this place.
    assert result.scores["validation_f1_P"] >= 0.95
    assert result.scores["validation_f1_S"] >= 0.95


def test_a_seed_gives_the_same_weights(options, tmp_path):
    first, second, third = (
        train(**options(output=tmp_path / name, **others)).output
        for name, others in (("a", {}), ("b", {"workers": 2}), ("c", {"seed": 1}))
    )
    assert have_same_weights(first, second)
    assert not have_same_weights(first, third)


@pytest.mark.slow
def test_a_run_killed_at_any_step_ends_with_the_same_weights(options, tmp_path):
    # With dropout, whose random numbers must come again.
    others = {"model": "EQTransformer", "max_steps": 24, "n_samples": 256}
    others |= {"padlen": 16, "augmentations": {"gap": 0.3, "gap_length": [5, 20]}}
    others |= {"validate_every": 5, "checkpoint_every": 3}
    whole = options(**others)
    killed = options(**others, output=tmp_path / "killed")
    assert run_until(whole, WHOLE) == [0]
    steps = sorted(np.random.default_rng(0).permutation(24)[:10].tolist())
    kills = [(step, int(signal.SIGKILL)) for step in steps]
    assert run_until(killed, *kills, WHOLE) == [-signal.SIGKILL] * 10 + [0]

    assert have_same_weights(whole["output"], killed["output"])


def test_a_stopped_run_continues(options, tmp_path):
    whole, stopped = options(output=tmp_path / "whole"), options()
    assert run_until(whole, WHOLE) == [0]
    asked = [(2, int(signal.SIGINT)), (4, int(signal.SIGTERM))]
    assert run_until(stopped, *asked) == [1, 1]
    assert not list(stopped["output"].glob("*.pt"))
    assert run_until(stopped, WHOLE) == [0]

    assert have_same_weights(whole["output"], stopped["output"])


def test_ctrl_c_raises_keyboard_interrupt(options, monkeypatch):
    handler = signal.getsignal(signal.SIGINT)

    def interrupted(self, batch, batch_idx):
        raise KeyboardInterrupt

    monkeypatch.setattr(PickerModule, "training_step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(**options())
    assert signal.getsignal(signal.SIGINT) is handler


def test_a_longer_run_goes_on_from_a_shorter_one(options, tmp_path):
    train(**options(max_steps=4))
    longer = train(**options(max_steps=8))
    whole = train(**options(max_steps=8, output=tmp_path / "whole"))

    assert longer.steps == 8
    steps = [step for step, _ in read_log(longer.output)["validation_loss"]]
    assert steps == [2, 5]
    assert have_same_weights(longer.output, whole.output)


def test_a_damaged_checkpoint_is_passed_over(options, tmp_path):
    output = train(**options(max_steps=4)).output
    newest = output / "checkpoints" / "step=4.ckpt"
    newest.write_bytes(newest.read_bytes()[:1000])
    train(**options())
    whole = train(**options(output=tmp_path / "whole")).output

    assert have_same_weights(output, whole)


def test_another_run_in_the_same_folder_is_refused(options):
    output = train(**options(max_steps=2)).output
    with pytest.raises(ValueError, match=r"lr=0\.001: .* 0\.0001"):
        train(**options(max_steps=2, lr=1e-3))
    train(**options(max_steps=2, lr=1e-3, resume="never"))
    # Nor one of another kind, whose checkpoints have the same names.
    (output / "settings.json").rename(output / "distillation.json")
    for resume in ("auto", "never"):
        with pytest.raises(ValueError, match=r"output=.*another kind"):
            train(**options(resume=resume))


def test_two_runs_at_once_in_the_same_folder_are_refused(options):
    long = options(max_steps=100_000)
    process = subprocess.Popen(
        command(long, WHOLE), stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        deadline = time.monotonic() + 60
        while not list(long["output"].glob("checkpoints/*.ckpt")):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        with pytest.raises(ValueError, match="another run is writing there"):
            train(**long)
    finally:
        # With the fork that it waits for.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture
def spoil(monkeypatch):
    """Function that makes the loss not a number in some steps."""
    loss, calls = PickerModule.loss, []

    def make(is_bad):
        def spoiled(self, output, label):
            calls.append(0)
            value = loss(self, output, label)
            return value * float("nan") if is_bad(len(calls)) else value

        monkeypatch.setattr(PickerModule, "loss", spoiled)

    return make


def test_steps_that_are_not_finite_are_skipped_and_counted(options, spoil):
    spoil(lambda call: call in (2, 3))
    result = train(**options(validate_every=6))

    assert (result.steps, result.skipped) == (6, 2)
    assert all(v.isfinite().all() for v in weights_of(result.output).values())
    assert "2 of them skipped" in (result.output / "MODEL_CARD.md").read_text()


def test_many_of_them_in_a_row_end_the_run(options, monkeypatch, spoil):
    monkeypatch.setattr(module, "MOST_SKIPPED", 20)
    spoil(lambda call: call > 1)
    with pytest.raises(NotFiniteError, match="20 steps in a row"):
        train(**options(max_steps=200, validate_every=1000))
    assert not list(options()["output"].glob("*.pt"))


def test_fine_tuning_with_frozen_layers(options, tmp_path):
    first = train(**options(max_steps=2))
    tuned = train(
        **options(init=first.weights, output=tmp_path / "tuned", freeze="encoder.*")
    )
    before, after = weights_of(first.output), weights_of(tuned.output)
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed
    assert not any(name.startswith("encoder.") for name in changed)


def test_rate_and_components_are_those_of_the_initial_weights(options, tmp_path):
    def trained(name, **others):
        result = train(**options(max_steps=1, output=tmp_path / name, **others))
        model = load_model(result.weights)
        return result.weights, (model.sampling_rate, model.component_order)

    init, _ = trained("first", component_order="ENZ", sampling_rate=100.0)
    assert trained("tuned", init=init)[1] == (100, "ENZ")
    assert trained("other", init="distilled")[1] == (100, "ENZ")
    own = {"component_order": "ZNE", "sampling_rate": 50.0}
    assert trained("own", init=f"{init}.pt", **own)[1] == (50, "ZNE")


@pytest.mark.parametrize(
    ("others", "message"),
    [
        ({"init": "nowhere"}, "init='nowhere': "),
        ({"init": "LPPNM/distilled"}, "init='LPPNM/distilled': .*LPPNM, not of LPPNT"),
        ({"freeze": ("head.*",)}, r"freeze='head\.\*'"),
        ({"freeze": ("*",)}, r"freeze='\*': leaves nothing to train"),
        ({"model": "LPPMM"}, "model='LPPMM'.*did you mean 'LPPNM'"),
        ({"model": "EQTransformer", "onnx": True}, "onnx=True"),
        ({"data": "nowhere"}, "'nowhere'"),
        ({"augmentations": {"gap": 7}}, "gap=7"),
        ({"augmentations": "gap"}, "augmentations='gap'"),
        ({"n_samples": 1000}, "n_samples=1000"),
        ({"batch_size": 1000}, "batch_size=1000"),
        ({"lr": 0}, "lr=0"),
        ({"component_order": "ZNN"}, "component_order='ZNN'"),
        ({"resume": "sometimes"}, "resume='sometimes'"),
        ({"accelerator": "abacus"}, "accelerator='abacus'"),
        ({"devices": "many"}, "accelerator='cpu': .*'many'"),
    ],
)
def test_impossible_options_are_named(options, others, message):
    with pytest.raises(ValueError, match=message):
        train(**options(**others))
    assert not options()["output"].exists()


def test_without_a_dev_split_there_are_no_scores(options, small_dataset, tmp_path):
    path = tmp_path / "dataset"
    shutil.copytree(small_dataset, path)
    table = pd.read_csv(path / "metadata.csv")
    table.drop(columns="split").to_csv(path / "metadata.csv", index=False)
    result = train(**options(data=path))

    assert result.scores == {}
    card = (result.output / "MODEL_CARD.md").read_text()
    assert "24 records to train, 0 to validate" in card


def test_the_command(run, small_dataset, tmp_path):
    file = tmp_path / "options.toml"
    file.write_text("max_steps = 5\nbatch-size = 4\n[augmentations]\ngap = 0.2\n")
    arguments = f"train -m LPPNT -i {small_dataset} -o {tmp_path / 'run'} --max-steps 2"
    arguments += f" --n-samples 1024 --padlen 64 --validate-every 2 --config {file}"
    status, output, _ = run(*arguments.split())
    assert not status
    assert "2 steps, 0 of them skipped\n" in output
    settings = json.loads((tmp_path / "run" / "settings.json").read_text())
    assert settings["augmentations"] == {"gap": 0.2}
    assert (settings["batch_size"], settings["max_steps"]) == (4, 2)


def test_augmentations_may_be_texts_or_numbers_of_numpy():
    def read(augmentations):
        options = {"model": "x", "data": "x", "output": "x"}
        return TrainSettings(**options, augmentations=augmentations).augmentations

    assert read(["gap=0.2", "snr-db=[0,20]"]) == {"gap": 0.2, "snr_db": [0, 20]}
    assert read({"gap": np.float32(0.5)}) == {"gap": 0.5}
