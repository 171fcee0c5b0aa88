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


def test_a_malicious_pickle_is_refused(tmp_path):
    for save in (_saved, pickle.dumps):
        with pytest.raises(ValueError, match="was not loaded"):
            read_state_dict(save({"weight": _Malicious(tmp_path / "made")}))

    assert not (tmp_path / "made").exists()


def test_a_malicious_model_file_is_refused(tmp_path):
    LPPNT().save(tmp_path / "model")
    (tmp_path / "model.pt").write_bytes(_saved(_Malicious(tmp_path / "made")))

    with pytest.raises(pickle.UnpicklingError):
        LPPNT.load(tmp_path / "model")
    with pytest.raises(pickle.UnpicklingError):
        LPPNT.load(tmp_path / "model", weights_only=False)

    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("content", [b"", b"garbage", _saved([torch.zeros(1)])])
def test_other_files_are_refused(content):
    with pytest.raises(ValueError, match="file"):
        read_state_dict(content)
