"""Which files are found, and what their names say."""

import os
import string
from pathlib import Path

import hypothesis.strategies as st
import obspy
import pytest
from hypothesis import given

from seisbench_diting.waveforms import NamePattern, find_files

CODES = st.text(string.ascii_uppercase + string.digits, min_size=1, max_size=5)


@given(network=CODES, station=CODES, location=CODES | st.just(""), channel=CODES)
def test_a_pattern_gives_the_codes_it_names(network, station, location, channel):
    name = f"/data/2020/{network}.{station}.{location}.{channel}.D.2020.152"
    stream = obspy.Stream([obspy.Trace()])

    pattern = NamePattern("{network}.{station}.{location}.{channel}.D.{year}.{julday}")

    pattern.complete(stream, Path(name))
    assert stream[0].id == f"{network}.{station}.{location}.{channel}"


@pytest.mark.parametrize(
    ("pattern", "path", "code"),
    [
        # What a header says stays.
        ("{station}_{channel}.*", "XYZ_HHZ.sac", ".ABC..HHZ"),
        ("{network}/{station}/{channel}.D/*", "/CX/B/HHZ.D/file", "CX.ABC..HHZ"),
        ("{station}_{channel}.mseed", "a.sac", ".ABC.. "),
    ],
)
def test_what_a_pattern_completes(pattern, path, code):
    stream = obspy.Stream([obspy.Trace(header={"station": "ABC", "channel": " "})])

    NamePattern(pattern).complete(stream, Path(path))
    assert stream[0].id == code


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


def test_lists_of_files(tree, tmp_path):
    listed = tmp_path / "list.txt"
    (tmp_path / "a,b.sac").touch()
    listed.write_text(
        f"# root and files\n{tree},b/1.sac, a/deep/er/3.sac\n\ntree/b/2.sac\na,b.sac\n"
    )
    no_list = tmp_path / "waveform.txt"
    no_list.write_text("TIMESERIES XX_ABC__BHZ_R, 3 samples, 1 sps\n.,.\n2\n3\n")

    expected = ["1.sac", "3.sac", "2.sac", "a,b.sac", "waveform.txt"]
    assert names([listed, no_list]) == expected
    assert names([tmp_path / "a,b.sac"]) == ["a,b.sac"]
