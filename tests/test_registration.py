"""What importing the package does, and what it does not."""

import os
import subprocess
import sys

import seisbench.data as sbd
import seisbench.models as sbm

import seisbench_diting
from seisbench_diting import data, models


def _run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )


def test_pickers_are_in_seisbench():
    for name in models.PICKERS:
        assert getattr(sbm, name) is getattr(models, name)
        assert sbm.__all__.count(name) == 1
    assert seisbench_diting.__version__


def test_the_dataset_is_in_seisbench():
    assert sbd.DiTing is data.DiTing
    assert sbd.__all__.count("DiTing") == 1


def test_a_name_that_seisbench_has_is_left_alone():
    result = _run(
        "import seisbench.models as sbm\n"
        "sbm.RNN = 'mine'\n"
        "import seisbench_diting\n"
        "print(sbm.RNN, sbm.EQT.__name__, seisbench_diting.models.RNN.__name__)\n"
    )

    assert result.stdout.split() == ["mine", "EQT", "RNN"]
    assert "has a RNN of its own" in result.stderr


def test_import_writes_no_file_and_touches_no_network(tmp_path):
    result = _run(
        "import sys, seisbench.models\n"
        "forbidden = ('socket.connect', 'socket.getaddrinfo')\n"
        "def watch(event, args):\n"
        "    written = event == 'open' and args[1] and set(args[1]) & set('wax+')\n"
        "    if written or event in forbidden:\n"
        "        print(event, args)\n"
        "sys.dont_write_bytecode = True\n"
        "sys.addaudithook(watch)\n"
        "import seisbench_diting\n"
        "print(seisbench_diting.__version__)\n",
        SEISBENCH_CACHE_ROOT=str(tmp_path),
    )

    assert result.stdout.split() == [seisbench_diting.__version__]


def test_import_loads_no_plotting_and_no_command_line():
    result = _run(
        "import sys, seisbench.models\n"
        "before = set(sys.modules)\n"
        "import seisbench_diting\n"
        "print(*sorted({m.split('.')[0] for m in set(sys.modules) - before}))\n"
    )

    assert not {"matplotlib", "typer", "onnxruntime"} & set(result.stdout.split())


def test_waiting_threads_leave_the_cores_to_other_programs():
    code = "import os; os.environ.pop('OMP_WAIT_POLICY', 0); import seisbench_diting, torch"
    shown = _run(code, OMP_DISPLAY_ENV="true").stderr.replace(" ", "")
    assert "OMP_WAIT_POLICY='PASSIVE'" in shown
