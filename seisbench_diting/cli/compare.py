"""``seisbench-diting compare``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .._util import counted
from .typer_app import app

if TYPE_CHECKING:
    from ..association.compare import Comparison

#: Lines of the table of differences.
_LINES = {
    "time_difference_s": "origin time (s)",
    "distance_km": "epicentres apart (km)",
    "east_km": "epicentre, east (km)",
    "north_km": "epicentre, north (km)",
    "depth_difference_km": "depth (km)",
}


@app.command()
def compare(
    a: Annotated[
        Path,
        typer.Argument(
            metavar="A",
            help="Events, with their picks or without: any file that holds events, such "
            "as NAME.events.csv, QuakeML, the text of associators, the published "
            "catalogue, or CSV with id, time, latitude, longitude and depth in km.",
        ),
    ],
    b: Annotated[Path, typer.Argument(metavar="B", help="Events to compare with.")],
    max_time: Annotated[
        float,
        typer.Option(
            metavar="SECONDS",
            help="Events are one if their origin times differ by no more than this and "
            "their epicentres by no more than --max-distance.",
        ),
    ] = 2.0,
    max_distance: Annotated[
        float, typer.Option(metavar="KM", help="Largest distance of epicentres.")
    ] = 5.0,
    min_shared: Annotated[
        float,
        typer.Option(
            metavar="SHARE",
            help="Events are one, too, if they share so much of the picks of the one "
            "with fewer, and no fewer than 3: at the same station, P or S, within 0.1 s. "
            "Above 1 only time and place tell.",
        ),
    ] = 0.5,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="NAME",
            help="Write NAME.common.csv, the pairs and their differences, and "
            "NAME.only_a.csv and NAME.only_b.csv.",
        ),
    ] = None,
    lonlat: Annotated[
        bool | None,
        typer.Option(
            "--lonlat/--no-lonlat",
            help="Longitudes or latitudes come first, in the text of associators where "
            "nothing tells.",
        ),
    ] = None,
) -> None:
    """
    Tell what two catalogues have in common, and what not.

    seisbench-diting compare ours.events.csv theirs.xml
    """
    from ..association.compare import compare as run
    from ..tables import read_association

    (a_events, a_picks), (b_events, b_picks) = (
        read_association(path, lonlat) for path in (a, b)
    )
    comparison = run(
        a_events, b_events, a_picks, b_picks, max_time, max_distance, min_shared
    )
    for name, path, events, picks in (
        ("A", a, a_events, a_picks),
        ("B", b, b_events, b_picks),
    ):
        typer.echo(
            f"{name}: {path}, {counted(len(events), 'event')} with "
            f"{counted(len(picks), 'pick')}"
        )
    _print_shares(comparison)
    if len(comparison.common):
        _print_differences(comparison)
    if output is not None:
        _write(comparison, output)


def _print_shares(comparison: Comparison) -> None:
    typer.echo(f"\n{'':<24}{'events':>9}{'of A':>9}{'of B':>9}")
    of_a, of_b = comparison.share_of_a, comparison.share_of_b
    for name, table, shares in (
        ("common", comparison.common, (of_a, of_b)),
        ("only in A", comparison.only_a, (1 - of_a, None)),
        ("only in B", comparison.only_b, (None, 1 - of_b)),
    ):
        texts = ("" if share is None else _percent(share) for share in shares)
        typer.echo(f"{name:<24}{len(table):>9}" + "".join(f"{t:>9}" for t in texts))


def _print_differences(comparison: Comparison) -> None:
    typer.echo(
        f"\n{'B minus A':<24}{'median':>9}{'spread':>9}{'5 %':>9}{'95 %':>9}{'events':>9}"
    )
    for row in comparison.differences().itertuples():
        values = (row.median, row.spread, row.low, row.high)
        numbers = "".join(
            # Not -0.000.
            f"{round(value, 3) + 0.0:9.3f}" if row.count else f"{'-':>9}"
            for value in values
        )
        typer.echo(f"{_LINES[row.Index]:<24}{numbers}{row.count:>9}")
    common = comparison.common
    shared = comparison.shared_share().dropna()
    if len(shared):
        low, high = shared.quantile([0.05, 0.95])
        typer.echo(
            f"\n{common['shared_picks'].sum()} shared picks, of {common['a_picks'].sum()} "
            f"in A and {common['b_picks'].sum()} in B. Of the event with fewer, median "
            f"{_percent(shared.median())}; in the middle 90 % of the pairs "
            f"{_percent(low)} to {_percent(high)}."
        )


def _percent(share: float) -> str:
    return "-" if share != share else f"{100 * share:.1f} %"


def _write(comparison: Comparison, output: str) -> None:
    from ..tables import write_events
    from ..tables.comma import write_csv

    names = [f"{output}.{part}.csv" for part in ("common", "only_a", "only_b")]
    write_csv([comparison.common], names[0])
    write_events(comparison.only_a, names[1])
    write_events(comparison.only_b, names[2])
    typer.echo(f"\nWritten: {', '.join(names)}")
