"""``seisbench-diting compare``, as a user calls it."""

import pandas as pd
import pytest

from seisbench_diting import tables

START = pd.Timestamp("2016-10-14", tz="UTC")


@pytest.fixture
def compare(run):
    """Function that calls the command and gives what it prints."""

    def call(*arguments):
        status, output, errors = run("compare", *arguments)
        assert status == 0, errors
        return output

    return call


def make_events(name, late_s, count):
    return tables.event_table(
        [
            {
                "event_id": f"{name}{n}",
                "time": START + pd.Timedelta(100 * n + late_s, unit="s"),
                "latitude": 42.0,
                "longitude": 13.0,
                "depth_km": 5.0,
            }
            for n in range(count)
        ]
    )


def make_picks(events, late_s):
    return tables.assignment_table(
        [
            {
                "event_id": event.event_id,
                "station_id": f"XX.{station}.",
                "phase": phase,
                "time": event.time + pd.Timedelta(number + 3 - late_s, unit="s"),
                "probability": 0.9,
            }
            for event in events.itertuples()
            for station in "ABC"
            for number, phase in enumerate("PS")
        ]
    )


@pytest.fixture
def files(tmp_path):
    """Five events with picks, and three of them, 0.25 s later, with one pick less."""
    a, b = make_events("a", 0, 5), make_events("b", 0.25, 3)
    paths = tmp_path / "a.events.csv", tmp_path / "b.xml"
    tables.write_association(a, make_picks(a, 0), paths[0])
    tables.write_association(b, make_picks(b, 0.25)[1:], paths[1])
    return paths


def test_what_is_common_is_printed_and_written(compare, files, tmp_path):
    output = compare(*files, "--output", tmp_path / "out")

    lines = {line.split("  ")[0]: line.split() for line in output.splitlines()}
    assert lines["common"] == ["common", "3", "60.0", "%", "100.0", "%"]
    assert lines["only in A"] == ["only", "in", "A", "2", "40.0", "%"]
    assert lines["only in B"] == ["only", "in", "B", "0", "0.0", "%"]
    assert lines["origin time (s)"][3:] == ["0.250", "0.000", "0.250", "0.250", "3"]
    assert "17 shared picks, of 18 in A and 17 in B." in output
    common = pd.read_csv(tmp_path / "out.common.csv")
    assert common["a_event_id"].to_list() == ["a0", "a1", "a2"]
    assert common["shared_picks"].sum() == 17
    only_a = tables.read_events(tmp_path / "out.only_a.csv")
    assert only_a["event_id"].to_list() == ["a3", "a4"]
    assert len(tables.read_events(tmp_path / "out.only_b.csv")) == 0


def test_limits(compare, files):
    # Picks tell, though times don't.
    assert "common                          3" in compare(*files, "--max-time", 0.1)
    output = compare(*files, "--max-time", 0.1, "--min-shared", 2)
    assert "common                          0" in output
    assert "B minus A" not in output


def test_without_picks_and_events(compare, files, tmp_path):
    tables.write_events(tables.event_table([]), tmp_path / "none.csv")
    tables.write_events(
        make_events("c", 0, 2).drop(columns="depth_km"), tmp_path / "c.csv"
    )
    output = compare(tmp_path / "none.csv", tmp_path / "c.csv")
    assert "only in A                       0        -" in output
    output = compare(tmp_path / "c.csv", files[0])
    assert "shared picks" not in output
    assert output.split("depth (km)")[1].split() == ["-", "-", "-", "-", "0"]


@pytest.mark.parametrize("options", [["--lonlat"], ["--no-lonlat"]])
def test_order_of_coordinates(compare, files, tmp_path, options):
    path = tmp_path / "a.txt"
    tables.write_association(*tables.read_association(files[0]), path)
    # Without the stations nothing tells which of 42 and 13 is the latitude.
    output = compare(path, files[0], "--min-shared", 2, *options)
    assert f"common                          {5 * (len(options[0]) > 8)}" in output


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["--max-time", -1], "--max-time=-1"),
        (["--max-distance", "nan"], "--max-distance=nan"),
        (["--output", "nowhere/out"], "nowhere"),
    ],
)
def test_errors(run, files, arguments, part):
    status, _, errors = run("compare", *files, *arguments)
    assert status == 1
    assert errors.startswith("Error: ")
    assert part in errors


def test_missing_files(run, files, tmp_path):
    status, _, errors = run("compare", files[0], tmp_path / "missing.csv")
    assert status == 1
    assert "missing.csv" in errors
