"""from_pretrained and its lists, with a mirror folder in place of the network."""

import dataclasses
import hashlib
import io
import json
import os

import obspy
import pytest
import torch

from seisbench_diting.models import LPPNT, weights_checksum
from seisbench_diting.weights import MIRROR_VARIABLE, WeightsError, find_set, registry

DEAD_END = "http://127.0.0.1:9/nothing"


@pytest.fixture
def mirror(tmp_path, monkeypatch, cache):
    """A mirror that holds one made-up set of LPPNT, "made", as version 1 and 2."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    buffer = io.BytesIO()
    torch.save(LPPNT().state_dict(), buffer)
    made = dataclasses.replace(
        find_set("LPPNT", "csn"),
        name="made",
        url=DEAD_END,
        sha256=hashlib.sha256(buffer.getvalue()).hexdigest(),
        size=len(buffer.getvalue()),
        component_order="NEZ",
        sampling_rate=40.0,
        default_args={"P_threshold": 0.6},
    )
    versions = []
    for version in "12":
        changes = {"file": f"made{version}.pt", "records": f"version {version}"}
        versions.append(dataclasses.replace(made, version=version, **changes))
        (folder / versions[-1].file).write_bytes(buffer.getvalue())
    monkeypatch.setattr(registry, "WEIGHT_SETS", tuple(versions))
    monkeypatch.setitem(registry.DEFAULT_SETS, "LPPNT", "made")
    layout = {"renames": (), "class_head": "class_head"}
    monkeypatch.setattr(LPPNT, "published_layout", layout)
    monkeypatch.setenv(MIRROR_VARIABLE, str(folder))
    return folder


def test_the_default_set_and_its_files_in_seisbenchs_format(mirror, cache):
    first = LPPNT.from_pretrained()
    for file in mirror.iterdir():
        file.unlink()

    assert (first.component_order, first.sampling_rate) == ("NEZ", 40)
    assert first.default_args == {"P_threshold": 0.6}
    assert "version 2" in first.weights_docstring
    metadata = json.loads((cache / "lppnt" / "made.json.v2").read_text())
    assert (metadata["version"], metadata["source"]["url"]) == ("2", DEAD_END)
    loaded = LPPNT.load(cache / "lppnt" / "made", version_str="2")
    for other in (LPPNT.from_pretrained("made"), loaded):
        assert other.get_model_args() == first.get_model_args()
        assert weights_checksum(other) == weights_checksum(first)


def test_weights_keep_what_their_picks_are_worth_until_they_are_trained(mirror, cache):
    known = find_set("LPPNT", "made").reliability
    model = LPPNT.from_pretrained("made")
    copy = LPPNT.load(cache / "lppnt" / "made", version_str="2")
    assert model.reliability == copy.reliability == known != {}
    model.train().eval().save(cache / "own")
    for trained in (model, LPPNT.load(cache / "own")):
        assert trained.reliability == {}
        with pytest.raises(ValueError, match="calibrated=True"):
            trained.classify(obspy.read(), calibrated=True)


def test_the_latest_version_in_the_cache_is_used_unless_an_update_is_asked_for(mirror):
    assert LPPNT.list_versions("made", remote=False) == []

    assert LPPNT.from_pretrained("made", version_str="1").weights_version == "1"
    assert LPPNT.from_pretrained("made").weights_version == "1"
    assert LPPNT.from_pretrained("made", update=True).weights_version == "2"
    assert LPPNT.list_versions("made", remote=False) == ["1", "2"]


def test_weights_in_the_package_beat_older_ones_in_the_cache(cache):
    (cache / "lppnt").mkdir(parents=True)
    LPPNT().save(cache / "lppnt" / "distilled", "Older", version_str="1")
    assert LPPNT.from_pretrained("distilled").weights_version > "1"


def test_lists_hold_published_and_own_weights(mirror, cache):
    assert LPPNT.list_pretrained() == ["made"]
    assert LPPNT.list_pretrained(remote=False) == []
    assert not cache.exists()

    (cache / "lppnt").mkdir(parents=True)
    LPPNT(component_order="ENZ").save(cache / "lppnt" / "mine", "Mine", version_str="7")
    # No versions.
    for name in ("made", "other"):
        (cache / "lppnt" / f"{name}.json.vbad").write_text("{}")
    details = LPPNT.list_pretrained(details=True)
    assert list(details) == ["made", "mine"]
    assert "version 2" in details["made"]
    assert details["mine"] == "Mine"
    assert LPPNT.list_versions("made") == ["1", "2"]
    assert LPPNT.from_pretrained("mine").component_order == "ENZ"


def test_unknown_names_and_versions_get_a_suggestion(mirror):
    with pytest.raises(ValueError, match=r"name='mede'.*'made'"):
        LPPNT.from_pretrained("mede")
    with pytest.raises(ValueError, match=r"version_str='9'.*'1', '2'"):
        LPPNT.from_pretrained("made", version_str="9")


@pytest.mark.parametrize("suffix", ["pt", "json"])
@pytest.mark.parametrize("kept", [0, 100])
def test_damaged_files_in_the_cache_are_named(mirror, cache, suffix, kept):
    LPPNT.from_pretrained("made")
    os.truncate(cache / "lppnt" / f"made.{suffix}.v2", kept)

    with pytest.raises(WeightsError) as error:
        LPPNT.from_pretrained("made")
    for part in ("LPPNT/made", str(cache / "lppnt"), "force=True"):
        assert part in str(error.value)
    assert LPPNT.from_pretrained("made", force=True).weights_version == "2"
