"""Station tables: where stations are, in the files that say so."""

import string

import numpy as np
import obspy
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from obspy.core.inventory import Channel, Inventory, Network, Station

from seisbench_diting import tables

CODE = st.text(string.ascii_uppercase + string.digits, min_size=1, max_size=5)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "station_id": st.builds(
                "{}.{}.{}".format, CODE, CODE, st.sampled_from(["", "00", "10"])
            ),
            "latitude": st.floats(-90, 90),
            "longitude": st.floats(-180, 180),
            "elevation_m": st.floats(-12_000, 9000),
        }
    ),
    max_size=5,
    unique_by=lambda row: row["station_id"],
)

ROW = {"station_id": "SC.AXX.00", "latitude": 38.0, "longitude": 110.0}


@settings(max_examples=15, deadline=None)
@given(rows=ROWS)
@pytest.mark.parametrize("ending", ["csv", "txt"])
def test_files_give_back_the_table(rows, ending, tmp_path_factory):
    path = tmp_path_factory.mktemp("stations") / f"stations.{ending}"
    stations = tables.station_table(rows)
    tables.write_stations(stations, path)
    found = tables.read_stations(path) if rows or ending == "csv" else stations
    pd.testing.assert_frame_equal(found, stations, check_exact=True)


def test_the_published_text(tmp_path):
    path = tmp_path / "stations.sta"
    path.write_text(
        "# stations\nSC AXX 00 110.00 38.00 1000.00\n\nSC\tB1 -- 290 -38 -5\n"
        "SC C 1.5 2.5 0\n"
    )
    stations = tables.read_stations(path)
    assert list(stations["station_id"]) == ["SC.AXX.00", "SC.B1.", "SC.C."]
    assert list(stations.iloc[0])[1:] == [38.0, 110.0, 1000.0]
    assert list(stations.iloc[1])[1:] == [-38.0, -70.0, -5.0]

    path.write_text("SC AXX 00 110.00 38.00 1000.00\nSC AXX 110.00 38.00\n")
    with pytest.raises(ValueError, match=r"stations\.sta.*line 2 holds"):
        tables.read_stations(path)
    path.write_text("SC AXX 00 38.00 110.00 1000.00\n")
    with pytest.raises(ValueError, match=r"stations.sta: stations\['latitude'\] must"):
        tables.read_stations(path)


def test_real_tables(reference):
    california = tables.read_stations(reference / "data" / "ci_2020" / "stations.csv")
    assert len(california) == 16
    place = tables.find_station(california, "CI.SLV.")
    assert place == ("CI.SLV.", 33.239, -115.304, 254.6)

    italy = tables.read_stations(reference / "data" / "italy_stations.csv")
    assert len(italy) == 60
    place = tables.find_station(italy, "YR.ED25.00")
    assert place == ("YR.ED25.", 42.5988, 13.3519, 1353.0)


@pytest.mark.parametrize(
    "text",
    [
        "network,station,location,lat,lon,elevation\nNA,T1,01,1,2,3\n",
        "Net;Sta;Loc;Longitude;Latitude;Elevation (m)\nNA;T1;01;2;1;3\n",
        "station\tstla\tstlo\televation_km\nNA.T1.01.HHZ\t1\t2\t0.003\n",
        "#Network | Station | Location | Channel | Latitude | Longitude | Elevation\n"
        "NA | T1 | 01 | HHZ | 1 | 2 | 3\nNA | T1 | 01 | HHN | 1 | 2 | 3\n",
        "id,latitude,longitude,elevation_m\nNA.T1.01,1,2,3\n",
    ],
)
def test_tables_of_others(text, tmp_path):
    path = tmp_path / "stations.dat"
    path.write_text(text)
    expected = tables.station_table(
        [{"station_id": "NA.T1.01", "latitude": 1, "longitude": 2, "elevation_m": 3}]
    )
    pd.testing.assert_frame_equal(tables.read_stations(path), expected)


def test_files_that_are_no_stations(tmp_path):
    path = tmp_path / "stations.csv"
    for text, message in [
        ("lat,lon\n1,2\n", r"no column station_id or id"),
        ("id,lon\nA.B.,2\n", r"no column latitude or lat"),
        ("station,lat,lon\nB,1,2\n", r"stations.csv: stations\['station_id'\] must be"),
        ("net,sta,lat,lon\nA,,1,2\n", r"stations\['station_id'\] must be"),
        ("id,lat,lon\nA.B.,x,2\n", r"stations\['latitude'\].*'x'"),
        ("", "stations.csv: not a table of text"),
        ("id,lat,lon\nA.B.,1,2,3\n", "stations.csv: not a table of text"),
    ]:
        path.write_text(text)
        with pytest.raises(ValueError, match=message):
            tables.read_stations(path)
    path.with_suffix(".xml").write_text("<FDSNStationXML")
    with pytest.raises(ValueError, match="not a whole StationXML file"):
        tables.read_stations(path.with_suffix(".xml"))
    with pytest.raises(ValueError, match=r"must end in \.csv or \.txt"):
        tables.write_stations(tables.station_table([ROW]), tmp_path / "stations.doc")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("latitude", 91),
        ("longitude", np.nan),
        ("elevation_m", 1e5),
        ("station_id", "A"),
        ("station_id", "A..00"),
    ],
)
def test_impossible_stations(name, value):
    with pytest.raises(ValueError, match=rf"stations\['{name}'\].*holds"):
        tables.station_table([{**ROW, name: value}])


def test_other_columns_are_ignored():
    """A table with a column ``network`` was refused."""
    rows = pd.DataFrame([{**ROW, "network": "SC", "site": "a hill"}])
    pd.testing.assert_frame_equal(
        tables.station_table(rows), tables.station_table([ROW])
    )
    named = {"network": "SC", "station": "AXX", "location": "00", "elevation_km": 1.5}
    rows = pd.DataFrame([{**named, "lat": 38, "Longitude": 110}])
    expected = tables.station_table([{**ROW, "elevation_m": 1500}])
    pd.testing.assert_frame_equal(tables.station_table(rows), expected)


def test_a_station_is_at_one_place():
    near = {**ROW, "latitude": 38.0005, "elevation_m": 5}
    stations = tables.station_table([ROW, near, {**ROW, "station_id": "SC.AXX"}])
    assert list(stations["station_id"]) == ["SC.AXX.", "SC.AXX.00"]
    assert stations["latitude"][1] == 38.0
    with pytest.raises(ValueError, match=r"SC\.AXX\.00 at two places.*38\.0.*39\.0"):
        tables.station_table([ROW, {**ROW, "latitude": 39}])
    for longitude in (-180, 180, 360 - 180):
        dateline = [{**ROW, "longitude": 180}, {**ROW, "longitude": longitude}]
        assert len(tables.station_table(dateline)) == 1


def test_finding_a_station():
    def row(name, latitude):
        return {"station_id": name, "latitude": latitude, "longitude": 0}

    stations = tables.station_table(
        [
            row("A.B.", 1),
            row("A.B.00", 2),
            row("A.C.00", 3),
            row("A.C.10", 3.0001),
            row("A.D.00", 4),
            row("A.D.10", 5),
        ]
    )
    assert tables.find_station(stations, "A.B.00").latitude == 2
    assert tables.find_station(stations, "A.B.10").latitude == 1
    assert tables.find_station(stations, "A.C.").latitude == 3
    assert tables.find_station(stations, "A.B1.") is None
    assert tables.find_station(tables.station_table([]), "A.B.") is None
    # Its locations are at two places.
    assert tables.find_station(stations, "A.D.") is None


def test_sac_headers(reference, example):
    stream = obspy.read(str(reference / "data" / "ridgecrest" / "PB.B916.*.sac"))
    stations = tables.stations_from_stream(stream + example)
    assert list(stations["station_id"]) == [stream[0].id.rsplit(".", 1)[0]]
    header = stream[0].stats.sac
    assert stations["latitude"][0] == pytest.approx(header.stla, abs=1e-5)
    assert stations["longitude"][0] == pytest.approx(header.stlo, abs=1e-5)
    stream[0].stats.sac.stla = 0.0
    with pytest.raises(ValueError, match="at two places"):
        tables.stations_from_stream(stream)
    for trace in stream:
        trace.stats.sac.stla = -12345.0
    assert len(tables.stations_from_stream(stream)) == 0


def test_stationxml(tmp_path):
    path = tmp_path / "stations.xml"
    inventory = obspy.read_inventory()
    inventory.write(str(path), format="STATIONXML")
    stations = tables.read_stations(path)
    assert "GR.FUR." in set(stations["station_id"])
    assert len(stations) == len({c[:-4] for c in inventory.get_contents()["channels"]})
    # Also without its ending.
    pd.testing.assert_frame_equal(
        tables.read_stations(path.rename(tmp_path / "stations")), stations
    )


def test_inventories():
    def channel(location, latitude):
        return Channel("HHZ", location, latitude, 0, 100, 20)

    moved = Station("B", 1, 0, 0, channels=[channel("00", 1), channel("00", 2)])
    bare = Station("C", 3, -179, 30)
    stations = tables.stations_from_inventory(Inventory([Network("A", [bare])]))
    assert list(stations.iloc[0]) == ["A.C.", 3.0, -179.0, 30.0]
    with pytest.raises(ValueError, match=r"A\.B\.00 at two places.*Keep the one"):
        tables.stations_from_inventory(Inventory([Network("A", [moved])]))


def test_a_folder_of_sac_files(reference, example, tmp_path):
    folder = reference / "data" / "ridgecrest"

    stations = tables.read_stations(folder)

    assert list(stations["station_id"]) == [
        "PB.B916.",
        "PB.B917.",
        "PB.B918.",
        "PB.B921.",
    ]
    assert stations["latitude"].between(35, 37).all()
    example.write(str(tmp_path / "elsewhere.mseed"), format="MSEED")
    (tmp_path / "notes.txt").write_text("No header of SAC.")
    with pytest.raises(ValueError, match="no SAC file in it"):
        tables.read_stations(tmp_path)
