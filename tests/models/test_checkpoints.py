"""Reading published checkpoints."""

import io
import os
import pickle

import pytest
import torch

from seisbench_diting.models import LPPNT
from seisbench_diting.models.pretrained import read_state_dict


class _Malicious:
    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


def _saved(content) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def test_malicious_pickles_and_other_files_are_refused(tmp_path):
    malicious = _Malicious(tmp_path / "made")
    whole = {"weight": malicious}
    for content in (_saved(whole), pickle.dumps(whole), b"", _saved([torch.zeros(1)])):
        with pytest.raises(ValueError, match="file"):
            read_state_dict(content)
    LPPNT().save(tmp_path / "model")
    (tmp_path / "model.pt").write_bytes(_saved(malicious))
    for options in ({}, {"weights_only": False}):
        with pytest.raises(pickle.UnpicklingError):
            LPPNT.load(tmp_path / "model", **options)

    assert not (tmp_path / "made").exists()
