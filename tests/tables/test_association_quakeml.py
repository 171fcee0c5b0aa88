"""Associations in QuakeML, read by ObsPy and here."""

import io
import warnings

import obspy
import obspy.io.quakeml.core
import pandas as pd
import pytest
from hypothesis import given, settings
from made_associations import associations, made, ordered

from seisbench_diting import tables


@settings(max_examples=25, deadline=None)
@given(association=associations())
def test_every_digit_comes_back(association, tmp_path_factory):
    events, picks = association
    path = tmp_path_factory.mktemp("association") / "a.xml"
    tables.write_association(events, picks, path)
    found, assigned = tables.read_association(path)

    pd.testing.assert_frame_equal(found, events, check_exact=True)
    pd.testing.assert_frame_equal(ordered(assigned), ordered(picks), check_exact=True)
    pd.testing.assert_frame_equal(tables.read_events(path), found)
    if len(picks):
        pd.testing.assert_frame_equal(tables.read_picks(path), assigned)
    assert obspy.io.quakeml.core._validate(io.BytesIO(path.read_bytes()))


def test_obspy_reads_origins_and_arrivals(tmp_path):
    path = tmp_path / "a.quakeml"
    events, picks = made(events=3, picks=4)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tables.write_association(events, picks, path)
        catalog = obspy.read_events(str(path), format="QUAKEML")

    assert [len(event.picks) for event in catalog] == [4, 4, 0]
    names = []
    for event in catalog:
        origin = event.preferred_origin()
        names += [event.resource_id.id, origin.resource_id.id]
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
            names += [comment.resource_id.id for comment in pick.comments]
    assert len(set(names)) == len(names)


def test_the_same_tables_give_the_same_file(tmp_path):
    one, two = tmp_path / "1.xml", tmp_path / "2.xml"
    tables.write_association(*made(), one)
    tables.write_association(*tables.read_association(one), two)
    assert one.read_bytes() == two.read_bytes()


def test_an_origin_that_others_prefer_has_no_quality_of_ours(tmp_path):
    path = tmp_path / "a.xml"
    tables.write_association(*made(), path)
    catalog = obspy.read_events(str(path))
    ours = catalog[0].preferred_origin()
    other = obspy.core.event.Origin(
        time=ours.time, latitude=ours.latitude, longitude=ours.longitude, depth=9250
    )
    catalog[0].origins.append(other)
    catalog[0].preferred_origin_id = other.resource_id
    catalog.write(str(path), format="QUAKEML")
    events = tables.read_events(path)
    assert list(events["event_id"]) == ["event 0", "event 1"]
    assert list(events["depth_km"]) == [9.25, 7.5]
    assert events["pick_count"].isna().tolist() == [True, False]


def test_picks_that_are_there_twice_have_names_that_differ(tmp_path):
    events, picks = made()
    picks = tables.assignment_table(pd.concat([picks, picks]))
    tables.write_association(events, picks, tmp_path / "a.xml")
    _, found = tables.read_association(tmp_path / "a.xml")
    pd.testing.assert_frame_equal(found, picks)
    event = obspy.read_events(str(tmp_path / "a.xml"))[0]
    assert len({pick.resource_id.id for pick in event.picks}) == 6


PICKED = """<pick publicID="smi:a/p{0}"><time><value>2016-08-24T01:36:35Z</value></time>
<waveformID networkCode="IV" stationCode="A{0}"/><phaseHint>P</phaseHint></pick>"""
LOCATED = """<origin publicID="smi:a/o{0}"><time><value>2016-08-24T01:36:32Z</value></time>
<latitude><value>42.7</value></latitude><longitude><value>13.2</value></longitude>
<arrival publicID="smi:a/a{0}"><pickID>smi:a/p{0}</pickID><phase>P</phase>
<timeResidual>0.5</timeResidual></arrival></origin>"""


def _others(path, *events):
    parts = [f'<event publicID="{name}">{inner}</event>' for name, inner in events]
    path.write_text(
        '<q:quakeml xmlns="http://quakeml.org/xmlns/bed/1.2" '
        'xmlns:q="http://quakeml.org/xmlns/quakeml/1.2"><eventParameters '
        f'publicID="smi:a/b">{"".join(parts)}</eventParameters></q:quakeml>'
    )


def test_quakeml_of_others(tmp_path):
    path = tmp_path / "others.xml"
    _others(
        path,
        ("smi:one/7", LOCATED.format(1)),
        ("smi:two/7", PICKED.format(2) + LOCATED.format(2)),
        ("smi:two/8", PICKED.format(3)),
    )
    with pytest.warns(UserWarning, match="1 of 3 events are left out"):
        events, picks = tables.read_association(path)
    assert set(events["event_id"]) == {"smi:one/7", "smi:two/7"}
    # Events have one name in both tables, though the picks' events alone had shorter ones.
    assert list(picks["event_id"]) == ["smi:two/7"]
    assert picks["residual_s"][0] == 0.5
    assert list(events) == list(tables.EVENT_TABLE_COLUMNS)

    _others(path, ("smi:one/7", LOCATED.format(1)))
    events, picks = tables.read_association(path)
    assert len(events) == 1
    pd.testing.assert_frame_equal(picks, tables.assignment_table([]))


def test_obspy_makes_no_objects_of_events(tmp_path, monkeypatch):
    """It takes 20 s for 301 events of 20 picks, which are written in 0.3 s without it."""
    monkeypatch.setattr(obspy.core.event.base, "ResourceIdentifier", None)
    monkeypatch.setattr(obspy.core.event, "Catalog", None)
    events, picks = made(events=301, picks=20)
    tables.write_association(events, picks, tmp_path / "a.xml")
    found, assigned = tables.read_association(tmp_path / "a.xml")
    pd.testing.assert_frame_equal(found, events)
    pd.testing.assert_frame_equal(assigned, picks)


def test_no_more_than_a_few_rows_are_in_memory(tmp_path, monkeypatch):
    events, picks = made(events=7, picks=4)
    tables.write_association(events, picks, tmp_path / "whole.xml")
    monkeypatch.setattr("seisbench_diting.tables.quakeml._FEW", 3)
    tables.write_association(events, picks, tmp_path / "pieces.xml")
    whole = (tmp_path / "whole.xml").read_bytes()
    assert (tmp_path / "pieces.xml").read_bytes() == whole


def test_text_that_xml_cannot_hold(tmp_path):
    events, picks = made()
    events = events.assign(
        event_id=['a<&>"\x01', "b"], magnitude=1, magnitude_type="<&>"
    )
    picks = picks.assign(event_id='a<&>"\x01', station_id='M"<.&>.')
    tables.write_association(events, picks, tmp_path / "a.xml")
    found, assigned = tables.read_association(tmp_path / "a.xml")
    pd.testing.assert_frame_equal(found, tables.event_table(events))
    pd.testing.assert_frame_equal(assigned, tables.assignment_table(picks))
