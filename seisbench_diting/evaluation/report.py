"""Reports of an evaluation: pictures, and one page that holds everything."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .. import __version__
from .._util import write_text
from ..plots import save_figure
from .evaluate import Evaluation
from .pictures import (
    plot_dependence,
    plot_residuals,
    plot_thresholds,
    plot_window,
    worst_windows,
)
from .tables import table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Windows that are shown for each model.
WORST = 6

_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Evaluation of phase pickers</title>
<style>
body {{ font-family: sans-serif; margin: 2em auto; max-width: 75em; }}
pre {{ overflow-x: auto; background: #f4f4f4; padding: 1em; }}
img {{ max-width: 100%; }}
</style>
</head>
<body>
<h1>Evaluation of phase pickers</h1>
<p>{about}</p>
<pre>{table}</pre>
{pictures}
</body>
</html>
"""


def write_report(evaluations: Sequence[Evaluation], folder: str | Path) -> Path:
    """
    Writes pictures (PNG) and one self-contained page, ``report.html``.

    :param evaluations: One for each model
    :param folder: Folder; made if need be
    :return: The page
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    found = _figures(evaluations)
    for name, _, figure in found:
        save_figure(figure, folder / f"{name}.png")
    first = evaluations[0]
    page = _PAGE.format(
        about=html.escape(
            f"{len(first.windows)} windows. A pick of at least {first.height:g} closer "
            f"than {first.tolerance:g} s to an arrival is right; counting: "
            f"{first.counting}. Below each figure the interval that holds it with 95 % "
            f"confidence. seisbench-diting {__version__}."
        ),
        table=html.escape(table(evaluations)),
        pictures="\n".join(_picture(title, figure) for _, title, figure in found),
    )
    write_text(folder / "report.html", page)
    return folder / "report.html"


def _figures(evaluations: Sequence[Evaluation]) -> list[tuple[str, str, Figure]]:
    found = [
        ("residuals", "Residuals", plot_residuals(evaluations)),
        ("thresholds", "Precision over recall", plot_thresholds(evaluations)),
    ]
    dependence = plot_dependence(evaluations)
    if dependence is not None:
        found.append(("dependence", "F1 over what is known of a record", dependence))
    for number, evaluation in enumerate(evaluations):
        if evaluation.batches is None:
            continue
        for rank, index in enumerate(worst_windows(evaluation, WORST)):
            title = f"Where {evaluation.name} was most wrong" if rank == 0 else ""
            figure = plot_window(evaluation, index)
            found.append((f"worst{number}_{rank}", title, figure))
    return found


def _picture(title: str, figure: Figure) -> str:
    memory = io.BytesIO()
    figure.savefig(memory, format="png", dpi=110)
    data = base64.b64encode(memory.getvalue()).decode()
    heading = f"<h2>{html.escape(title)}</h2>\n" if title else ""
    return (
        f'{heading}<img alt="{html.escape(title)}" src="data:image/png;base64,{data}">'
    )
