"""The validation text file: the truth of each window, then its picks.

    #phase,2727,2943,1.0
    1,2726,0.9080885648727417
    2,2956,0.6140874028205872

Truth: samples of P and S, -1 where absent, and a signal-to-noise ratio. Picks: type (1 P,
2 S), sample, probability.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from .._util import write_text

#: The phases as the file numbers them.
PHASE_NUMBERS = {"P": 1, "S": 2}

_ABSENT = -1.0


@dataclass
class Window:
    """
    Truth and picks of one window.

    :param p: Sample of P, NaN where absent
    :param s: Sample of S, NaN where absent
    :param snr: Signal-to-noise ratio, NaN where unknown
    :param picks: Phase ("P" or "S"), sample and probability of each pick
    """

    p: float = math.nan
    s: float = math.nan
    snr: float = math.nan
    picks: list[tuple[str, float, float]] = field(default_factory=list)

    def arrival(self, phase: str) -> float:
        """Sample of the arrival of a phase, NaN where absent."""
        return self.p if phase == "P" else self.s

    def samples(self, phase: str, height: float = 0.0) -> list[float]:
        """Samples of the picks of a phase whose probability is at least ``height``."""
        return [s for name, s, prob in self.picks if name == phase and prob >= height]


def read_validation(path: str | Path) -> list[Window]:
    """
    Reads a validation text file.

    :param path: File
    :raises ValueError: if it is no such file; names the line
    :return: Windows in the order of the file
    """
    path = Path(path)
    windows: list[Window] = []
    with path.open(encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, start=1):
            line = line.strip()
            if not line or line.startswith("##"):
                continue
            try:
                _read_line(line, windows)
            except (ValueError, IndexError):
                raise ValueError(
                    f"picks={str(path)!r}, line {number}: {line[:60]!r} is neither "
                    "'#phase,P,S,SNR' nor 'type,sample,probability' below such a line."
                ) from None
    if not windows:
        raise ValueError(f"picks={str(path)!r} holds no window.")
    return windows


def _read_line(line: str, windows: list[Window]) -> None:
    if line.startswith("#"):
        _, p, s, *snr = line.split(",")
        windows.append(
            Window(_present(p), _present(s), _present(snr[0]) if snr else math.nan)
        )
        return
    kind, sample, probability = line.split(",")
    phase = {"1": "P", "2": "S"}.get(kind.strip())
    if phase is None:
        raise ValueError
    windows[-1].picks.append((phase, float(sample), float(probability)))


def _present(text: str) -> float:
    value = float(text)
    return math.nan if value < 0 else value


def write_validation(path: str | Path, windows: Iterable[Window]) -> None:
    """
    Writes a validation text file, whole or not at all.

    :param path: File
    :param windows: Windows
    """
    write_text(Path(path), _lines(windows))


def _lines(windows: Iterable[Window]) -> Iterator[str]:
    for window in windows:
        truth = (_absent(x) for x in (window.p, window.s, window.snr))
        yield f"#phase,{','.join(truth)}\n"
        for phase, sample, probability in window.picks:
            yield f"{PHASE_NUMBERS[phase]},{_number(sample)},{probability!r}\n"


def _absent(value: float) -> str:
    return _number(value if math.isfinite(value) else _ABSENT)


def _number(value: float) -> str:
    """Whole samples without a point, as in the published file."""
    value = float(value)
    return str(int(value)) if value.is_integer() else repr(value)
