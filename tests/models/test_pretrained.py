"""from_pretrained and its lists, with a mirror folder in place of the network."""

import dataclasses
import hashlib
import io
import json
import os
import subprocess
import sys

import pytest
import seisbench
import torch

from seisbench_diting.models import LPPNM, LPPNT, PICKERS, RNN
from seisbench_diting.weights import MIRROR_VARIABLE, WeightsError, find_set, registry

DEAD_END = "http://127.0.0.1:9/nothing"


@pytest.fixture
def mirror(tmp_path, monkeypatch, cache):
    """A mirror that holds one made-up set of LPPNT, "made", as version 1 and 2."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    entries = []
    for version in ("1", "2"):
        torch.manual_seed(int(version))
        buffer = io.BytesIO()
        torch.save(LPPNT().state_dict(), buffer)
        content = buffer.getvalue()
        (folder / f"made{version}.pt").write_bytes(content)
        entries.append(
            dataclasses.replace(
                find_set("LPPNT", "csn"),
                name="made",
                version=version,
                file=f"made{version}.pt",
                url=DEAD_END,
                sha256=hashlib.sha256(content).hexdigest(),
                size=len(content),
                component_order="NEZ",
                sampling_rate=40.0,
                records=f"version {version} of records",
                default_args={"P_threshold": 0.6},
            )
        )
    monkeypatch.setattr(registry, "WEIGHT_SETS", tuple(entries))
    monkeypatch.setitem(registry.DEFAULT_SETS, "LPPNT", "made")
    monkeypatch.setattr(
        LPPNT, "published_layout", {"renames": (), "class_head": "class_head"}
    )
    monkeypatch.setenv(MIRROR_VARIABLE, str(folder))
    return folder


def test_the_default_set_needs_no_name(mirror):
    model = LPPNT.from_pretrained()

    assert model.component_order == "NEZ"
    assert model.sampling_rate == 40
    assert list(model.labels) == ["N", "P", "S"]
    assert model.default_args == {"P_threshold": 0.6}
    assert "version 2 of records" in model.weights_docstring
    assert model.weights_version == "2"


def test_later_calls_need_no_source(mirror, cache):
    first = LPPNT.from_pretrained("made")
    for file in mirror.iterdir():
        file.unlink()

    again = LPPNT.from_pretrained("made")

    assert sorted(os.listdir(cache / "lppnt")) == ["made.json.v2", "made.pt.v2"]
    for a, b in zip(first.parameters(), again.parameters(), strict=True):
        assert torch.equal(a, b)


def test_the_cache_is_in_seisbenchs_format(mirror, cache):
    LPPNT.from_pretrained("made")

    metadata = json.loads((cache / "lppnt" / "made.json.v2").read_text())
    assert metadata["version"] == "2"
    assert metadata["model_args"]["component_order"] == "NEZ"
    assert metadata["source"]["url"] == DEAD_END
    loaded = LPPNT.load(cache / "lppnt" / "made", version_str="2")
    assert loaded.sampling_rate == 40


def test_versions(mirror):
    assert LPPNT.list_versions("made") == ["1", "2"]
    assert LPPNT.list_versions("made", remote=False) == []

    assert LPPNT.from_pretrained("made", version_str="1").weights_version == "1"
    # As in SeisBench, the latest in the cache, unless an update is asked for.
    assert LPPNT.from_pretrained("made").weights_version == "1"
    assert LPPNT.from_pretrained("made", update=True).weights_version == "2"
    assert LPPNT.list_versions("made", remote=False) == ["1", "2"]


def test_lists(mirror, cache):
    assert LPPNT.list_pretrained() == ["made"]
    assert LPPNT.list_pretrained(remote=False) == []
    assert "version 2 of" in LPPNT.list_pretrained(details=True)["made"]
    assert not cache.exists()


def test_own_weights_in_the_cache(mirror, cache):
    (cache / "lppnt").mkdir(parents=True)
    LPPNT(component_order="ENZ").save(cache / "lppnt" / "mine", "Mine", version_str="7")

    assert LPPNT.list_pretrained() == ["made", "mine"]
    assert LPPNT.list_pretrained(details=True)["mine"] == "Mine"
    assert LPPNT.from_pretrained("mine").component_order == "ENZ"


def test_unknown_names_and_versions(mirror):
    with pytest.raises(ValueError, match=r"name='mede'.*did you mean 'made'"):
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


def test_errors_name_the_set_the_sources_and_the_ways_out(mirror, cache):
    content = (mirror / "made2.pt").read_bytes()
    (mirror / "made2.pt").write_bytes(content[:-1] + b"x")

    with pytest.raises(WeightsError) as error:
        LPPNT.from_pretrained("made")

    for part in (
        "LPPNT/made",
        str(mirror),
        DEAD_END,
        MIRROR_VARIABLE,
        "weights import",
    ):
        assert part in str(error.value)
    assert os.listdir(cache / "lppnt") == []


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


def test_files_that_are_no_version_are_ignored(mirror, cache):
    LPPNT.from_pretrained("made")
    (cache / "lppnt" / "made.json.vbad").write_text("{}")
    (cache / "lppnt" / "other.json.vbad").write_text("{}")

    assert LPPNT.list_versions("made") == ["1", "2"]
    assert "version 2 of" in LPPNT.list_pretrained(details=True)["made"]
    assert LPPNT.from_pretrained("made").weights_version == "2"


def test_every_published_set_is_listed_offline(cache):
    for name in PICKERS:
        details = getattr(seisbench.models, name).list_pretrained(details=True)
        assert details["csn"].startswith(f"{name} trained on")
    assert RNN.list_pretrained() == ["csn", "csn_pnsn", "diting"]
    assert LPPNM.list_versions("csn") == ["1"]


def test_two_processes_at_once(reference, cache):
    code = (
        "from seisbench_diting.models import RNN; m = RNN.from_pretrained('diting');"
        "print(m.component_order, m.sampling_rate)"
    )
    # SeisBench writes its configuration when it is first imported.
    (cache.parents[1] / "config.json").write_text(
        json.dumps({"dimension_order": "NCW", "component_order": "ZNE"})
    )
    environment = {
        **os.environ,
        "SEISBENCH_CACHE_ROOT": str(cache.parents[1]),
        MIRROR_VARIABLE: str(reference / "weights"),
    }
    both = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]

    for process in both:
        assert process.communicate()[0].split() == ["ZNE", "50.0"]
    assert sorted(os.listdir(cache / "rnn")) == ["diting.json.v1", "diting.pt.v1"]
