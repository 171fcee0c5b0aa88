"""docs/association.md: its code runs, and its options are there with these defaults."""

from pathlib import Path

from made_networks import VELOCITY, made_network

from seisbench_diting.tables import read_association, write_picks, write_stations
from tests.pages import blocks, run_code

PAGE = "docs/association.md"


def test_the_code_of_the_page_runs(tmp_path, monkeypatch):
    made = made_network(31, 4)
    write_picks(made.picks, tmp_path / "picks.csv")
    write_stations(made.stations, tmp_path / "stations.csv")
    monkeypatch.chdir(tmp_path)
    (code,) = blocks(PAGE)
    # The network was made with constant velocities.
    run_code(code.replace("iasp91", VELOCITY), tmp_path)

    assert len(read_association("events.xml")[0]) == 4
    assert Path("events.png").is_file()


def test_the_file_of_options_of_the_page_is_known(tmp_path, run):
    (code,) = blocks(PAGE, "toml")
    (tmp_path / "options.toml").write_text(code, "utf-8")
    errors = run("associate", "--config", tmp_path / "options.toml")[2]
    # Its names and values are known; only files are missing.
    assert errors.startswith("Error: --input ")
