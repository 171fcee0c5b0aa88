"""Pages of runs: what they hold, and what goes wrong."""

import base64
import json
import os
import re
from pathlib import Path

import numpy as np
import obspy
import pandas as pd
import pytest
from filelock import FileLock

from seisbench_diting.models import LPPNT
from seisbench_diting.picking import pick_archive
from seisbench_diting.report import write_report
from seisbench_diting.tables import write_picks


def data_of(page):
    text = page.read_text(encoding="utf-8")
    (found,) = re.findall(
        r'<script id="data" type="application/json">(.*?)</script>', text, re.DOTALL
    )
    return json.loads(found)


def samples_of(component):
    """Seconds after the pick, and values."""
    _, begin, rate, peak, text = component
    values = np.frombuffer(base64.b64decode(text), dtype=np.int8)
    return begin + np.arange(len(values)) / rate, values / 127 * peak


def test_waveforms_are_those_around_the_picks(pick_file, waveforms):
    page = write_report(pick_file, waveforms=waveforms, band=None)

    assert page == pick_file.with_name("picks.csv.html")
    data = data_of(page)
    assert data["picks"]["names"] == ["XX.AA.", "XX.BB.00"]
    assert len(data["snippets"]) == len(data["picks"]["time"]) == 8
    for components in data["snippets"].values():
        assert [channel for channel, *_ in components] == ["HHZ", "HHN", "HHE"]
        for component in components:
            seconds, values = samples_of(component)
            assert seconds[[0, -1]] == pytest.approx([-4, 8], abs=0.011)
            inside = np.abs(seconds) < 0.5
            assert abs(seconds[inside][np.argmax(values[inside])]) < 0.011


def test_high_rates_and_missing_samples(tmp_path, pick_file, picks):
    data = np.zeros(40 * 1000, dtype=np.float32)
    data[20_000] = 1
    data[25_000:26_000] = np.nan
    trace = obspy.Trace(data, {"sampling_rate": 1000.0})
    trace.id = "XX.AA..HHZ"
    trace.stats.starttime = obspy.UTCDateTime(picks["time"][0]) - 20
    trace.write(str(tmp_path / "x.mseed"), "MSEED")

    page = write_report(pick_file, waveforms=tmp_path / "x.mseed", band=None)

    snippets = data_of(page)["snippets"]
    assert sorted(snippets) == ["0", "2"]
    seconds, values = samples_of(snippets["0"][0])
    assert len(values) < 12 * 201
    assert abs(seconds[np.argmax(values)]) < 0.011


def pick(waveforms, output, **options):
    options = {"threshold": 0.2, "formats": ["txt"], "progress": False} | options
    return pick_archive(waveforms, output, LPPNT(), **options).output


@pytest.fixture(scope="session")
def picked(waveforms, tmp_path_factory):
    """Name of a picking run."""
    return pick(waveforms, tmp_path_factory.mktemp("theirs") / "run")


def test_a_picking_run_knows_its_waveforms(picked):
    picked.with_suffix(".txt").unlink()

    page = write_report(picked, progress=False)

    data = data_of(page)
    assert page == picked.with_name("run.html")
    assert len(data["snippets"]) == min(500, len(data["picks"]["time"])) > 0
    assert "<td>0.2<" in page.read_text(encoding="utf-8")
    page.unlink()


def test_a_run_that_goes_on_has_no_report(picked):
    with (
        FileLock(picked.with_name(".run.picking.lock")),
        pytest.raises(ValueError, match=str(picked)),
    ):
        write_report(picked)


def test_a_run_of_somebody_else_is_only_read(picked, tmp_path, monkeypatch):
    expected = write_report(picked, tmp_path / "own.html").read_bytes()
    before = {p.name: p.stat().st_mtime_ns for p in picked.parent.iterdir()}
    rights = os.access
    monkeypatch.setattr(
        os, "access", lambda path, *_: rights(path, *_) and Path(path) != picked.parent
    )

    assert write_report(picked, tmp_path / "own.html").read_bytes() == expected
    after = {p.name: p.stat().st_mtime_ns for p in picked.parent.iterdir()}
    assert after == before


@pytest.mark.parametrize(
    ("names", "expected"),
    [(["XX.AA.", "XX.AA.00"], [4, 4]), (["XX.AA.10"], [8]), (["XX.NONE."], [0])],
)
def test_stations_have_the_picks_that_association_gives_them(
    tmp_path, picks, names, expected, caplog
):
    picks = picks.assign(station_id=["XX.AA.", "XX.AA.00"] * 4)
    write_picks(picks, tmp_path / "picks.csv")
    stations = pd.DataFrame({"station_id": names}).assign(latitude=1.0, longitude=2.0)

    page = write_report(tmp_path / "picks.csv", stations=stations)

    assert data_of(page)["stations"]["picks"] == expected
    # A table of other stations is told.
    assert bool(caplog.text) == (sum(expected) == 0)


def test_of_many_picks_a_part_is_there_but_all_are_counted(tmp_path, many):
    write_picks(many(50), tmp_path / "many.csv")

    data, again = (
        data_of(write_report(tmp_path / "many.csv", max_picks=30)) for _ in range(2)
    )

    assert len(data["picks"]["time"]) == 30
    assert data == again
    assert sum(data["counts"]["probability"]["P"]) == 200
    assert sum(data["counts"]["snr"]["P"]) == 200
    assert sum(data["counts"]["snr"]["S"]) == 0
    # Of the first hour as likely as of the last.
    assert np.ptp(data["picks"]["time"]) > 30 * 60_000


def test_what_files_say_is_no_code_and_a_page_asks_for_nothing(tmp_path, picks):
    name = "<img src=x onerror=alert(1)>@@DATA@@.csv"
    write_picks(picks.assign(station_id="XX.</script><b>."), tmp_path / name)

    text = write_report(tmp_path / name).read_text(encoding="utf-8")

    assert "<img src=x" not in text
    assert "</script><b>" not in text
    assert text.count('<script id="data"') == 1
    # Plotly itself is code, in which addresses occur; the page's policy forbids all.
    assert "default-src 'none'" in text
    markup = re.sub(r"<script>.*?</script>", "", text, flags=re.DOTALL)
    assert not re.search(r'(src|href)="(?!data:)', markup)


def test_the_command_writes_as_many_snippets_as_asked(
    association, stations, waveforms, run
):
    page = association.with_name("page.html")
    status, output, _ = run(
        *("report", association, "-o", page, "-s", stations, "-w", waveforms),
        *("--snippets", 3, "--bandpass", "none"),
    )
    assert status == 0
    assert str(page) in output
    assert len(data_of(page)["snippets"]) == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"output": "page.pdf"}, r"output=.*page.pdf"),
        ({"output": "missing/page.html"}, "missing"),
        ({"waveforms": __file__}, "waveforms="),
        ({"name": "nothing"}, "name=.*nothing"),
        ({"name": "found"}, r"found\.json"),
    ],
)
def test_options_and_files_that_can_not_be_used_are_named(
    pick_file, options, message, monkeypatch
):
    monkeypatch.chdir(pick_file.parent)
    Path("found.json").write_text("{")
    with pytest.raises((ValueError, OSError), match=message):
        write_report(**{"name": pick_file, **options})
    assert not list(Path().glob("*.html"))
