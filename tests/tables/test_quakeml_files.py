"""QuakeML: what ObsPy makes of our files, and we of those of others."""

import io
import warnings

import numpy as np
import obspy
import obspy.io.quakeml.core
import pandas as pd
import pytest
from made_associations import made
from obspy.core.event import (
    Catalog,
    Event,
    Magnitude,
    Origin,
    Pick,
    QuantityError,
    WaveformStreamID,
)

from seisbench_diting import tables


def read_by_obspy(path):
    """ObsPy's catalogue of a file that it finds valid."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        catalog = obspy.read_events(str(path), format="QUAKEML")
    assert obspy.io.quakeml.core._validate(io.BytesIO(path.read_bytes()))
    return catalog


def test_obspy_reads_origins_and_arrivals(tmp_path):
    events, picks = made(events=3, picks=4)
    errors = ["time_error_s", "latitude_error_km", "longitude_error_km"]
    errors += ["depth_error_km", "max_horizontal_error_km", "min_horizontal_error_km"]
    events[[*errors, "max_error_azimuth_deg"]] = 0.1, 1.2, 0.8, 2.5, 1.3, 0.7, 30.0
    events = events.assign(magnitude=[2.5, np.nan, 3], event_type="eq")
    picks["weight"] = 0.5
    tables.write_association(events, picks, tmp_path / "a.quakeml")
    catalog = read_by_obspy(tmp_path / "a.quakeml")

    assert [len(event.picks) for event in catalog] == [4, 4, 0]
    assert catalog[0].preferred_magnitude().mag == 2.5
    event, origin = catalog[0], catalog[0].preferred_origin()
    assert (event.event_type, origin.depth) == ("earthquake", 7500)
    quality = origin.quality
    assert (quality.used_phase_count, quality.used_station_count) == (4, 4)
    assert (quality.standard_error, quality.azimuthal_gap) == (0.139, 200.5)
    of_latitude, of_depth = origin.latitude_errors, origin.depth_errors
    assert of_latitude.uncertainty == pytest.approx(1.2 / 111.195)
    assert (origin.time_errors.uncertainty, of_depth.uncertainty) == (0.1, 2500)
    ellipse = origin.origin_uncertainty
    assert ellipse.max_horizontal_uncertainty == 1300
    assert ellipse.preferred_description == "uncertainty ellipse"
    for arrival, pick in zip(origin.arrivals, event.picks, strict=True):
        assert arrival.pick_id.get_referred_object() is pick
        assert arrival.phase == pick.phase_hint
        assert arrival.distance == pytest.approx(13.753 / 111.195)
        known = arrival.azimuth, arrival.time_residual, arrival.time_weight
        assert known == (216.0, -0.139, 0.5)


def test_amplitudes_without_noise(tmp_path):
    events, picks = made()
    row = {
        "event_id": "event 0",
        "station_id": "AA.B.",
        "channel": "HHE",
        "magnitude": 2,
    }
    row |= {"time": events["time"][0], "amplitude_mm": 0.5, "snr": np.inf}
    path = tmp_path / "a.xml"
    tables.write_association(events, picks, path, amplitudes=pd.DataFrame([row]))
    (amplitude,) = read_by_obspy(path)[0].amplitudes
    assert (amplitude.generic_amplitude, amplitude.snr) == (5e-4, None)


def test_obspy_reads_picks_of_events_without_origins(tmp_path):
    picks = made()[1].assign(event_id=["YN:2", "c", "c"], station_id="AA.B.00")
    tables.write_picks([picks[:2], picks[2:]], tmp_path / "picks.xml")
    catalog = read_by_obspy(tmp_path / "picks.xml")

    assert [len(event.picks) for event in catalog] == [1, 2]
    assert not any(event.origins for event in catalog)
    pick = catalog[0].picks[0]
    assert pick.waveform_id.id == "AA.B.00."
    assert (pick.phase_hint, pick.evaluation_mode) == ("P", "automatic")
    assert pick.time == obspy.UTCDateTime("2022-04-09T02:28:40.2497")
    assert '"probability": 0.958' in pick.comments[0].text


def test_loose_picks_are_refused(tmp_path):
    """They were written as events that did not exist."""
    _, picks = made()
    for loose in (picks[list(tables.COLUMNS)], picks.assign(event_id=["a", "a", ""])):
        with pytest.raises(ValueError, match="event"):
            tables.write_picks(loose, tmp_path / "picks.xml")
    assert list(tmp_path.iterdir()) == []


def test_the_same_tables_give_the_same_file(tmp_path, monkeypatch):
    one, two = tmp_path / "1.xml", tmp_path / "2.xml"
    tables.write_association(*made(7, 4), one)
    # Few rows are in memory at a time.
    monkeypatch.setattr("seisbench_diting.tables.quakeml._FEW", 3)
    tables.write_association(*tables.read_association(one), two)
    assert one.read_bytes() == two.read_bytes()


def test_text_that_xml_cannot_hold(tmp_path):
    events, picks = made()
    name = 'a<&>"\x01'
    events = events.assign(event_id=[name, "b"], magnitude=1, magnitude_type="<&>")
    picks = picks.assign(event_id=name, station_id='M"<.&>.')
    tables.write_association(events, picks, tmp_path / "a.xml")
    found, assigned = tables.read_association(tmp_path / "a.xml")
    pd.testing.assert_frame_equal(found, tables.event_table(events))
    pd.testing.assert_frame_equal(assigned, tables.assignment_table(picks))


def test_origins_of_others_are_preferred_if_they_say_so(tmp_path):
    path = tmp_path / "a.xml"
    tables.write_association(*made(), path)
    catalog = read_by_obspy(path)
    time = catalog[0].preferred_origin().time
    other = Origin(time=time + 1.000001, latitude=1, longitude=-2.5, depth=8123.4)
    catalog[0].origins.append(other)
    catalog[0].preferred_origin_id = other.resource_id
    catalog[0].magnitudes = [Magnitude(mag=3.1, magnitude_type="ML")]
    catalog.write(str(path), format="QUAKEML")
    events = tables.read_events(path)

    event = events.iloc[0]
    assert event["time"] == pd.Timestamp((time + 1.000001).datetime, tz="UTC")
    assert tuple(event[["latitude", "longitude", "depth_km"]]) == (1, -2.5, 8.1234)
    assert (event["magnitude_type"], event["magnitude"]) == ("ML", 3.1)
    # Their origin has no quality of ours.
    assert events["pick_count"].isna().tolist() == [True, False]


SAME_ENDS = ["smi:local/one/7", "smi:local/two/7"]


@pytest.mark.parametrize(
    ("names", "ids"),
    [
        (["smi:a.b/query?eventId=17&x=2"], ["17"]),
        (["quakeml:us.anss.org/event/20005ysu"], ["20005ysu"]),
        (SAME_ENDS, SAME_ENDS),
    ],
)
def test_names_of_others_are_short_where_they_differ(names, ids, tmp_path):
    origin = Origin(time=obspy.UTCDateTime(2020, 1, 1), latitude=1, longitude=2)
    events = [Event(resource_id=name, origins=[origin]) for name in names]
    events.append(Event(resource_id="smi:local/none"))
    Catalog(events).write(str(tmp_path / "a.xml"), format="QUAKEML")
    with pytest.warns(UserWarning, match=f"event {len(events)}"):
        found = tables.read_events(tmp_path / "a.xml")
    assert sorted(found["event_id"]) == ids


def test_a_value_that_is_no_number_costs_its_event_or_pick(tmp_path):
    path = tmp_path / "a.xml"
    origin = {"time": obspy.UTCDateTime(2020, 1, 1), "latitude": 1}
    origins = [Origin(**origin, longitude=n) for n in (2.5, 3.5, 400)]
    events = [
        Event(resource_id=f"smi:local/{n}", origins=[o])
        for n, o in enumerate(origins, 1)
    ]
    Catalog(events).write(str(path), format="QUAKEML")
    path.write_text(path.read_text().replace("3.5", "east"))
    with pytest.warns(UserWarning, match=r"event 2.*/2.*east.*event 3.*/3.*400"):
        assert list(tables.read_events(path)["longitude"]) == [2.5]

    path.write_text(FOREIGN.replace("0.12<", "late<"))
    with pytest.warns(UserWarning, match="pick 1.*late"):
        assert list(tables.read_picks(path)["station_id"]) == [".NRCA."]


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
<origin publicID="smi:a/1"><arrival><pickID>smi:a/p1</pickID>
<distance>9</distance></arrival></origin>
<origin publicID="smi:a/2"><arrival><pickID>smi:a/p1</pickID><phase>Pg</phase>
<azimuth>120.5</azimuth><distance>0.1</distance><timeResidual>0.12</timeResidual>
</arrival><arrival><pickID>smi:a/p2</pickID><phase>Sg</phase></arrival></origin>
</event></eventParameters></q:quakeml>"""


def test_picks_of_others(tmp_path):
    path = tmp_path / "ingv.xml"
    path.write_text(FOREIGN.replace(">P<", ">p<"))
    with pytest.warns(UserWarning, match=r"pick 3.*pick 4"):
        picks = tables.read_picks(path)

    names = ["station_id", "phase", "event_id", "azimuth_deg", "residual_s"]
    assert tuple(picks.loc[0, names]) == ("IV.ARRO.", "P", "7073641", 120.5, 0.12)
    assert tuple(picks.loc[1, names[:3]]) == (".NRCA.", "Sg", "7073641")
    assert picks["epicentral_distance_km"][0] == pytest.approx(11.12, abs=0.01)
    assert np.isnan(picks["residual_s"][1])
    # The event has no place, so its picks are assigned to nothing.
    with pytest.warns(UserWarning, match="event 1"):
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
    with pytest.warns(UserWarning, match=r"pick 3.*pick 4"):
        picks = tables.read_picks(path)
    assert list(picks["phase"]) == ["Pg", "Sg"]


def test_errors_of_analysts_picks_are_read(tmp_path):
    place = WaveformStreamID("XX", "A")
    error = QuantityError(uncertainty=0.08)
    pick = Pick(time=0, time_errors=error, waveform_id=place, phase_hint="P")
    Catalog([Event(picks=[pick])]).write(tmp_path / "a.xml", "QUAKEML")
    assert tables.read_picks(tmp_path / "a.xml")["time_uncertainty_s"].tolist() == [
        0.08
    ]


def test_names_that_end_in_a_slash_are_names(tmp_path):
    origin = Origin(time=0, latitude=1, longitude=2)
    event = Event(resource_id="smi:local/event/116.39/", origins=[origin])
    Catalog([event]).write(tmp_path / "a.xml", "QUAKEML")
    assert tables.read_events(tmp_path / "a.xml")["event_id"].tolist() == [
        "smi:local/event/116.39/"
    ]
