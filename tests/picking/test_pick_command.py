"""The command that picks archives, as a user types it."""

from archives import row_tuples

from seisbench_diting.tables import read_picks, read_real


def test_every_format_of_the_event_record(command, named, reference, tmp_path):
    record, config = reference / "data" / "x1_event", tmp_path / "config.toml"
    (tmp_path / "no.mseed").write_text("no waveforms")
    inputs = f'input = ["{record}", "{tmp_path / "no.mseed"}"]'
    config.write_text(f'{inputs}\nmodel = "{named}"\nprob = 0.9\n')
    options = "--prob", "0.3", "--formats", "csv,parquet,txt,pyocto,gamma", "--ifreal"

    result = command("pick", "--config", config, "-o", tmp_path / "out", *options)

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
