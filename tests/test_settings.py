"""Settings: one class gives the Python function, the command line and the TOML file."""

import inspect

import pytest

from seisbench_diting._util import (
    ArgumentError,
    Band,
    Names,
    Settings,
    make,
    option,
    takes,
)
from seisbench_diting.cli import app as command_line
from seisbench_diting.picking import PickSettings


class Example(Settings):
    """Settings of an example."""

    positional = ("inputs", "output")

    inputs: list[str] = option(
        ..., "What to use.", "--input", "-i", many=True, positional=True
    )
    output: str = option(..., "Name of the results.", "-o", identity=False)
    threshold: float = option(0.3, "Smallest probability.", "prob", gt=0, le=1)
    bandpass: Band = option((1.0, 10.0), "Frequencies in Hz.")
    formats: Names = option(("csv",), "Tables.")
    overlap: float | None = option(None, "Overlap.")
    plot: bool = option(False, "Draw.", "ifplot")
    progress: bool = option(True, "Show progress.", off="--quiet", identity=False)


@takes(Example)
def example(settings):
    """
    Shows settings.

    :raises ValueError: if an option is not possible
    :return: The settings
    """
    return settings


@pytest.fixture
def command(capsys, monkeypatch):
    """Function that calls a command of the example and gives settings or errors."""
    found = []
    call = command_line.command_of(Example, found.append)
    monkeypatch.setattr(command_line, "app", command_line.App(name="app"))
    command_line.app.command(call, name="example")

    def run(*arguments):
        found.clear()
        try:
            command_line.call(["example", *map(str, arguments)])
        except SystemExit as stop:
            return stop.code, capsys.readouterr().err
        return found[0]

    return run


def test_python_has_signature_and_docstring_of_the_class():
    parameters = inspect.signature(example).parameters

    assert list(parameters) == list(Example.model_fields)
    assert parameters["threshold"].default == 0.3
    assert parameters["threshold"].kind is inspect.Parameter.KEYWORD_ONLY
    assert ":param threshold: Smallest probability." in example.__doc__
    assert example.__doc__.index(":param plot:") < example.__doc__.index(":raises")


def test_python_and_command_line_give_the_same(command, tmp_path):
    wanted = example(["a", "b"], "x", threshold=0.5, bandpass=[2, 5], plot=True)
    file = tmp_path / "options.toml"
    file.write_text('prob = 0.5\nbandpass = [2, 5]\nifplot = true\ninput = ["a", "b"]')

    on_line = ("-i", "a", "b", "-o", "x", "--prob", "0.5", "--bandpass", "2,5")
    assert command(*on_line, "--ifplot") == wanted
    assert command("a", "b", "-o", "x", "--config", file) == wanted
    assert command("a", "b", "-o", "x", "--config", file, "--threshold", "1") == (
        wanted.model_copy(update={"threshold": 1.0})
    )
    assert not command("a", "-o", "x", "--quiet").progress
    assert command("-i", "a", "-o", "x", "--overlap", "-1").overlap == -1.0


@pytest.mark.parametrize(
    ("name", "value"),
    [("threshold", 1.5), ("threshold", float("nan")), ("bandpass", (5, 2))],
)
def test_errors_name_the_argument_or_the_option(command, name, value):
    with pytest.raises(ArgumentError) as error:
        example(["a"], "x", **{name: value})
    assert str(error.value).startswith(f"{name}={value!r}")

    text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
    status, said = command("a", "-o", "x", f"--{name}", text)
    assert status == 1
    assert f"--{name}={text}" in said


def test_missing_and_misspelt_options(command):
    status, said = command("a")
    assert status == 2
    assert "--output" in said
    with pytest.raises(ArgumentError, match="'threshold'"):
        example(["a"], "x", treshold=0.5)


@pytest.mark.parametrize("text", ["x = ", "prop = 1"])
def test_files_that_hold_no_options_are_named(command, tmp_path, text):
    file = tmp_path / "a.toml"
    file.write_text(text)
    status, said = command("a", "-o", "x", "--config", file)
    assert status == 1
    assert f"--config={file}" in said
    assert "'prob'" in said or text != "prop = 1"


def test_published_words_in_samples():
    given = {"inputs": ["."], "output": "x", "nmslen": 200, "sampling_rate": 100}
    assert make(PickSettings, given).min_separation == 2.0
