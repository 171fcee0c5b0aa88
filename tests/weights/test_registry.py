import dataclasses
import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.version import Version

from seisbench_diting import weights
from seisbench_diting.weights import (
    DEFAULT_SETS,
    WEIGHT_SETS,
    ChecksumError,
    Score,
    WeightSet,
    find_set,
    registry,
    weight_sets,
)

TITLES = [entry.title for entry in WEIGHT_SETS]
PUBLISHED = [entry for entry in WEIGHT_SETS if not entry.bundled]
BUNDLED = [entry for entry in WEIGHT_SETS if entry.bundled]

#: Bundled sets together are not larger.
MOST_BUNDLED_BYTES = 8e6


def _title(entry: WeightSet) -> str:
    return entry.title


def _published(reference: Path) -> dict[str, dict]:
    manifest = json.loads((reference / "weights" / "manifest.json").read_text())
    return {
        f"{published['model']}/{published['weights']}": published
        for published in manifest
        if published["weights"] != "link32"
    }


def _measured(reference: Path) -> dict[str, list[Score]]:
    row = re.compile(r"\| (\w+) (diting|csn|csn_pnsn)\b[^|]*\|([^|]+)\|([^|]+)\|")
    text = (reference / "design" / "models.md").read_text()
    return {
        f"{model}/{name}": [
            Score(*map(float, column.replace("ms", "").split("/")))
            for column in columns
        ]
        for model, name, *columns in row.findall(text)
    }


def test_entries_are_unique():
    keys = [(entry.model, entry.name, entry.version) for entry in WEIGHT_SETS]
    assert len(set(keys)) == len(keys) == len(WEIGHT_SETS)
    assert len({entry.file for entry in WEIGHT_SETS}) == len(WEIGHT_SETS)
    assert len({entry.git_blob for entry in WEIGHT_SETS}) == len(WEIGHT_SETS)
    assert len(PUBLISHED) == 14


def test_versions_stand_oldest_first():
    for title in TITLES:
        versions = [Version(e.version) for e in WEIGHT_SETS if e.title == title]
        assert versions == sorted(versions)


@pytest.mark.parametrize("entry", WEIGHT_SETS, ids=_title)
def test_entry_is_complete(entry):
    assert re.fullmatch("[0-9a-f]{40}", entry.git_blob)
    assert entry.sha256 is None or re.fullmatch("[0-9a-f]{64}", entry.sha256)
    assert sorted(entry.component_order) == ["E", "N", "Z"]
    assert entry.sampling_rate in (50.0, 100.0)
    assert entry.labels[0] == "N"
    assert entry.licence == "GPL-3.0"
    assert entry.citation in entry.docstring
    assert f"{entry.sampling_rate:g} Hz" in entry.docstring


@pytest.mark.parametrize("entry", PUBLISHED, ids=_title)
def test_published_entry_says_where_it_is_from(entry):
    assert re.fullmatch(
        r"https://raw\.githubusercontent\.com/[\w.-]+/[\w.-]+/[0-9a-f]{40}/\S+/"
        + re.escape(entry.file),
        entry.url,
    )
    assert "cangyeone/seismological-ai-tools" in entry.docstring


@pytest.mark.parametrize("entry", BUNDLED, ids=_title)
def test_bundled_entry_is_that_of_the_file(entry):
    path = weights.BUNDLED / entry.file
    content = path.read_bytes()
    assert entry.matches(content)
    assert dataclasses.replace(entry, sha256=None).matches(content)
    assert entry.url == ""
    card = path.with_suffix(".md").read_text(encoding="utf-8")
    assert f"P {entry.scores.p}; S {entry.scores.s}" in card
    assert f"P {entry.scores.p}; S {entry.scores.s}" in entry.docstring


def test_bundled_files_are_those_of_the_registry():
    files = [path for path in weights.BUNDLED.iterdir() if path.suffix == ".pt"]
    assert {path.name for path in files} == {entry.file for entry in BUNDLED}
    assert {"LPPNM", "LPPNT"} <= {entry.model for entry in BUNDLED}
    assert sum(path.stat().st_size for path in files) < MOST_BUNDLED_BYTES


def test_a_bundled_set_is_the_default_where_it_is_no_worse_than_csn():
    for entry in BUNDLED:
        csn = find_set(entry.model, "csn").scores
        assert (DEFAULT_SETS[entry.model] == entry.name) == (
            entry.scores.p.f1 >= csn.p.f1 and entry.scores.s.f1 >= csn.s.f1
        )


def test_docstring_states_what_was_measured():
    assert "F1 0.902, deviation 56 ms" in find_set("LPPNM", "csn").docstring
    assert "not measured" in find_set("UNetPP").docstring
    assert "unfinished run" in find_set("UNet", "diting").docstring


@pytest.mark.parametrize("entry", PUBLISHED, ids=_title)
def test_entry_equals_manifest(entry, reference):
    published = _published(reference)[entry.title]
    assert {
        "file": entry.file,
        "url": entry.url,
        "sha256": entry.sha256,
        "git_blob_sha1": entry.git_blob,
        "bytes": entry.size,
        "sampling_rate_hz": entry.sampling_rate,
        "component_order": entry.component_order,
        "class_order": list(entry.labels),
    }.items() <= published.items()


def test_every_published_set_has_an_entry(reference):
    assert sorted(_published(reference)) == sorted(map(_title, PUBLISHED))


def test_scores_equal_the_measured_ones(reference):
    entered = {
        entry.title: [entry.scores.p, entry.scores.s]
        for entry in PUBLISHED
        if entry.scores is not None
    }
    assert entered == _measured(reference)
    assert [e.title for e in WEIGHT_SETS if e.scores is None] == ["UNetPP/csn"]


@pytest.mark.parametrize("entry", [e for e in PUBLISHED if e.sha256], ids=_title)
def test_published_file_matches_by_both_checksums(entry, reference):
    content = (reference / "weights" / entry.file).read_bytes()
    assert entry.matches(content)
    assert dataclasses.replace(entry, sha256=None).matches(content)
    assert not entry.matches(content[:-1] + bytes([content[-1] ^ 1]))


def test_git_blob_is_checked_where_nothing_else_is_known():
    # The blob id of b"hello\n", as `git hash-object` prints it.
    entry = dataclasses.replace(
        find_set("UNetPP"), git_blob="ce013625030ba8dba906f756967f9e9ca394464a"
    )
    assert entry.matches(b"hello\n")
    with pytest.raises(ChecksumError, match=r"UNetPP/csn: git blob id .* instead of"):
        entry.check(b"hallo\n")


def test_check_tells_size_from_content():
    content = b"hello"
    entry = dataclasses.replace(
        find_set("RNN", "csn"), size=5, sha256=hashlib.sha256(content).hexdigest()
    )
    entry.check(content)
    with pytest.raises(ChecksumError, match="RNN/csn: 4 bytes instead of 5"):
        entry.check(content[:4])
    with pytest.raises(ChecksumError, match="RNN/csn: SHA-256"):
        entry.check(b"hallo")


def test_default_sets_exist_for_every_model():
    assert set(DEFAULT_SETS) == {entry.model for entry in WEIGHT_SETS}
    for model, name in DEFAULT_SETS.items():
        assert find_set(model).name == name
        assert find_set(model, name) == find_set(model)


def test_weight_sets_of_one_model():
    assert [e.name for e in weight_sets("RNN")] == ["diting", "csn", "csn_pnsn"]
    assert weight_sets("PhaseNet") == []
    assert weight_sets() == list(WEIGHT_SETS)


def test_latest_version_is_the_default(monkeypatch):
    newer = dataclasses.replace(find_set("LPPNM", "csn"), version="2")
    monkeypatch.setattr(registry, "WEIGHT_SETS", (*WEIGHT_SETS, newer))
    assert find_set("LPPNM", "csn") is newer


@pytest.mark.parametrize(
    ("arguments", "word", "suggested"),
    [
        (("LPPNM", "dting"), "name='dting'", "'diting'"),
        (("LPPNM", "foo"), "name='foo'", "csn, distilled"),
        (("LPNM",), "model='LPNM'", "'LPPNM'"),
        (("PhaseNet",), "model='PhaseNet'", "EQT"),
    ],
)
def test_unknown_sets_get_a_suggestion(arguments, word, suggested):
    with pytest.raises(ValueError, match=word) as caught:
        find_set(*arguments)
    assert suggested in str(caught.value)


def test_the_registry_needs_no_torch():
    code = (
        "import sys, seisbench_diting.weights; "
        "sys.exit('torch' in sys.modules or 'pooch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
