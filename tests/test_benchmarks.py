"""What the scripts make of their tables."""

import xml.etree.ElementTree as ET

import pytest

from benchmarks import chart, run

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


def test_the_chart_shows_what_both_tables_know(tmp_path, monkeypatch):
    (tmp_path / "README.md").write_text(PAGE, encoding="utf-8")
    monkeypatch.setattr(chart, "README", tmp_path / "README.md")
    monkeypatch.setattr(chart, "CHART", tmp_path / "chart.svg")
    monkeypatch.setattr(chart, "HERE", tmp_path / "benchmarks")
    chart.main()
    assert ET.parse(tmp_path / "chart.svg").getroot().tag.endswith("svg")

    (panel,) = chart.draw(PAGE).axes
    places = {tuple(line.get_data()[0]): line.get_data()[1] for line in panel.lines}
    # A day is twice of what was measured; 50 Hz were not.
    assert places[(1.5,)] == pytest.approx([(0.902 + 0.876) / 2])
    assert places[(8.0,)] == pytest.approx([(0.889 + 0.884) / 2])
    assert set(places) - {()} == {(1.5,), (8.0,)}


def test_without_tables_there_is_no_chart():
    page = "<!-- accuracy -->\n<!-- end -->\n<!-- annotate -->\n<!-- end -->\n"
    with pytest.raises(ValueError, match="accuracy and annotate first"):
        chart.draw(page)
    with pytest.raises(ValueError, match="no place for 'annotate'"):
        chart.draw("")


def test_a_table_takes_the_place_of_the_last_one(tmp_path, monkeypatch):
    (tmp_path / "README.md").write_text(PAGE, encoding="utf-8")
    monkeypatch.setattr(run, "README", tmp_path / "README.md")
    run.insert("accuracy", "new \\1\n")
    page = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "<!-- accuracy -->\nnew \\1\n<!-- end -->" in page
    assert "LPPNM/csn" not in page
    assert "LPPNM torch" in page


def test_every_benchmark_has_a_place_on_the_page():
    page = run.README.read_text(encoding="utf-8")
    assert all(run.marks(name).search(page) for name in run.BENCHMARKS)
