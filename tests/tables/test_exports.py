"""Files for other programs: what ObsPy, or a few lines as those programs, read of them."""

import io
import warnings
from pathlib import Path

import numpy as np
import obspy
import pandas as pd
import pytest
from made_associations import made
from obspy import UTCDateTime
from obspy.io.seiscomp.core import validate

from seisbench_diting import tables

# Each reader gives for each event the origin, if the file has one, as time, latitude,
# longitude and depth in km, and of each pick time, codes and phase.


def read_nonlinloc(path):
    for block in path.read_text().split("\n\n")[:-1]:
        rows = [line.split() for line in block.splitlines()]
        assert all(len(row) == 14 and float(row[10]) > 0 for row in rows)
        times = [UTCDateTime(row[6] + row[7]) + float(row[8]) for row in rows]
        codes = [["", row[0], ""] for row in rows]
        yield None, zip(times, codes, [row[4] for row in rows], strict=True)


def read_hypoinverse(path):
    """By the columns of the manual, from 1."""
    picks = []
    for line in path.read_text().splitlines():

        def at(first, last, line=line):
            return line[first - 1 : last].strip()

        def number(first, last, at=at):
            return float(at(first, last) or 0)

        if line[:2] == "20":
            latitude = number(17, 18) + number(20, 23) / 6000
            longitude = number(24, 26) + number(28, 31) / 6000
            origin = (
                UTCDateTime(at(1, 12)) + number(13, 16) / 100,
                latitude * (-1 if at(19, 19) == "S" else 1),
                longitude * (1 if at(27, 27) == "E" else -1),
                number(32, 36) / 100,
            )
            assert at(124, 126) in ("250", "")
            assert number(137, 146) > 0
        elif line[:5].strip():
            is_p = at(14, 15) == "P"
            assert is_p != (at(47, 48) == "S")
            second = number(30, 34) if is_p else number(42, 46)
            codes = [at(6, 7), at(1, 5), at(112, 113)]
            time = UTCDateTime(at(18, 29)) + second / 100
            picks.append((time, codes, "P" if is_p else "S"))
        else:
            assert number(63, 72) > 0
            yield origin, picks
            picks = []


def read_by_obspy(path):
    formats = {".pha": "HYPODDPHA", ".nordic": "NORDIC", ".scml": "SCML"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        catalog = obspy.read_events(str(path), format=formats[path.suffix])
    for event in catalog:
        x = event.origins[0]
        origin = x.time, x.latitude, x.longitude, x.depth / 1000
        codes = [pick.waveform_id.get_seed_string().split(".") for pick in event.picks]
        times, phases = zip(*((x.time, x.phase_hint) for x in event.picks), strict=True)
        yield origin, zip(times, codes, phases, strict=True)


@pytest.mark.parametrize(
    ("ending", "reader", "rounding_s", "has_networks"),
    [
        ("obs", read_nonlinloc, 1e-4, False),
        ("pha", read_by_obspy, 2e-4, False),
        ("arc", read_hypoinverse, 0.01, True),
        ("nordic", read_by_obspy, 2e-3, False),
        ("scml", read_by_obspy, 1e-6, True),
    ],
)
def test_exports_are_read_back(ending, reader, rounding_s, has_networks, tmp_path):
    events, picks = made(events=3, picks=4)
    # Origins with few milliseconds, before midnight, in the south and west.
    events = events[:2].assign(
        latitude=[25.366, -25.366],
        longitude=[100.6492, -100.6492],
        magnitude=[2.5, np.nan],
        magnitude_type=["ML", ""],
        max_horizontal_error_km=1.3,
    )
    errors = ["latitude_error_km", "longitude_error_km", "depth_error_km"]
    events[[*errors, "time_error_s"]] = 1.2, 0.8, 12.0, 0.1
    late = pd.Timestamp("2023-12-31T23:59:57.021Z") - events["time"][1]
    events.loc[1, "time"] += late
    picks.loc[picks["event_id"] == "event 1", "time"] += late
    picks["weight"] = [1.0, 0.8, 1e-6, np.nan] * 2
    picks["polarity"], picks["time_uncertainty_s"] = ["U", "", "D", ""] * 2, 0.07
    picks["phase"] = ["Pg" if ending != "pha" else "P", "S", "P", "S"] * 2
    picks["station_id"] = picks["station_id"].str.replace(".01312.", ".AAK.00")
    path = tmp_path / f"a.{ending}"
    tables.write_association(events, picks, path)

    for (origin, found), row in zip(reader(path), events.itertuples(), strict=True):
        if origin:
            assert abs(origin[0] - UTCDateTime(row.time)) <= rounding_s
            place = row.latitude, row.longitude, row.depth_km
            assert origin[1:] == pytest.approx(place, abs=1e-3)
        own = picks[picks["event_id"] == row.event_id]
        for (time, codes, phase), wanted in zip(found, own.itertuples(), strict=True):
            assert abs(time - UTCDateTime(wanted.time)) <= rounding_s
            assert phase[0] == wanted.phase[0]
            known = slice(3) if has_networks else slice(1, 2)
            assert codes[known] == wanted.station_id.split(".")[known]
    if ending == "scml":
        assert validate(io.BytesIO(path.read_bytes()))


def test_errors_of_picks_come_from_the_table(tmp_path):
    events, picks = made(events=2, picks=2)
    picks["time_uncertainty_s"] = [0.07, np.nan]
    tables.write_association(events, picks, tmp_path / "a.obs")
    lines = (tmp_path / "a.obs").read_text().splitlines()[:2]

    assert [float(line.split()[10]) for line in lines] == [0.07, 0.25]


@pytest.mark.parametrize("ending", ["pha", "arc", "nordic"])
def test_codes_that_do_not_fit_are_named(ending, tmp_path):
    events, picks = made(events=2, picks=2)
    picks["station_id"] = "MD.TOOLONGX."
    with pytest.warns(UserWarning, match=r"MD\.TOOLONGX"):
        tables.write_association(events, picks, path := tmp_path / f"a.{ending}")
    assert ending != "arc" or "\nTOOLOMD " in path.read_text()


def test_export_events_writes_all_formats(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tables.write_association(*made(events=2), path := Path("a.events.csv"))
    command = "export-events", path, "-o", "b", "--formats"
    status, output, _ = run(*command, "nlloc,hypodd,hypoinverse,nordic,scml,quakeml")

    assert status == 0
    for ending in ("obs", "pha", "arc", "nordic", "scml", "xml"):
        assert f"b.{ending}" in output
    assert len(tables.read_association("b.xml")[1]) == 3
    refused = run("export-events", "b.xml", *command[2:], "quakeml")
    assert refused[0] == 1
    assert "--output=b" in refused[2]
    # A wrong event goes with its picks, and the rest is written.
    path.write_text(path.read_text().replace("\nevent 0,", "\nevent 0,never"))
    status, _, told = run(*command, "scml")
    assert status == 3
    assert "line 2" in told
    assert "picks of event 0" in told
