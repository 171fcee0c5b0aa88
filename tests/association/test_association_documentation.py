"""docs/association.md: its code runs, and its options are there with these defaults."""

import re
import runpy
from pathlib import Path

from made_networks import VELOCITY, made_network

from seisbench_diting.tables import read_association, write_picks, write_stations

TEXT = (Path(__file__).parents[2] / "docs" / "association.md").read_text("utf-8")


def block(language):
    return re.search(rf"```{language}\n(.*?)```", TEXT, flags=re.DOTALL)[1]


def test_its_code_runs(tmp_path, monkeypatch):
    made = made_network(31, 4)
    write_picks(made.picks, tmp_path / "picks.csv")
    write_stations(made.stations, tmp_path / "stations.csv")
    monkeypatch.chdir(tmp_path)
    # The network was made with constant velocities.
    Path("code.py").write_text(block("python").replace("iasp91", VELOCITY), "utf-8")

    runpy.run_path("code.py")

    assert len(read_association("events.xml")[0]) == 4
    assert Path("events.png").is_file()


def test_its_file_of_options(tmp_path, run):
    (tmp_path / "options.toml").write_text(block("toml"), "utf-8")
    errors = run("associate", "--config", tmp_path / "options.toml")[2]
    # Its names and values are known; only files are missing.
    assert errors.startswith("Error: --input is missing")
