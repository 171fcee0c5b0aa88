"""docs/association.md: its code runs, and its options are there with these defaults."""

import re
import runpy
from pathlib import Path

import pytest
from made_networks import VELOCITY, made_network

from seisbench_diting.association import method_settings, options_of
from seisbench_diting.tables import read_association, write_picks, write_stations

TEXT = (Path(__file__).parents[2] / "docs" / "association.md").read_text("utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", TEXT, flags=re.DOTALL)


def test_its_code_runs(tmp_path, monkeypatch):
    made = made_network(31, 4)
    write_picks(made.picks, tmp_path / "picks.csv")
    write_stations(made.stations, tmp_path / "stations.csv")
    monkeypatch.chdir(tmp_path)
    (code,) = blocks("python")
    # The network was made with constant velocities.
    (tmp_path / "code.py").write_text(code.replace("iasp91", VELOCITY), "utf-8")

    runpy.run_path(str(tmp_path / "code.py"))

    events, picks = read_association(tmp_path / "events.xml")
    assert len(events) == 4
    assert len(picks) > 40
    assert (tmp_path / "events.png").is_file()


def test_its_options_have_these_defaults():
    real = options_of("real")
    rows = re.findall(r"^\| (`[a-z_`, ]+`) \| ([^|]*) \|", TEXT, flags=re.MULTILINE)
    told = {
        name: value.strip("` ")
        for names, values in rows
        if "_s" in names or "min_" in names or "max_" in names
        for name, value in zip(
            re.findall(r"`([a-z_]+)`", names), values.split(", "), strict=False
        )
        if name in real
    }
    assert len(told) > 14
    for name, value in told.items():
        assert real[name] == (None if value == "any" else float(value)), name


def test_its_words_of_real_are_understood():
    words = re.findall(r"--set ([RGVS])=([0-9./]+)", TEXT)
    assert len(words) == 8
    for first in (0, 4):
        options = method_settings("real", **dict(words[first : first + 4]))
        assert options.grid_km == pytest.approx(
            float(words[first][1].split("/")[2]) * 111.19
        )


def test_its_file_of_options_is_one(tmp_path, run):
    (text,) = blocks("toml")
    (tmp_path / "options.toml").write_text(text, "utf-8")

    errors = run("associate", "--config", tmp_path / "options.toml")[2]

    # Its names and values are known; what is missing are files.
    assert errors.startswith("Error: --input is missing")


def test_it_names_options_of_the_commands(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    texts = [run(name, "--help")[1] for name in ("associate", "compare", "pick")]
    known = set(re.findall(r"--[a-z][a-z-]+", " ".join(texts)))
    named = set(re.findall(r"(?<![-\w])--[a-z][a-z-]+", TEXT)) - {"--no-deps"}
    assert named <= known
    assert "--list-options" in named
