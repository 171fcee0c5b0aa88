"""Codes from file names, for files whose headers lack them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import obspy

#: What a pattern may name.
FIELDS = ("network", "station", "location", "channel")

_OTHER = ("year", "julday", "month", "day", "hour", "minute", "second", "any")


@dataclass(frozen=True)
class NamePattern:
    """
    A pattern for the end of a path, such as ``{network}.{station}.{location}.{channel}.*``
    or ``{station}/{any}.{channel}.sac``: names in braces stand for what the headers lack,
    ``*`` and ``{any}`` for anything without a slash.

    :param text: The pattern
    :raises ValueError: if it names something else, or no station and channel
    """

    text: str

    def __post_init__(self) -> None:
        names = re.findall(r"\{(.*?)\}", self.text)
        for name in names:
            if name not in FIELDS + _OTHER:
                raise ValueError(
                    f"name_pattern={self.text!r} holds {{{name}}}; possible are "
                    f"{', '.join(FIELDS + _OTHER)}."
                )
        if not {"station", "channel"} & set(names):
            raise ValueError(
                f"name_pattern={self.text!r} must hold {{station}} or {{channel}}, what "
                "else headers lack, and * for the rest, such as "
                "{network}.{station}.{location}.{channel}.*"
            )
        if repeated := {name for name in FIELDS if names.count(name) > 1}:
            raise ValueError(
                f"name_pattern={self.text!r} holds {', '.join(sorted(repeated))} twice."
            )

    def _regex(self) -> re.Pattern[str]:
        pieces = []
        for piece in re.split(r"(\{.*?\}|\*)", self.text):
            name = piece.strip("{}")
            if piece == "*" or (name in _OTHER and piece.startswith("{")):
                pieces.append("[^/]*")
            elif piece.startswith("{"):
                pieces.append(f"(?P<{name}>[^/]*?)")
            else:
                pieces.append(re.escape(piece))
        return re.compile(f"(?:^|/){''.join(pieces)}$")

    def complete(self, stream: obspy.Stream, path: Path) -> bool:
        """
        Writes codes that headers lack, in place.

        :param stream: What the file holds
        :param path: Its path
        :return: If the path is as the pattern says
        """
        match = self._regex().search(path.as_posix())
        if match is None:
            return False
        for trace in stream:
            for name, value in match.groupdict().items():
                if not trace.stats[name].strip():
                    trace.stats[name] = value
        return True
