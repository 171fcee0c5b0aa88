"""from_pretrained and its lists, with a mirror folder in place of the network."""

import dataclasses
import hashlib
import io
import json
import os

import pytest
import torch

from seisbench_diting import models
from seisbench_diting.models import LPPNT, PICKERS
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
    versions = [
        dataclasses.replace(made, version=v, file=f"made{v}.pt", records=f"version {v}")
        for v in "12"
    ]
    for entry in versions:
        (folder / entry.file).write_bytes(buffer.getvalue())
    monkeypatch.setattr(registry, "WEIGHT_SETS", tuple(versions))
    monkeypatch.setitem(registry.DEFAULT_SETS, "LPPNT", "made")
    layout = {"renames": (), "class_head": "class_head"}
    monkeypatch.setattr(LPPNT, "published_layout", layout)
    monkeypatch.setenv(MIRROR_VARIABLE, str(folder))
    return folder


def test_the_default_set_needs_no_name(mirror):
    model = LPPNT.from_pretrained()

    assert model.component_order == "NEZ"
    assert model.sampling_rate == 40
    assert list(model.labels) == ["N", "P", "S"]
    assert model.default_args == {"P_threshold": 0.6}
    assert "version 2" in model.weights_docstring
    assert model.weights_version == "2"


def test_later_calls_read_the_cache_in_seisbenchs_format(mirror, cache):
    first = LPPNT.from_pretrained("made")
    for file in mirror.iterdir():
        file.unlink()

    assert sorted(os.listdir(cache / "lppnt")) == ["made.json.v2", "made.pt.v2"]
    metadata = json.loads((cache / "lppnt" / "made.json.v2").read_text())
    assert metadata["version"] == "2"
    assert metadata["source"]["url"] == DEAD_END
    again = LPPNT.from_pretrained("made")
    loaded = LPPNT.load(cache / "lppnt" / "made", version_str="2")
    for other in (again, loaded):
        assert other.get_model_args() == first.get_model_args()
        for a, b in zip(first.parameters(), other.parameters(), strict=True):
            assert torch.equal(a, b)


def test_the_latest_version_in_the_cache_is_used_unless_an_update_is_asked_for(mirror):
    assert LPPNT.list_versions("made") == ["1", "2"]
    assert LPPNT.list_versions("made", remote=False) == []

    assert LPPNT.from_pretrained("made", version_str="1").weights_version == "1"
    assert LPPNT.from_pretrained("made").weights_version == "1"
    assert LPPNT.from_pretrained("made", update=True).weights_version == "2"
    assert LPPNT.list_versions("made", remote=False) == ["1", "2"]


def test_weights_in_the_package_beat_older_ones_in_the_cache(cache):
    (cache / "lppnt").mkdir(parents=True)
    LPPNT().save(cache / "lppnt" / "distilled", "Older", version_str="1")
    assert LPPNT.from_pretrained("distilled").weights_version == "2"


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


def test_force_fetches_again(mirror, cache):
    LPPNT.from_pretrained("made")
    before = (cache / "lppnt" / "made.pt.v2").stat().st_mtime_ns
    LPPNT.from_pretrained("made", force=True)
    assert (cache / "lppnt" / "made.pt.v2").stat().st_mtime_ns > before

    (mirror / "made2.pt").write_bytes(b"broken")
    with pytest.raises(WeightsError):
        LPPNT.from_pretrained("made", force=True)
    assert LPPNT.from_pretrained("made").weights_version == "2"


@pytest.mark.parametrize("suffix", ["pt", "json"])
@pytest.mark.parametrize("damage", [b"", b"garbage", "half"])
def test_damaged_files_in_the_cache_are_named(mirror, cache, suffix, damage):
    LPPNT.from_pretrained("made")
    file = cache / "lppnt" / f"made.{suffix}.v2"
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2] if damage == "half" else damage)

    with pytest.raises(WeightsError) as error:
        LPPNT.from_pretrained("made")
    for part in ("LPPNT/made", str(cache / "lppnt"), "force=True", "--force"):
        assert part in str(error.value)
    assert LPPNT.from_pretrained("made", force=True).weights_version == "2"


def test_every_published_set_is_listed_offline(cache):
    for name in PICKERS:
        details = getattr(models, name).list_pretrained(details=True)
        assert details["csn"].startswith(f"{name} trained on")
    names = ["csn", "csn_pnsn", "distilled", "diting", "pnsn_v3"]
    assert models.RNN.list_pretrained() == names


def test_several_processes_may_fetch_at_once(reference, cache, at_once):
    printed = at_once(
        "from seisbench_diting.models import RNN\n"
        "print(RNN.from_pretrained('diting').sampling_rate)",
        **{MIRROR_VARIABLE: str(reference / "weights")},
    )

    assert printed == ["50.0\n"] * 3
    assert sorted(os.listdir(cache / "rnn")) == ["diting.json.v1", "diting.pt.v1"]
