"""Station tables: where stations are, in the files that say so."""

import re

import numpy as np
import obspy
import pandas as pd
import pytest
from obspy.core.inventory import Channel, Inventory, Network, Station

from seisbench_diting import tables

ROW = {"station_id": "SC.AXX.00", "latitude": 38.0, "longitude": 110.0}


def make_stations(*rows):
    columns = ["station_id", "latitude", "longitude", "elevation_m"]
    return tables.station_table(pd.DataFrame(rows, columns=columns))


@pytest.mark.parametrize("ending", ["csv", "txt"])
def test_files_give_back_the_table(ending, tmp_path):
    stations = make_stations(
        ("0.0.", 0.1 + 0.2, -180, 2.3e-78), ("A.B.00", -90, 1 / 3, -12_000)
    )
    tables.write_stations(stations, tmp_path / f"stations.{ending}")
    found = tables.read_stations(tmp_path / f"stations.{ending}")
    pd.testing.assert_frame_equal(found, stations, check_exact=True)


def test_the_published_text(tmp_path):
    path = tmp_path / "stations.sta"
    path.write_text(
        "# stations\nSC AXX 00 110.00 38.00 1000.00\n\nSC\tB1 -- 290 -38 -5\n"
        "SC C 1.5 2.5 0\n"
    )
    expected = make_stations(
        ("SC.AXX.00", 38, 110, 1000), ("SC.B1.", -38, -70, -5), ("SC.C.", 2.5, 1.5, 0)
    )
    pd.testing.assert_frame_equal(tables.read_stations(path), expected)

    path.write_text("SC AXX 00 110.00 38.00 1000.00\nSC AXX 110.00 38.00\n")
    with pytest.warns(tables.LeftOut, match=r"stations\.sta.*line 2"):
        assert len(tables.read_stations(path)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "network,station,location,lat,lon,elevation\nNA,T1,01,1,2,3\n",
        "Net;Sta;Loc;Longitude;Latitude;Elevation (m)\nNA;T1;01;2;1;3\n",
        "station\tstla\tstlo\televation_km\nNA.T1.01.HHZ\t1\t2\t0.003\n",
        "#Network | Station | Location | Channel | Latitude | Longitude | Elevation\n"
        "NA | T1 | 01 | HHZ | 1 | 2 | 3\nNA | T1 | 01 | HHN | 1 | 2 | 3\n",
        "id\tlongitude\tlatitude\televation(m)\tunit\nNA.T1.01.HH\t2\t1\t3.0\tm/s\n",
        "sep=;\nid;lat;lon;elevation\nNA.T1.01;1;2;3\n",
        "# mine, of today\nid,lat,lon,elevation\nNA.T1.01,1,2,3\n",
        "network station location lat lon elevation\nNA T1 01 1 2 3\n",
        "id,lat,lon,ele\nNA.T1.01,1,2,\nNA.T1.01,1,2,3\n",
        "id,lat,lon,elevation_ft\nNA.T1.01,1,2,9.842519685\n",
        '{"NA.T1.01.HH": {"longitude": 2.0, "latitude": 1.0, "elevation_m": 3.0}}',
        # A table with further columns, such as ``network``, was refused.
        "id,latitude,longitude,elevation_m,network,site\nNA.T1.01,1,2,3,NA,a hill\n",
    ],
)
def test_tables_of_other_programs(text, tmp_path):
    (tmp_path / "stations.dat").write_text(text)
    found = tables.read_stations(tmp_path / "stations.dat")
    pd.testing.assert_frame_equal(found, make_stations(("NA.T1.01", 1, 2, 3)))
    pd.testing.assert_frame_equal(tables.read_stations(found), found)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lat,lon\n1,2\n", "station_id"),
        ("net,sta,lat,lon\nA,,1,2\n", r"stations\['station_id'\]"),
        ("id,lat,lon\nA..00,1,2\n", r"stations\['station_id'\]"),
        ("id,lat,lon\nA.B.,91,2\n", r"stations\['latitude'\].*91"),
        ("id,lat,lon,elevation\nA.B.,1,2,1e5\n", r"stations\['elevation_m'\]"),
        ("", ""),
        ("<FDSNStationXML", "StationXML"),
    ],
)
def test_files_that_are_not_stations_are_named(text, message, tmp_path):
    (tmp_path / "stations").write_text(text)
    with pytest.raises(ValueError, match=f"stations: .*{message}"):
        tables.read_stations(tmp_path / "stations")


def test_a_station_is_at_one_place():
    near = {**ROW, "latitude": 38.0005, "elevation_m": 5}
    rows = [{**ROW, "elevation_m": 4}, near, {**ROW, "station_id": "SC.AXX"}]
    stations = tables.station_table(rows)
    assert list(stations["station_id"]) == ["SC.AXX.", "SC.AXX.00"]
    assert stations["latitude"][1] == 38.0
    with pytest.raises(ValueError, match=r"38\.0.*39\.0.*SC\.AXX\.00"):
        tables.station_table([ROW, {**ROW, "latitude": 39}])
    dateline = [{**ROW, "longitude": x} for x in (180, -180, 180.0)]
    assert len(tables.station_table(dateline)) == 1


def test_finding_a_station():
    rows = [("A.B.", 1), ("A.B.00", 2), ("A.C.00", 3), ("A.C.10", 3.0001)]
    rows += [("A.D.00", 4), ("A.D.10", 5)]
    stations = make_stations(*((*row, 0, 0) for row in rows))
    assert tables.find_station(stations, "A.B.00").latitude == 2
    assert tables.find_station(stations, "A.B.10").latitude == 1
    assert tables.find_station(stations, "A.C.").latitude == 3
    assert tables.find_station(stations, "A.B1.") is None
    # Its locations are at two places.
    assert tables.find_station(stations, "A.D.") is None
    assert tables.find_station(stations[:0], "A.B.") is None


def test_stations_are_read_from_sac_headers(reference, example, tmp_path):
    folder = reference / "data" / "ridgecrest"
    names = ["PB.B916.", "PB.B917.", "PB.B918.", "PB.B921."]
    assert list(tables.read_stations(folder)["station_id"]) == names
    stream = obspy.read(str(folder / "PB.B916.*.sac"))
    stations = tables.stations_from_stream(stream + example)
    assert list(stations["station_id"]) == names[:1]
    header = stream[0].stats.sac
    assert stations["latitude"][0] == pytest.approx(header.stla, abs=1e-5)
    for trace in stream:
        trace.stats.sac.stla = -12345.0
    assert len(tables.stations_from_stream(stream)) == 0
    example.write(str(tmp_path / "elsewhere.mseed"), format="MSEED")
    with pytest.raises(ValueError, match=re.escape(str(tmp_path))):
        tables.read_stations(tmp_path)


def test_stationxml_gives_all_channels_one_place(tmp_path):
    # Also without its ending.
    path, inventory = tmp_path / "stations", obspy.read_inventory()
    inventory.write(str(path), format="STATIONXML")
    stations = tables.read_stations(path)
    assert "GR.FUR." in set(stations["station_id"])
    assert len(stations) == len({c[:-4] for c in inventory.get_contents()["channels"]})

    moved = Station("B", 1, 0, 0)
    moved.channels = [Channel("HHZ", "00", lat, 0, 100, 20) for lat in (1, 2)]
    bare = Inventory([Network("A", [Station("C", 3, -179, 30)])])
    stations = tables.stations_from_inventory(bare)
    assert list(stations.iloc[0]) == ["A.C.", 3.0, -179.0, 30.0]
    with pytest.raises(ValueError, match=r"A\.B\.00"):
        tables.stations_from_inventory(Inventory([Network("A", [moved])]))


def test_codes_are_escaped_as_those_of_waveforms(example, tmp_path):
    (tmp_path / "stations.csv").write_text(
        "net,sta,loc,lat,lon\nXX,A/B,,1,2\nXX,A.B1,A0,1,2\nXX,XX.C,,1,2\n"
    )
    names = ["XX.A%2EB1.A0", "XX.A%2FB.", "XX.C."]
    found = tables.read_stations(tmp_path / "stations.csv")
    assert list(found["station_id"]) == names
    place = Station("A.B1", 1, 2, 0)
    place.channels = [Channel("HHZ", "A0", 1, 2, 0, 0)]
    inventory = Inventory([Network("XX", [place, Station("A/B", 1, 2, 0)])])
    found = tables.stations_from_inventory(inventory)
    assert list(found["station_id"]) == names[:2]
    example[0].stats.update({"network": "XX", "station": "A/B", "location": ""})
    example[0].stats.sac = {"stla": 1.0, "stlo": 2.0}
    found = tables.stations_from_stream(example)
    assert list(found["station_id"]) == names[1:2]


@pytest.mark.parametrize(
    ("text", "unit", "expected"),
    [
        # QuakeMigrate, in either unit, and with the unit given.
        ("Name,Latitude,Longitude,Elevation\nA,1,2,0.5\nB,2,3,1.25\n", None, 1250),
        ("Name,Latitude,Longitude,Elevation\nA,1,2,500\nB,2,3,1250\n", None, 1250),
        ("Name,Latitude,Longitude,Elevation\nA,1,2,0.5\nB,2,3,1.25\n", "m", 1.25),
        ("Name,Latitude,Longitude,Elevation\nA,1,2,2\nB,2,3,1\n", "km", 1000),
        # REAL, EQTransformer, and the published text, which is in metres.
        ("2 1 -- A EHZ 0.5\n3 2 -- B EHZ 1.25\n", None, 1250),
        ('{"A": {"coords": [1, 2, 0.5]}, "B": {"coords": [2, 3, 1.25]}}', None, 1.25),
        ("-- A 2 1 0.5\n-- B 3 2 1.25\n", None, 1.25),
        ("-- A 2 1 0.5\n-- B 3 2 1.25\n", "km", 1250),
        # One station without a height was left out.
        ("station,lat,lon,elevation\nA,1,2,0.5\nB,2,3,NaN\n", None, np.nan),
        ('{"A": {"coords": [1, 2, 5]}, "B": {"coords": [2, 3]}}', None, np.nan),
    ],
)
def test_units_of_elevations(text, unit, expected, tmp_path, recwarn):
    (tmp_path / "stations").write_text(text)
    found = tables.read_stations(tmp_path / "stations", unit)
    assert list(found.iloc[1])[:3] == [".B.", 2, 3]
    assert found["elevation_m"][1] == pytest.approx(expected, nan_ok=True)
    # In tables, small numbers with a fraction are a guess, which is told.
    assert (len(recwarn) > 0) == (unit is None and "0.5" in text and text[0] != "{")


def test_lost_characters_are_told(tmp_path):
    (tmp_path / "stations.csv").write_bytes(b"id,lat,lon\nA.K\xd6LN,1,2\n")
    with pytest.warns(UserWarning, match="station_id.*UTF-8"):
        tables.read_stations(tmp_path / "stations.csv")


def test_stations_that_are_wrong_are_left_out(tmp_path):
    (tmp_path / "stations.csv").write_text(
        "network,station,lat,lon,elevation\nA,B,0,0,10\nA,C,1,1,\nA,D,1,x,5\n"
        "A,E,1,1,20\nA,E,3,3,20\nA,F,2,2,50\n,G,2,2,50\n"
    )
    with pytest.warns(tables.LeftOut) as told:
        stations = tables.read_stations(tmp_path / "stations.csv")
    assert list(stations["station_id"]) == [".G.", "A.C.", "A.F."]
    assert sorted(told[0].message.rows) == [f"line {n}" for n in (2, 4, 5, 6)]
    assert tables.find_station(stations, "XX.G.00").station_id == ".G."
    assert tables.find_station(stations, ".F.").station_id == "A.F."


FDSN = """#Network|Station|Latitude|Longitude|Elevation|SiteName|StartTime|EndTime
CI|COA|32.873|-115.1|36.0|x|1990-01-01T00:00:00|2005-01-01T00:00:00
CI|COA|32.863|-115.1|36.0|x|2005-01-01T00:00:00|
CI|X|32|-115|30|y|1990-01-01T00:00:00|1995-01-01
"""


@pytest.mark.parametrize("kind", ["csv", "xml"])
def test_a_station_that_was_moved(kind, tmp_path, reference):
    path = tmp_path / "stations.csv"
    path.write_text(FDSN)
    if kind == "xml":
        path = reference / "cases" / "09_moved_station_in_stationxml" / "stations.xml"
    stations = tables.read_stations(path)
    tables.write_stations(stations, tmp_path / "again.csv")
    pd.testing.assert_frame_equal(
        tables.read_stations(tmp_path / "again.csv"), stations
    )
    for time, latitude in (("2000", 32.873), ("2005", 32.863), ("2020", 32.863)):
        when = pd.Timestamp(time, tz="UTC")
        assert tables.find_station(stations, "CI.COA.00", when).latitude == latitude
    assert tables.find_station(stations, "CI.COA.").latitude == 32.863
    when = pd.Timestamp("1980", tz="UTC")
    assert tables.find_station(stations, "CI.COA.", when) is None
    # A place that did not change serves for all times.
    other = "CI.X." if kind == "csv" else "CI.BOM."
    assert tables.find_station(stations, other, when) is not None
