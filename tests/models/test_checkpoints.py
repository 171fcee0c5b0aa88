"""Reading published checkpoints."""

import io
import os
import pickle

import pytest
import torch

from seisbench_diting.models import LPPNT
from seisbench_diting.models.pretrained import convert_published, read_state_dict


class _Malicious:
    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


def _saved(content, **kwargs) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer, **kwargs)
    return buffer.getvalue()


def test_published_names_become_ours():
    layout = {"renames": [(r"^cl\.", "out.")], "class_head": "out", "squeeze_axis": 2}
    published = {"cl.bias": torch.arange(7), "a.weight": torch.zeros(1, 1, 1, 1)}

    state = convert_published(published, "NPS", layout)

    assert state["out.bias"].tolist() == [0, 1, 2]
    assert state["a.weight"].shape == (1, 1, 1)


def test_malicious_pickles_are_refused(tmp_path):
    malicious = _Malicious(tmp_path / "made")
    for save in (_saved, pickle.dumps):
        with pytest.raises(ValueError, match="file"):
            read_state_dict(save({"weight": malicious}))
    LPPNT().save(tmp_path / "model")
    (tmp_path / "model.pt").write_bytes(_saved(malicious))
    for options in ({}, {"weights_only": False}):
        with pytest.raises(pickle.UnpicklingError):
            LPPNT.load(tmp_path / "model", **options)

    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("content", [b"", b"garbage", _saved([torch.zeros(1)])])
def test_other_files_are_refused(content):
    with pytest.raises(ValueError, match="file"):
        read_state_dict(content)
