"""What the scripts make of their tables."""

import sys
import xml.etree.ElementTree as ET

import pytest

from benchmarks import chart, page, run

PAGE = """
<!-- accuracy -->
| weights | window P | window S | `classify` P | `classify` S |
| --- | --- | --- | --- | --- |
| LPPNM/csn | 0.9 / 0.9 / **0.902** / 50 | 0.9 / 0.8 / **0.876** / 60 | - | - |
| LPPNM/diting | 0.9 / 0.9 / **0.916** / 50 | 0.9 / 0.9 / **0.916** / 60 | - | - |
| SeisBench PhaseNet/volpick | 0.9 / 0.9 / **0.889** / 50 | 0.9 / 0.8 / **0.884** / 60 | - | - |
<!-- end -->
<!-- annotate -->
CX.PB01..HH, 12.0 h, 3 traces
|  | s | least to most | times PhaseNet's speed | peak MB | picks |
| --- | --- | --- | --- | --- | --- |
| SeisBench PhaseNet | 4.00 | 4.00 to 4.10 | 1.00 | 1205 | 580 |
| LPPNM onnx | 0.75 | 0.70 to 0.80 | 5.33 | 730 | 512 |
| LPPNM torch | 3.00 | 3.00 to 3.10 | 1.33 | 633 | 512 |
<!-- end -->
"""


@pytest.fixture
def readme(tmp_path, monkeypatch):
    """The page of the benchmarks, which is in the folder of the chart."""
    monkeypatch.setattr(page, "README", tmp_path / "README.md")
    monkeypatch.setattr(chart, "CHART", tmp_path / "chart.svg")
    page.README.write_text(PAGE, encoding="utf-8")
    return page.README


def test_the_chart_shows_what_both_tables_know(readme):
    chart.main()
    assert ET.parse(chart.CHART).getroot().tag.endswith("svg")

    (panel,) = chart.draw(PAGE).axes
    places = {tuple(line.get_data()[0]): line.get_data()[1] for line in panel.lines}
    # A day is twice of what was measured; 50 Hz were not.
    assert places[(1.5,)] == pytest.approx([(0.902 + 0.876) / 2])
    assert places[(8.0,)] == pytest.approx([(0.889 + 0.884) / 2])
    assert set(places) - {()} == {(1.5,), (8.0,)}


def test_a_table_takes_the_place_of_the_last_one(readme):
    page.insert("accuracy", "new \\1\n")
    text = readme.read_text(encoding="utf-8")
    assert "<!-- accuracy -->\nnew \\1\n<!-- end -->" in text
    assert "LPPNM/csn" not in text
    assert "LPPNM torch" in text


def test_every_benchmark_has_a_place_on_the_page():
    text = page.README.read_text(encoding="utf-8")
    for name in run.BENCHMARKS:
        assert page.section(text, name)


def test_one_table_without_the_other_leaves_no_chart(readme, monkeypatch):
    places = "<!-- accuracy -->\n<!-- end -->\n<!-- annotate -->\n<!-- end -->\n"
    readme.write_text(places, encoding="utf-8")
    monkeypatch.setenv("SEISBENCH_DITING_REFERENCE", str(readme.parent))
    monkeypatch.setattr(run, "run", lambda name, environment: True)
    monkeypatch.setattr(sys, "argv", ["run", "accuracy"])
    run.main()
    assert not chart.CHART.exists()
