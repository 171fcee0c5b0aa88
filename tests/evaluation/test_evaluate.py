"""Evaluations of models of every kind on real records, and their speed."""

import re

import numpy as np
import pytest
import torch

from benchmarks.ncedc_dataset import write_ncedc
from seisbench_diting import models, plots
from seisbench_diting.evaluation import (
    WindowPicker,
    evaluate,
    load_picker,
    worst_windows,
    write_report,
)
from seisbench_diting.runtime import export_model


@pytest.fixture(scope="module")
def ncedc(reference, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEISBENCH_DITING_REFERENCE", str(reference))
        return write_ncedc(tmp_path_factory.mktemp("ncedc") / "dataset", train=92)


@pytest.fixture(scope="module")
def lppnm(published):
    return published("LPPNM", "csn")


@pytest.mark.parametrize(
    ("counting", "figures"),
    [
        ("published", ["0.939", "0.906", "0.922", "-15.019", "206.790"]),
        ("published", ["0.900", "0.806", "0.850", "-19.561", "277.530"]),
        ("correct", ["0.939", "0.923", "0.930"]),
        ("correct", ["0.900", "0.821", "0.859"]),
    ],
)
def test_the_published_figures(run, reference, counting, figures):
    picks = reference / "data" / "diting_rnn_validation.txt"
    _, output, _ = run("evaluate", "--picks", picks, "--counting", counting)
    lines = [line.split() for line in output.splitlines()]

    assert any(line[5 : 5 + len(figures)] == figures for line in lines)


def test_a_published_model_on_real_records(ncedc, lppnm):
    found = evaluate(lppnm, ncedc, split="all", progress=False)

    assert len(found.windows) == 115
    p, s = (found.measure(phase) for phase in "PS")
    assert p.arrivals > 100
    assert 0.8 < p.f1.value < 0.97
    assert 0.75 < s.f1.value < 0.97
    assert p.deviation_ms.value < 120
    for interval in (p.precision, p.recall, p.f1, p.deviation_ms):
        assert interval.low < interval.value < interval.high
    assert found.measure("P", threshold=0.9).picks < p.picks


def test_files_of_every_kind_give_the_same_picks(ncedc, lppnm, tmp_path):
    lppnm.save(tmp_path / "mine", "Mine", version_str="3")
    wave = torch.zeros(2, 3, 6144)
    torch.jit.trace(lppnm, wave).save(str(tmp_path / "lppnm.jit"))
    export_model(lppnm, tmp_path / "lppnm.onnx")
    expected = evaluate(lppnm, ncedc, split="dev", progress=False)
    assert len(expected.picks) > 20
    for name in ("mine", "mine.pt.v3", "lppnm.jit", "lppnm.onnx"):
        picker = load_picker(tmp_path / name, 100.0, "ENZ", ["NPS"])
        assert (picker.sampling_rate, picker.component_order) == (100, "ENZ")
        found = evaluate(picker, ncedc, split="dev", progress=False)
        assert found.windows.equals(expected.windows)
        for column in ("sample", "probability"):
            ours, theirs = found.picks[column], expected.picks[column]
            np.testing.assert_allclose(ours, theirs, atol=2e-3)


def test_models_of_seisbench_stand_beside_ours(ncedc, reference):
    for name in ("phasenet", "eqtransformer"):
        peer = reference / "peers" / name / "volpick"
        found = evaluate(peer, ncedc, split="dev", progress=False)
        assert min(found.measure(phase).f1.value for phase in "PS") > 0.7


def test_the_command_writes_picks_and_a_report(run, ncedc, lppnm, tmp_path):
    lppnm.save(tmp_path / "LPPNM")
    _, output, _ = run(
        *("evaluate", "-m", tmp_path / "LPPNM", "-i", ncedc, "--split", "dev"),
        *("-o", tmp_path / "out.txt", "--report", tmp_path / "report"),
    )

    assert "precision" in output
    found = evaluate(picks=tmp_path / "out.txt", sampling_rate=100)
    assert len(found.windows) == 23
    assert found.picks["probability"].min() >= 0.3
    assert found.measure("P").f1.value > 0.7
    page = (tmp_path / "report" / "report.html").read_text()
    assert page.count("data:image/png;base64,") >= 3
    # Nothing is fetched: pictures lie in the page, as letters that may spell anything.
    assert "http" not in re.sub(r"base64,[^\"]*", "", page)
    for name in ("residuals", "thresholds"):
        assert (tmp_path / "report" / f"{name}.png").is_file()


def test_the_worst_windows_come_first(ncedc, tmp_path):
    same = lambda wave, threshold: [[("P", 3000.0, 0.9)]] * len(wave)  # noqa: E731
    picker = WindowPicker("fixed", 100.0, "ZNE", same)
    found = evaluate(picker, ncedc, split="dev", progress=False)
    worst = worst_windows(found, 5)

    assert len(worst) == 5
    assert all(abs(found.windows["P"][index] - 3000) >= 50 for index in worst)
    found.windows["source_magnitude"] = np.linspace(1, 5, len(found.windows))
    found.windows["path_ep_distance_km"] = np.nan
    assert len(plots.plot_dependence([found]).axes) == 2
    write_report([found], tmp_path)
    assert (tmp_path / "worst0_4.png").is_file()


@pytest.mark.parametrize("name", ["bad.onnx", "bad.pt", "No/x", "PhaseNet"])
def test_models_that_can_not_be_loaded(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for bad in ("bad.onnx", "bad.pt"):
        (tmp_path / bad).write_bytes(b"no")
    with pytest.raises(ValueError, match=f"model='{name}'"):
        load_picker(name)


def test_latency_of_all_seven_models_and_own_ones(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    models.LPPNT().save("mine")
    arguments = ("latency", "--batch", "2", "--cycles", "1", "--backend", "torch")
    for chosen, names in ((), models.PICKERS), (("-m", "mine"), ["mine"]):
        _, output, _ = run(*arguments, *chosen)
        rows = [line.split() for line in output.splitlines()[1:]]
        assert [row[0] for row in rows] == list(names)
        assert all(float(value) > 0 for row in rows for value in row[1:])


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ("latency -d abacus", "--device=abacus"),
        ("latency -m LPPNX", "LPPNX"),
        ("evaluate -m none", "--picks"),
        # Places to write are checked first.
        ("evaluate -m none -i none --output missing/picks.txt", "missing/picks.txt"),
        ("evaluate -m none -i none --report file", "file"),
    ],
)
def test_errors_of_the_commands_name_option_or_value(
    arguments, word, run, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    status, _, errors = run(*arguments.split())
    assert status == 1
    assert word in errors


def test_an_empty_split_is_named(ncedc, lppnm):
    with pytest.raises(ValueError, match="split='test'"):
        evaluate(lppnm, ncedc, split="test", progress=False)
