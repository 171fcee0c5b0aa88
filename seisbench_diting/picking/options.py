"""Options of picking, checked once."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass

from ..models import INSTRUMENT_PREFERENCE, is_number

#: Takes all instruments of a station.
ALL_INSTRUMENTS = ("all",)

#: Longer is surely a number of samples.
MAX_SNR_SECONDS = 30.0


@dataclass(frozen=True)
class PickOptions:
    """
    How picks are found and what is measured of them.

    :param prob: Smallest probability of a pick
    :param min_separation: Of two picks of one phase at one station closer than this, in
        seconds, the more probable one stays
    :param overlap: Of windows, as a share or in samples. Default: the model's own.
    :param snritv: Seconds before and after a pick for its SNR and amplitude
    :param bandpass: Lowest and highest frequency in Hz for SNR and amplitude
    :raises ValueError: if a value is impossible
    """

    prob: float = 0.3
    min_separation: float = 1.0
    overlap: float | None = None
    snritv: float = 1.0
    bandpass: tuple[float, float] = (1.0, 10.0)

    def __post_init__(self) -> None:
        if not (is_number(self.prob) and 0 < self.prob <= 1):
            raise ValueError(
                f"prob={self.prob!r} is not possible; use a number above 0, to 1."
            )
        if not (is_number(self.min_separation) and self.min_separation >= 0):
            raise ValueError(
                f"min_separation={self.min_separation!r} is not possible; use a number "
                "of seconds of at least 0."
            )
        if not (is_number(self.snritv) and 0 < self.snritv <= MAX_SNR_SECONDS):
            raise ValueError(
                f"snritv={self.snritv!r} is not possible; use seconds, above 0 and to "
                f"{MAX_SNR_SECONDS:g}. The published 100 samples at 100 Hz are 1.0."
            )
        band = self.bandpass
        if not (
            isinstance(band, list | tuple)
            and len(band) == 2
            and all(map(is_number, band))
            and 0 < band[0] < band[1]
        ):
            raise ValueError(
                f"bandpass={band!r} is not possible; use two frequencies in Hz, the lower "
                "one first, such as 1,10."
            )
        # SeisBench would take 1 for one sample; whoever writes it means a whole window.
        if self.overlap is not None and not (
            is_number(self.overlap) and (0 <= self.overlap < 1 or self.overlap >= 2)
        ):
            raise ValueError(
                f"overlap={self.overlap!r} is not possible; use a share of the window "
                "below 1, such as 0.5, or a number of samples of at least 2."
            )
        # As the command line gives them, so that 1 is no other option than 1.0.
        object.__setattr__(self, "bandpass", tuple(map(float, band)))
        for name in ("prob", "min_separation", "snritv"):
            object.__setattr__(self, name, float(getattr(self, name)))
        if self.overlap is not None:
            object.__setattr__(self, "overlap", float(self.overlap))

    def arguments(self, phases: list[str] | str) -> dict[str, float]:
        """
        :param phases: Phases of the model
        :return: Arguments of ``classify``
        """
        given = {f"{phase}_threshold": self.prob for phase in phases}
        if self.overlap is not None:
            given["overlap"] = self.overlap
        return given


def check_instruments(value: str | list[str] | tuple[str, ...] | None) -> tuple:
    """
    :param value: Band and instrument codes in order of preference, ``all``, or None
    :raises ValueError: if it is neither
    :return: Codes, or :py:data:`ALL_INSTRUMENTS`
    """
    if value is None:
        return INSTRUMENT_PREFERENCE
    codes = split_names(value)
    if codes == ALL_INSTRUMENTS:
        return codes
    if not codes or not all(len(code) == 2 and code.isalnum() for code in codes):
        raise ValueError(
            f"instruments={value!r} is not possible; use codes of band and instrument, "
            "the preferred first, such as HH,BH,EH, or all."
        )
    return tuple(code.upper() for code in codes)


def split_names(value: str | list[str] | tuple[str, ...]) -> tuple[str, ...]:
    """Names from a list of them, or from text with commas."""
    pieces = [value] if isinstance(value, str) else list(value)
    return tuple(
        name.strip()
        for piece in pieces
        for name in str(piece).split(",")
        if name.strip()
    )


def is_station_of(station: str, patterns: tuple[str, ...]) -> bool:
    """
    :param station: NET.STA.LOC
    :param patterns: Patterns of NET.STA or NET.STA.LOC
    :return: If one of them matches
    """
    names = (station, station.rpartition(".")[0])
    return any(
        fnmatch.fnmatchcase(name, pattern) for name in names for pattern in patterns
    )
