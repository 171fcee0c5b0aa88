"""Kernels where what is compiled can't be kept."""

import os
import subprocess
import sys

import pytest

numba = pytest.importorskip("numba")

PROGRAM = """
from numba import config
from seisbench_diting.association.compiling import kernels
print(config.CACHE_DIR)
"""


@pytest.mark.skipif(
    not hasattr(numba.config, "CACHE_LOCATOR_CLASSES"), reason="of a later numba"
)
def test_there_is_a_place_of_its_own():
    # Neither the folder of the package nor that of the user.
    environment = os.environ | {
        "NUMBA_CACHE_LOCATOR_CLASSES": "UserProvidedCacheLocator"
    }
    environment.pop("NUMBA_CACHE_DIR", None)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True,
        text=True,
        env=environment,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert "Set NUMBA_CACHE_DIR" in done.stderr
    folder = done.stdout.strip()
    assert "seisbench-diting-" in folder
    assert not os.path.exists(folder)
