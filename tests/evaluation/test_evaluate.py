"""Evaluations of models of every kind on real records, and their speed."""

import re

import pytest

from benchmarks.ncedc_dataset import write_ncedc
from seisbench_diting import models
from seisbench_diting.evaluation import evaluate


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


def test_latency_of_all_seven_models_and_own_ones(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    models.LPPNT().save("mine")
    arguments = ("latency", "--batch", "2", "--cycles", "1", "--backend", "torch")
    for chosen, names in ((), models.PICKERS), (("-m", "mine"), ["mine"]):
        _, output, _ = run(*arguments, *chosen)
        rows = [line.split() for line in output.splitlines()[1:]]
        assert [row[0] for row in rows] == list(names)
        assert all(float(value) > 0 for row in rows for value in row[1:])
