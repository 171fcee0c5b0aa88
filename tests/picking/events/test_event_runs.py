"""Catalogues picked from folders of events and from archives, and the command."""

import json
import shutil

import numpy as np
import obspy
import pandas as pd
import pytest
from archives import lines, row_tuples, write_all

from seisbench_diting.picking import pick_events
from seisbench_diting.tables import read_picks, write_events, write_stations


def run(inputs, output, catalog, stations, model, **options):
    return pick_events(
        inputs, output, catalog, stations, model, **{"progress": False, **options}
    )


@pytest.fixture
def folder(reference, tmp_path, x1_event):
    """A folder with a folder of the event, and one of another event."""
    for name in (x1_event["event_id"].iloc[0], "another"):
        shutil.copytree(reference / "data" / "x1_event", tmp_path / "events" / name)
    return tmp_path / "events"


def test_an_event_from_files_to_files(folder, tmp_path, x1_event, x1_stations, model):
    catalog, stations = tmp_path / "catalog.xml", tmp_path / "stations.csv"
    write_events(x1_event, catalog)
    write_stations(x1_stations, stations)

    result = run(folder, tmp_path / "out", catalog, stations, model)

    assert result.summary["events"] == 1
    assert (tmp_path / "out.err").read_text() == ""
    for table in (result.picks, read_picks(tmp_path / "out.csv")):
        assert set(table["event_id"]) == {"X1.2012"}
        assert table["phase"].to_list() == ["P", "S"]
        np.testing.assert_allclose(table["relative_time_s"], [96.2, 122.5], atol=0.3)
        np.testing.assert_allclose(table["epicentral_distance_km"], 218.7, atol=0.1)
        np.testing.assert_allclose(table["azimuth_deg"], 230.2, atol=0.2)
        residual = (table["time"] - table["theoretical_time"]).dt.total_seconds()
        np.testing.assert_allclose(table["residual_s"], residual, atol=1e-5)
        # The picks are Pg and Sg, the first theoretical arrivals Pn and Sn.
        assert table["residual_s"].between(1, 4).all()


def test_an_archive_of_day_files(event_record, tmp_path, x1_event, x1_stations, model):
    midnight = obspy.UTCDateTime(2012, 7, 27)
    write_all(event_record.slice(endtime=midnight), tmp_path / "in" / "1", "MSEED")
    write_all(event_record.slice(midnight + 0.001), tmp_path / "in" / "2", "MSEED")
    days = pd.Timedelta(days=3)
    later = x1_event.assign(event_id="later", time=x1_event["time"] + days)
    catalog = pd.concat([x1_event, later])
    stations = x1_stations.assign(station_id="X1.53085.")

    result = run(tmp_path / "in", tmp_path / "out", catalog, stations, model, plot=True)

    assert set(result.picks["event_id"]) == {"X1.2012"}
    assert sorted(result.picks["phase"]) == ["P", "S"]
    (line,) = lines(tmp_path / "out.err")
    assert line.startswith("later\t")
    pictures = list((tmp_path / "out.figures" / "X1.2012").iterdir())
    names = {"section.png", "map.png", "X1.53085.01.png"}
    assert {path.name for path in pictures} == names
    assert all(path.stat().st_size > 10_000 for path in pictures)


def test_new_and_moved_events_are_picked(folder, tmp_path, x1_event, model):
    first = run(folder, tmp_path / "out", x1_event, None, model).picks
    again = run(folder, tmp_path / "out", x1_event, None, model)
    assert again.summary["this_run"]["events"] == 0
    assert row_tuples(again.picks) == row_tuples(first)

    moved = x1_event.assign(depth_km=12.0)
    both = pd.concat([moved, x1_event.assign(event_id="another")])
    result = run(folder, tmp_path / "out", both, None, model)

    assert result.summary["this_run"]["events"] == 2
    residuals = result.picks.groupby("event_id")["residual_s"]
    assert residuals.get_group("another").tolist() == first["residual_s"].tolist()
    assert residuals.get_group("X1.2012").tolist() != first["residual_s"].tolist()
    with pytest.raises(ValueError, match=r"velocity='ak135'.*'iasp91'"):
        run(folder, tmp_path / "out", both, None, model, velocity="ak135")


@pytest.mark.parametrize(
    ("name", "value"),
    [("catalog", pd.DataFrame()), ("stations", "missing.csv"), ("velocity", "crust9")],
)
def test_what_can_not_be_picked(
    name, value, folder, tmp_path, x1_event, x1_stations, model
):
    values = {"catalog": x1_event, "stations": x1_stations, name: value}
    with pytest.raises((ValueError, OSError)):
        run(folder, tmp_path / "out", model=model, **values)
    assert not list(tmp_path.glob("out.*"))


def test_the_command_writes_all_formats_and_names_wrong_rows(
    folder, tmp_path, x1_event, named, command
):
    catalog, output = tmp_path / "catalog.csv", tmp_path / "out"
    write_events(x1_event, catalog)
    files = "pick-events", "-i", folder, "-o", output, "-c", catalog, "-m", "LPPNM/csn"
    line = (*files, "--velocity", "ak135", "--prob", "0.2", "--formats")
    result = command(*line, "csv,txt,quakeml,nlloc")

    assert result.status == 0, result.errors
    options = json.loads((tmp_path / "out.json").read_text())["options"]
    assert (options["velocity"], options["threshold"]) == ("ak135", 0.2)
    for ending in (".csv", ".xml"):
        assert set(read_picks(tmp_path / f"out{ending}")["event_id"]) == {"X1.2012"}
    (event,) = obspy.read_events(tmp_path / "out.xml")
    errors = sorted(pick.time_errors.uncertainty for pick in event.picks)
    table = read_picks(tmp_path / "out.csv")
    assert errors == pytest.approx(sorted(table["time_uncertainty_s"]))
    assert len(read_picks(tmp_path / "out.txt")) == 2
    assert (tmp_path / "out.obs").read_text().count(" GAU ") == 2

    # Without a time, or without a place.
    fields = catalog.read_text().splitlines()[1].split(",")
    with catalog.open("a") as file:
        for wrong in (["none", "", *fields[2:]], ["none", fields[1], "", *fields[3:]]):
            file.write(",".join(wrong) + "\n")
    result = command(*line, "csv")
    assert result.status == 3, result.errors
    told = (tmp_path / "out.err").read_text()
    assert "line 3" in told
    assert "line 4" in told
