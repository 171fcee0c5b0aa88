"""README and guides: links lead somewhere, and code does what it says."""

import re

import obspy
import pytest

from seisbench_diting.weights import MIRROR_VARIABLE
from tests.pages import ROOT, blocks, run_code

README = (ROOT / "README.md").read_text(encoding="utf-8")
# Links between the guides are checked where the documentation is built.
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md"]

GUIDES = ("getting_started", "picking", "training")
WITH_CODE = ("README.md", *(f"docs/{guide}.md" for guide in GUIDES))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_local_links_are_part_of_the_repository(page):
    for link in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
        assert "://" in link or (page.parent / link).is_file(), link


def test_the_readme_is_short():
    assert len(README.splitlines()) <= 160


def test_code_runs_as_written(reference, cache, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv(MIRROR_VARIABLE, str(reference / "weights"))
    monkeypatch.chdir(tmp_path)
    found = [block for page in WITH_CODE for block in blocks(page)]
    # One needs a cluster.
    found = [block for block in found if "dask_jobqueue" not in block]
    assert len(found) == 5
    (tmp_path / "ARCHIVE").mkdir()
    obspy.read().write(str(tmp_path / "ARCHIVE" / "RJOB.mseed"), format="MSEED")
    names = run_code("\n".join(found), tmp_path)

    shown = [line[2:] for line in found[0].splitlines() if line.startswith("# ")]
    assert len(shown) == 3
    assert shown[0] in capsys.readouterr().out
    for pick, line in zip(names["picks"], shown[1:], strict=True):
        station, time, phase = line.split()
        assert (pick.trace_id, pick.phase) == (station, phase)
        # Processors round differently.
        assert abs(pick.peak_time - obspy.UTCDateTime(time)) < 1e-3
    assert len(names["table"]) == 2
    for name in ("example.csv", "picks.png", "run1.csv", "DATASET/metadata.csv"):
        assert (tmp_path / name).is_file()
    assert isinstance(names["curves"], obspy.Stream)


def cells(row):
    return [cell.strip() for cell in row.strip("|").split("|")]


def rows_of(page, first):
    """Cells of the rows that begin with a cell, as numbers are written in them."""
    return [cells(x) for x in re.findall(rf"^\| {first} .*$", page, flags=re.MULTILINE)]


MODELS = ["LPPNT", "LPPNM", "LPPNL", "UNet", "UNetPP", "RNN", "EQT"]


@pytest.mark.parametrize("model", MODELS)
def test_the_table_holds_the_means_of_the_benchmark(model):
    from seisbench_diting.weights import DEFAULT_SETS, weight_sets

    page = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    (head,) = rows_of(README, "model \\| parameters")
    (row,) = rows_of(README, f"`{model}`")
    sums = {}
    for entry in weight_sets(model):
        means = [x[1:3] for x in rows_of(page, entry.title) if "**" in x[1]]
        f1 = [one.split()[0].strip("*") for pair in means for one in pair]
        sums[entry.name] = sum(map(float, f1))
        for place, title in enumerate(head):
            if title.startswith(f"`{entry.name}`"):
                assert row[place] == (" / ".join(f1) or "not measured")
    assert DEFAULT_SETS[model] == max(sums, key=sums.get)
