"""
Events and their picks for other programs. ObsPy's writer is used for SCML only: those of
NonLinLoc and HypoDD take one event, or change names and weights, and that of Nordic
(1.5.1) shifts origin times by up to 0.9 s, and columns.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from .._util import write_text
from .quakeml import text_of_quakeml, with_picks
from .schema import PICK_ERROR_S

#: Picks with a smaller weight don't fit, and are not used by programs that locate again.
_LEAST_WEIGHT = 0.1

#: Nordic's letters of magnitude types.
_NORDIC_TYPES = {"ML": "L", "MW": "W", "MB": "b", "MS": "s", "MD": "C", "MC": "C"}

_NORDIC_MOTIONS = {"U": "C", "D": "D"}

_NORDIC_PHASES = (
    " STAT SP IPHASW D HRMM SECON CODA AMPLIT PERI AZIMU VELO AIN AR TRES W  DIS CAZ7"
)


def write_export(events: pd.DataFrame, assignments: pd.DataFrame, path: Path) -> None:
    """
    :param events: Table of events
    :param assignments: Table of assigned picks
    :param path: File to write; its ending is one of those of ``EXPORTS``
    """
    if path.suffix == ".scml":
        write_text(path, _scml(events, assignments))
        return
    lines, longest = _TEXTS[path.suffix]
    codes = _codes(assignments["station_id"].unique(), longest, path)
    numbers = list(range(1, len(events) + 1))
    if events["event_id"].str.fullmatch("[1-9][0-9]{0,8}").all():
        numbers = events["event_id"].map(int).to_list()
    each = with_picks(events, assignments)
    pieces = (
        f"{line}\n"
        for number, (event, picks) in zip(numbers, each, strict=True)
        for line in lines(event, list(picks), number, codes)
    )
    write_text(path, pieces)


def _nonlinloc(event: Any, picks: list[Any], number: int, codes: Any) -> Iterator[str]:
    """Picks, and a blank line, which ends an event."""
    for pick in picks:
        error = _get(pick, "time_uncertainty_s") or PICK_ERROR_S[pick.phase[0]]
        yield (
            f"{codes[pick.station_id]:6} ?    ?    ? {pick.phase:6} "
            f"{_get(pick, 'polarity') or '?'} "
            f"{pick.time:%Y%m%d %H%M} {_second(pick.time):7.4f} GAU {error:9.2e} "
            "-1.00e+00 -1.00e+00 -1.00e+00"
        )
    if picks:
        yield ""


def _hypodd(event: Any, picks: list[Any], number: int, codes: Any) -> Iterator[str]:
    names = "max_horizontal_error_km", "depth_error_km", "rms_residual_s"
    quality = " ".join(f"{_get(event, name) or 0:.3f}" for name in names)
    yield (
        f"# {event.time:%Y %m %d %H %M} {_second(event.time):7.4f} "
        f"{event.latitude:.5f} {event.longitude:.5f} {event.depth_km or 0:.3f} "
        f"{event.magnitude or 0:.2f} {quality} {number}"
    )
    for pick in picks:
        seconds = (pick.time - event.time).total_seconds()
        rest = f"{seconds:9.4f} {_weight(pick):.3f} {pick.phase[0]}"
        yield f"{codes[pick.station_id]:7} {rest}"


def _hypoinverse(
    event: Any, picks: list[Any], number: int, codes: Any
) -> Iterator[str]:
    """A header, picks, each in a line, and what ends an event: Y2000 archive format."""
    # Degrees and hundredths of minutes.
    latitude = divmod(round(abs(event.latitude) * 6000), 6000)
    longitude = divmod(round(abs(event.longitude) * 6000), 6000)
    head = (
        f"{event.time:%Y%m%d%H%M}{100 * _second(event.time):4.0f}"
        f"{latitude[0]:2}{' S'[event.latitude < 0]}{latitude[1]:4}"
        f"{longitude[0]:3}{' E'[event.longitude >= 0]}{longitude[1]:4}"
        f"{_number(event.depth_km, 5, 0, 100)}"
    )
    head = (
        f"{head:122}{event.magnitude_type[1:2]:1}{_number(event.magnitude, 3, 0, 100)}"
    )
    yield f"{head:136}{number:10}"
    for pick in picks:
        code = "4" if _weight(pick) < _LEAST_WEIGHT else "0"
        time, second = f"{pick.time:%Y%m%d%H%M}", f"{100 * _second(pick.time):5.0f}"
        p = f" P{_get(pick, 'polarity') or '':1}{code}{time}{second}"
        line = p if pick.phase[0] == "P" else f"{'':4}{time}{'':12}{second} S {code}"
        line = f"{codes[pick.station_id]:13}{line}"
        yield f"{line:111}{pick.station_id.split('.')[2]:2.2}"
    yield f"{number:72}"


def _nordic(event: Any, picks: list[Any], number: int, codes: Any) -> Iterator[str]:
    time, rms = event.time, _get(event, "rms_residual_s")
    start = f" {time:%Y} {time.month:2}{time.day:2} {time.hour:2}{time.minute:2} "
    stations = len({pick.station_id for pick in picks})
    letter = _NORDIC_TYPES.get(event.magnitude_type.upper(), " ")
    yield (
        f"{start}{_second(time):4.1f} L {event.latitude:7.3f}{event.longitude:8.3f}"
        f"{_number(event.depth_km, 5, 1)}{'':5}{stations:3}{_number(rms, 4, 1)}"
        f"{_number(event.magnitude, 4, 1)}{letter}{'':19}1"
    )
    yield (
        f"{start}{_second(time):6.3f} {event.latitude:9.5f} {event.longitude:10.5f} "
        f"{_number(event.depth_km, 8, 3)} {_number(rms, 6, 3)}{'':20}H"
    )
    if _get(event, "time_error_s") is not None:
        yield (
            f" GAP={_number(_get(event, 'azimuthal_gap_deg'), 3)}{'':6}"
            f"{_number(event.time_error_s, 6, 2)}{'':4}"
            f"{_number(event.latitude_error_km, 6, 1)}  "
            f"{_number(event.longitude_error_km, 6, 1)}"
            f"{_number(event.depth_error_km, 5, 1)}{'':36}E"
        )
    yield f"{' ACTION:NEW':57}ID:{time:%Y%m%d%H%M%S}     I"
    yield _NORDIC_PHASES
    for pick in picks:
        # Picks of the next day have hours from 24.
        hours = pick.time.hour + 24 * (pick.time.floor("D") - time.floor("D")).days
        weight = _weight(pick)
        yield (
            f" {codes[pick.station_id]:7}  {pick.phase:4}"
            f"{'4' if weight < _LEAST_WEIGHT else ' '}A"
            f"{_NORDIC_MOTIONS.get(_get(pick, 'polarity'), ' ')} "
            f"{hours:2}{pick.time.minute:2}{_second(pick.time):6.3f}{'':35}"
            f"{_number(pick.residual_s, 5, 2)}{10 * weight:2.0f}"
            f"{_number(pick.epicentral_distance_km, 5, 1)} "
            f"{_number(pick.azimuth_deg, 3)} "
        )
    yield " " * 80


def _scml(events: pd.DataFrame, assignments: pd.DataFrame) -> Iterator[str]:
    """Pieces of a file, made event by event with ObsPy's style sheet."""
    import obspy.io.seiscomp
    from lxml import etree

    data = Path(obspy.io.seiscomp.__file__).parent / "data"
    convert = etree.XSLT(etree.parse(str(data / "quakeml_1.2__sc3ml_0.12.xsl")))

    def converted(each: Iterable[Any]) -> str:
        return str(convert(etree.fromstring("".join(text_of_quakeml(each)).encode())))

    head, _, tail = converted([]).partition("<EventParameters/>")
    yield f"{head}<EventParameters>"
    for event in with_picks(events, assignments):
        content = converted([event]).partition("<EventParameters>")[2]
        yield content.rpartition("</EventParameters>")[0]
    yield f"</EventParameters>{tail}"


#: What writes an event, and how long codes of stations may be.
_TEXTS: dict[str, tuple[Callable[..., Iterator[str]], int]] = {
    ".obs": (_nonlinloc, 64),
    ".pha": (_hypodd, 7),
    ".arc": (_hypoinverse, 5),
    ".nordic": (_nordic, 5),
}


def _codes(station_ids: Any, longest: int, path: Path) -> dict[str, str]:
    """:return: Codes of stations; a warning names those that the format changes"""
    meant: dict[str, set[str]] = {}
    codes, odd = {}, set()
    for name in station_ids:
        network, station, _ = re.sub(r"\s", "_", name).split(".")
        # Only Hypoinverse's format has networks.
        whole, code = station, station[:longest]
        if path.suffix == ".arc":
            whole, code = f"{station:5}{network}", f"{code:5}{network[:2]}"
        codes[name] = code
        meant.setdefault(code, set()).add(f"{network}.{station}")
        if code != whole:
            odd.add(code)
    odd |= {code for code, names in meant.items() if len(names) > 1}
    told = [f"{code} is {' and '.join(sorted(meant[code]))}" for code in sorted(odd)]
    if told:
        reason = "the format has no room for the codes of some stations"
        warnings.warn(f"{path}: {reason}: {', '.join(told)}.", stacklevel=4)
    return codes


def _second(time: pd.Timestamp) -> float:
    return time.second + time.microsecond / 1e6


def _get(row: Any, name: str) -> Any:
    """:return: A value, or None where it isn't known"""
    return getattr(row, name, None)


def _weight(pick: Any) -> float:
    weight = _get(pick, "weight")
    return 1.0 if weight is None else float(weight)


def _number(value: float | None, width: int, decimals: int = 0, factor: int = 1) -> str:
    """:return: A number in a field; blank if it isn't known or has no room"""
    text = "" if value is None else f"{value * factor:{width}.{decimals}f}"
    return text if len(text) == width else " " * width
