"""Files for other programs: what ObsPy, or a few lines as those programs, read of them."""

import io
import warnings

import numpy as np
import obspy
import pandas as pd
import pytest
from made_associations import made
from obspy.core.event import Event, Origin, Pick, WaveformStreamID
from obspy.io.seiscomp.core import validate

from seisbench_diting import tables


def read_nonlinloc(path):
    """Events without origins."""
    for block in path.read_text().split("\n\n")[:-1]:
        lines = [line.split() for line in block.splitlines()]
        assert all(len(line) == 14 and float(line[10]) > 0 for line in lines)
        yield Event(
            picks=[
                Pick(
                    time=obspy.UTCDateTime(x[6] + x[7]) + float(x[8]),
                    phase_hint=x[4],
                    waveform_id=WaveformStreamID(station_code=x[0]),
                )
                for x in lines
            ]
        )


def read_hypoinverse(path):
    """By the columns of the manual, from 1."""
    event = Event(picks=[], origins=[])
    for line in path.read_text().splitlines():
        at = lambda first, last, line=line: line[first - 1 : last].strip()  # noqa: E731
        number = lambda first, last, at=at: float(at(first, last) or 0)  # noqa: E731
        if line[:2] == "20":
            latitude = number(17, 18) + number(20, 23) / 6000
            longitude = number(24, 26) + number(28, 31) / 6000
            origin = Origin(
                time=obspy.UTCDateTime(at(1, 12)) + number(13, 16) / 100,
                latitude=latitude * (-1 if at(19, 19) == "S" else 1),
                longitude=longitude * (1 if at(27, 27) == "E" else -1),
                depth=number(32, 36) * 10,
            )
            event.origins.append(origin)
            assert at(124, 126) in ("250", "")
            assert number(137, 146) > 0
        elif line[:5].strip():
            is_p = at(14, 15) == "P"
            assert is_p != (at(47, 48) == "S")
            second = number(30, 34) if is_p else number(42, 46)
            codes = dict(network_code=at(6, 7), location_code=at(112, 113))
            pick = Pick(
                time=obspy.UTCDateTime(at(18, 29)) + second / 100,
                phase_hint="P" if is_p else "S",
                waveform_id=WaveformStreamID(station_code=at(1, 5), **codes),
            )
            event.picks.append(pick)
        else:
            assert number(63, 72) > 0
            yield event
            event = Event(picks=[], origins=[])


@pytest.mark.parametrize(
    ("ending", "reader", "rounding_s", "parts"),
    [
        ("obs", read_nonlinloc, 1e-4, 1),
        ("pha", "HYPODDPHA", 2e-4, 1),
        ("arc", read_hypoinverse, 0.01, 3),
        ("nordic", "NORDIC", 2e-3, 1),
        ("scml", "SCML", 1e-6, 3),
    ],
)
def test_exports_are_read_back(ending, reader, rounding_s, parts, tmp_path):
    events, picks = made(events=3, picks=4)
    # Origins with few milliseconds, before midnight, in the south and west.
    late = pd.Timestamp("2023-12-31T23:59:57.021Z") - events["time"][1]
    errors = {"latitude_error_km": 1.2, "longitude_error_km": 0.8, "depth_error_km": 12}
    events = events.assign(
        time=events["time"].where(events.index != 1, events["time"] + late),
        latitude=[25.366, -25.366, 0.0],
        longitude=[100.6492, -100.6492, 0.0],
        magnitude=[2.5, np.nan, np.nan],
        magnitude_type=["ML", "", ""],
        time_error_s=0.1,
        max_horizontal_error_km=1.3,
        **errors,
    ).iloc[[0, 1]]
    second = picks["event_id"] == "event 1"
    picks["time"] = picks["time"].where(~second, picks["time"] + late)
    picks["weight"] = [1.0, 0.8, 1e-6, np.nan] * 2
    picks["phase"] = ["Pg" if ending != "pha" else "P", "S", "P", "S"] * 2
    picks["station_id"] = picks["station_id"].str.replace(".01312.", ".AAK.00")
    path = tmp_path / f"a.{ending}"
    tables.write_association(events, picks, path)
    if callable(reader):
        found = list(reader(path))
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = obspy.read_events(str(path), format=reader)

    assert len(found) == 2
    for event, row in zip(found, events.itertuples(), strict=True):
        own = picks[picks["event_id"] == row.event_id]
        for pick, wanted in zip(event.picks, own.itertuples(), strict=True):
            assert pick.time - obspy.UTCDateTime(wanted.time) == pytest.approx(
                0, abs=rounding_s
            )
            codes, wanted_codes = pick.waveform_id, wanted.station_id.split(".")
            assert codes.station_code == wanted_codes[1]
            if parts == 3:
                both = codes.network_code, codes.location_code or ""
                assert both == (wanted_codes[0], wanted_codes[2])
            assert pick.phase_hint[0] == wanted.phase[0]
        if event.origins:
            origin = event.origins[0]
            assert abs(origin.time - obspy.UTCDateTime(row.time)) <= rounding_s
            place = origin.latitude, origin.longitude, origin.depth / 1000
            wanted_place = row.latitude, row.longitude, row.depth_km
            assert place == pytest.approx(wanted_place, abs=1e-3)
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
    tables.write_association(*made(), "a.events.csv")
    formats = "nlloc,hypodd,hypoinverse,nordic,scml,quakeml"
    status, output, _ = run(
        "export-events", "a.events.csv", "-o", "a", "--formats", formats
    )

    assert (status, output.count("2 events, 3 picks")) == (0, 6)
    assert len(tables.read_association("a.xml")[1]) == 3
    refused = run("export-events", "a.xml", "-o", "a", "--formats", "quakeml")
    assert refused[0] == 1
    assert "--output=a" in refused[2]
