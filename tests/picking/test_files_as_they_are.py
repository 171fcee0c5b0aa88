"""Files as people have them: drifting clocks, damage, odd codes, channels and times."""

import bz2
import gzip
import io
import os
import re
import runpy
import subprocess
import sys
import tarfile
import warnings
import zipfile
from pathlib import Path

import numpy as np
import obspy
import pandas as pd
import pytest
from archives import lines, run, write_all
from obspy.core.util.base import ENTRY_POINTS
from obspy.io.sac import SACTrace

from seisbench_diting.models import load_model
from seisbench_diting.picking import pick_stream
from seisbench_diting.picking.run import opened_state
from seisbench_diting.tables import read_picks
from seisbench_diting.waveforms import reading

START = obspy.UTCDateTime(2020, 1, 1)


@pytest.fixture(scope="module")
def bundled():
    """The model whose weights come with the package."""
    return load_model("LPPNT")


@pytest.fixture
def event() -> obspy.Stream:
    """30 s of an event at BW.RJOB, in whole numbers."""
    stream = obspy.read()
    for trace in stream:
        trace.data = np.round(trace.data * 10).astype("int32")
    return stream


@pytest.fixture
def case(reference, tmp_path, monkeypatch):
    """Function that makes a case of the reference, and returns its folder."""

    def case(number: int, *options: str) -> Path:
        (script,) = reference.glob(f"cases/{number:02d}_*/make.py")
        folder = tmp_path / f"case{number}"
        monkeypatch.setattr(sys, "argv", [str(script), str(folder), *options])
        runpy.run_path(str(script))
        return folder

    return case


def picked(folder, output, model, **options) -> tuple[pd.DataFrame, str]:
    """Picks of a folder, and what was not used."""
    try:
        table = run(folder, output, model, **options).picks
    except ValueError as error:
        return pd.DataFrame(), str(error)
    return table, "\n".join(lines(f"{output}.err"))


def p_times(table) -> list[float]:
    """Seconds of P after the begin."""
    first = pd.Timestamp(START.datetime, tz="UTC")
    return (table[table["phase"] == "P"]["time"] - first).dt.total_seconds().tolist()


@pytest.mark.parametrize(
    "options", [("100",), ("100", "gap"), ("-20",), ("300",)], ids=" ".join
)
def test_a_clock_that_drifts_within_a_file(
    case, published, tmp_path, monkeypatch, options
):
    # Samples of 0.01 s, as in the file, for times as exact.
    folder, model = case(2, *options), published("LPPNT", "csn")
    monkeypatch.setattr(reading, "PIECE_BYTES", 1 << (17 if "300" in options else 24))

    table, errors = picked(folder, tmp_path / "out", model)
    start = str(START + 6600)
    later, _ = picked(folder, tmp_path / "later", model, start=start)

    # In this time the digitizer makes a whole number of samples.
    rate = 100 * (1 - float(options[0]) * 1e-6)
    begins = [round(minute * 60 * rate) / rate for minute in (5, 60, 115)]
    np.testing.assert_allclose(np.subtract(p_times(table), begins), 4.68, atol=0.02)
    np.testing.assert_allclose(p_times(later), p_times(table)[-1:], atol=0.02)
    told = [rf"XX\.DRIFT\.\.EH{c}.*{options[0]} ppm" for c in "ZNE"]
    assert all(re.search(one, errors) for one in told)


def records(late, codes=("EHZ",), samples=250, reclen=512) -> bytes:
    """Records whose samples count up, and that begin late by so many seconds."""
    content = io.BytesIO()
    for number, seconds in enumerate(late):
        data = np.arange(samples, dtype="int32") + number * samples
        for code in codes:
            time = START + number * samples / 100 + seconds
            header = {"station": "A", "channel": code, "starttime": time}
            trace = obspy.Trace(data, header | {"sampling_rate": 100.0})
            trace.write(content, format="MSEED", reclen=reclen)
    return content.getvalue()


LATE = np.arange(400) * 2e-4


@pytest.mark.parametrize(
    ("late", "options"),
    [
        (LATE, {"codes": ("EHZ", "EHN", "EHE")}),
        (np.minimum(LATE, LATE[::-1]), {}),
        (-LATE, {"samples": 900, "reclen": 4096}),
        (np.where(LATE < 0.04, LATE, LATE + 20), {}),
    ],
    ids=["multiplexed", "there and back", "fast and long", "with a gap"],
)
def test_samples_have_the_times_of_their_records(tmp_path, late, options):
    path = tmp_path / "a.mseed"
    path.write_bytes(records(late, **options))

    stream, problems = reading.read_file(path)

    samples = options.get("samples", 250)
    for trace in stream:
        number = trace.data // samples
        expected = trace.data / 100 + late[number]
        times = trace.times() + (trace.stats.starttime - START)
        assert np.abs(times - expected).max() < 0.0101
    codes = options.get("codes", ("EHZ",))
    assert sum(len(t) for t in stream) == len(late) * samples * len(codes)
    assert len(problems) == len(codes)


@pytest.mark.parametrize(
    ("code", "rate"), [(b"A\0B  ", 100), (b"A\xc4   ", 100), (b"A    ", 50)], ids=str
)
def test_drift_of_odd_codes_and_before_another_rate(tmp_path, code, rate):
    later = obspy.Trace(np.zeros(9, "int32"), {"station": "A", "channel": "EHZ"})
    later.stats.update({"starttime": START + 2000, "sampling_rate": rate})
    later.write(str(tmp_path / "a.mseed"), format="MSEED", reclen=512)
    content = records(LATE) + (tmp_path / "a.mseed").read_bytes()
    (tmp_path / "a.mseed").write_bytes(content.replace(b"A    ", code))

    stream, problems = reading.read_file(tmp_path / "a.mseed")

    assert sum(map(len, stream)) == 400 * 250 + 9
    assert sum(" ppm" in problem for problem in problems) == 1
    last = stream.slice(START + 999, START + 1001)[0]
    assert last.stats.starttime - START - last.data[0] / 100 > 0.05


@pytest.mark.parametrize(
    ("place", "at", "value"),
    [(20, 20, "ffff"), (20, 22, "ffff"), (20, 54, "0c"), (0, 20, 28 * "ff")],
    ids=["year", "day", "length", "the whole first header"],
)
def test_only_the_record_with_a_broken_header_is_lost(tmp_path, place, at, value):
    content = bytearray(records(np.zeros(40)))
    broken, at = bytes.fromhex(value), 512 * place + at
    content[at : at + len(broken)] = broken
    (tmp_path / "a.mseed").write_bytes(content)

    segments, (problem,) = reading.read_headers(tmp_path / "a.mseed")

    spans = [(s.end - s.begin) / 1e9 * s.rate + 1 for s in segments]
    assert sum(spans) == 39 * 250
    assert ".A..EHZ" in problem


@pytest.mark.parametrize("lengths", [(512, 4096), (4096, 512)], ids=str)
@pytest.mark.parametrize("damaged", [None, "day", "length"])
def test_records_of_several_lengths(tmp_path, lengths, damaged):
    first, others = (records(LATE, reclen=length) for length in lengths)
    content = bytearray(first[: 200 * lengths[0]] + others[200 * lengths[1] :])
    at = 199 * lengths[0] + {"day": 22, "length": 54}.get(damaged, 0)
    content[at : at + 1] = content[at : at + 1] if damaged is None else b"\x0f"
    (tmp_path / "a.mseed").write_bytes(content)

    stream, problems = reading.read_file(tmp_path / "a.mseed")

    assert sum(map(len, stream)) == (400 - (damaged is not None)) * 250
    for trace in stream:
        times = trace.times() + (trace.stats.starttime - START)
        expected = trace.data / 100 + LATE[trace.data // 250]
        assert np.abs(times - expected).max() < 0.0101
    assert (len(problems) > 1) == (damaged is not None)
    assert sum(" ppm" in problem for problem in problems) == 1


@pytest.mark.parametrize("pieces", [False, True])
@pytest.mark.parametrize("damaged", [[28], [0, 7], [29, 30]])
def test_whole_records_of_a_damaged_file(
    event, bundled, tmp_path, monkeypatch, rng, damaged, pieces
):
    expected = pick_stream(event, bundled)
    for trace in event:
        trace.stats.pop("mseed", None)
    event.write(str(tmp_path / "day.mseed"), format="MSEED", reclen=512)
    content = bytearray((tmp_path / "day.mseed").read_bytes())
    for place in damaged:
        content[place * 512 + 64 : place * 512 + 512] = rng.bytes(448)
    (tmp_path / "day.mseed").write_bytes(content)
    if pieces:
        monkeypatch.setattr(reading, "PIECE_BYTES", 4096)

    table, errors = picked(tmp_path / "day.mseed", tmp_path / "out", bundled)

    assert set(table["phase"]) == set(expected["phase"])
    assert re.search(rf"\b{damaged[0] * 512}\b", errors)
    total = sum(len(trace) for trace in reading.read_file(tmp_path / "day.mseed")[0])
    assert 0 < sum(map(len, event)) - total < 500 * len(damaged)


@pytest.mark.parametrize(
    "cut", [slice(0, 0), slice(200, 512), slice(0, 64), slice(0, 96)]
)
def test_records_behind_missing_or_extra_bytes(tmp_path, cut):
    content = bytearray(records(np.zeros(40)))
    at = 512 * 20
    content[at + cut.start : at + cut.stop] = b"" if cut.stop else bytes(100)
    (tmp_path / "a.mseed").write_bytes(content)

    stream, (problem,) = reading.read_file(tmp_path / "a.mseed")

    assert sum(map(len, stream)) == (40 if not cut.stop else 39) * 250
    assert str(at) in problem


def test_records_behind_a_lost_block(tmp_path):
    content = bytes(4096) + records(np.zeros(40))[4096:]
    (tmp_path / "a.mseed").write_bytes(content)
    stream, problems = reading.read_file(tmp_path / "a.mseed")
    assert sum(map(len, stream)) == 32 * 250
    assert problems


CODES = ["ST.1", "A*", "A[B]", "A,B", "A/B", "A B", "A%2A", "A;'", "\u00e9"]


@pytest.mark.parametrize("code", CODES)
def test_codes_that_hold_anything(event, bundled, tmp_path, code):
    other = event.copy()
    for trace in other:
        trace.stats.station = "AB"
    for trace in event:
        trace.stats.update({"network": "N.", "station": code, "location": "0"})
    for number, trace in enumerate(event + other):
        # SAC holds no letters of other languages.
        if code.isascii():
            trace.write(str(tmp_path / f"{number}.sac"), format="SAC")

    with pytest.warns(UserWarning, match="N%2E"):
        table = pick_stream(event + other, bundled)

    ids = set(table["station_id"])
    assert len(ids) == 2
    assert all(len(name.split(".")) == 3 for name in ids)
    assert table.groupby("station_id")["phase"].agg("".join).nunique() == 1
    if code.isascii():
        archive, errors = picked(tmp_path, tmp_path / "out", bundled)
        assert "N%2E" in errors
        assert list(archive["station_id"]) == list(table["station_id"])
        assert set(read_picks(tmp_path / "out.csv")["station_id"]) == ids


@pytest.mark.parametrize("options", [(), ("knet",)])
def test_records_of_nied(case, bundled, tmp_path, options):
    table, errors = picked(case(5, *options), tmp_path / "out", bundled)

    assert {"P", "S"} <= set(table["phase"])
    assert not errors


@pytest.mark.parametrize(
    ("codes", "unknown"),
    [
        (("U", "N", "E"), ""),
        (("ud2", "ns2", "ew2"), ""),
        (("Vert", "North", "East"), ""),
        (("hhz", "hhn", "hhe"), ""),
        (("2", "1", "0"), ".2"),
        (("HHX", "HHY", "HHW"), ".HHX"),
        (("f111", "f112", "f113"), ".f111"),
    ],
    ids=str,
)
def test_names_of_channels(event, bundled, tmp_path, codes, unknown):
    expected = pick_stream(event, bundled)
    for trace, code in zip(event, codes, strict=True):
        trace.stats.channel = code
    write_all(event, tmp_path)

    table, errors = picked(tmp_path, tmp_path / "out", bundled)

    assert len(table) == (0 if unknown else len(expected))
    assert unknown in errors
    assert len(pick_stream(event, bundled)) == len(table)


@pytest.mark.parametrize("missing", [("nzyear",), ("nzmsec",), ("nzyear", "nzjday")])
def test_files_without_time(event, bundled, tmp_path, missing):
    for trace in event:
        path = tmp_path / f"{trace.id}.sac"
        trace.write(str(path), format="SAC")
        header = SACTrace.read(str(path))
        for field in missing:
            setattr(header, field, None)
        header.write(str(path))

    table, errors = picked(tmp_path, tmp_path / "out", bundled)

    assert table.empty
    assert all(f"BW.RJOB..EH{c}" in errors for c in "ZNE")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        stream = obspy.read(str(tmp_path / "*.sac"))
    with pytest.warns(UserWarning, match=r"BW\.RJOB\.\.EHE.*EHN.*EHZ"):
        assert pick_stream(stream, bundled).empty


@pytest.mark.parametrize("kind", ["MSEED", "SLIST", "GSE2", "SAC"])
@pytest.mark.parametrize(("ending", "module"), [("gz", gzip), ("bz2", bz2)])
def test_compressed_files(event, bundled, tmp_path, kind, ending, module):
    expected = pick_stream(event, bundled)
    (tmp_path / "in").mkdir()
    for trace in event:
        trace.stats.calib = 1.0
        path = tmp_path / "in" / f"{trace.id}.{ending}"
        trace.write(str(path), format=kind)
        path.write_bytes(module.compress(path.read_bytes()))

    table, _ = picked(tmp_path / "in", tmp_path / "out", bundled)

    assert list(table["phase"]) == list(expected["phase"])


@pytest.mark.parametrize("packing", ["zip", "tar.gz"])
def test_all_files_in_an_archive_are_read_or_named(tmp_path, packing):
    content = records(np.zeros(4))
    files = {"a.mseed": content, "b.mseed": records(LATE), "note.txt": b"what is here"}
    files |= {"d/c.mseed.gz": gzip.compress(content), "half.gz": gzip.compress(content)}
    files["half.gz"] = files["half.gz"][:-20]
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr("d/", "")
        for name, inside in files.items():
            file.writestr(name, inside)
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as file:
        for name, inside in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(inside)
            file.addfile(info, io.BytesIO(inside))

    stream, problems = reading.read_file(tmp_path / f"a.{packing}")

    assert sum(map(len, stream)) == (4 + 400 + 4) * 250
    told = [any(f"({name} in it)" in one for one in problems) for name in files]
    assert told == [False, True, True, False, True]
    assert len(problems) == 3


@pytest.mark.parametrize("name", ["a.zip", "a.tar"])
def test_bad_members_and_links_are_named_and_the_others_read(tmp_path, name):
    content, path = records(np.zeros(4)), tmp_path / name
    if name == "a.zip":
        with zipfile.ZipFile(path, "w") as file:
            for member in "xyz":
                file.writestr(member, content)
        damaged = bytearray(path.read_bytes())
        damaged[len(damaged) // 2] ^= 255
        path.write_bytes(damaged)
    else:
        with tarfile.open(path, "w") as file:
            for member in "xyz":
                info = tarfile.TarInfo(member)
                info.size = len(content)
                info.type = tarfile.SYMTYPE if member == "y" else tarfile.REGTYPE
                file.addfile(info, io.BytesIO(content) if member != "y" else None)

    stream, (problem,) = reading.read_file(path)

    assert sum(map(len, stream)) == 2 * 4 * 250
    assert "(y in it)" in problem


@pytest.mark.parametrize("ending", ["zip", "gz", "bz2", "tar"])
def test_the_content_tells_what_is_compressed(tmp_path, ending):
    (tmp_path / f"a.{ending}").write_bytes(records(np.zeros(4)))
    assert sum(map(len, reading.read_file(tmp_path / f"a.{ending}")[0])) == 1000


def test_a_compressed_file_that_ends_early(tmp_path):
    packed = gzip.compress(records(np.zeros(40)))
    (tmp_path / "a.gz").write_bytes(packed[: len(packed) // 2])

    with pytest.raises(reading.UnreadableError):
        reading.read_file(tmp_path / "a.gz")


def test_a_channel_without_rate_is_called_that(event, bundled, tmp_path):
    header = {"station": "RJOB", "network": "BW", "channel": "LOG"}
    log = obspy.Trace(np.zeros(10, "int32"), header | {"starttime": START})
    log.write(str(tmp_path / "log.mseed"), format="MSEED", reclen=512)
    content = bytearray((tmp_path / "log.mseed").read_bytes())
    content[32:36] = bytes(4)
    (tmp_path / "log.mseed").write_bytes(content)
    write_all(event, tmp_path)

    table, errors = picked(tmp_path, tmp_path / "out", bundled)

    assert len(table)
    assert re.search(r"LOG.*\b0 Hz", errors)


def test_what_has_nothing_to_pick_is_told(event, bundled, tmp_path):
    for station, samples in (("SHORT", slice(40)), ("NANS", slice(None))):
        for trace in event.copy():
            trace.stats.station = station
            trace.data = trace.data[samples] * (1.0 if station == "SHORT" else np.nan)
            trace.write(str(tmp_path / f"{trace.id}.mseed"), format="MSEED")

    table, errors = picked(tmp_path, tmp_path / "out", bundled)
    _, other = picked(tmp_path, tmp_path / "other", bundled, stations="BW.X*")

    assert table.empty
    assert re.search(r"SHORT.*0\.4 s", errors)
    assert "NANS..EHZ" in errors
    assert "BW.NANS., BW.SHORT." in other


@pytest.mark.slow
def test_a_home_that_can_not_be_written(tmp_path):
    (tmp_path / "file").touch()
    places = {"HOME": str(tmp_path / "file"), "MPLCONFIGDIR": str(tmp_path)}
    environment = {**os.environ, **places}
    environment.pop("SEISBENCH_CACHE_ROOT", None)

    def call(*arguments):
        command = [sys.executable, "-m", "seisbench_diting", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True)

    assert call("--version").stderr == ""
    demo = call("demo", "-o", str(tmp_path / "demo.png"))
    assert demo.returncode == 0
    assert "SEISBENCH_CACHE_ROOT" in demo.stderr


#: Parts of ObsPy that read waveforms, and where their test files are.
ROOT = Path(obspy.__file__).parent / "io"
MODULES = [entry.module.split(".") for entry in ENTRY_POINTS["waveform"].values()]
ROOMS = {names[2] for names in MODULES if names[:2] == ["obspy", "io"]}


@pytest.mark.slow
@pytest.mark.parametrize("room", sorted(ROOMS))
def test_obspys_own_files_are_picked_or_named(bundled, tmp_path, room):
    files = [path for path in (ROOT / room).glob("tests/data/**/*") if path.is_file()]
    if not files:
        pytest.skip("this ObsPy comes without its test files")
    for number, path in enumerate(files):
        output = tmp_path / str(number)
        _, errors = picked(path, output, bundled)
        if not Path(f"{output}.state").exists():
            assert str(path) in errors
            assert errors.rstrip(".").count(": ") > 1
            continue
        with opened_state(output) as state:
            plans = [row[0] for row in state.rows("SELECT segments FROM plan")]
            used = {s.channel for plan in plans for s in state.unpacked(plan)}
            channels = {row[0] for row in state.rows("SELECT channel FROM segments")}
        assert used
        assert all(
            f".{name}\t" in errors or f" {name[:-1]} " in errors
            for name in channels - used
        )
