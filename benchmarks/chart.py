"""
Draws accuracy over time per station day, from the tables in benchmarks/README.md.

    python -m benchmarks.chart

Time is that of ``benchmarks.annotate``: a continuous record, default settings, on the machine
that its table names. Accuracy is that of ``benchmarks.accuracy``: F1 at 0.3, the mean over its
sets, and of P and S. ``benchmarks.run`` draws it at its end.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

import matplotlib
from matplotlib.figure import Figure

from benchmarks import page
from benchmarks.page import section
from seisbench_diting.plots import SERIES, new_figure, save_figure

CHART = page.README.with_name("accuracy_over_time.svg")

#: SeisBench's own pickers.
PEER = "SeisBench "

#: Markers of the sets for 100 Hz. Sets for 50 Hz see half the samples, and are not timed.
MARKERS = {"csn": "o"}


def table(text: str) -> Iterator[list[str]]:
    """:return: Cells of the rows of all tables in a text, heads included"""
    for line in text.splitlines():
        if line.startswith("|") and not line.startswith("| ---"):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def seconds_a_day(text: str) -> dict[str, float]:
    """:return: Seconds a station day by the name of the picker, at its defaults"""
    timed = section(text, "annotate")
    found = re.search(r", ([\d.]+) h, \d+ traces", timed)
    if found is None:
        return {}
    times = {}
    for name, seconds, *_ in list(table(timed))[1:]:
        # Others are not what a user gets.
        if name.startswith(PEER) or name.endswith(" onnx"):
            times[name.removesuffix(" onnx")] = float(seconds) * 24 / float(found[1])
    return times


def scores(text: str) -> dict[str, float]:
    """:return: Mean F1 of P and S by the name of the weights"""
    values = {}
    for name, *cells in table(section(text, "accuracy")):
        both = re.findall(r"\*\*([\d.]+)\*\*", " ".join(cells[:2]))
        # The table of the means, not that of each set.
        if both:
            values[name] = sum(map(float, both)) / len(both)
    return values


def find_points(text: str) -> list[tuple[str, str, float, float]]:
    """
    :param text: Text of benchmarks/README.md
    :return: Picker, weights, seconds a station day and F1, of what both tables know
    """
    times = seconds_a_day(text)
    every = [(*title.rsplit("/", 1), f1) for title, f1 in scores(text).items()]
    return [
        (picker, weights, times[picker], f1)
        for picker, weights, f1 in every
        if picker in times and (weights in MARKERS or picker.startswith(PEER))
    ]


def draw(text: str) -> Figure:
    """
    :param text: Text of benchmarks/README.md
    :raises ValueError: if its tables have no picker in common
    :return: Figure of F1 over seconds a station day
    """
    points = find_points(text)
    if not points:
        raise ValueError("Run the benchmarks accuracy and annotate first.")
    figure = new_figure(7.5, 4.4)
    panel = figure.subplots()
    pickers = list(dict.fromkeys(picker for picker, *_ in points))
    own = [picker for picker in pickers if not picker.startswith(PEER)]
    for picker in pickers:
        mine = [(weights, *xy) for name, weights, *xy in points if name == picker]
        peer = picker not in own
        colour = "#777777" if peer else SERIES[own.index(picker) % len(SERIES)]
        for weights, seconds, f1 in mine:
            panel.plot(
                *(seconds, f1),
                "X" if peer else MARKERS[weights],
                color=colour,
                markersize=8,
            )
        panel.annotate(
            picker.removeprefix(PEER),
            (mine[0][1], (min if peer else max)(f1 for *_, f1 in mine)),
            # Those of ours stand in a row that rises to the right.
            xytext=(0, -7) if peer else (4, 7),
            textcoords="offset points",
            ha="center" if peer else "right",
            va="top" if peer else "bottom",
            color=colour,
        )
    shown = {weights for _, weights, *_ in points}
    for weights in filter(shown.__contains__, MARKERS):
        panel.plot([], [], MARKERS[weights], color="#333333", label=weights)
    of_peers = dict.fromkeys(w for picker, w, *_ in points if picker not in own)
    if of_peers:
        label = f"SeisBench, {', '.join(of_peers)}"
        panel.plot([], [], "X", color="#777777", label=label)
    panel.set_xscale("log")
    panel.set_xticks([1, 2, 5, 10, 20, 50], labels=["1", "2", "5", "10", "20", "50"])
    panel.minorticks_off()
    panel.set_xlabel("seconds for a day of one station, 100 Hz, three components")
    panel.set_ylabel("F1 on six sets, mean of P and S")
    panel.margins(0.1, 0.15)
    panel.grid(alpha=0.3)
    panel.legend(loc="lower right", fontsize=9)
    return figure


def main() -> None:
    """Writes the chart."""
    try:
        figure = draw(page.README.read_text(encoding="utf-8"))
    except ValueError as error:
        sys.exit(str(error))
    # Without it, all names in the file change each time.
    matplotlib.rcParams["svg.hashsalt"] = CHART.name
    save_figure(figure, CHART)
    print(f"benchmarks/{CHART.name}")


if __name__ == "__main__":
    main()
