"""``seisbench-diting associate``, ``compare`` and ``export-events``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._util import (
    ArgumentError,
    MissingError,
    beside,
    counted,
    wilson,
    without_notes,
)
from ..association import (
    FORMATS,
    AssociateSettings,
    CompareSettings,
    ExportEventsSettings,
    MagnitudeSettings,
)
from .app import command_of, interruptible

if TYPE_CHECKING:
    from ..association import Comparison

#: How times are written.
_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"

#: Lines of the table of differences.
_LINES = {
    "time_difference_s": "origin time (s)",
    "distance_km": "epicentres apart (km)",
    "east_km": "epicentre, east (km)",
    "north_km": "epicentre, north (km)",
    "depth_difference_km": "depth (km)",
}


def _associate(settings: AssociateSettings) -> None:
    """
    Find the events that picks belong to, and locate them.

    seisbench-diting associate -i picks.csv -s STATIONS -o events --velocity 6.2/3.5
    """
    options = settings.of_method()
    if settings.list_options:
        for name, field in type(options).model_fields.items():
            print(f"{name} = {getattr(options, name)!r}  # {field.description}")
        return
    from ..association import associate, check_output, write_files
    from ..tables import collected, read_stations

    for name in ("inputs", "stations", "output"):
        if not getattr(settings, name):
            about = type(settings).model_fields[name].description
            raise MissingError(name, None, str(about))
    output = settings.output
    with interruptible("Nothing was written."), collected() as left_out:
        check_output(output, settings.formats, [*settings.inputs, settings.stations])
        places = read_stations(settings.stations, settings.elevation_unit)
        result = associate(
            _read(settings.inputs),
            places,
            settings.method,
            progress=settings.progress and sys.stderr.isatty(),
            **options.model_dump(exclude_unset=True),
        )
        rows = {f"rows of {one.path}": len(one.rows) for one in left_out}
        result.summary["picks_left_out"] |= rows
        more = settings.formats, settings.plot, left_out
        written = write_files(result, output, places, *more)
    number = sum(result.summary["picks_left_out"].values())
    if settings.progress:
        _print_summary(result.summary)
        print("\n".join(map(str, written)))
        if number:
            errors = beside(output, ".err")
            print(f"{counted(number, 'line')} of what was not used in {errors}")
    # Of what is given twice nothing is lost.
    if number > result.summary["picks_left_out"].get("given twice", 0):
        sys.exit(3)


def _read(paths: list[Path]) -> Any:
    import pandas as pd

    from ..tables import pick_table, read_picks, read_real

    tables = [read_real(path) if path.is_dir() else read_picks(path) for path in paths]
    return tables[0] if len(tables) == 1 else pick_table(pd.concat(tables))


def _print_summary(summary: dict[str, Any]) -> None:
    left_out = ", ".join(f"{n} {why}" for why, n in summary["picks_left_out"].items())
    flat, near = summary["stations_without_elevation"], summary["picks_that_almost_fit"]
    lower = ", ".join(f"{name} {value}" for name, value in summary["adapted"].items())
    print(
        f"{counted(summary['events'], 'event')} with {summary['picks_used']} of "
        f"{counted(summary['picks'], 'pick')} at "
        f"{counted(summary['stations'], 'station')}, {summary['seconds']:.1f} s"
        + (f"; left out: {left_out}" if left_out else "")
        + (f"; near an event and almost fitting (see .err): {near}" if near else "")
        + (f"; stations without elevation, taken as 0 m: {flat}" if flat else "")
        + f"; velocity {summary['options']['velocity']}"
        + (f"; for this network {lower}" if lower else "")
    )


def _magnitude(settings: MagnitudeSettings) -> None:
    """
    Local magnitudes (ML) of events, from waveforms around their picks.

    seisbench-diting magnitude events.events.csv -i ARCHIVE -s STATIONS.xml -o ml
    """
    from ..association import check_output, local_magnitudes, write_files
    from ..tables import collected, read_stations

    output, formats = settings.output, settings.formats
    read = [settings.events, settings.stations, settings.picks or settings.events]
    if output is None:
        raise MissingError("output", None, "a prefix of the output files")
    with interruptible("Nothing was written."), collected() as left_out:
        check_output(output, formats, read)
        result = local_magnitudes(settings)
        # What is left out was told before.
        with collected():
            places = read_stations(settings.stations)
        written = write_files(result, output, places, formats, False, left_out)
    told = result.summary
    if settings.progress:
        print(
            f"Magnitudes of {told['events_with_magnitude']} of "
            f"{counted(told['events'], 'event')}, from "
            f"{counted(told['amplitudes'], 'amplitude')}"
        )
        for reason, number in told["amplitudes_left_out"].items():
            print(f"Not used, {counted(number, 'time')}: {reason}")
        print("\n".join([*told["problems"], *map(str, written)]))
    # That the quality of amplitudes decides on them is no failure.
    missing = [why for why in told["amplitudes_left_out"] if why.startswith("no ")]
    missing += without_notes(told["problems"])
    if left_out or missing:
        sys.exit(3)


def _compare(settings: CompareSettings) -> None:
    """
    Compare two catalogues: common events, their differences, and events of only one.

    seisbench-diting compare ours.events.csv theirs.xml
    """
    from ..association import compare
    from ..tables import read_events

    a, b = (read_events(path, settings.lonlat) for path in (settings.a, settings.b))
    limits = settings.model_dump(include={"max_time_s", "max_distance_km"})
    comparison = compare(a, b, **limits)
    for name, path, events in (("A", settings.a, a), ("B", settings.b, b)):
        print(f"{name}: {path}, {counted(len(events), 'event')}")
    _print_shares(comparison)
    if len(comparison.common):
        _print_differences(comparison)
    if settings.output is not None:
        _write(comparison, settings.output)


def _print_shares(comparison: Comparison) -> None:
    import pandas as pd

    common, only_a, only_b = (
        len(rows) for rows in (comparison.common, comparison.only_a, comparison.only_b)
    )
    a, b = common + only_a, common + only_b
    rows = {
        "common": (common, _share(common, a), _share(common, b)),
        "only in A": (only_a, _share(only_a, a), ""),
        "only in B": (only_b, "", _share(only_b, b)),
    }
    heads = ["events", "of A", "of B"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=heads)
    print(table.to_string())


def _share(part: int, whole: int) -> str:
    """A share with the interval that holds it with 95 % confidence."""
    if whole == 0:
        return "-"
    low, high = wilson(part, whole)
    return f"{part / whole:.1%} ({low:.1%} to {high:.1%})"


def _print_differences(comparison: Comparison) -> None:
    table = comparison.differences().rename(index=_LINES)
    heads = {"low": "5 %", "high": "95 %", "count": "events"}
    table = table[["median", "spread", *heads]].rename(columns=heads)
    # Zero is added for not -0.000.
    table = (table.round(3) + 0.0).astype({"events": int})
    text = table.to_string(float_format="{:.3f}".format, na_rep="-")
    print(f"\nB minus A\n{text}")


def _write(comparison: Comparison, output: Path) -> None:
    from .._util import replacing
    from ..tables import write_events

    common, *only = (
        beside(output, f".{part}.csv") for part in ("common", "only_a", "only_b")
    )
    with replacing(common) as temporary:
        comparison.common.to_csv(temporary, index=False, date_format=_TIME)
    write_events(comparison.only_a, only[0])
    write_events(comparison.only_b, only[1])
    print(f"\nWritten: {common}, {only[0]}, {only[1]}")


def _export_events(settings: ExportEventsSettings) -> None:
    """
    Write events and their picks for NonLinLoc, HypoDD, Hypoinverse, SEISAN and SeisComP.

    seisbench-diting export-events events.events.csv -o events --formats nlloc,hypodd
    """
    from ..association import files_of
    from ..tables import collected, read_association, write_association

    output, formats = settings.output, settings.formats
    if settings.events in files_of(output, formats):
        reason = (
            f"it would replace {settings.events}, which is read. Choose another name"
        )
        raise ArgumentError("output", str(output), reason)
    with collected() as left_out:
        events, picks = read_association(settings.events, settings.lonlat)
    for kind in formats:
        write_association(events, picks, path := beside(output, FORMATS[kind]))
        print(f"{counted(len(events), 'event')}, {counted(len(picks), 'pick')}: {path}")
    for one in left_out:
        print(one, file=sys.stderr)
    if left_out:
        sys.exit(3)


associate = command_of(AssociateSettings, _associate)
magnitude = command_of(MagnitudeSettings, _magnitude)
compare = command_of(CompareSettings, _compare)
export_events = command_of(ExportEventsSettings, _export_events)
