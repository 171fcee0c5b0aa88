"""``seisbench-diting compare``, as a user calls it."""

import pandas as pd
import pytest

from seisbench_diting import tables

START = pd.Timestamp("2016-10-14", tz="UTC")


@pytest.fixture
def compare(run):
    """Function that calls the command and gives the words of its lines."""

    def call(*arguments):
        status, output, errors = run("compare", *arguments)
        assert status == 0, errors
        return {line.split("  ")[0]: line.split() for line in output.splitlines()}

    return call


def make_events(name, late_s, count):
    times = START + pd.to_timedelta([100 * n + late_s for n in range(count)], unit="s")
    place = {"latitude": 42.0, "longitude": 13.0, "depth_km": 5.0}
    names = [f"{name}{n}" for n in range(count)]
    table = pd.DataFrame({"event_id": names, "time": times}).assign(**place)
    return tables.event_table(table)


@pytest.fixture
def files(tmp_path):
    """Five events, and three of them, 0.25 s later."""
    paths = tmp_path / "a.events.csv", tmp_path / "b.xml"
    tables.write_events(make_events("a", 0, 5), paths[0])
    tables.write_events(make_events("b", 0.25, 3), paths[1])
    return paths


def test_what_is_common_is_printed_and_written(compare, files, tmp_path):
    lines = compare(*files, "--output", tmp_path / "out")

    # Shares have Wilson's intervals, so that three of three are not certain.
    shares = "60.0% (23.1% to 88.2%) 100.0% (43.9% to 100.0%)"
    assert lines["common"] == ["common", "3", *shares.split()]
    assert lines["only in A"][:5] == ["only", "in", "A", "2", "40.0%"]
    assert lines["only in B"][:5] == ["only", "in", "B", "0", "0.0%"]
    assert lines["origin time (s)"][3:] == ["0.250", "0.000", "0.250", "0.250", "3"]
    common = pd.read_csv(tmp_path / "out.common.csv")
    assert common["a_event_id"].to_list() == ["a0", "a1", "a2"]
    only_a = tables.read_events(tmp_path / "out.only_a.csv")
    assert only_a["event_id"].to_list() == ["a3", "a4"]
    assert len(tables.read_events(tmp_path / "out.only_b.csv")) == 0
