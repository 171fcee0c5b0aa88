"""What the scripts make of their tables."""

import xml.etree.ElementTree as ET

import pytest

from benchmarks import chart, page, run


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """A copy of the page of the benchmarks, which is in the folder of the chart."""
    text = page.README.read_text(encoding="utf-8")
    monkeypatch.setattr(page, "README", tmp_path / "README.md")
    monkeypatch.setattr(chart, "CHART", tmp_path / "chart.svg")
    page.README.write_text(text, encoding="utf-8")
    return text


def test_the_chart_shows_the_pickers_of_both_tables(copied):
    chart.main()
    assert ET.parse(chart.CHART).getroot().tag.endswith("svg")
    (panel,) = chart.draw(copied).axes
    shown = {text.get_text() for text in panel.texts}
    assert {"LPPNT", "LPPNM", "LPPNL", "UNet", "RNN", "EQT", "PhaseNet"} <= shown


def test_a_table_takes_the_place_of_the_last_one(copied):
    page.insert("accuracy", "new \\1\n")
    text = page.README.read_text(encoding="utf-8")
    assert page.section(text, "accuracy") == "new \\1\n"
    for name in run.BENCHMARKS:
        assert name == "accuracy" or page.section(text, name) == page.section(
            copied, name
        )
