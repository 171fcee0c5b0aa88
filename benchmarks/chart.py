"""
Draws accuracy over time per station day, from the tables in benchmarks/README.md.

    python -m benchmarks.chart

Time is that of ``benchmarks.annotate``: a continuous record, default settings, on the machine
that its table names. Accuracy is that of ``benchmarks.accuracy``: F1 of one window a record,
the mean of P and S. ``benchmarks.run`` calls it after the two.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from seisbench_diting.figures import SERIES, new_figure, save_figure

HERE = Path(__file__).resolve().parent
README = HERE / "README.md"
CHART = HERE / "accuracy_over_time.svg"

#: SeisBench's own pickers.
PEER = "SeisBench "

#: Markers of the sets for 100 Hz. Sets for 50 Hz see half the samples, and are not timed.
MARKERS = {"distilled": "o", "csn": "s"}


def section(page: str, name: str) -> str:
    """
    :param page: Text of the page
    :param name: Of a benchmark
    :raises ValueError: if there is no place for it
    :return: What stands between its marks
    """
    found = re.search(rf"<!-- {name} -->\n(.*?)<!-- end -->", page, re.DOTALL)
    if found is None:
        raise ValueError(f"The page has no place for {name!r}.")
    return found[1]


def table(text: str) -> Iterator[list[str]]:
    """:return: Cells of the rows of all tables in a text, heads included"""
    for line in text.splitlines():
        if line.startswith("|") and not line.startswith("| ---"):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def seconds_a_day(page: str) -> dict[str, float]:
    """:return: Seconds a station day by the name of the picker, at its defaults"""
    text = section(page, "annotate")
    found = re.search(r", ([\d.]+) h, \d+ traces", text)
    if found is None:
        return {}
    times = {}
    for name, seconds, *_ in list(table(text))[1:]:
        # Others are not what a user gets.
        if name.startswith(PEER) or name.endswith(" onnx"):
            times[name.removesuffix(" onnx")] = float(seconds) * 24 / float(found[1])
    return times


def scores(page: str) -> dict[str, float]:
    """:return: Mean F1 of P and S by the name of the weights"""
    values = {}
    for name, p, s, *_ in list(table(section(page, "accuracy")))[1:]:
        both = [float(re.search(r"\*\*([\d.]+)\*\*", cell)[1]) for cell in (p, s)]
        values[name] = sum(both) / 2
    return values


def draw(page: str) -> Figure:
    """
    :param page: Text of benchmarks/README.md
    :raises ValueError: if its tables have no picker in common
    :return: Figure of F1 over seconds a station day
    """
    times = seconds_a_day(page)
    every = [(*title.rsplit("/", 1), f1) for title, f1 in scores(page).items()]
    points = [
        (picker, weights, f1)
        for picker, weights, f1 in every
        if picker in times and (weights in MARKERS or picker.startswith(PEER))
    ]
    if not points:
        raise ValueError("Run the benchmarks accuracy and annotate first.")
    figure = new_figure(figsize=(7.5, 4.4), layout="constrained")
    panel = figure.subplots()
    pickers = list(dict.fromkeys(picker for picker, _, _ in points))
    own = [picker for picker in pickers if not picker.startswith(PEER)]
    for picker in pickers:
        mine = [(weights, f1) for name, weights, f1 in points if name == picker]
        peer = picker not in own
        colour = "#777777" if peer else SERIES[own.index(picker) % len(SERIES)]
        for weights, f1 in mine:
            panel.plot(
                *(times[picker], f1),
                "X" if peer else MARKERS[weights],
                color=colour,
                markersize=8,
            )
        panel.annotate(
            picker.removeprefix(PEER),
            (times[picker], (min if peer else max)(f1 for _, f1 in mine)),
            xytext=(0, -7 if peer else 7),
            textcoords="offset points",
            ha="center",
            va="top" if peer else "bottom",
            color=colour,
        )
    shown = [key for key in MARKERS if any(w == key for _, w, _ in points)]
    for key in shown:
        panel.plot([], [], MARKERS[key], color="#333333", label=key)
    panel.plot([], [], "X", color="#777777", label="SeisBench, volpick")
    panel.set_xscale("log")
    panel.set_xticks([1, 2, 5, 10, 20, 50], labels=["1", "2", "5", "10", "20", "50"])
    panel.minorticks_off()
    panel.set_xlabel("seconds for a day of one station, 100 Hz, three components")
    panel.set_ylabel("F1, mean of P and S")
    panel.margins(0.1, 0.15)
    panel.grid(alpha=0.3)
    panel.legend(loc="lower right", fontsize=9)
    return figure


def main() -> None:
    """Writes the chart."""
    # Without it, all names in the file change each time.
    matplotlib.rcParams["svg.hashsalt"] = CHART.name
    save_figure(draw(README.read_text(encoding="utf-8")), CHART)
    print(CHART.relative_to(HERE.parent))


if __name__ == "__main__":
    main()
