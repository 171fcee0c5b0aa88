"""Local magnitudes of made records, whose Wood-Anderson seismograms are known."""

import json
from pathlib import Path

import numpy as np
import obspy
import pandas as pd
import pytest
from obspy.core.inventory import Channel, Inventory, Network, Response, Station
from scipy import signal

from seisbench_diting.association import local_magnitudes
from seisbench_diting.tables import read_events, write_association

RATE, ORIGIN, DEPTH = 100.0, obspy.UTCDateTime("2024-05-01T00:01:00"), 8.0
#: Distances of stations in degrees of latitude, and their amplitudes in micrometres.
PLACES = {"A": (0.1, 8.0), "B": (0.3, 2.0), "C": (0.6, 0.5), "D": (1.0, 0.2)}
#: A broadband seismometer of 120 s, which turns m/s into counts.
SENSOR = [0, 0], [-0.037 + 0.037j, -0.037 - 0.037j], 1.5e9
UNITS = {"m": 0, "m/s": 1, "counts": 1, "m/s2": 2}
FACTORS = {"HHE": 1.0, "HHN": 0.5, "HHZ": 2.0}


def kilometres(name):
    return np.hypot(PLACES[name][0] * 111.19, DEPTH)


def ground(name, channel):
    """Displacement in m, of 100 s: a little P, and S."""
    t = np.arange(0, 100, 1 / RATE) - 61
    arrivals = (kilometres(name) / 6, 0.2), (kilometres(name) / 3.5, 1.0)
    shape = sum(a * np.exp(-4 * (t - at) ** 2) for at, a in arrivals)
    return PLACES[name][1] * 1e-6 * FACTORS[channel] * shape * np.sin(6 * np.pi * t)


def filtered(zeros, poles, gain, data):
    """In the time domain, unlike what is tested."""
    system = signal.ZerosPolesGain(zeros, poles, gain)
    return signal.lsim(system, data, np.arange(len(data)) / RATE)[1]


def magnitude_of(name, channel):
    w, km = 2 * np.pi / 0.8, kilometres(name)
    poles = np.roots([1, 2 * 0.7 * w, w**2])
    amplitude = np.abs(filtered([0, 0], poles, 2080e3, ground(name, channel))).max()
    return np.log10(amplitude) + 1.11 * np.log10(km / 100) + 0.00189 * (km - 100) + 3


@pytest.fixture
def files(tmp_path, monkeypatch, rng):
    """Function that writes waveforms, stations and an event with picks."""
    monkeypatch.chdir(tmp_path)
    response = Response.from_paz(*SENSOR, 1.0, "M/S", "COUNTS")
    stations, picks = [], []
    for name, (y, _) in PLACES.items():
        about = (y, 0.0, 0.0, 0.0), {"response": response, "sample_rate": RATE}
        channels = [Channel(code, "", *about[0], **about[1]) for code in FACTORS]
        stations.append(Station(name, y, 0.0, 0.0, channels=channels))
        for phase, speed in (("P", 6), ("S", 3.5)):
            time = str(ORIGIN + kilometres(name) / speed)
            picks.append({"station_id": f"AA.{name}.", "phase": phase, "time": time})
    network = Network("AA", stations=stations)
    Inventory([network], "test").write("stations.xml", "STATIONXML")
    event = {"event_id": "1", "time": str(ORIGIN), "latitude": 0.0, "longitude": 0.0}
    table = pd.DataFrame(picks).assign(event_id="1")
    write_association([event | {"depth_km": DEPTH}], table, "x.events.csv")

    def write(unit="counts", change=lambda trace: None):
        stream = obspy.Stream()
        for name, code in ((name, code) for name in PLACES for code in FACTORS):
            data = ground(name, code) + rng.normal(0, 1e-10, 10_000)
            for _ in range(UNITS[unit]):
                data = np.gradient(data, 1 / RATE)
            if unit == "counts":
                data = np.round(filtered(*SENSOR, data))
            about = {"network": "AA", "station": name, "channel": code}
            about |= {"sampling_rate": RATE, "starttime": ORIGIN - 60}
            stream.append(obspy.Trace(data, about))
            if name == "A":
                change(stream[-1])
        stream.write("waves.mseed", "MSEED")
        return "x.events.csv", "-i", "waves.mseed", "-s", "stations.xml", "-o", "ml"

    return write


@pytest.mark.parametrize("unit", UNITS)
def test_made_records_have_their_magnitudes(files, unit):
    events, _, inputs, _, stations, *_ = files(unit)
    more = {"unit": unit, "progress": False}
    found = local_magnitudes(events=events, inputs=inputs, stations=stations, **more)
    rows = found.amplitudes.itertuples()
    right = [magnitude_of(x.station_id[3], x.channel) for x in rows]
    assert found.amplitudes["magnitude"].to_list() == pytest.approx(right, abs=0.05)
    of_station = np.reshape(right, (4, 2)).mean(axis=1)
    (event,) = found.events.itertuples()
    assert event.magnitude == pytest.approx(np.median(of_station), abs=0.05)
    spread = 1.4826 * np.median(np.abs(of_station - np.median(of_station)))
    assert event.magnitude_error == pytest.approx(spread, abs=0.05)
    assert (event.magnitude_type, event.magnitude_station_count) == ("ML", 4)


def test_files_of_the_command(files, run):
    Path("curve.csv").write_text("distance_km,minus_log_a0\n0,2\n100,3\n")
    Path("corrections.csv").write_text("station_id,correction\nAA.A,0.5\n")
    more = "--curve", "curve.csv", "--corrections", "corrections.csv"

    status, _, errors = run("magnitude", *files(), *more)

    assert (status, errors) == (0, "")
    rows = pd.read_csv("ml.amplitudes.csv")
    values = np.log10(rows["amplitude_mm"]) + 2 + rows["distance_km"] / 100
    values += 0.5 * (rows["station_id"] == "AA.A.")
    assert rows["magnitude"].to_list() == pytest.approx(values.to_list(), abs=1e-3)
    (event,) = obspy.read_events("ml.xml")
    magnitude = event.preferred_magnitude()
    assert len(magnitude.station_magnitude_contributions) == 6
    known = {one.resource_id: one.generic_amplitude for one in event.amplitudes}
    for one, row in zip(event.station_magnitudes, rows.itertuples(), strict=True):
        assert known[one.amplitude_id] == pytest.approx(
            row.amplitude_mm / 1e3, rel=1e-3
        )
        assert one.waveform_id.get_seed_string() == f"{row.station_id}.{row.channel}"
    for name in ("ml.xml", "ml.events.csv"):
        (again,) = read_events(name).itertuples()
        assert again.magnitude == pytest.approx(magnitude.mag)
        assert again.magnitude_error == pytest.approx(magnitude.mag_errors.uncertainty)


@pytest.mark.parametrize(
    ("reason", "change"),
    [
        ("clipped", lambda trace: trace.data.clip(0, out=trace.data)),
        ("a gap", lambda trace: trace.data.put(6300, np.nan)),
        ("too short", lambda trace: trace.trim(endtime=ORIGIN + 5)),
        ("noise", lambda trace: trace.data.put(5800, 30 * trace.data.max())),
        ("response", lambda trace: trace.stats.update({"location": "10"})),
        ("horizontal", lambda trace: trace.stats.update({"channel": "HHZ"})),
    ],
)
def test_what_is_not_used_is_named_and_counted(files, run, reason, change):
    output = run("magnitude", *files(change=change)).output
    left = json.loads(Path("ml.json").read_text())["amplitudes_left_out"]
    lines = Path("ml.err").read_text().splitlines()
    assert all(reason in why and why in output for why in left)
    assert any("AA.A." in line and why in line for line in lines for why in left)
    assert "AA.A." not in set(pd.read_csv("ml.amplitudes.csv")["station_id"])


def test_a_day_without_events(files, run):
    write_association([], [], "none.events.csv")
    assert run("magnitude", "none.events.csv", *files()[1:]).status == 0
    assert len(read_events("ml.events.csv")) == 0
