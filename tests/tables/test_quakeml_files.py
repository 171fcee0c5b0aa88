"""QuakeML: what ObsPy makes of our files, and we of those of others."""

import io
import warnings

import numpy as np
import obspy
import obspy.io.quakeml.core
import pandas as pd
import pytest
from made_associations import made
from obspy.core.event import Catalog, Event, Magnitude, Origin

from seisbench_diting import tables


def written(events, picks, path):
    """ObsPy's catalogue of a file that is written without warnings and is valid."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tables.write_association(events, picks, path)
        catalog = obspy.read_events(str(path), format="QUAKEML")
    assert obspy.io.quakeml.core._validate(io.BytesIO(path.read_bytes()))
    return catalog


def test_obspy_reads_origins_and_arrivals(tmp_path):
    events, picks = made(events=3, picks=4)
    events = events.assign(magnitude=[2.5, np.nan, 3], event_type="eq")
    catalog = written(events, picks, tmp_path / "a.quakeml")

    assert [len(event.picks) for event in catalog] == [4, 4, 0]
    assert catalog[0].preferred_magnitude().mag == 2.5
    names = []
    for event in catalog:
        origin = event.preferred_origin()
        names += [event.resource_id.id, origin.resource_id.id]
        assert event.event_type == "earthquake"
        assert origin.depth == 7500
        assert origin.quality.used_phase_count == 4
        assert origin.quality.used_station_count == 4
        assert origin.quality.standard_error == 0.139
        assert origin.quality.azimuthal_gap == 200.5
        assert len(origin.arrivals) == len(event.picks)
        for arrival, pick in zip(origin.arrivals, event.picks, strict=True):
            assert arrival.pick_id.get_referred_object() is pick
            assert arrival.phase == pick.phase_hint
            assert arrival.distance == pytest.approx(13.753 / 111.195)
            assert (arrival.azimuth, arrival.time_residual) == (216.0, -0.139)
            names += [arrival.resource_id.id, pick.resource_id.id]
    assert len(set(names)) == len(names)


def test_obspy_reads_picks_of_events_without_origins(tmp_path):
    path = tmp_path / "picks.xml"
    times = pd.date_range("2024-02-28T12:00Z", periods=6, freq="6h")
    rows = {"station_id": "AA.B.00", "phase": "P", "time": times, "probability": 0.25}
    picks = tables.pick_table(pd.DataFrame(rows | {"event_id": ["YN:2", "c", "c"] * 2}))
    tables.write_picks([picks[:2], picks[2:]], path)
    catalog = obspy.read_events(str(path), format="QUAKEML")

    assert obspy.io.quakeml.core._validate(io.BytesIO(path.read_bytes()))
    assert [len(event.picks) for event in catalog] == [2, 4]
    assert not any(event.origins for event in catalog)
    pick = catalog[0].picks[0]
    assert pick.waveform_id.id == "AA.B.00."
    assert pick.waveform_id.channel_code is None
    assert (pick.phase_hint, pick.evaluation_mode) == ("P", "automatic")
    assert pick.time == obspy.UTCDateTime(2024, 2, 28, 12)
    assert '"probability": 0.25' in pick.comments[0].text


def test_loose_picks_are_refused(tmp_path):
    """They were written as events that did not exist."""
    _, picks = made()
    for loose in (picks[list(tables.COLUMNS)], picks.assign(event_id=["a", "a", ""])):
        with pytest.raises(ValueError, match=r"without an event.*\.csv"):
            tables.write_picks(loose, tmp_path / "picks.xml")
    assert list(tmp_path.iterdir()) == []


def test_the_same_tables_give_the_same_file(tmp_path, monkeypatch):
    one, two = tmp_path / "1.xml", tmp_path / "2.xml"
    tables.write_association(*made(7, 4), one)
    # Few rows are in memory at a time.
    monkeypatch.setattr("seisbench_diting.tables.quakeml._FEW", 3)
    tables.write_association(*tables.read_association(one), two)
    assert one.read_bytes() == two.read_bytes()


def test_obspy_makes_no_objects_of_events(tmp_path, monkeypatch):
    """It takes 20 s for 301 events of 20 picks, which are written in 0.3 s without it."""
    monkeypatch.setattr(obspy.core.event.base, "ResourceIdentifier", None)
    monkeypatch.setattr(obspy.core.event, "Catalog", None)
    events, picks = made(events=301, picks=20)
    tables.write_association(events, picks, tmp_path / "a.xml")
    found, assigned = tables.read_association(tmp_path / "a.xml")
    pd.testing.assert_frame_equal(found, events)
    pd.testing.assert_frame_equal(assigned, picks)


def test_text_that_xml_cannot_hold(tmp_path):
    events, picks = made()
    name = 'a<&>"\x01'
    events = events.assign(event_id=[name, "b"], magnitude=1, magnitude_type="<&>")
    picks = picks.assign(event_id=name, station_id='M"<.&>.')
    tables.write_association(events, picks, tmp_path / "a.xml")
    found, assigned = tables.read_association(tmp_path / "a.xml")
    pd.testing.assert_frame_equal(found, tables.event_table(events))
    pd.testing.assert_frame_equal(assigned, tables.assignment_table(picks))


def test_an_origin_that_others_prefer_has_no_quality_of_ours(tmp_path):
    path = tmp_path / "a.xml"
    catalog = written(*made(), path)
    ours = catalog[0].preferred_origin()
    other = Origin(time=ours.time, latitude=1, longitude=2, depth=9250)
    catalog[0].origins.append(other)
    catalog[0].preferred_origin_id = other.resource_id
    catalog.write(str(path), format="QUAKEML")
    events = tables.read_events(path)
    assert list(events["event_id"]) == ["event 0", "event 1"]
    assert list(events["depth_km"]) == [9.25, 7.5]
    assert events["pick_count"].isna().tolist() == [True, False]


def _write(path, *events):
    catalog = Catalog([Event(resource_id=name, **parts) for name, parts in events])
    catalog.write(str(path), format="QUAKEML")


def test_events_of_others(tmp_path):
    path = tmp_path / "events.xml"
    start = obspy.UTCDateTime(2020, 1, 1)
    first = Origin(time=start, latitude=1, longitude=2, depth=99)
    best = Origin(time=start + 1.000001, latitude=1.5, longitude=-2.5, depth=8123.4)
    parts = {"origins": [first, best], "preferred_origin_id": best.resource_id}
    parts["magnitudes"] = [Magnitude(mag=3.1, magnitude_type="ML")]
    _write(
        path,
        ("smi:a.b/query?eventId=17&x=2", {**parts, "event_type": "earthquake"}),
        ("quakeml:us.anss.org/event/20005ysu", {"origins": [first]}),
        ("smi:local/none", {}),
    )
    with pytest.warns(UserWarning, match="1 of 3 events are left out"):
        events = tables.read_events(path)

    assert list(events["event_id"]) == ["20005ysu", "17"]
    event = events.iloc[1]
    assert event["time"] == pd.Timestamp("2020-01-01T00:00:01.000001Z")
    assert (event["latitude"], event["longitude"]) == (1.5, -2.5)
    assert (event["depth_km"], event["magnitude"]) == (8.1234, 3.1)
    assert (event["magnitude_type"], event["event_type"]) == ("ML", "earthquake")
    assert np.isnan(events["magnitude"][0])

    # The last parts of their names are the same.
    parts = {"origins": [first]}
    _write(path, ("smi:local/one/7", parts), ("smi:local/two/7", parts))
    ids = set(tables.read_events(path)["event_id"])
    assert ids == {"smi:local/one/7", "smi:local/two/7"}


FOREIGN = """<?xml version="1.0" encoding="utf-8"?>
<q:quakeml xmlns="http://quakeml.org/xmlns/bed/1.2"
 xmlns:q="http://quakeml.org/xmlns/quakeml/1.2"><eventParameters publicID="smi:a/b">
<event publicID="smi:webservices.ingv.it/fdsnws/event/1/query?eventId=7073641">
<preferredOriginID>smi:a/2</preferredOriginID>
<pick publicID="smi:a/p1"><time><value>2016-08-24T01:36:35.12Z</value></time>
<waveformID networkCode="IV" stationCode="ARRO" locationCode="--" channelCode="EHZ"/>
<phaseHint>P</phaseHint><evaluationMode>manual</evaluationMode></pick>
<pick publicID="smi:a/p2"><time><value>2016-08-24T01:36:37Z</value></time>
<waveformID stationCode="NRCA"/><comment><text>{"a": [</text></comment></pick>
<pick publicID="smi:a/p3"><time><value>2016-08-24T01:36:39Z</value></time>
<waveformID networkCode="IV" stationCode="ARRO"/><phaseHint>IAML</phaseHint></pick>
<pick publicID="smi:a/p4"><time><value>2016-08-24T01:36:39Z</value></time>
<waveformID networkCode="IV"/><phaseHint>S</phaseHint></pick>
<pick publicID="smi:a/p5"><waveformID networkCode="IV" stationCode="ARRO"/></pick>
<origin publicID="smi:a/1"><arrival><pickID>smi:a/p1</pickID>
<distance>9</distance></arrival></origin>
<origin publicID="smi:a/2"><arrival><pickID>smi:a/p1</pickID><phase>Pg</phase>
<azimuth>120.5</azimuth><distance>0.1</distance><timeResidual>0.12</timeResidual>
</arrival><arrival><pickID>smi:a/p2</pickID><phase>Sg</phase></arrival></origin>
</event></eventParameters></q:quakeml>"""


def test_picks_of_others(tmp_path):
    path = tmp_path / "ingv.xml"
    path.write_text(FOREIGN)
    with pytest.warns(UserWarning, match=r"3 of 5 picks are left out"):
        picks = tables.read_picks(path)

    assert list(picks["station_id"]) == ["IV.ARRO.", ".NRCA."]
    assert list(picks["phase"]) == ["P", "Sg"]
    assert list(picks["probability"]) == [1.0, 1.0]
    assert list(picks["event_id"]) == ["7073641"] * 2
    assert picks["epicentral_distance_km"][0] == pytest.approx(11.12, abs=0.01)
    assert picks["azimuth_deg"][0] == 120.5
    assert picks["residual_s"][0] == 0.12
    assert np.isnan(picks["residual_s"][1])
    # The event has no place, so its picks are assigned to nothing.
    with pytest.warns(UserWarning, match="left out"):
        events, picks = tables.read_association(path)
    assert (len(events), len(picks)) == (0, 0)


def test_xml_that_is_not_quakeml(tmp_path):
    path, secret = tmp_path / "picks.xml", tmp_path / "secret"
    secret.write_text("P")
    for text in ("<FDSNStationXML/>", "<q:quakeml", FOREIGN[:700]):
        path.write_text(text)
        with pytest.raises(ValueError, match=r"picks\.xml: "):
            tables.read_picks(path)

    # Nothing that a file refers to is read.
    entity = f'<!DOCTYPE q [<!ENTITY e SYSTEM "{secret}">]>'
    start, end = FOREIGN.split("\n", maxsplit=1)
    path.write_text(f"{start}\n{entity}{end}".replace(">P<", ">&e;<"))
    with pytest.warns(UserWarning, match="left out"):
        picks = tables.read_picks(path)
    assert list(picks["phase"]) == ["Pg", "Sg"]
