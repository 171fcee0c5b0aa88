"""Pages as a browser shows them, without a network."""

import pytest

pytest.importorskip("selenium")

from browser import CHROMIUM, DRIVER, opened

from seisbench_diting.report import write_report
from seisbench_diting.tables import write_picks

pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="chromium and chromedriver are not installed"
)


def lines(page, panel):
    return page.run(
        "return document.getElementById(arguments[0]).data.map(x => [x.name, x.x.length])",
        panel,
    )


def test_an_association(association, stations, waveforms):
    path = write_report(association, stations=stations, waveforms=waveforms)
    with opened(path) as page:
        assert page.text("h1") == "found"
        assert len(page.find("#picks .scatterlayer .point")) == 8
        names = ["stations", "events", "ellipses", "chosen ellipse", "chosen"]
        assert [name for name, _ in lines(page, "map")] == names

        page.click("picks", 0, 1)
        page.wait(lambda: page.find("#snippet .scatterlayer .js-line"))
        assert page.text("#about").startswith("XX.BB.00 P 2024-03-01 12:01:43.000")
        assert [name for name, _ in lines(page, "snippet")] == ["HHZ", "HHN", "HHE"]
        # S of this station is in the same window.
        shown = page.run(
            "return document.getElementById('snippet').layout.annotations.map(x => x.text)"
        )
        assert shown == ["P 0.50", "S 0.50"]

        page.click("map", 1, 1)
        page.wait(lambda: page.find("#moveout .scatterlayer .point"))
        assert page.text("#about-event").startswith("e1, 2024-03-01 12:05:00.000 UTC")
        # Its record section, with theoretical times, and its place in all panels.
        shown = dict(lines(page, "moveout"))
        assert (shown["P"], shown["theoretical P"]) == (2, 2)
        assert shown["waveforms"] > 4 * 1000
        assert lines(page, "map")[3:] == [["chosen ellipse", 33], ["chosen", 1]]
        assert page.text("#table .chosen td") == "e1"
        at = list(shown).index("S")
        page.click("moveout", at, 0)
        about = "XX.AA. S 2024-03-01 12:05:04"
        page.wait(lambda: page.text("#about").startswith(about))


def test_the_table_of_events_sorts_and_chooses(association):
    with opened(write_report(association)) as page:
        heads = [head.text for head in page.find("#table th")]
        # What is not known stays at the end.
        for title, orders in (
            ("Depth (km)", ("01", "10")),
            ("Depth ± (km)", ("01", "01")),
        ):
            for order in orders:
                page.find("#table button")[heads.index(title)].click()
                cells = page.find("#table td:first-child")
                assert [cell.text for cell in cells] == [f"e{n}" for n in order]
        page.find("#table td")[0].click()
        page.wait(lambda: page.find("#moveout .scatterlayer .point"))
        assert page.text("#about-event").startswith("e0, ")
        shown = page.run("return document.getElementById('timeline').data[1].y")
        assert shown == [2.5]
        assert page.console() == []


def test_picks_without_waveforms_say_so(pick_file):
    with opened(write_report(pick_file)) as page:
        assert not page.run("return document.getElementById('event').offsetParent")
        assert "--stations" in page.text("#map")
        page.click("picks", 0, 0)
        page.wait(lambda: page.text("#about").startswith("XX.AA. P "))


def test_of_many_picks_a_part_is_drawn_and_all_where_one_looks(tmp_path, many):
    write_picks(many(1500), tmp_path / "many.csv")
    with opened(write_report(tmp_path / "many.csv")) as page:
        assert page.text("#shown").startswith("6000 of 12000 ")
        hour = "['2024-03-01 13:00:00', '2024-03-01 14:00:00']"
        page.run(f"Plotly.relayout('picks', {{'xaxis.range': {hour}}})")
        page.wait(lambda: page.text("#shown") == "")
        assert sum(number for _, number in lines(page, "picks")) == 480
        page.run("Plotly.relayout('picks', {'xaxis.autorange': true})")
        page.wait(lambda: page.text("#shown").startswith("6000 of 12000"))


def test_no_other_script_runs(pick_file):
    path = write_report(pick_file)
    text = path.read_text(encoding="utf-8")
    # As if what a file says had got into the page after all.
    script = "<script>document.title = 'taken'</script>"
    path.write_text(text.replace("<main>", f"<main>{script}"), encoding="utf-8")
    with opened(path) as page:
        assert page.run("return document.title") != "taken"
        # The browser says that it refused.
        assert len(page.console()) == 1
