"""The command that picks archives, as a user types it."""

import json

import pytest
from archives import row_tuples, run

from seisbench_diting.tables import read_picks, read_real


@pytest.fixture
def pick(named, command):
    def pick(*arguments, model=("-m", named)):
        return command("pick", *arguments, *model)

    return pick


def test_every_format_of_the_event_record(pick, reference, tmp_path):
    files = ["-i", reference / "data" / "x1_event", "-o", tmp_path / "out"]
    (tmp_path / "no.mseed").write_text("no waveforms")
    files += ["-i", tmp_path / "no.mseed"]
    result = pick(*files, "--formats", "csv,parquet,txt,pyocto,gamma", "--ifreal")

    assert result.status == 0, result.errors
    # What was not used, why, and where that is listed.
    *_, why, where = result.output.splitlines()
    assert why.split(": ")[1] in (tmp_path / "out.err").read_text()
    assert where.endswith("out.err")
    assert "station days" in result.output
    tables = {
        ending: read_picks(tmp_path / f"out{ending}")
        for ending in (".csv", ".parquet", ".txt", ".pyocto.csv", ".gamma.csv")
    }
    expected = row_tuples(tables[".csv"])
    assert len(expected) > 0
    assert row_tuples(tables[".parquet"]) == expected
    for ending in (".txt", ".pyocto.csv", ".gamma.csv"):
        assert len(tables[ending]) == len(expected)
    assert len(read_real(tmp_path / "out.real")) == len(expected)


def test_options_from_a_file(pick, named, small, tmp_path):
    config = tmp_path / "config.toml"
    config.write_text(
        f"""
        input = ["{small}"]
        output = "{tmp_path / "out"}"
        model = "{named}"
        prob = 0.6
        min-separation = 2
        bandpass = [2, 8]
        stations = ["CX.S1", "CX.S2"]
        formats = ["csv"]
        quiet = true
        """
    )

    result = pick("--config", config, "--prob", "0.5", model=())

    assert result.status == 0, result.errors
    assert result.output == ""
    options = json.loads((tmp_path / "out.json").read_text())["options"]
    assert options["threshold"] == 0.5
    assert options["min_separation"] == 2
    assert options["bandpass"] == [2, 8]
    assert not (tmp_path / "out.txt").exists()
    options = {"threshold": 0.5, "min_separation": 2, "stations": "CX.S[12]"}
    direct = run(small, tmp_path / "direct", named, **options)
    assert row_tuples(read_picks(tmp_path / "out.csv")) == row_tuples(direct.picks)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("treshold = 0.5", "'treshold'; did you mean 'threshold'?"),
        ("prob = ", "is not a TOML file that can be read"),
        ("config = 'other.toml'", "'config'"),
    ],
)
def test_files_that_are_no_options(pick, tmp_path, text, message):
    config = tmp_path / "config.toml"
    config.write_text(text)

    result = pick("--config", config, "-o", tmp_path / "out")

    assert result.status == 1
    assert f"--config={config}" in result.errors
    assert message in result.errors


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-o", "out"], "--input is missing"),
        (["-i", "."], "--output is missing"),
        (["-i", ".", "-o", "out", "--bandpass", "low"], "--bandpass=low"),
        (["-i", ".", "-o", "out", "--prob", "30"], "--threshold=30"),
        (["-i", "missing", "-o", "out"], "--input=missing"),
        # Loose picks were written as events that did not exist.
        (["-i", ".", "-o", "out", "--formats", "quakeml"], "--formats=quakeml"),
    ],
)
def test_what_the_command_refuses(pick, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)

    result = pick(*arguments)

    assert result.status in (1, 2)
    assert message in result.errors
    assert not [path for path in tmp_path.iterdir() if path.suffix != ".lock"]
