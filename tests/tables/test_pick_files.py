"""Files of picks: every format, whole and piece by piece, of ours and of others."""

import builtins
import io
import string
import warnings

import numpy as np
import obspy
import obspy.io.quakeml.core
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from seisbench_diting import tables

DAY = pd.Timestamp("2024-02-28T12:00:00Z")
CODE = st.text(string.ascii_uppercase + string.digits, min_size=1, max_size=5)
NUMBER = st.floats(allow_infinity=False)
TEXT = st.text(
    st.characters(codec="utf-8", exclude_characters="\r\n", exclude_categories=["Cc"])
).map(str.strip)
TIME = st.integers(0, 3 * 86400 * 10**6).map(lambda us: DAY + pd.Timedelta(us, "us"))
ROW = {
    "station_id": st.builds("{}.{}.{}".format, CODE, CODE, st.sampled_from(["", "00"])),
    "phase": st.sampled_from(tables.PHASES),
    "time": TIME,
    "probability": st.floats(0, 1),
    "snr": NUMBER,
    "amplitude": NUMBER,
    "record": TEXT,
    "relative_time_s": NUMBER,
}
OF_EVENT = {
    "event_id": st.sampled_from(["", "a:b/c d", "a_b", "YN.2020.0002"]),
    "epicentral_distance_km": NUMBER,
    "azimuth_deg": NUMBER,
    "theoretical_time": TIME | st.none(),
    "residual_s": NUMBER,
}
ROWS = st.lists(st.fixed_dictionaries(ROW), max_size=8) | st.lists(
    st.fixed_dictionaries(ROW | OF_EVENT), min_size=1, max_size=8
)


def _picks(number=12, **columns):
    times = pd.date_range(DAY, periods=number, freq="6h").astype("datetime64[us, UTC]")
    rows = {"station_id": "AA.B.", "phase": "P", "time": times, "probability": 0.5}
    return tables.pick_table(pd.DataFrame(rows | columns))


def _for(ending, picks):
    """QuakeML has picks of events only."""
    is_quakeml = ending in ("xml", "quakeml")
    return tables.pick_table(picks.assign(event_id="e")) if is_quakeml else picks


def _pieces(picks, size):
    return (picks[i : i + size] for i in range(0, len(picks), size))


def _sorted(picks):
    return picks.sort_values(list(picks), ignore_index=True)


@settings(max_examples=12, deadline=None)
@given(rows=ROWS, size=st.integers(1, 8))
@pytest.mark.parametrize("ending", ["csv", "parquet", "xml"])
def test_every_digit_comes_back(rows, size, ending, tmp_path_factory):
    folder = tmp_path_factory.mktemp("picks")
    picks = tables.pick_table(rows)
    if ending == "xml" and rows:
        picks = tables.pick_table(picks.assign(event_id="a:b/c d"))
    tables.write_picks(picks, folder / f"whole.{ending}")
    tables.write_picks(_pieces(picks, size), folder / f"pieces.{ending}")

    for name in ("whole", "pieces"):
        found = tables.read_picks(folder / f"{name}.{ending}")
        pd.testing.assert_frame_equal(_sorted(found), _sorted(picks), check_exact=True)


@settings(max_examples=12, deadline=None)
@given(rows=ROWS, size=st.integers(1, 8))
def test_text_comes_back_rounded(rows, size, tmp_path_factory):
    path = tmp_path_factory.mktemp("picks") / "picks.txt"
    picks = tables.pick_table(rows)
    tables.write_picks(_pieces(picks, size), path)

    found = tables.read_picks(path)
    assert list(found) == list(picks)
    rounded = ["probability", "snr", "amplitude", "relative_time_s"]
    same = [name for name in picks if picks[name].dtype != float]
    pd.testing.assert_frame_equal(_sorted(found[same]), _sorted(picks[same]))
    for name in rounded:
        ours, theirs = np.sort(found[name]), np.sort(picks[name])
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=5.001e-4)


def test_text_names_a_record_when_it_changes(tmp_path):
    picks = _picks(6, record=["a", "b", "a", "#a", "b", "b"])
    tables.write_picks(_pieces(picks, 3), tmp_path / "a.txt")
    lines = (tmp_path / "a.txt").read_text().splitlines()

    assert [line for line in lines if line[0] == "#"][1:] == ["#a", "#b", "# #a", "#b"]
    assert [line[:2] for line in lines].count("P,") == 6
    found = tables.read_picks(tmp_path / "a.txt")
    assert sorted(found["record"]) == sorted(picks["record"])


@pytest.mark.parametrize(
    "ending", ["csv", "txt", "parquet", "xml", "quakeml", "pyocto.csv", "gamma.csv"]
)
class TestEveryFormat:
    def test_takes_pieces_one_at_a_time(self, ending, tmp_path):
        path = tmp_path / f"picks.{ending}"
        picks = _for(ending, _picks(40))
        read = [0]

        def pieces():
            for piece in _pieces(picks, 4):
                read[0] += 1
                # Nothing is there before all is.
                assert not path.exists()
                yield piece

        tables.write_picks(pieces(), path)
        assert read == [10]
        found = tables.read_picks(path)
        pd.testing.assert_frame_equal(found, picks)

    @pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
    def test_leaves_nothing_when_interrupted(self, ending, error, tmp_path):
        def pieces():
            yield _for(ending, _picks(3))
            raise error

        path = tmp_path / f"picks.{ending}"
        with pytest.raises(error):
            tables.write_picks(pieces(), path)
        assert list(tmp_path.iterdir()) == []

        path.write_text("before")
        with pytest.raises(error):
            tables.write_picks(pieces(), path)
        assert [p.name for p in tmp_path.iterdir()] == [path.name]
        assert path.read_text() == "before"

    @pytest.mark.parametrize("pieces", [[], [tables.pick_table([])]])
    def test_no_picks(self, ending, pieces, tmp_path):
        path = tmp_path / f"picks.{ending}"
        tables.write_picks(iter(pieces), path)
        pd.testing.assert_frame_equal(tables.read_picks(path), tables.pick_table([]))

    def test_the_same_picks_give_the_same_file(self, ending, tmp_path):
        one, two = tmp_path / f"1.{ending}", tmp_path / f"2.{ending}"
        for path in (one, two):
            tables.write_picks(_pieces(_for(ending, _picks()), 5), path)
        assert one.read_bytes() == two.read_bytes()

    def test_refuses_what_is_no_table_in_order(self, ending, tmp_path):
        path = tmp_path / f"picks.{ending}"
        picks = _for(ending, _picks())
        of_event = picks[6:].assign(event_id="e")
        for pieces, message in [
            ([picks[6:], picks[:6]], "order of time, but table 2 begins"),
            ([picks, picks.iloc[-1:], picks], "but table 3 begins"),
            ([[{"phase": "P"}]], "no column"),
            ([picks[:6][list(tables.COLUMNS)], of_event], "event"),
        ]:
            with pytest.raises(ValueError, match=message):
                tables.write_picks(pieces, path)
        with pytest.raises(FileNotFoundError, match="create the folder"):
            tables.write_picks(picks, tmp_path / "no" / path.name)
        assert list(tmp_path.iterdir()) == []


def test_later_pieces_may_lack_the_columns_of_events(tmp_path):
    picks = _picks()
    pieces = [picks[:4].assign(event_id="one"), picks[4:]]
    for ending in ("csv", "parquet", "txt"):
        path = tmp_path / f"picks.{ending}"
        tables.write_picks(pieces, path)
        found = tables.read_picks(path)
        assert list(found["event_id"]) == ["one"] * 4 + [""] * 8


@pytest.mark.parametrize("ending", ["csv", "txt", "parquet", "xml"])
def test_damaged_files(ending, tmp_path):
    path = tmp_path / f"picks.{ending}"
    tables.write_picks(_for(ending, _picks()), path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-40])
    with pytest.raises(ValueError, match=r"picks\.|must be"):
        tables.read_picks(path)
    path.write_bytes(b"\x89PNG\r\n\x1a\n\0\0" * 20)
    with pytest.raises(ValueError, match=r"picks|must be"):
        tables.read_picks(path)
    with pytest.raises(FileNotFoundError):
        tables.read_picks(tmp_path / f"missing.{ending}")


def test_parquet_has_types_and_a_group_for_each_piece(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "picks.parquet"
    tables.write_picks(_pieces(_picks(), 4), path)

    file = parquet.ParquetFile(path)
    assert file.num_row_groups == 3
    kinds = {field.name: str(field.type) for field in file.schema_arrow}
    assert kinds["time"] == "timestamp[us, tz=UTC]"
    assert (kinds["station_id"], kinds["snr"]) == ("string", "double")


def test_parquet_without_pyarrow(tmp_path, monkeypatch):
    imported = builtins.__import__

    def no_pyarrow(name, *args, **kwargs):
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return imported(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", no_pyarrow)
    with pytest.raises(ImportError, match=r"pip install 'seisbench-diting\[parquet\]'"):
        tables.write_picks(_picks(), tmp_path / "picks.parquet")
    with pytest.raises(ImportError, match=r"pip install 'seisbench-diting\[parquet\]'"):
        tables.read_picks(tmp_path / "picks.parquet")
    assert list(tmp_path.iterdir()) == []


def test_obspy_reads_the_quakeml(tmp_path):
    path = tmp_path / "picks.xml"
    ids = ["YN:2", "YN 1", "YN 1", "c", "d", "YN:2"] * 2
    picks = _picks(12, event_id=ids, station_id="AA.B.00", probability=0.25)
    picks = tables.pick_table(pd.concat([picks, picks[:1]]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tables.write_picks(_pieces(picks, 5), path)
        catalog = obspy.read_events(str(path), format="QUAKEML")

    texts = [event.event_descriptions[0].text for event in catalog]
    # Those of YN 1 come in two pieces, hours apart.
    assert len([text for text in texts if "of event YN 1," in text]) == 2
    assert sum(len(event.picks) for event in catalog) == 13
    assert not any(event.origins for event in catalog)
    pick = catalog[0].picks[0]
    assert pick.waveform_id.id == "AA.B.00."
    assert pick.waveform_id.channel_code is None
    assert (pick.phase_hint, pick.evaluation_mode) == ("P", "automatic")
    assert pick.time == obspy.UTCDateTime(2024, 2, 28, 12)
    assert '"probability": 0.25' in pick.comments[0].text
    names = [p.resource_id.id for event in catalog for p in event.picks]
    assert len(set(names)) == 13
    assert names[0].endswith("/pick/YN~3A2/AA.B.00/P/20240228T120000.000000")

    schema = obspy.io.quakeml.core._validate
    assert schema(io.BytesIO(path.read_bytes()))


def test_quakeml_needs_events(tmp_path):
    """Loose picks were written as events that did not exist."""
    for picks in (_picks(), _picks(event_id=["a"] * 11 + [""])):
        with pytest.raises(ValueError, match=r"without an event.*\.csv"):
            tables.write_picks(picks, tmp_path / "picks.xml")
    assert list(tmp_path.iterdir()) == []


def test_picks_of_an_event_wait_for_each_other(tmp_path):
    path = tmp_path / "picks.xml"
    picks = _picks(40, event_id=["a", "b"] * 20)
    picks["time"] = DAY + pd.to_timedelta(np.arange(40), unit="min")
    tables.write_picks(_pieces(tables.pick_table(picks), 3), path)
    root = etree.parse(path).getroot()
    events = root.findall("{*}eventParameters/{*}event")
    assert [len(event.findall("{*}pick")) for event in events] == [20, 20]


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


def test_quakeml_of_others(tmp_path):
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
    assert picks["theoretical_time"][0] == pd.Timestamp("2016-08-24T01:36:35Z")
    assert np.isnan(picks["residual_s"][1])


def test_xml_that_is_no_quakeml(tmp_path):
    path = tmp_path / "picks.xml"
    secret = tmp_path / "secret"
    secret.write_text("P")
    path.write_text("<FDSNStationXML/>")
    with pytest.raises(ValueError, match="not a QuakeML file: it begins with <FDSN"):
        tables.read_picks(path)

    # Nothing that a file refers to is read.
    entity = f'<!DOCTYPE q [<!ENTITY e SYSTEM "{secret}">]>'
    start, end = FOREIGN.split("\n", maxsplit=1)
    path.write_text(f"{start}\n{entity}{end}".replace(">P<", ">&e;<"))
    with pytest.warns(UserWarning, match="left out"):
        picks = tables.read_picks(path)
    assert list(picks["phase"]) == ["Pg", "Sg"]


def test_real_picks(reference, tmp_path):
    published = pd.read_csv(
        reference / "data" / "italy_20161014_picks.csv.gz", dtype={"station": str}
    )[:3000]
    start = pd.Timestamp("2016-10-14", tz="UTC")
    picks = tables.pick_table(
        pd.DataFrame(
            {
                "station_id": published["network"] + "." + published["station"] + ".",
                "phase": published["phase"],
                "time": start + pd.to_timedelta(published["seconds"], unit="s"),
                "probability": published["probability"],
                "amplitude": published["amplitude"],
            }
        )
    )
    for ending in ("csv", "txt", "parquet", "xml", "gamma.csv"):
        path = tmp_path / f"picks.{ending}"
        picks = _for(ending, picks[list(tables.COLUMNS)])
        tables.write_picks(_pieces(picks, 700), path)
        pd.testing.assert_frame_equal(tables.read_picks(path), picks)
