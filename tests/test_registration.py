"""What importing the package does, and what it does not."""

import os
import subprocess
import sys

import pytest
import seisbench.data as sbd
import seisbench.models as sbm

from seisbench_diting import data, models


def test_pickers_and_the_dataset_are_in_seisbench():
    for name in models.PICKERS:
        assert getattr(sbm, name) is getattr(models, name)
        assert sbm.__all__.count(name) == 1
    assert sbd.DiTing is data.DiTing
    assert sbd.__all__.count("DiTing") == 1


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    """What a new process prints that imports the package where SeisBench has an RNN."""
    code = """
import sys, seisbench.models as sbm
sbm.RNN = "mine"
def watch(event, args):
    written = event == "open" and args[1] and set(args[1]) & set("wax+")
    if written or event in ("socket.connect", "socket.getaddrinfo"):
        print("effect:", event, args)
sys.dont_write_bytecode = True
sys.addaudithook(watch)
before = set(sys.modules)
import seisbench_diting
print("loaded:", *{name.partition(".")[0] for name in set(sys.modules) - before})
print("models:", sbm.RNN, sbm.EQT.__name__, seisbench_diting.models.RNN.__name__)
"""
    cache = {"SEISBENCH_CACHE_ROOT": str(tmp_path_factory.mktemp("cache"))}
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **cache},
        capture_output=True,
        text=True,
        check=True,
    )


def test_a_name_that_seisbench_has_is_left_alone(imported):
    assert "models: mine EQT RNN" in imported.stdout
    assert "RNN" in imported.stderr


def test_import_writes_no_file_and_touches_no_network(imported):
    assert "effect:" not in imported.stdout


def test_import_loads_no_plotting_and_no_command_line(imported):
    loaded = imported.stdout.partition("loaded:")[2].splitlines()[0].split()
    assert "seisbench_diting" in loaded
    assert not {"matplotlib", "cyclopts", "onnxruntime"} & set(loaded)


def test_waiting_threads_leave_the_cores_to_other_programs():
    code = "import os; os.environ.pop('OMP_WAIT_POLICY', 0); import seisbench_diting, torch"
    shown = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "OMP_DISPLAY_ENV": "true"},
        capture_output=True,
        text=True,
    )
    assert "OMP_WAIT_POLICY='PASSIVE'" in shown.stderr.replace(" ", "")
