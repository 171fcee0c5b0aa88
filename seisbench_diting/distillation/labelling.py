"""Teachers go through an archive, station by station and day by day."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .._util import remove_leftovers, write_text
from ..models import PhasePicker
from ..picking.index import SECOND, index_files
from ..picking.inputs import find_files
from ..picking.names import NamePattern
from ..picking.plan import Planner, Unit
from ..picking.progress import Progress, counting
from ..picking.state import State
from ..training.checkpoints import FOLDER as CHECKPOINTS
from ..training.fitting import is_first_process
from ..training.logs import LOGS
from .labeller import Labeller
from .settings import LABELS, DistillationSettings
from .store import LabelStore, Stretch
from .teachers import Teacher

_LOG = logging.getLogger("seisbench_diting")

#: File in the run's folder with the names of the parts, for its further processes.
_PARTS = "labels.json"

#: What a run makes in its own folder, which may be among its inputs.
_OWN_FOLDERS = (LABELS, CHECKPOINTS, LOGS)
_OWN_ENDINGS = (".jit", ".json", ".lock", ".md", ".png", ".pt")

#: Windows around a day, so that those at its ends are as in an uncut record.
_SPARE_WINDOWS = 2


@dataclass(frozen=True)
class Labels:
    """
    What the teachers said.

    :param store: Where it lies
    :param names: Names of its parts
    :param teachers: Who said it
    """

    store: LabelStore
    names: list[str]
    teachers: list[str]

    @property
    def digest(self) -> str:
        """What changes with the waveforms and with what the teachers say of them."""
        return hashlib.sha256("\n".join(sorted(self.names)).encode()).hexdigest()

    def stretches(self) -> list[Stretch]:
        return list(self.store.stretches(self.names))


def label_archive(
    settings: DistillationSettings,
    student: PhasePicker,
    teachers: Sequence[Teacher],
    folder: Path,
    check: Callable[[str], None],
) -> Labels:
    """
    Goes on where it was interrupted; what has changed is done again. Of the processes that
    share a run only the first one does it.

    :param settings: Settings of the run
    :param student: The model that is to learn, for its sampling rate and windows
    :param teachers: Who says what is there
    :param folder: Folder for what they say
    :param check: Raises an error if the run is not to learn from waveforms and labels with
        this digest
    :raises ValueError: if there is nothing that can be used
    :return: What they said
    """
    folder = Path(os.path.abspath(folder))
    store = LabelStore(folder)
    if not is_first_process():
        content = json.loads((folder.parent / _PARTS).read_text(encoding="utf-8"))
        return Labels(store, **content)
    remove_leftovers(folder)
    pattern = NamePattern(settings.name_pattern) if settings.name_pattern else None
    state = State(folder / "archive.state")
    try:
        units = _plan(settings, student, state, folder, pattern)
    finally:
        state.close()
    labeller = Labeller(settings, student, teachers, folder, pattern, len(units))
    names = {unit.key: labeller.name(unit) for unit in units}
    labels = Labels(store, list(names.values()), [t.name for t in teachers])
    # Before anything is asked, or what an earlier run needs is removed.
    check(labels.digest)
    store.keep_only(names.values())
    labeller.forget_others(units)
    days = {u.key: max(u.days, 1e-6) for u in units}
    done = {u.key for u in units if store.has(names[u.key])}
    bar = Progress(
        sum(days.values()), sum(days[key] for key in done), settings.progress
    )
    try:
        for unit in units:
            if unit.key not in done:
                store.write(names[unit.key], *labeller.label(unit))
                bar.add(days[unit.key])
    finally:
        bar.close()
    said = [
        f"{key}: {reason}" for key, name in names.items() for reason in store.said(name)
    ]
    if next(store.stretches(names.values()), None) is None:
        raise ValueError(
            f"inputs={', '.join(settings.inputs)!r} hold nothing to learn from"
            + (f", such as {said[0]}." if said else ": all of it is silent.")
        )
    for one in said:
        _LOG.warning("%s", one)
    content = {"names": labels.names, "teachers": labels.teachers}
    write_text(folder.parent / _PARTS, json.dumps(content) + "\n")
    return labels


def _plan(
    settings: DistillationSettings,
    student: PhasePicker,
    state: State,
    folder: Path,
    pattern: NamePattern | None,
) -> list[Unit]:
    with counting("Reading headers", " files", settings.progress) as bar:
        paths = (
            p for p in find_files(settings.inputs) if not _is_own(p, folder.parent)
        )
        index_files(state, paths, pattern, bar.update)
    window = settings.n_samples / student.sampling_rate
    planner = Planner(
        settings.codes,
        settings.stations,
        settings.start_ns,
        settings.end_ns,
        round(_SPARE_WINDOWS * window * SECOND),
        student.sampling_rate,
    )
    with counting("Planning", " stations", settings.progress) as bar:
        planner.plan(state, bar.update)
    units = [
        planner.find(state, key, task)
        for key, task in state.rows("SELECT key, task FROM plan ORDER BY position")
    ]
    problems = list(state.rows("SELECT subject, reason FROM problems"))
    if not units:
        raise ValueError(
            f"inputs={', '.join(settings.inputs)!r} hold nothing that can be used"
            + (f", such as {problems[0][0]}: {problems[0][1]}." if problems else ".")
        )
    for subject, reason in problems:
        _LOG.warning("%s: %s", subject, reason)
    return units


def _is_own(path: Path, run: Path) -> bool:
    """If a file is one that a run has made in its folder, and no input."""
    if path.parent == run:
        return path.suffix in _OWN_ENDINGS
    return run in path.parents and path.relative_to(run).parts[0] in _OWN_FOLDERS
