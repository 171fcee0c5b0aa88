"""
Runs that are killed, each in a fork of this process, which has loaded everything.

    python killed_runs.py ARCHIVE OUTPUT SECONDS KILLS SEED

Kills runs into one name after the other at random moments, until so many were in time,
and lets every run end at last. Prints the number of kills, and the names.
"""

import os
import random
import signal
import sys
import time

from seisbench_diting.models import load_model
from seisbench_diting.picking import pick_archive


def begin(archive: str, output: str, model) -> int:
    child = os.fork()
    if child == 0:
        status = 1
        try:
            pick_archive(archive, output, model, progress=False)
            status = 0
        finally:
            os._exit(status)
    return child


def killed(seconds: float, archive: str, output: str, model) -> bool:
    child = begin(archive, output, model)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    status = os.waitpid(child, 0)[1]
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def main(archive: str, output: str, seconds: str, kills: str, seed: str) -> None:
    model = load_model("LPPNT/csn")
    draw = random.Random(int(seed))
    done = attempt = 0
    while done < int(kills):
        name = f"{output}{attempt}"
        attempt += 1
        while killed(draw.uniform(0, float(seconds)), archive, name, model):
            done += 1
            # Some are killed once, others again and again before they come to an end.
            if draw.random() < 0.1:
                break
        assert os.waitpid(begin(archive, name, model), 0)[1] == 0
        print(name, flush=True)
    print(done)


if __name__ == "__main__":
    main(*sys.argv[1:])
