"""Options that ``pick`` and ``pick-events`` share."""

from __future__ import annotations

from typing import Annotated

import typer

MoreInputs = Annotated[
    list[str] | None, typer.Argument(metavar="PATH", help="More of them.")
]

Device = Annotated[
    str, typer.Option("--device", "-d", help="cpu, cuda, cuda:1, mps; auto.")
]

Probability = Annotated[float, typer.Option(help="Smallest probability of a pick.")]

MinSeparation = Annotated[
    float,
    typer.Option(
        metavar="SECONDS",
        help="Of two picks of one phase at one station closer than this the more "
        "probable one stays.",
    ),
]

Overlap = Annotated[
    float | None,
    typer.Option(
        help="Of windows, as a share or in samples. Default: the model's own."
    ),
]

NamePattern = Annotated[
    str | None,
    typer.Option(
        metavar="PATTERN",
        help="Ends of file names, for files whose headers lack codes: "
        "{network}.{station}.{location}.{channel}.*",
    ),
]

SnrSeconds = Annotated[
    float,
    typer.Option(
        metavar="SECONDS",
        help="Length before and after a pick for its SNR and amplitude.",
    ),
]

Formats = Annotated[
    str,
    typer.Option(
        help="Tables to write: csv, parquet, txt (the published text format), quakeml, "
        "pyocto, gamma."
    ),
]

IfReal = Annotated[
    bool, typer.Option("--ifreal", help="Write day folders for REAL, in NAME.real.")
]

Quiet = Annotated[
    bool, typer.Option("--quiet", help="Show no progress and no summary.")
]


def band(text: str) -> tuple[float, ...]:
    """Two frequencies, as they are given on the command line."""
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise ValueError(
            f"--bandpass={text!r} must be two frequencies in Hz, such as 1,10."
        ) from None


def optional_band(text: str) -> tuple[float, float] | None:
    """Two frequencies, or ``none``."""
    if text.lower() == "none":
        return None
    low, *high = band(text)
    if len(high) != 1:
        raise ValueError(f"--bandpass={text!r} must be two frequencies, or none.")
    return low, high[0]
