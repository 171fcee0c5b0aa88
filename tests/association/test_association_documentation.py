"""docs/association.md: its code runs, and its options are there with these defaults."""

import re
import runpy
from pathlib import Path

import pytest
import typer
from made_networks import VELOCITY, made_network
from typer.testing import CliRunner

from seisbench_diting.association import make_options, options_of
from seisbench_diting.cli import associate, compare, pick  # noqa: F401
from seisbench_diting.cli.typer_app import app
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
        name: value
        for names, values in rows
        if "_s" in names or "min_" in names or "max_" in names
        for name, value in zip(
            re.findall(r"`([a-z_]+)`", names), values.split(", "), strict=False
        )
        if name in real
    }
    assert len(told) > 14
    for name, value in told.items():
        expected = float("inf") if value == "any" else float(value.strip("` "))
        assert float(real[name]) == expected, name


def test_its_words_of_real_are_understood():
    words = re.findall(r"--set ([RGVS])=([0-9./]+)", TEXT)
    assert len(words) == 8
    for first in (0, 4):
        options = make_options("real", **dict(words[first : first + 4]))
        assert options.grid_km == pytest.approx(
            float(words[first][1].split("/")[2]) * 111.19
        )


def test_its_file_of_options_is_one(tmp_path):
    (text,) = blocks("toml")
    (tmp_path / "options.toml").write_text(text, "utf-8")

    result = CliRunner().invoke(
        app, ["associate", "--config", str(tmp_path / "options.toml")]
    )

    # Its names and values are known; what is missing are files.
    assert "--input is missing" in str(result.exception)
    assert all(
        name in options_of("real")
        for name in re.findall(r"^(\w+) =", text, flags=re.MULTILINE)
        if name != "method"
    )


def test_it_names_options_of_the_commands():
    commands = typer.main.get_command(app).commands
    known = {
        option
        for name in ("associate", "compare", "pick")
        for parameter in commands[name].params
        for option in parameter.opts
    }
    named = set(re.findall(r"(?<![-\w])--[a-z][a-z-]+", TEXT)) - {"--no-deps"}
    assert named <= known
    assert "--list-options" in named
