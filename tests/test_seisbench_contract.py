"""
What this package takes for granted of SeisBench. If one of these tests fails, that has
changed: mend the one place that is named in it.
"""

import inspect

import pytest
import seisbench
from seisbench.models import WaveformModel

from seisbench_diting.data import DiTing
from seisbench_diting.models import LPPNT


def test_cache_layout(cache):
    # models/pretrained.py: where weights lie, and how their files are named.
    assert LPPNT._model_path() == cache / "lppnt"
    assert LPPNT._parse_weight_filename("csn.json.v1") == ("csn", "json", "1")
    assert LPPNT._parse_weight_filename(".install-x") == (None, None, None)
    # data/diting.py: where datasets lie.
    assert DiTing._path_internal() == seisbench.cache_data_root / "diting"


@pytest.mark.parametrize("name", ["load", "from_pretrained", "annotate", "classify"])
def test_methods_keep_seisbenchs_arguments(name):
    theirs = inspect.signature(getattr(WaveformModel, name)).parameters
    assert list(inspect.signature(getattr(LPPNT, name)).parameters) == list(theirs)
