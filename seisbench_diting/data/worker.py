"""Parts converted at once, each in a process of its own.

A worker runs :py:func:`main`. It gets its task as a line of JSON, answers
with lines of JSON, and ends when its input does: so it never outlives the process that
began it, however that ended, and scripts and notebooks need no ``__main__`` guard.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from ..processes import start_worker
from .original import MergedPart, Part
from .part import Options, Place, convert_part
from .report import PartReport

_KINDS = {"Part": Part, "MergedPart": MergedPart}


@dataclass(frozen=True)
class Task:
    """One part to convert; see :py:func:`.part.convert_part`."""

    part: Part | MergedPart
    path: Path
    options: Options
    place: Place

    def run(self, progress: Callable[[int], object]) -> PartReport:
        return convert_part(self.part, self.path, self.options, self.place, progress)

    def to_json(self) -> str:
        values = {"kind": type(self.part).__name__, **asdict(self)}
        return json.dumps(values, default=str)

    @classmethod
    def from_json(cls, text: str) -> Task:
        values = json.loads(text)
        part = values["part"]
        for name in ("hdf5", "csv"):
            if name in part:
                part[name] = Path(part[name])
        options = values["options"]
        return cls(
            _KINDS[values["kind"]](**part),
            Path(values["path"]),
            Options(**{**options, "split": tuple(options["split"])}),
            Place(**values["place"]),
        )


def run_in_processes(
    tasks: list[Task], workers: int, update: Callable[[int], object]
) -> Iterator[PartReport]:
    """
    :param tasks: Parts to convert
    :param workers: Number of processes at once
    :param update: Called with the number of records done since the last call
    :return: Reports, as they are ready
    """
    messages: queue.SimpleQueue[int | PartReport] = queue.SimpleQueue()
    running: set[subprocess.Popen] = set()
    with ThreadPoolExecutor(min(workers, len(tasks))) as threads:
        for task in tasks:
            threads.submit(_attend, task, messages, running)
        try:
            left = len(tasks)
            while left:
                message = messages.get()
                if isinstance(message, PartReport):
                    left -= 1
                    yield message
                else:
                    update(message)
        finally:
            threads.shutdown(wait=False, cancel_futures=True)
            for process in list(running):
                process.kill()


def _attend(task: Task, messages: queue.SimpleQueue, running: set) -> None:
    """Runs one task in a process and passes on what it says."""
    report = PartReport(task.part.chunk, {}, error="The worker could not be started.")
    answered = False
    try:
        process = start_worker(__name__)
        running.add(process)
        with process:
            process.stdin.write(task.to_json() + "\n")
            process.stdin.flush()
            for line in process.stdout:
                message = json.loads(line)
                if isinstance(message, int):
                    messages.put(message)
                else:
                    report = PartReport.from_dict(message)
                    answered = True
            process.stdin.close()
            status = process.wait()
            if not answered:
                report.error = (
                    f"The worker process died of signal {-status}, perhaps of too little "
                    "memory. Run the same again, with fewer workers."
                    if status < 0
                    else f"The worker process died with status {status}, see above."
                )
        running.discard(process)
    except OSError as error:
        report.error += f" ({error})"
    finally:
        messages.put(report)


def _end_with_input() -> None:
    sys.stdin.read()
    # At once, wherever it is: only temporary files are half-written.
    os._exit(1)


def main() -> None:
    """What a worker process runs."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    # What a library prints must not get between the answers.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    task = Task.from_json(sys.stdin.readline())
    threading.Thread(target=_end_with_input, daemon=True).start()

    def progress(number: int) -> None:
        answers.write(f"{number}\n")

    report = task.run(progress)
    answers.write(json.dumps(asdict(report)) + "\n")
    answers.flush()
    os._exit(0)
