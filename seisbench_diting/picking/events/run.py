"""Picking of the events of a catalogue, from archives or from a folder for each."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path

import pandas as pd
from seisbench.models import WaveformModel

from ..._util import beside
from ...tables import event_table, read_events, stations_from
from ...travel_times import TravelTimes
from ..checks import check_device, check_input_and_output, check_inventory
from ..index import SECOND, Segment, find_segments, find_stations, segments_below
from ..names import NamePattern
from ..options import ALL_INSTRUMENTS, PickOptions, check_instruments
from ..outputs import PICTURES, check_formats
from ..plan import fingerprint_of, problems_of_files
from ..quality import read_responses
from ..running import Run, RunPicks, open_run
from ..state import State
from ..stream import load_on
from ..workers import run_here
from .choosing import Fit
from .geometry import Event
from .unit import EventPicker, EventUnit
from .windows import WindowOptions

#: Seconds after the origin time in which arrivals are looked for in an archive: S at 100
#: degrees, the end of the table of travel times.
_LONGEST = 1700.0

#: Seconds before it that windows around near arrivals reach.
_EARLIER = 300.0


def pick_events(
    inputs: str | Path | Iterable[str | Path],
    output: str | Path,
    catalog: str | Path | pd.DataFrame,
    stations: str | Path | pd.DataFrame | None = None,
    model: str | WaveformModel = "LPPNM",
    device: str = "auto",
    *,
    velocity: str | Path = "iasp91",
    default_depth: float = 10.0,
    before: float = 30.0,
    after: float = 40.0,
    fit: Fit | None = None,
    prob: float = 0.3,
    min_separation: float = 1.0,
    overlap: float | None = None,
    snritv: float = 1.0,
    bandpass: tuple[float, float] = (1.0, 10.0),
    inventory: str | Path | None = None,
    instruments: str | Iterable[str] | None = None,
    name_pattern: str | None = None,
    formats: Iterable[str] = ("csv", "txt"),
    plot: bool = False,
    ifreal: bool = False,
    progress: bool = True,
) -> RunPicks:
    """
    Picks the P and S arrivals of known events: at each station, of each phase, the pick
    that fits the theoretical time best, see :py:func:`.choosing.choose_picks`.

    Interrupted at any moment, the same call continues; called again later, it picks the
    events that are new, or whose place, stations or files have changed.

    :param inputs: Folder with a folder for each event, named after its id; or any archive,
        see :py:func:`.inputs.find_files`
    :param output: Name that the files of the run begin with
    :param catalog: Event table, or a file of one: the published format, QuakeML or CSV,
        see :py:func:`seisbench_diting.tables.read_events`
    :param stations: Station table, or a file of one: the published format, StationXML or
        CSV. Default: the places in SAC headers.
    :param model: Model, or its name
    :param device: Where the network runs; ``auto`` is a GPU if there is one
    :param velocity: ``iasp91``, ``ak135`` or another of ObsPy's models, or a ``.nd`` or
        ``.tvel`` file
    :param default_depth: Depth in km of events without one
    :param before: Seconds of the window before the theoretical P
    :param after: Seconds of the window after the theoretical S
    :param fit: How far picks may be from theoretical times
    :param prob: Smallest probability of a pick
    :param min_separation: Of two picks of one phase at one station closer than this, in
        seconds, the more probable one stays
    :param overlap: Of windows, as a share or in samples. Default: the model's own.
    :param snritv: Seconds before and after a pick for its SNR and amplitude
    :param bandpass: Lowest and highest frequency in Hz for SNR, amplitude and figures
    :param inventory: StationXML file with responses, for amplitudes in m/s
    :param instruments: Band and instrument codes, the preferred first
    :param name_pattern: See :py:class:`.names.NamePattern`
    :param formats: Of :py:data:`.outputs.FORMATS`
    :param plot: If true, draws for each event a section, a map and all stations
    :param ifreal: If true, writes day folders for REAL
    :param progress: If the progress is shown
    :raises ValueError: if an option, the catalogue or the stations are impossible, or if
        another run, or one with other options, writes there
    :raises FileNotFoundError: if an input does not exist
    :raises OSError: if the disk is full; nothing is lost
    :raises KeyboardInterrupt: after Ctrl-C or SIGTERM; call the same again to continue
    :return: What was written
    """
    options = PickOptions(prob, min_separation, overlap, snritv, bandpass)
    window = WindowOptions(before, after)
    fit = fit or Fit()
    names, output = check_input_and_output(inputs, output)
    codes = check_instruments(instruments)
    if codes == ALL_INSTRUMENTS:
        raise ValueError(
            "instruments='all' is not possible for events, of which a station has one P "
            "and one S; name codes, the preferred first, such as HH,BH,EH."
        )
    formats = check_formats(formats)
    inventory = check_inventory(inventory)
    device = check_device(device)
    pattern = NamePattern(name_pattern) if name_pattern else None
    travel_times = TravelTimes(velocity, default_depth)
    events = _events(catalog)
    places = stations_from(stations)
    kept = {
        "velocity": str(velocity),
        "default_depth": default_depth,
        "before": before,
        "after": after,
        "fit": asdict(fit),
        "prob": options.prob,
        "min_separation": options.min_separation,
        "overlap": options.overlap,
        "snritv": options.snritv,
        "bandpass": options.bandpass,
        "inventory": inventory,
        "instruments": codes,
        "name_pattern": name_pattern,
        "inputs": names,
        "plot": plot,
    }
    with open_run(output, lambda: load_on(model, device), kept, progress, "events") as (
        run,
        loaded,
    ):
        run.index(names, pattern)
        finder = _Finder(names, events, places)
        _plan(run, finder)
        picker = EventPicker(
            loaded,
            travel_times,
            places,
            options,
            window,
            fit,
            codes,
            read_responses(inventory) if inventory else None,
            pattern,
            beside(output, PICTURES) if plot else None,
        )
        run.pick(lambda key, _: finder.find(run.state, key), run_here(picker))
        return run.finish(formats, ifreal)


def _events(catalog: str | Path | pd.DataFrame) -> dict[str, Event]:
    table = (
        event_table(catalog)
        if isinstance(catalog, pd.DataFrame)
        else read_events(catalog)
    )
    if not len(table):
        raise ValueError(f"catalog={str(catalog)!r} holds no events.")
    return {row.event_id: Event.of(row) for row in table.itertuples(index=False)}


class _Finder:
    """Finds the files of events."""

    def __init__(
        self,
        names: list[str],
        events: dict[str, Event],
        stations: pd.DataFrame | None,
    ):
        self._folders = [Path(name) for name in names if Path(name).is_dir()]
        self._events = events
        self._stations = "" if stations is None else stations.to_csv(index=False)

    def __iter__(self) -> Iterator[str]:
        return iter(self._events)

    def find(self, state: State, key: str) -> EventUnit:
        event = self._events[key]
        segments = self._segments(state, event)
        digest = hashlib.sha256()
        for text in (str(event), self._stations, fingerprint_of(segments)):
            digest.update(text.encode())
        return EventUnit(key, digest.hexdigest()[:32], 1.0, event, tuple(segments))

    def _segments(self, state: State, event: Event) -> list[Segment]:
        """Those below its own folder; without one, those of its time."""
        own = [folder / event.event_id for folder in self._folders]
        own += [f for f in self._folders if f.name == event.event_id]
        if found := [s for folder in own for s in segments_below(state, folder)]:
            return found
        begin = event.origin.ns - round(_EARLIER * SECOND)
        end = event.origin.ns + round(_LONGEST * SECOND)
        return [
            segment
            for station in find_stations(state)
            for segment in find_segments(state, station, begin, end)
        ]


def _plan(run: Run, finder: _Finder) -> None:
    state = run.state
    without = 0
    with run.counting("Planning", " events") as bar, state.transaction():
        state.execute("DELETE FROM plan")
        state.execute("DELETE FROM problems WHERE unit = ''")
        state.add_problems("", problems_of_files(state))
        for key in finder:
            unit = finder.find(state, key)
            if not unit.segments:
                without += 1
                state.add_problems(
                    "", [(key, "no waveforms of its time, or in its folder")]
                )
                continue
            state.execute(
                "INSERT INTO plan (key, fingerprint, days, task) VALUES (?, ?, 1, '')",
                [key, unit.fingerprint],
            )
            bar.update(1)
    if not state.value("SELECT count(*) FROM plan"):
        raise ValueError(
            f"inputs={', '.join(run.kept['inputs'])!r} hold no waveforms of any of the "
            f"{without} events of the catalogue: neither folders with their ids nor "
            "records of their times."
        )
