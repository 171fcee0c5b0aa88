"""The command that picks archives, as a user types it."""

import json

import obspy
import pytest
from archives import lines, row_tuples, with_code, write_all

from seisbench_diting.tables import read_picks, read_real


def test_every_format_of_the_event_record(command, named, reference, tmp_path):
    record, config = reference / "data" / "x1_event", tmp_path / "config.toml"
    (tmp_path / "no.mseed").write_text("no waveforms")
    inputs = f'input = ["{record}", "{tmp_path / "no.mseed"}"]'
    config.write_text(f'{inputs}\nmodel = "{named}"\nprob = 0.9\nnpicker = 1\n')
    options = "--prob", "0.3", "--formats", "csv,parquet,txt,pyocto,gamma", "--ifreal"

    result = command("pick", "--config", config, "-o", tmp_path / "out", *options)

    assert result.status == 3, result.errors
    # What was not used is listed in a file that is named at the end.
    assert result.output.splitlines()[-1].endswith("out.err")
    (line,) = lines(tmp_path / "out.err")
    assert line.split("\t")[0].endswith("no.mseed")
    expected = row_tuples(read_picks(tmp_path / "out.csv"))
    assert len(expected) > 0
    for ending in ("csv", "parquet"):
        table = read_picks(tmp_path / f"out.{ending}")
        assert row_tuples(table) == expected
        assert (table["time_uncertainty_s"] > 0).all()
    for ending in ("txt", "pyocto.csv", "gamma.csv"):
        assert len(read_picks(tmp_path / f"out.{ending}")) == len(expected)
    assert len(read_real(tmp_path / "out.real")) == len(expected)
    again = command("pick", "--config", config, "-o", tmp_path / "out", *options)
    assert again.status == 3
    summary = json.loads((tmp_path / "out.json").read_text())
    assert summary["this_run"]["station_days"] == 0


@pytest.mark.parametrize(
    ("kind", "status"), [("damaged", 3), ("empty folder", 3), ("other sensor", 0)]
)
def test_the_status_tells_if_all_was_used(kind, status, command, tmp_path):
    stream = obspy.read()
    for trace in stream:
        trace.data = trace.data.astype("int32")
    folder = write_all(stream, tmp_path / "in", "MSEED")
    inputs = ["-i", folder]
    if kind == "damaged":
        path = min(folder.iterdir())
        content = bytearray(path.read_bytes())
        content[4096 + 64 : 8192] = bytes(range(256)) * 15 + bytes(192)
        path.write_bytes(content)
    elif kind == "empty folder":
        (tmp_path / "empty").mkdir()
        inputs += ["-i", tmp_path / "empty"]
    else:
        write_all(with_code(stream, "HN"), folder, "MSEED")

    for _ in range(2):
        result = command("pick", *inputs, "-o", tmp_path / "out", "-m", "LPPNT")
        assert result.status == status, result.output
        assert result.output.splitlines()[-1].endswith("out.err")
