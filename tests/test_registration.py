"""What importing the package does, and what it does not."""

import os
import subprocess
import sys

import seisbench.data as sbd
import seisbench.models as sbm

from seisbench_diting import data, models


def test_pickers_and_the_dataset_are_in_seisbench():
    for name in models.PICKERS:
        assert getattr(sbm, name) is getattr(models, name)
        assert sbm.__all__.count(name) == 1
    assert sbd.DiTing is data.DiTing
    assert sbd.__all__.count("DiTing") == 1


def test_import_has_no_effects_and_leaves_a_name_that_seisbench_has_alone(tmp_path):
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
loaded = {name.partition(".")[0] for name in set(sys.modules) - before}
print(loaded & {"seisbench_diting", "matplotlib", "cyclopts", "onnxruntime"})
print(sbm.RNN, sbm.EQT.__name__, seisbench_diting.models.RNN.__name__)
"""
    environment = {**os.environ, "SEISBENCH_CACHE_ROOT": str(tmp_path)}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.stdout.splitlines() == ["{'seisbench_diting'}", "mine EQT RNN"]
    assert "RNN" in done.stderr


def test_waiting_threads_leave_the_cores_to_other_programs():
    environment = {**os.environ, "OMP_DISPLAY_ENV": "true"}
    environment.pop("OMP_WAIT_POLICY", None)
    command = [sys.executable, "-c", "import seisbench_diting, torch"]
    shown = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert "OMP_WAIT_POLICY='PASSIVE'" in shown.stderr.replace(" ", "")
