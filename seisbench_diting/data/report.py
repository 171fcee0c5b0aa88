"""What a conversion did: one report a part, and the whole, which is also its state."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path

from .._util import write_text

#: File in the dataset's folder with the report of its conversion.
REPORT_FILE = "conversion.json"

#: Seen in the field in undamaged files: told, but nothing to mend, unless they are more
#: than this share of all, as in a file that was cut off.
QUIRKS = ("row without waveform", "waveform without row")
_QUIRK_SHARE = 0.05

_EXAMPLES = 10


@dataclass
class Skipped:
    """Records that were left out for one reason."""

    number: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, example: str) -> None:
        self.number += 1
        if len(self.examples) < _EXAMPLES:
            self.examples.append(example)


@dataclass
class PartReport:
    """
    What became of one part.

    :param chunk: Name of the chunk
    :param sources: Size in bytes and time of change in ns of each original file
    :param error: Why there is no such chunk, empty if there is
    :param failed: Why it could not be converted again, though there is such a chunk
    :param records: Number of records in the chunk
    :param splits: Number of records by split
    :param skipped: Records left out, by reason
    :param taken_out: Number of values that became NaN, by column and reason
    :param bytes: Size of the chunk's two files
    :param seconds: Time it took
    """

    chunk: str
    sources: dict[str, list[int]]
    error: str = ""
    failed: str = ""
    records: int = 0
    splits: dict[str, int] = field(default_factory=dict)
    skipped: dict[str, Skipped] = field(default_factory=dict)
    taken_out: dict[str, int] = field(default_factory=dict)
    bytes: int = 0
    seconds: float = 0.0

    def skip(self, reason: str, example: str) -> None:
        self.skipped.setdefault(reason, Skipped()).add(example)

    @property
    def problems(self) -> list[str]:
        """What should be mended in the original files, a line each."""
        lines = [self.error] if self.error else []
        if self.failed:
            lines.append(f"kept as it was, could not be converted again: {self.failed}")
        for reason, skipped in self.skipped.items():
            limit = _QUIRK_SHARE * (self.records + skipped.number)
            is_many = skipped.number > limit and not self.error
            if reason not in QUIRKS or is_many:
                shown = "; ".join(skipped.examples)
                more = ", ..." if skipped.number > len(skipped.examples) else ""
                hint = " (is a file cut off?)" if reason in QUIRKS else ""
                lines.append(f"{skipped.number} x {reason}{hint}: {shown}{more}")
        return lines

    @classmethod
    def from_dict(cls, values: dict) -> PartReport:
        skipped = {name: Skipped(**entry) for name, entry in values["skipped"].items()}
        return cls(**{**values, "skipped": skipped})


@dataclass
class ConversionReport:
    """
    What a conversion did, and with which options.

    :param options: Options that make the dataset what it is
    :param rows: Number of rows of each part when the conversion began, for a split by
        order; empty for a split by event
    :param parts: Report of each part by chunk
    """

    options: dict
    rows: dict[str, int] = field(default_factory=dict)
    parts: dict[str, PartReport] = field(default_factory=dict)

    @property
    def chunks(self) -> list[str]:
        """Chunks that are whole."""
        return sorted(name for name, part in self.parts.items() if not part.error)

    @property
    def records(self) -> int:
        return sum(part.records for part in self.parts.values())

    @property
    def bytes(self) -> int:
        return sum(part.bytes for part in self.parts.values())

    @property
    def problems(self) -> list[str]:
        """What should be mended, a line each; empty if the conversion is complete."""
        return [
            f"part {name}: {problem}"
            for name, part in sorted(self.parts.items())
            for problem in part.problems
        ]

    def summary(self) -> str:
        """The report for people, without the problems."""
        totals = [Counter(), Counter(), Counter()]
        for part in self.parts.values():
            totals[0].update(part.splits)
            totals[1].update({k: v.number for k, v in part.skipped.items()})
            totals[2].update(part.taken_out)
        splits, skipped, taken_out = totals
        seconds = sum(part.seconds for part in self.parts.values())
        lines = [
            f"{self.records} records in {len(self.chunks)} chunks, "
            f"{self.bytes / 1e9:.3f} GB, {seconds:.1f} s of work",
            "  splits: " + ", ".join(f"{k} {v}" for k, v in sorted(splits.items())),
        ]
        if skipped:
            lines.append("Skipped:")
            lines += [f"  {number} x {reason}" for reason, number in skipped.items()]
        if taken_out:
            lines.append("Values that became NaN, or differ:")
            lines += [f"  {number} x {reason}" for reason, number in taken_out.items()]
        return "\n".join(lines)

    def write(self, folder: Path) -> None:
        """Writes the report and SeisBench's list of chunks."""
        values = {
            **asdict(self),
            "records": self.records,
            "bytes": self.bytes,
            "problems": self.problems,
        }
        write_text(folder / REPORT_FILE, json.dumps(values, indent=1) + "\n")
        if self.chunks:
            write_text(folder / "chunks", "\n".join(self.chunks) + "\n")
        else:
            (folder / "chunks").unlink(missing_ok=True)

    @classmethod
    def read(cls, folder: Path) -> ConversionReport | None:
        """
        The report in a dataset's folder, None if there is none.

        :raises ValueError: if the file is damaged
        """
        path = folder / REPORT_FILE
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            parts = {
                name: PartReport.from_dict(part)
                for name, part in values["parts"].items()
            }
            options = values["options"]
            if missing := {"compression", "split", "split_by", "seed"} - set(options):
                raise ValueError(f"no option {min(missing)}")
            return cls(options, values["rows"], parts)
        except FileNotFoundError:
            return None
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"{path} is no report of a conversion ({error}). Empty its folder to "
                "convert everything again, or choose another one."
            ) from error
