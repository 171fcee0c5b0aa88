"""The registry agrees with the published files and the bundled ones."""

import json
import re

import numpy as np
from packaging.version import Version

from seisbench_diting import weights

PUBLISHED = [entry for entry in weights.WEIGHT_SETS if not entry.bundled]
BUNDLED = [entry for entry in weights.WEIGHT_SETS if entry.bundled]


def test_entries_are_complete_and_versions_stand_oldest_first():
    for entry in weights.WEIGHT_SETS:
        assert sorted(entry.component_order) == ["E", "N", "Z"]
        assert entry.labels[0] == "N"
        assert entry.licence in ("GPL-3.0", "CC-BY-4.0")
        assert entry.citation in entry.docstring
        assert f"{entry.sampling_rate:g} Hz" in entry.docstring
        same = [
            Version(e.version) for e in weights.WEIGHT_SETS if e.title == entry.title
        ]
        assert same == sorted(set(same))
    for entry in PUBLISHED:
        # Pinned to a commit.
        assert re.search(rf"/[0-9a-f]{{40}}/\S+/{re.escape(entry.file)}$", entry.url)


def test_published_entries_equal_the_manifest(reference):
    folder = reference / "weights"
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest.append(json.loads((folder / "pnsn.v3.json").read_text()))
    published = {f"{one['model']}/{one['weights']}": one for one in manifest}
    assert published.keys() - {"association network/link32"} == {
        e.title for e in PUBLISHED
    }
    for entry in PUBLISHED:
        found = {"url": entry.url, "git_blob_sha1": entry.git_blob}
        assert found.items() <= published[entry.title].items()


def test_bundled_sets_are_their_files_with_a_card():
    files = {path.name: path for path in weights.BUNDLED.glob("*.pt")}
    assert files.keys() == {entry.file for entry in BUNDLED}
    for entry in BUNDLED:
        path = files[entry.file]
        assert entry.matches(path.read_bytes())
        card = path.with_suffix(".md").read_text(encoding="utf-8")
        assert f"P {entry.p}; S {entry.s}" in card
        assert weights.DEFAULT_SETS[entry.model] == entry.name


def test_every_set_that_was_at_hand_knows_what_its_picks_are_worth():
    grid = np.linspace(0.01, 1, 100)
    assert [e.title for e in weights.WEIGHT_SETS if not e.reliability] == ["UNetPP/csn"]
    for known in (one for e in weights.WEIGHT_SETS for one in e.reliability.values()):
        calibrated = known.calibrated(grid)
        assert (np.diff(calibrated) > 0).all()
        assert 0 <= calibrated[0] < calibrated[-1] <= 1
        errors = known.time_uncertainty_s(grid, np.geomspace(0.01, 0.5, 50)[:, None])
        # More for wider and for less probable peaks.
        assert (np.diff(errors, axis=0) >= 0).all()
        assert (np.diff(errors, axis=1) <= 0).all()
        assert errors.min() > 0
        assert errors.max() < 1
    assert all(set(e.reliability) <= {"P", "S"} for e in weights.WEIGHT_SETS)
