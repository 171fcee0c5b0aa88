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


def check_picks(table):
    assert set(table["event_id"]) == {"X1.2012"}
    assert sorted(table["phase"]) == ["P", "S"]
    seconds = dict(zip(table["phase"], table["relative_time_s"], strict=True))
    assert seconds["P"] == pytest.approx(96.2, abs=0.3)
    assert seconds["S"] == pytest.approx(122.5, abs=0.3)
    np.testing.assert_allclose(table["epicentral_distance_km"], 218.7, atol=0.1)
    np.testing.assert_allclose(table["azimuth_deg"], 230.2, atol=0.2)
    residual = (table["time"] - table["theoretical_time"]).dt.total_seconds()
    np.testing.assert_allclose(table["residual_s"], residual, atol=1e-5)
    # The picks are Pg and Sg, the first theoretical arrivals Pn and Sn.
    assert table["residual_s"].between(1, 4).all()


@pytest.mark.parametrize(
    ("catalog", "stations"), [("txt", "txt"), ("csv", None), ("xml", "csv")]
)
def test_an_event_of_every_kind_of_catalogue(
    catalog, stations, folder, tmp_path, x1_event, x1_stations, model
):
    if catalog == "txt":
        event = x1_event.iloc[0]
        (tmp_path / "catalog.txt").write_text(
            f"#EVENT X1.2012 eq {event['time']:%Y %m %d %j %H %M %S %f} LOC "
            f"{event['longitude']} {event['latitude']} DEP {event['depth_km']} MAG ML 3.3"
        )
    else:
        write_events(x1_event, tmp_path / f"catalog.{catalog}")
    if stations:
        write_stations(x1_stations, tmp_path / f"stations.{stations}")

    result = run(
        folder,
        tmp_path / "out",
        tmp_path / f"catalog.{catalog}",
        stations and tmp_path / f"stations.{stations}",
        model,
    )

    check_picks(result.picks)
    check_picks(read_picks(tmp_path / "out.csv"))
    assert row_tuples(read_picks(tmp_path / "out.csv")) == row_tuples(result.picks)
    assert result.summary["events"] == 1
    assert result.summary["discarded_too_far"] >= 0
    assert (tmp_path / "out.err").read_text() == ""


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
    assert set(result.picks["event_id"]) == {"X1.2012", "another"}
    assert not np.allclose(
        result.picks[result.picks["event_id"] == "X1.2012"]["residual_s"],
        first["residual_s"],
    )
    with pytest.raises(ValueError, match=r"velocity='ak135'.*'iasp91'"):
        run(folder, tmp_path / "out", both, None, model, velocity="ak135")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("catalog", pd.DataFrame(), "catalog=.* has no events"),
        ("catalog", pd.DataFrame({"id": ["a"]}), "no column time"),
        ("catalog", "missing.csv", "missing.csv"),
        ("stations", "missing.csv", "missing.csv"),
        ("velocity", "crust9", "velocity|model|crust"),
        ("before", -1, "before=-1"),
        ("catalog", "later", "no waveforms of the 1 events"),
    ],
)
def test_what_can_not_be_picked(
    name, value, message, folder, tmp_path, x1_event, x1_stations, model
):
    if isinstance(value, str) and value == "later":
        time = x1_event["time"] + pd.Timedelta(days=9)
        value = x1_event.assign(time=time, event_id="later")
    values = {"catalog": x1_event, "stations": x1_stations, name: value}
    with pytest.raises((ValueError, OSError), match=message):
        run(folder, tmp_path / "out", model=model, **values)
    assert not list(tmp_path.glob("out.*"))


def test_the_command(folder, tmp_path, x1_event, named, command):
    write_events(x1_event, tmp_path / "catalog.csv")
    good = (tmp_path / "catalog.csv").read_text()
    config = tmp_path / "events.toml"
    config.write_text('velocity = "ak135"\nprob = 0.2\n')

    result = command(
        *("pick-events", "-i", folder, "-o", tmp_path / "out"),
        *("-c", tmp_path / "catalog.csv", "-m", "LPPNM/csn", "--config", config),
        *("--formats", "csv,txt,quakeml,nlloc"),
    )

    assert result.status == 0, result.errors
    assert "2 picks of 1 event" in result.output
    options = json.loads((tmp_path / "out.json").read_text())["options"]
    assert (options["velocity"], options["threshold"]) == ("ak135", 0.2)
    for ending in (".csv", ".xml"):
        assert set(read_picks(tmp_path / f"out{ending}")["event_id"]) == {"X1.2012"}
    assert len(read_picks(tmp_path / "out.txt")) == 2
    assert (tmp_path / "out.obs").read_text().count(" GAU ") == 2

    # Without a time, or without a place.
    fields = good.splitlines()[1].split(",")
    wrong = [["none", "", *fields[2:]], ["none", fields[1], "", *fields[3:]]]
    (tmp_path / "catalog.csv").write_text("\n".join([good, *map(",".join, wrong)]))
    arguments = "-c", tmp_path / "catalog.csv", "-m", "LPPNM/csn", "--config", config
    result = command("pick-events", "-i", folder, "-o", tmp_path / "out", *arguments)
    assert result.status == 3, result.errors
    assert result.output.splitlines()[-1].startswith("2 lines")
    told = (tmp_path / "out.err").read_text()
    assert "line 4" in told
    assert "line 5" in told
