"""The registry agrees with the published files, the bundled ones and what was measured."""

import dataclasses
import json
import re
import subprocess
import sys

import pytest
from packaging.version import Version

from seisbench_diting import weights
from seisbench_diting.weights import (
    DEFAULT_SETS,
    WEIGHT_SETS,
    Score,
    find_set,
    registry,
    weight_sets,
)

PUBLISHED = [entry for entry in WEIGHT_SETS if not entry.bundled]
BUNDLED = [entry for entry in WEIGHT_SETS if entry.bundled]


def test_entries_are_complete_and_versions_stand_oldest_first():
    for entry in WEIGHT_SETS:
        assert sorted(entry.component_order) == ["E", "N", "Z"]
        assert entry.labels[0] == "N"
        assert entry.licence in ("GPL-3.0", "CC-BY-4.0")
        assert entry.citation in entry.docstring
        assert f"{entry.sampling_rate:g} Hz" in entry.docstring
        same = [Version(e.version) for e in WEIGHT_SETS if e.title == entry.title]
        assert same == sorted(set(same))
    for entry in PUBLISHED:
        # Pinned to a commit.
        assert re.search(rf"/[0-9a-f]{{40}}/\S+/{re.escape(entry.file)}$", entry.url)


def test_published_entries_equal_the_manifest(reference):
    folder = reference / "weights"
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest.append(json.loads((folder / "pnsn.v3.json").read_text()))
    published = {
        f"{values['model']}/{values['weights']}": values
        for values in manifest
        if values["weights"] != "link32"
    }
    assert sorted(published) == sorted(entry.title for entry in PUBLISHED)
    for entry in PUBLISHED:
        assert {
            "file": entry.file,
            "url": entry.url,
            "sha256": entry.sha256,
            "git_blob_sha1": entry.git_blob,
            "bytes": entry.size,
            "sampling_rate_hz": entry.sampling_rate,
            "component_order": entry.component_order,
            "class_order": list(entry.labels),
        }.items() <= published[entry.title].items()


def test_scores_equal_the_measured_ones(reference):
    row = re.compile(r"\| (\w+) (diting|csn|csn_pnsn)\b[^|]*\|([^|]+)\|([^|]+)\|")
    text = (reference / "design" / "models.md").read_text()
    measured = {
        f"{model}/{name}": [
            Score(*map(float, column.replace("ms", "").split("/")))
            for column in columns
        ]
        for model, name, *columns in row.findall(text)
    }
    ours = {e.title: [e.p, e.s] for e in PUBLISHED if e.p}
    # Measured later, by the same rule; see test_acceptance.
    ours.pop("RNN/pnsn_v3")
    assert ours == measured
    assert [e.title for e in WEIGHT_SETS if e.p is None] == ["UNetPP/csn"]
    assert "F1 0.902, deviation 56 ms" in find_set("LPPNM", "csn").docstring


@pytest.mark.parametrize("entry", BUNDLED, ids=lambda entry: entry.title)
def test_a_bundled_set_is_its_file(entry):
    path = weights.BUNDLED / entry.file
    assert entry.matches(path.read_bytes())
    card = path.with_suffix(".md").read_text(encoding="utf-8")
    for text in (card, entry.docstring):
        assert f"P {entry.p}; S {entry.s}" in text
    assert DEFAULT_SETS[entry.model] == entry.name


def test_bundled_files_are_those_of_the_registry():
    files = [path for path in weights.BUNDLED.iterdir() if path.suffix == ".pt"]
    assert {path.name for path in files} == {entry.file for entry in BUNDLED}
    assert sum(path.stat().st_size for path in files) < 8e6


def test_sets_are_found_by_model_and_name(monkeypatch):
    names = ["diting", "csn", "csn_pnsn", "pnsn_v3", "distilled"]
    assert [e.name for e in weight_sets("RNN")] == names
    assert weight_sets("PhaseNet") == []
    assert weight_sets() == list(WEIGHT_SETS)
    assert set(DEFAULT_SETS) == {entry.model for entry in WEIGHT_SETS}
    for model, name in DEFAULT_SETS.items():
        assert find_set(model) is find_set(model.lower(), name)

    newer = dataclasses.replace(find_set("LPPNM", "csn"), version="2")
    monkeypatch.setattr(registry, "WEIGHT_SETS", (*WEIGHT_SETS, newer))
    assert find_set("LPPNM", "csn") is newer


def test_unknown_sets_get_a_suggestion():
    with pytest.raises(ValueError, match=r"name='dting'.*'diting'"):
        find_set("LPPNM", "dting")
    with pytest.raises(ValueError, match=r"model='LPNM'.*'LPPNM'"):
        find_set("LPNM")


def test_the_registry_needs_no_torch():
    code = (
        "import sys, seisbench_diting.weights as w; w.WEIGHT_SETS; "
        "sys.exit('torch' in sys.modules or 'pooch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
