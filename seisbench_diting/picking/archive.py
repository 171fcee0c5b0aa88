"""Picking of archives: from files to tables, whatever happens in between."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import obspy
import torch
from seisbench.models import WaveformModel

from .._util import beside
from ..models import find_pair
from .checks import (
    check_device,
    check_input_and_output,
    check_inventory,
    check_time,
)
from .index import SECOND
from .names import NamePattern
from .options import PickOptions, check_instruments, split_names
from .outputs import PICTURES, check_formats, hide_doubles
from .plan import Planner, Unit
from .running import Run, RunPicks, open_run
from .setup import Setup
from .stream import load_on, rate_of, window_seconds
from .workers import Executor, run_here, run_in_processes, run_on_cluster

#: Windows around a block, so that those at its ends are as in an uncut record.
_MARGIN_WINDOWS = 2
_MARGIN_SECONDS = 10.0


def pick_archive(
    inputs: str | Path | Iterable[str | Path],
    output: str | Path,
    model: str | WaveformModel = "LPPNM",
    device: str = "auto",
    *,
    prob: float = 0.3,
    min_separation: float = 1.0,
    overlap: float | None = None,
    snritv: float = 1.0,
    bandpass: tuple[float, float] = (1.0, 10.0),
    inventory: str | Path | None = None,
    instruments: str | Iterable[str] | None = None,
    stations: str | Iterable[str] = (),
    start: str | datetime | obspy.UTCDateTime | None = None,
    end: str | datetime | obspy.UTCDateTime | None = None,
    name_pattern: str | None = None,
    formats: Iterable[str] = ("csv", "txt"),
    ifplot: bool = False,
    ifreal: bool = False,
    workers: int = 1,
    scheduler: str | Path | None = None,
    progress: bool = True,
) -> RunPicks:
    """
    Picks an archive of any size, station by station and day by day. Files are joined by
    what their headers say. Interrupted at any moment, the same call continues; called
    again later, it picks what is new or has changed.

    :param inputs: Folders, waveform files and lists of files, see
        :py:func:`.inputs.find_files`
    :param output: Name that the files of the run begin with
    :param model: Name of a model, see :py:func:`seisbench_diting.models.load_model`; or
        a model, for picking in this process
    :param device: Where the network runs, as PyTorch names it; ``auto`` is a GPU if
        there is one
    :param prob: Smallest probability of a pick
    :param min_separation: Of two picks of one phase at one station closer than this, in
        seconds, the more probable one stays
    :param overlap: Of windows, as a share or in samples. Default: the model's own.
    :param snritv: Seconds before and after a pick for its SNR and amplitude
    :param bandpass: Lowest and highest frequency in Hz for SNR and amplitude
    :param inventory: StationXML file, for amplitudes in m/s. Default: the input's unit.
    :param instruments: Band and instrument codes, the preferred first, for stations with
        several; ``all`` picks each of them. Default: HH, BH, EH, SH, HN, EI, ...
    :param stations: Patterns of NET.STA or NET.STA.LOC, such as ``CX.PB*``
    :param start: First time to pick, UTC
    :param end: Time behind the last one to pick, UTC
    :param name_pattern: See :py:class:`.names.NamePattern`
    :param formats: Of :py:data:`.outputs.FORMATS`
    :param ifplot: If true, draws pictures of all picks
    :param ifreal: If true, writes day folders for REAL
    :param workers: Number of processes
    :param scheduler: Address or scheduler file of a Dask cluster, instead of processes
    :param progress: If the progress is shown
    :raises ValueError: if an option is impossible, if another run writes there, or if a
        former run of this name had other options
    :raises FileNotFoundError: if an input does not exist
    :raises OSError: if the disk is full; nothing is lost
    :raises KeyboardInterrupt: after Ctrl-C or SIGTERM; call the same again to continue
    :return: What was written
    """
    options = PickOptions(prob, min_separation, overlap, snritv, bandpass)
    names, output = check_input_and_output(inputs, output)
    codes = check_instruments(instruments)
    patterns = _check_patterns(stations)
    first, last = check_time(start, "start"), check_time(end, "end")
    if first is not None and last is not None and first >= last:
        raise ValueError(f"start={str(start)!r} must be before end={str(end)!r}.")
    pattern = NamePattern(name_pattern) if name_pattern else None
    formats = check_formats(formats)
    inventory = check_inventory(inventory)
    device = check_device(device)
    if not isinstance(workers, int) or isinstance(workers, bool) or workers < 1:
        raise ValueError(f"workers={workers!r} must be a whole number of at least 1.")
    if not isinstance(model, str) and (workers > 1 or scheduler is not None):
        raise ValueError(
            "model must be a name where other processes pick. Save it with "
            "model.save(PATH), and give the path."
        )
    kept = {
        "prob": options.prob,
        "min_separation": options.min_separation,
        "overlap": options.overlap,
        "snritv": options.snritv,
        "bandpass": options.bandpass,
        "inventory": inventory,
        "instruments": codes,
        "stations": patterns,
        "start": None if first is None else str(obspy.UTCDateTime(ns=first)),
        "end": None if last is None else str(obspy.UTCDateTime(ns=last)),
        "name_pattern": name_pattern,
        "inputs": names,
        "ifplot": ifplot,
    }
    with open_run(output, lambda: load_on(model, device), kept, progress) as (
        run,
        loaded,
    ):
        planner = Planner(
            codes, patterns, first, last, _margin(loaded, options), rate_of(loaded)
        )
        setup = Setup(
            model=_portable(model),
            device=device,
            threads=0,
            options=options,
            inventory=inventory,
            name_pattern=name_pattern,
            pictures=str(beside(output, PICTURES)) if ifplot else None,
        )
        run.index(names, pattern)
        _plan(run, planner)
        executor = _executor(setup, loaded, workers, scheduler)
        run.pick(lambda key, task: planner.find(run.state, key, task), executor)
        hide_doubles(run.state, min_separation, first, last)
        return run.finish(formats, ifreal)


def _check_patterns(stations: str | Sequence[str]) -> tuple[str, ...]:
    patterns = split_names(stations)
    for pattern in patterns:
        if Path(pattern).is_file():
            raise ValueError(
                f"stations={pattern!r} is a file; give patterns of NET.STA or "
                "NET.STA.LOC, such as CX.PB*."
            )
    return patterns


def _portable(model: str | WaveformModel) -> str:
    """A name that other processes understand, wherever they run."""
    if not isinstance(model, str):
        return ""
    path = Path(model).expanduser()
    return str(path.absolute()) if find_pair(path) else model


def _plan(run: Run, planner: Planner) -> None:
    with run.counting("Planning", " stations") as bar:
        run.stations = planner.plan(run.state, bar.update)
    if not run.state.value("SELECT count(*) FROM plan"):
        given = [
            f"{name}={value!r}"
            for name in ("stations", "start", "end")
            if (value := run.kept[name])
        ]
        raise ValueError(
            f"{', '.join(given) or 'Impossible rates and components'} leave nothing of "
            "the input to pick."
        )


def _margin(model: WaveformModel, options: PickOptions) -> int:
    seconds = (
        _MARGIN_WINDOWS * window_seconds(model)
        + _MARGIN_SECONDS
        + 5 * options.min_separation
    )
    return round(seconds * SECOND)


def _executor(
    setup: Setup, model: WaveformModel, workers: int, scheduler: str | Path | None
) -> Executor[Unit]:
    if scheduler is not None:
        return run_on_cluster(setup, str(scheduler))
    if workers > 1:
        # Together as many threads as this process would have.
        threads = max(1, torch.get_num_threads() // workers)
        return run_in_processes(replace(setup, threads=threads), workers)
    return run_here(setup.make(model))
