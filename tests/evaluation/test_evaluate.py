"""Evaluations of models of every kind, on real records."""

import re

import numpy as np
import pytest
import torch

from benchmarks.ncedc_dataset import write_ncedc
from seisbench_diting.evaluation import (
    WindowPicker,
    evaluate,
    load_picker,
    read_validation,
    table,
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
    ("counting", "words"),
    [
        ("published", ["0.939", "0.906", "0.922", "-15.019", "206.790"]),
        ("published", ["0.900", "0.806", "0.850", "-19.561", "277.530"]),
        ("correct", ["0.939", "0.923", "0.930"]),
        ("correct", ["0.900", "0.821", "0.859"]),
    ],
)
def test_the_published_figures(run, reference, counting, words):
    picks = reference / "data" / "diting_rnn_validation.txt"
    _, output, _ = run("evaluate", "--picks", picks, "--counting", counting)
    lines = output.splitlines()

    assert any(line.split()[5 : 5 + len(words)] == words for line in lines)


def test_a_published_model_on_real_records(ncedc, lppnm):
    found = evaluate(lppnm, ncedc, split="all", progress=False)

    assert len(found.windows) == 115
    p, s = (found.measure(phase, bootstraps=0) for phase in "PS")
    assert p.arrivals > 100
    assert 0.8 < p.f1.value < 0.97
    assert 0.75 < s.f1.value < 0.97
    assert p.deviation_ms.value < 120
    assert found.measure("P", threshold=0.9, bootstraps=0).picks < p.picks
    assert "LPPNM" in table([found])


def test_every_kind_of_file_gives_the_same(ncedc, lppnm, tmp_path):
    lppnm.save(tmp_path / "mine", "Mine", version_str="3")
    wave = torch.zeros(2, 3, 6144)
    torch.jit.trace(lppnm, wave).save(str(tmp_path / "lppnm.jit"))
    export_model(lppnm, tmp_path / "lppnm.onnx")
    expected = evaluate(lppnm, ncedc, split="dev", progress=False)
    assert expected.windows[0].picks
    for name in ("mine", "mine.pt.v3", "lppnm.jit", "lppnm.onnx"):
        picker = load_picker(
            tmp_path / name, sampling_rate=100.0, component_order="ENZ"
        )
        assert (picker.sampling_rate, picker.component_order) == (100, "ENZ")
        found = evaluate(picker, ncedc, split="dev", progress=False)
        for ours, theirs in zip(found.windows, expected.windows, strict=True):
            assert (ours.p, ours.s) == (theirs.p, theirs.s)
            np.testing.assert_allclose(
                [pick[1:] for pick in ours.picks],
                [pick[1:] for pick in theirs.picks],
                atol=2e-3,
            )


def test_peers_of_seisbench_stand_beside(ncedc, reference, tmp_path):
    peers = [
        reference / "peers" / "phasenet" / "volpick",
        reference / "peers" / "eqtransformer" / "volpick",
    ]
    found = [evaluate(peer, ncedc, split="dev", progress=False) for peer in peers]
    for evaluation in found:
        assert evaluation.measure("P", bootstraps=0).f1.value > 0.7
        assert evaluation.measure("S", bootstraps=0).f1.value > 0.7
    assert len(table(found).splitlines()) == 9


@pytest.mark.parametrize(
    ("option", "path"),
    [("output", "missing/picks.txt"), ("output", "folder"), ("report", "file")],
)
def test_the_command_looks_where_it_writes_first(
    run, option, path, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    # Of a model and a dataset that are not even there.
    status, _, errors = run(
        *("evaluate", "-m", "none", "-i", "none", f"--{option}", path)
    )
    assert status == 1
    assert option in errors
    assert path in errors


def test_the_command_writes_picks_and_a_report(run, ncedc, lppnm, tmp_path):
    lppnm.save(tmp_path / "LPPNM")
    _, output, _ = run(
        *("evaluate", "-m", tmp_path / "LPPNM", "-i", ncedc, "--split", "dev"),
        *("-o", tmp_path / "out.txt", "--report", tmp_path / "report"),
    )

    assert "precision" in output
    windows = read_validation(tmp_path / "out.txt")
    assert len(windows) == 23
    assert all(pick[2] >= 0.3 for window in windows for pick in window.picks)
    again = evaluate(picks=tmp_path / "out.txt", sampling_rate=100)
    assert again.measure("P", bootstraps=0).f1.value > 0.7
    page = (tmp_path / "report" / "report.html").read_text()
    assert page.count("data:image/png;base64,") >= 3
    # Nothing is fetched: pictures lie in the page, as letters that may spell anything.
    assert "http" not in re.sub(r"base64,[^\"]*", "", page)
    for name in ("residuals", "thresholds"):
        assert (tmp_path / "report" / f"{name}.png").is_file()


class Fixed(WindowPicker):
    """Picks P wherever it is told to."""

    def pick(self, wave, threshold, distance):
        return [[("P", 3000.0, 0.9)] for _ in wave]


def test_the_worst_windows_come_first(ncedc, tmp_path):
    found = evaluate(Fixed("fixed", 100.0, "ZNE"), ncedc, split="dev", progress=False)
    worst = worst_windows(found, 5)

    assert len(worst) == 5
    for index in worst:
        assert abs(found.windows[index].p - 3000) >= 50
    found.metadata["source_magnitude"] = np.linspace(1, 5, len(found.windows))
    found.metadata["path_ep_distance_km"] = np.nan
    write_report([found], tmp_path)
    assert (tmp_path / "dependence.png").is_file()
    assert (tmp_path / "worst0_4.png").is_file()


def test_what_can_not_be_evaluated(ncedc, tmp_path, lppnm):
    (tmp_path / "bad.onnx").write_bytes(b"no")
    (tmp_path / "bad.pt").write_bytes(b"no")
    torch.save({"a": torch.zeros(3)}, tmp_path / "other.pt")
    (tmp_path / "other.json").write_text('{"model_args": {}}')
    for name, word in (
        ("bad.onnx", "can't be read as ONNX"),
        ("bad.pt", "can't be read as TorchScript file or SeisBench pair"),
        ("other", "the parameters of no picker"),
    ):
        with pytest.raises(ValueError, match=word):
            load_picker(tmp_path / name)
    for name in ("Nothing/x", "PhaseNet"):
        with pytest.raises(ValueError, match=f"model='{name}'"):
            load_picker(name)
    for options, word in (
        ({"split": "other"}, "split='other'"),
        ({"split": "test"}, "split='test': it is empty; there are dev, train"),
        ({"threshold": 2}, "threshold=2"),
        ({"distance": 0}, "distance=0"),
        ({"tolerance": 0}, "tolerance=0"),
        ({"counting": "x"}, "counting='x'"),
    ):
        with pytest.raises(ValueError, match=word):
            evaluate(lppnm, ncedc, progress=False, **options)
    for options in ({"picks": "x", "model": lppnm}, {"model": lppnm}):
        with pytest.raises(ValueError, match="--picks"):
            evaluate(**options)
