"""``seisbench-diting pick`` and ``pick-events``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from .._util import counted, merged
from ..picking import PickEventsSettings, PickSettings
from .app import command_of, interruptible

if TYPE_CHECKING:
    from ..picking import RunPicks


def _pick(settings: PickSettings) -> None:
    """
    Pick continuous records, from one file to years of a network.

    Records are identified by their headers, not by file names, and joined across files and
    days. If the command is interrupted, even by kill -9, run it again to continue. Run it
    again later to pick new data.

    seisbench-diting pick -i ARCHIVE -o picks -m LPPNM/csn
    """
    from ..picking import pick_archive

    with interruptible("Call the same again to continue."):
        result = pick_archive(settings)
    summary, run = result.summary, result.summary["this_run"]
    phases = ", ".join(
        f"{count} {phase}" for phase, count in summary["picks_by_phase"].items()
    )
    lines = [
        f"{counted(summary['picks'], 'pick')}{f' ({phases})' if phases else ''} in "
        f"{_days(summary['station_days'])} station days of "
        f"{counted(summary['stations'], 'station')}"
    ]
    if run["station_days"]:
        lines.append(
            f"Now picked: {_days(run['station_days'])} station days in "
            f"{run['seconds']:.1f} s, {run['station_days_per_hour']:.0f} an hour"
        )
    elif not summary["records_failed"]:
        lines.append("Nothing new to pick")
    _end(lines, result, "record", settings.progress)


def _pick_events(settings: PickEventsSettings) -> None:
    """
    Pick the P and S arrivals of known events.

    For each station and phase, the pick that fits the theoretical time best is chosen. Its
    probability is weighted by the deviation from the theoretical time. The tables also have
    event, distance, azimuth, theoretical time and residual. If the command is interrupted,
    run it again to continue.

    seisbench-diting pick-events -c CATALOG -s STATIONS -i FOLDER -o NAME -m RNN/csn --plot
    """
    from ..picking import pick_events

    with interruptible("Call the same again to continue."):
        result = pick_events(settings)
    summary = result.summary
    line = (
        f"{counted(summary['picks'], 'pick')} of "
        f"{counted(round(summary['events']), 'event')}; not taken: "
        f"{summary.get('discarded_wrong_phase', 0)} of the wrong phase, "
        f"{summary.get('discarded_too_far', 0)} too far from their theoretical time, "
        f"{summary.get('discarded_not_best', 0)} with a better one beside them"
    )
    _end([line], result, "event", settings.progress)


def _days(number: float) -> str:
    """Formats a number of days, which may be a few minutes."""
    return f"{number:.2f}" if number >= 0.1 else f"{number:.2g}"


def _end(lines: list[str], result: RunPicks, noun: str, show: bool) -> None:
    """Prints the summary; the status is 3 if something was not used."""
    summary, failures = result.summary, result.failures
    if failures:
        lines.append(f"{counted(len(failures), noun)} not picked; run again to retry:")
        lines += [f"  {line}" for line in merged(failures, noun)[:5]]
    lines += [f"Picks in {path}" for path in result.files]
    reasons = summary["problems_by_reason"].items()
    lines += [f"Not used, {counted(n, 'time')}: {reason}" for reason, n in reasons]
    number, notes = summary["problems"] + len(failures), summary["notes"]
    if number or notes:
        told = (
            f"{counted(number, 'line')} of what was not used, {counted(notes, 'note')}"
        )
        lines.append(f"{told} in {result.output}.err")
    if show:
        print("\n".join(lines))
    if number:
        sys.exit(3)


pick = command_of(PickSettings, _pick)
pick_events = command_of(PickEventsSettings, _pick_events)
