"""Which files are found, and what their names say."""

import os
import string
from pathlib import Path

import hypothesis.strategies as st
import obspy
import pytest
from hypothesis import given

from seisbench_diting.waveforms import NamePattern, check_inputs, find_files

CODES = st.text(string.ascii_uppercase + string.digits, min_size=1, max_size=5)


@given(network=CODES, station=CODES, location=CODES | st.just(""), channel=CODES)
def test_a_pattern_gives_the_codes_it_names(network, station, location, channel):
    name = f"/data/2020/{network}.{station}.{location}.{channel}.D.2020.152"
    stream = obspy.Stream([obspy.Trace()])

    pattern = NamePattern("{network}.{station}.{location}.{channel}.D.{year}.{julday}")

    assert pattern.complete(stream, Path(name))
    assert stream[0].id == f"{network}.{station}.{location}.{channel}"


def test_what_a_header_says_stays():
    stream = obspy.Stream([obspy.Trace(header={"station": "ABC", "channel": " "})])

    assert NamePattern("{station}_{channel}.*").complete(stream, Path("XYZ_HHZ.sac"))
    assert stream[0].id == ".ABC..HHZ"
    assert not NamePattern("{station}_{channel}.mseed").complete(stream, Path("a.sac"))


def test_folders_are_part_of_a_pattern():
    stream = obspy.Stream([obspy.Trace()])

    pattern = NamePattern("{network}/{station}/{channel}.D/*")
    assert pattern.complete(stream, Path("/archive/2020/CX/PB01/HHZ.D/some.file"))
    assert stream[0].id == "CX.PB01..HHZ"


@pytest.mark.parametrize("text", ["{station}.{station}", "{Station}", "*.sac", ""])
def test_impossible_patterns(text):
    with pytest.raises(ValueError, match="name_pattern="):
        NamePattern(text)


@pytest.fixture
def tree(tmp_path):
    for name in ("b/2.sac", "b/1.sac", "a/deep/er/3.sac", ".hidden/4.sac", "b/.5.sac"):
        path = tmp_path / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "tree"


def names(inputs):
    return [path.name for path in find_files(inputs)]


def test_folders_are_walked_at_any_depth(tree):
    os.symlink(tree, tree / "b" / "loop")

    assert names([tree]) == ["3.sac", "1.sac", "2.sac"]
    assert names([tree / "b" / "2.sac", tree]) == ["2.sac", "3.sac", "1.sac"]
    assert all(path.is_absolute() for path in find_files([tree]))


def test_lists_of_files(tree, tmp_path, monkeypatch):
    listed = tmp_path / "list.txt"
    listed.write_text(
        f"# root and files\n{tree},b/1.sac, a/deep/er/3.sac\n\ntree/b/2.sac\n"
    )

    assert names([listed]) == ["1.sac", "3.sac", "2.sac"]
    monkeypatch.chdir(tree)
    monkeypatch.setattr("sys.stdin", ["b/2.sac\n", f"{tree}/b,1.sac,missing.sac\n"])
    assert names(["-"]) == ["2.sac", "1.sac", "missing.sac"]


def test_text_that_is_no_list_is_a_file(tmp_path):
    path = tmp_path / "waveform.txt"
    path.write_text("TIMESERIES XX_ABC__BHZ_R, 3 samples, 1 sps\n1\n2\n3\n")

    assert names([path]) == ["waveform.txt"]


def test_inputs_must_be_there(tmp_path):
    assert check_inputs(["-", tmp_path]) == ["-", str(tmp_path)]
    with pytest.raises(ValueError, match=r"inputs='.*/no': does not exist"):
        check_inputs([tmp_path / "no"])
