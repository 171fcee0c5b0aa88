"""Conversion of original files, ordinary and damaged ones."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import seisbench.data as sbd

from benchmarks import original
from seisbench_diting._util import only_writer
from seisbench_diting.data import (
    check_dataset,
    conversion,
    convert,
    plan_conversion,
)
from seisbench_diting.data.chunks import BlockWriter, convert_part

FILES = {"chunks", "conversion.json", ".conversion.lock"}


def run(source, path, **options):
    return convert(source, path, **{"progress": False, **options})


def files_of(path: Path) -> dict[str, bytes]:
    """Content of a dataset, without what tells the time it took."""
    content = {
        file.name: file.read_bytes()
        for file in path.iterdir()
        if file.name != "conversion.json"
    }
    report = json.loads((path / "conversion.json").read_text())
    for part in report["parts"].values():
        del part["seconds"]
    return {**content, "conversion.json": json.dumps(report, sort_keys=True).encode()}


def truncate(file: Path, share: float) -> None:
    with file.open("r+b") as stream:
        stream.truncate(int(file.stat().st_size * share))


def damage_part(folder: Path, number: int, how: str) -> str:
    """Damages a part; gives a word that the report must say."""
    hdf5 = folder / f"DiTing330km_part_{number}.hdf5"
    table = hdf5.with_suffix(".csv")
    if how == "truncated":
        truncate(hdf5, 0.5)
        return "truncated file"
    if how == "garbage":
        hdf5.write_bytes(os.urandom(5000))
        return "can't be read as HDF5"
    if how == "empty":
        hdf5.write_bytes(b"")
        return "can't be read as HDF5"
    if how == "no csv":
        table.unlink()
        return "its .csv file is missing"
    if how == "no key":
        table.write_text("a,b\n1,2\n")
        return "the column 'key' is not in"
    if how == "other file":
        with h5py.File(hdf5, "w") as file:
            file["data/000014.0100"] = np.zeros((10, 3))
        return "no group 'earthquake'"
    table.write_text(table.read_text().splitlines()[0] + "\n")
    return "no record"


DAMAGES = ("truncated", "garbage", "empty", "no csv", "no key", "other file", "no rows")


def test_samples_and_picks_are_those_of_the_original(parts, tmp_path):
    report = run(parts, tmp_path / "out")

    assert report.problems == []
    assert report.records == 450
    assert report.chunks == ["00", "01", "10"]
    dataset = sbd.WaveformDataset(tmp_path / "out", component_order="ZNE")
    assert len(dataset) == 450
    names = dataset["trace_name_original"]
    for chunk, index in (("00", 0), ("00", 149), ("01", 200 - 150), ("10", 17)):
        row = dataset.metadata[dataset["trace_chunk"] == chunk].index[index]
        waveform, metadata = dataset.get_sample(row)
        part = parts / f"DiTing330km_part_{int(chunk)}.hdf5"
        with h5py.File(part) as file:
            theirs = file[names[row]][()]
        assert waveform.dtype == np.float32
        assert np.array_equal(waveform, theirs.T)
        rows = pd.read_csv(part.with_suffix(".csv"))
        assert metadata["trace_p_arrival_sample"] == rows["p_pick"][index]
        assert metadata["trace_s_arrival_sample"] == rows["s_pick"][index]
        assert metadata["trace_sampling_rate_hz"] == 50
    assert dataset.data_format["dimension_order"] == "CW"
    assert dataset.data_format["unit"] == "counts"


@pytest.mark.parametrize("compression", ["lzf", "gzip", "zstd"])
def test_compressed_is_the_same(parts, tmp_path, compression):
    if compression == "zstd":
        pytest.importorskip("hdf5plugin")
    run(parts, tmp_path / "plain", parts=[0])
    run(parts, tmp_path / "small", parts=[0], compression=compression)

    plain, small = (
        sbd.WaveformDataset(tmp_path / name, component_order="ZNE")
        for name in ("plain", "small")
    )
    pd.testing.assert_frame_equal(plain.metadata, small.metadata)
    for index in range(0, 150, 7):
        assert np.array_equal(plain.get_waveforms(index), small.get_waveforms(index))
    with h5py.File(tmp_path / "small" / "waveforms00.hdf5") as file:
        for block in file["data"].values():
            # One record is read without decompressing another one.
            assert block.chunks == (1, 3, block.shape[2])


def test_plain_seisbench_reads_it_without_this_package(parts, tmp_path):
    run(parts, tmp_path / "out", parts=["00"], compression="gzip")
    code = (
        "import sys, seisbench.data as sbd\n"
        "d = sbd.WaveformDataset(sys.argv[1], component_order='ZNE')\n"
        "assert d.get_waveforms(3).shape[0] == 3 and len(d.train()) > 50\n"
        "assert not any(n.startswith('seisbench_diting') for n in sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code, tmp_path / "out"], check=True)


def test_quirks_are_told_and_counted(quirky, tmp_path):
    report = run(quirky, tmp_path / "out")

    part = report.parts["03"]
    assert report.problems == []
    assert part.records == 39
    assert part.skipped["row without waveform"].number == 1
    assert "999999.0100" in part.skipped["row without waveform"].examples[0]
    # The made one, and the one whose row got another key.
    assert part.skipped["waveform without row"].number == 2
    assert part.taken_out["p_pick: impossible"] == 1
    assert part.taken_out["s_pick: impossible"] == 1
    assert part.taken_out["evmag: not a number"] == 1
    assert part.taken_out["st_mag: impossible"] == 1
    assert "skipped: 1 x row without" in report.summary()
    metadata = pd.read_csv(tmp_path / "out" / "metadata03.csv")
    assert np.isnan(metadata["trace_p_arrival_sample"][1])
    assert np.isnan(metadata["trace_p_arrival_sample"][6])
    assert metadata["path_back_azimuth_deg"][5] == 314.5


def test_duplicate_keys_are_problems_and_the_first_is_taken(quirky, tmp_path):
    table = quirky / "DiTing330km_part_3.csv"
    lines = table.read_text().splitlines()
    table.write_text("\n".join([*lines, lines[-1].replace(",YN,", ",XX,")]) + "\n")
    report = run(quirky, tmp_path / "out")

    assert report.records == 39
    assert len(report.problems) == 1
    assert "1 x duplicate key" in report.problems[0]
    assert "line 42 of DiTing330km_part_3.csv" in report.problems[0]


def test_a_truncated_csv_is_told(parts, tmp_path):
    shutil.copytree(parts, tmp_path / "in")
    table = tmp_path / "in" / "DiTing330km_part_1.csv"
    text = table.read_text()
    table.write_text(text[: len(text) // 2])
    report = run(tmp_path / "in", tmp_path / "out")

    assert len(report.problems) == 2
    assert "part 01: 1 x damaged line: line" in report.problems[0]
    assert "instead of 29" in report.problems[0]
    assert "waveform without row (is a file cut off?)" in report.problems[1]
    assert 60 < report.parts["01"].records < 90
    assert report.parts["01"].skipped["waveform without row"].number > 60


def test_a_csv_cut_at_a_line_end_is_told_and_can_be_mended(parts, tmp_path):
    shutil.copytree(parts, tmp_path / "in")
    table = tmp_path / "in" / "DiTing330km_part_1.csv"
    whole = table.read_text()
    table.write_text("".join(whole.splitlines(keepends=True)[:31]))
    report = run(tmp_path / "in", tmp_path / "out")
    assert report.records == 330
    (problem,) = report.problems
    assert "120 x waveform without row (is a file cut off?)" in problem

    table.write_text(whole)
    checked = check_dataset(tmp_path / "out", tmp_path / "in", progress=False)
    assert any(
        "120 records of the original are not there" in p for p in checked.problems
    )
    assert run(tmp_path / "in", tmp_path / "out").records == 450
    assert not check_dataset(tmp_path / "out", tmp_path / "in", progress=False).problems


@pytest.mark.parametrize("shape", [(0, 3), (500, 0), (500, 2), (500,)])
@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_records_of_odd_shapes_are_skipped(parts, tmp_path, shape, compression):
    shutil.copytree(parts, tmp_path / "in")
    with h5py.File(tmp_path / "in" / "DiTing330km_part_1.hdf5", "a") as file:
        for name in list(file["earthquake"])[:3]:
            del file["earthquake"][name]
            file["earthquake"][name] = np.zeros(shape, dtype=np.float32)
    report = run(tmp_path / "in", tmp_path / "out", compression=compression)

    assert report.records == 447
    assert "3 x wrong shape" in report.problems[0]


def test_a_stray_quote_costs_one_line(parts, tmp_path):
    shutil.copytree(parts, tmp_path / "in")
    table = tmp_path / "in" / "DiTing330km_part_1.csv"
    lines = table.read_text().splitlines(keepends=True)
    lines[10] = lines[10].replace(",", ',"', 1)
    lines[20] = "x" * 200_000 + lines[20]
    table.write_text("".join(lines))
    report = run(tmp_path / "in", tmp_path / "out")

    assert report.records == 448
    assert "2 x damaged line: line 11 of" in report.problems[0]


def test_a_csv_without_waveforms_is_named(parts, tmp_path):
    shutil.copytree(parts, tmp_path / "in")
    (tmp_path / "in" / "DiTing330km_part_1.hdf5").unlink()
    report = run(tmp_path / "in", tmp_path / "out")

    assert report.chunks == ["00", "10"]
    assert "its .hdf5 file is missing" in report.problems[0]


@pytest.mark.parametrize("name", ["key", "p_pick", "s_pick"])
def test_a_csv_without_a_column_that_matters(parts, tmp_path, name):
    shutil.copytree(parts, tmp_path / "in")
    table = tmp_path / "in" / "DiTing330km_part_1.csv"
    table.write_text(table.read_text().replace(name, "other", 1))
    report = run(tmp_path / "in", tmp_path / "out")

    assert f"the column '{name}' is not in" in report.problems[0]


def test_a_chunk_is_kept_if_its_original_is_damaged_later(parts, tmp_path):
    shutil.copytree(parts, tmp_path / "in")
    table = tmp_path / "in" / "DiTing330km_part_1.csv"
    lines = table.read_text().splitlines(keepends=True)
    table.write_text("".join([*lines, lines[-1]]))
    assert "duplicate key" in run(tmp_path / "in", tmp_path / "out").problems[0]
    (tmp_path / "in" / "DiTing330km_part_1.hdf5").write_bytes(b"no")
    report = run(tmp_path / "in", tmp_path / "out")

    assert report.records == 450
    assert "kept as it was, could not be converted again" in report.problems[0]
    assert (tmp_path / "out" / "chunks").read_text().split() == ["00", "01", "10"]
    shutil.copytree(parts, tmp_path / "in", dirs_exist_ok=True)
    assert run(tmp_path / "in", tmp_path / "out").problems == []


def test_a_damaged_chunk_is_converted_again(parts, tmp_path):
    run(parts, tmp_path / "out")
    expected = files_of(tmp_path / "out")
    waveforms = tmp_path / "out" / "waveforms01.hdf5"
    waveforms.write_bytes(waveforms.read_bytes()[:1000])
    run(parts, tmp_path / "out")

    assert files_of(tmp_path / "out") == expected


def test_a_merged_file_that_changed_is_refused(parts, tmp_path, monkeypatch):
    monkeypatch.setattr("seisbench_diting.data.original.MERGED_CHUNK_RECORDS", 40)
    original.merge(parts, tmp_path / "merged.h5")
    run(tmp_path / "merged.h5", tmp_path / "out", parts=["train00"])
    with h5py.File(tmp_path / "merged.h5", "a") as file:
        file.copy("train/000001", "train/000000")

    with pytest.raises(ValueError, match="has changed since chunk train00"):
        run(tmp_path / "merged.h5", tmp_path / "out")


def test_a_merged_record_without_an_attribute(parts, tmp_path):
    original.merge(parts, tmp_path / "merged.h5")
    with h5py.File(tmp_path / "merged.h5", "a") as file:
        event = next(iter(file["train"].values()))
        del next(iter(event.values())).attrs["p_pick"]
    report = run(tmp_path / "merged.h5", tmp_path / "out")

    assert report.problems == []
    dataset = sbd.WaveformDataset(tmp_path / "out", component_order="ZNE")
    assert dataset["trace_p_arrival_sample"].isna().sum() == 1


def test_records_in_two_parts_are_found_by_the_check(parts, tmp_path):
    shutil.copytree(parts, tmp_path / "in")
    for kind in ("hdf5", "csv"):
        shutil.copy(
            tmp_path / "in" / f"DiTing330km_part_1.{kind}",
            tmp_path / "in" / f"DiTing330km_part_2.{kind}",
        )
    run(tmp_path / "in", tmp_path / "out")
    checked = check_dataset(tmp_path / "out", progress=False)

    assert any("150 records are there more than once" in p for p in checked.problems)


def test_by_order_all_parts_must_be_there(parts, tmp_path):
    shutil.copytree(parts, tmp_path / "in")
    (tmp_path / "in" / "DiTing330km_part_1.csv").unlink()
    with pytest.raises(ValueError, match="split_by='order'"):
        run(tmp_path / "in", tmp_path / "out", split_by="order")


def test_a_damaged_report_tells_the_way_out(parts, tmp_path):
    run(parts, tmp_path / "out")
    for text in ("no", '{"options": {}, "rows": {}, "parts": {}}'):
        (tmp_path / "out" / "conversion.json").write_text(text)
        with pytest.raises(ValueError, match="Empty its folder"):
            run(parts, tmp_path / "out")


def test_workers_import_what_their_parent_does(parts, tmp_path, monkeypatch):
    (tmp_path / "random.py").write_text("raise SystemExit('not this one')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path])

    assert run(parts, tmp_path / "out", workers=2).problems == []


@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_part_is_named_and_the_others_go_on(parts, tmp_path, how):
    shutil.copytree(parts, tmp_path / "in")
    word = damage_part(tmp_path / "in", 1, how)
    report = run(tmp_path / "in", tmp_path / "out")

    assert report.chunks == ["00", "10"]
    assert len(report.problems) == 1
    assert report.problems[0].startswith("part 01: ")
    assert word in report.problems[0]
    assert len(sbd.WaveformDataset(tmp_path / "out", component_order="ZNE")) == 300
    # Mended, it is the dataset that it would have been.
    shutil.copytree(parts, tmp_path / "in", dirs_exist_ok=True)
    assert run(tmp_path / "in", tmp_path / "out").problems == []
    run(parts, tmp_path / "whole")
    ours, theirs = files_of(tmp_path / "out"), files_of(tmp_path / "whole")
    del ours["conversion.json"], theirs["conversion.json"]
    assert ours == theirs


def test_a_damaged_record_is_named_and_the_rest_is_kept(tmp_path):
    names = original.write_part(tmp_path, 0, 20, samples=600)
    with h5py.File(tmp_path / "DiTing330km_part_0.hdf5", "r+") as file:
        group = file["earthquake"]
        del group[names[3]], group[names[5]], group[names[7]]
        group[names[3]] = np.zeros((600,))
        group[names[5]] = np.zeros((0, 3))
        waveform = np.zeros((600, 3), dtype="float32")
        group.create_dataset(
            names[7], data=waveform, chunks=(600, 3), fletcher32=True, compression=1
        )
        chunk = group[names[7]].id.get_chunk_info(0)
    with (tmp_path / "DiTing330km_part_0.hdf5").open("r+b") as file:
        file.seek(chunk.byte_offset)
        file.write(b"\x00\x01\x02\x03")
    report = run(tmp_path, tmp_path / "out")

    assert report.records == 17
    assert "2 x wrong shape" in report.problems[0]
    assert f"{names[3]} is (600,), not (samples, 3)" in report.problems[0]
    assert "1 x unreadable waveform" in report.problems[1]
    assert names[7] in report.problems[1]
    # A part with problems is tried again only if its files changed.
    before = files_of(tmp_path / "out")
    assert len(run(tmp_path, tmp_path / "out").problems) == 2
    assert files_of(tmp_path / "out") == before


def test_bytes_survive_whatever_the_data_type(tmp_path):
    names = original.write_part(tmp_path, 0, 6, samples=50)
    strange = np.array([[np.nan, -0.0, np.inf]] * 60, dtype="float32")
    waveforms = {
        names[0]: strange,
        names[1]: strange.astype(">f4"),
        names[2]: np.arange(150, dtype="int32").reshape(50, 3) + 2**30,
        names[3]: np.arange(90, dtype="float64").reshape(30, 3) + 1 / 3,
    }
    with h5py.File(tmp_path / "DiTing330km_part_0.hdf5", "r+") as file:
        for name, waveform in waveforms.items():
            del file["earthquake"][name]
            file["earthquake"][name] = waveform
    report = run(tmp_path, tmp_path / "out")

    assert report.records == 6
    dataset = sbd.WaveformDataset(tmp_path / "out", component_order="ZNE")
    with h5py.File(tmp_path / "out" / "waveforms00.hdf5") as file:
        for index, waveform in enumerate(waveforms.values()):
            block, place = dataset["trace_name"][index].split("$")
            ours = file["data"][block][int(place.split(",")[0])]
            ours = ours[:, : dataset["trace_npts"][index]]
            assert ours.dtype == waveform.dtype
            assert ours.tobytes() == waveform.T.tobytes()
            assert np.array_equal(
                dataset.get_waveforms(index), waveform.T, equal_nan=index < 2
            )


def test_events_are_in_one_split_whatever_the_part(parts, tmp_path):
    run(parts, tmp_path / "out", split=(0.5, 0.2, 0.3), seed=7)
    run(parts, tmp_path / "one", split=(0.5, 0.2, 0.3), seed=7, parts=[1])
    dataset = sbd.WaveformDataset(tmp_path / "out", component_order="ZNE")

    assert dataset.metadata.groupby("source_id")["split"].nunique().max() == 1
    assert set(dataset["split"]) == {"train", "dev", "test"}
    part = dataset.metadata[dataset["trace_chunk"] == "01"]
    one = pd.read_csv(tmp_path / "one" / "metadata01.csv")
    assert part["split"].tolist() == one["split"].tolist()


@pytest.mark.parametrize("chosen", [None, [10], [0, 1]])
def test_split_by_order_does_not_hang_on_the_parts_chosen(parts, tmp_path, chosen):
    run(parts, tmp_path / "out", split_by="order", split=(0.5, 0.1, 0.4), parts=chosen)
    dataset = sbd.WaveformDataset(tmp_path / "out", component_order="ZNE")

    expected = ["train"] * 225 + ["dev"] * 45 + ["test"] * 180
    places = {None: slice(None), 1: slice(300, 450), 2: slice(0, 300)}
    place = places[None if chosen is None else len(chosen)]
    assert dataset["split"].tolist() == expected[place]


@pytest.fixture
def merged(parts, tmp_path):
    """The tutorial's merged file."""
    path = tmp_path / "diting.h5"
    original.merge(parts, path, share=0.8)
    return path


def test_the_merged_file_gives_the_same_records(parts, merged, tmp_path, monkeypatch):
    monkeypatch.setattr("seisbench_diting.data.original.MERGED_CHUNK_RECORDS", 150)
    run(parts, tmp_path / "from-parts")
    report = run(merged, tmp_path / "from-merged")

    assert report.problems == []
    assert report.chunks == ["test00", "train00", "train01", "train02"]
    parted, joined = (
        sbd.WaveformDataset(tmp_path / name, component_order="ZNE")
        for name in ("from-parts", "from-merged")
    )
    assert len(joined) == len(parted) == 450
    columns = [
        column
        for column in parted.metadata.columns
        if column not in ("index", "trace_name", "trace_chunk", "trace_original_index")
    ]
    ours, theirs = (
        data.metadata.sort_values("trace_name_original")[columns].reset_index(drop=True)
        for data in (joined, parted)
    )
    pd.testing.assert_frame_equal(ours, theirs)
    for index in (0, 100, 449):
        name = joined["trace_name_original"][index]
        other = parted.metadata.index[parted["trace_name_original"] == name][0]
        assert np.array_equal(joined.get_waveforms(index), parted.get_waveforms(other))


def test_the_merged_file_has_its_own_split_by_order(merged, tmp_path):
    run(merged, tmp_path / "out", split_by="order")
    dataset = sbd.WaveformDataset(tmp_path / "out", component_order="ZNE")

    assert dataset["split"].value_counts().to_dict() == {"train": 360, "test": 90}
    with pytest.raises(ValueError, match="the merged file has its own groups"):
        run(merged, tmp_path / "other", split_by="order", split=(0.9, 0, 0.1))


@pytest.mark.parametrize("compression", ["none", "lzf", "gzip", "zstd"])
def test_the_estimate_is_right_within_a_tenth(parts, tmp_path, compression):
    if compression == "zstd":
        pytest.importorskip("hdf5plugin")
    estimate = plan_conversion(parts, compression=compression)
    report = run(parts, tmp_path / "out", compression=compression)

    written = sum(file.stat().st_size for file in (tmp_path / "out").iterdir())
    assert estimate.records == 450
    assert estimate.bytes == pytest.approx(written, rel=0.1)
    assert report.bytes == pytest.approx(written, rel=0.01)


def test_too_little_disk_is_an_error_before_the_first_byte(
    parts, tmp_path, monkeypatch
):
    usage = namedtuple("usage", "total used free")(10**9, 10**9, 10**6)
    monkeypatch.setattr(conversion.shutil, "disk_usage", lambda path: usage)

    with pytest.raises(OSError, match=r"has 0.001 GB free"):
        run(parts, tmp_path / "out")
    assert {file.name for file in (tmp_path / "out").iterdir()} <= {".conversion.lock"}
    # What the error advises is possible.
    monkeypatch.undo()
    assert run(parts, tmp_path / "out", compression="gzip").records == 450


def test_a_full_disk_leaves_nothing_half_written(parts, tmp_path):
    """A limit on the size of files stands for the full disk."""
    code = (
        "import resource, signal, sys\n"
        "from seisbench_diting.data import convert\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, -1))\n"
        "report = convert(sys.argv[1], sys.argv[2], progress=False)\n"
        "print(report.problems[0].split(':')[0], report.records)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, parts, tmp_path / "out"],
        capture_output=True,
        text=True,
    )

    assert result.stdout == "3 parts (00, 01, 10) 0\n", result.stderr
    assert {file.name for file in (tmp_path / "out").iterdir()} <= FILES
    assert run(parts, tmp_path / "out").records == 450


def test_two_workers_give_the_same_dataset(parts, tmp_path):
    run(parts, tmp_path / "one")
    report = run(parts, tmp_path / "two", workers=2)

    assert report.problems == []
    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")


def die_at_01(part, *arguments):
    if part.chunk == "01":
        os.kill(os.getpid(), signal.SIGKILL)
    return convert_part(part, *arguments)


def test_a_worker_that_dies_is_told_and_the_others_go_on(parts, tmp_path, monkeypatch):
    monkeypatch.setattr(conversion, "convert_part", die_at_01)
    report = run(parts, tmp_path / "out", workers=2)

    assert report.chunks
    assert "01" not in report.chunks
    assert "a worker process died" in report.problems[0]
    monkeypatch.undo()
    assert run(parts, tmp_path / "out").problems == []


def test_converted_parts_are_not_converted_again(parts, tmp_path, monkeypatch):
    run(parts, tmp_path / "out", parts=[0, 10])
    before = files_of(tmp_path / "out")
    fail = monkeypatch.setattr
    fail(conversion, "convert_part", lambda part, *_: pytest.fail(part.chunk))
    with pytest.raises(BaseException, match="01"):
        run(parts, tmp_path / "out")
    monkeypatch.undo()

    report = run(parts, tmp_path / "out")

    assert report.chunks == ["00", "01", "10"]
    after = files_of(tmp_path / "out")
    for name in ("waveforms00.hdf5", "metadata10.csv"):
        assert before[name] == after[name]
    # The originals of what is converted are not needed any more.
    shutil.copytree(parts, tmp_path / "in")
    (tmp_path / "in" / "DiTing330km_part_0.hdf5").unlink()
    assert run(tmp_path / "in", tmp_path / "out").chunks == ["00", "01", "10"]


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"compression": "lzf"}, "compression='lzf'"),
        ({"split": (0.7, 0.2, 0.1)}, r"split=\[0.7"),
        ({"split_by": "order"}, "split_by='order'"),
        ({"seed": 43}, "seed=43"),
        ({"parts": [5]}, "parts='05': there are 00, 01, 10"),
        ({"compression": "bzip"}, "compression='bzip'"),
        ({"split_by": "day"}, "split_by='day'"),
        ({"split": (0.5, 0.5)}, "three shares"),
        ({"workers": 0}, "workers=0"),
    ],
)
def test_wrong_and_changed_options(parts, tmp_path, options, word):
    run(parts, tmp_path / "out", parts=[0])
    before = files_of(tmp_path / "out")

    with pytest.raises(ValueError, match=word):
        run(parts, tmp_path / "out", **options)
    assert files_of(tmp_path / "out") == before


def test_places_that_are_none(parts, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "metadata.csv").write_text("trace_name\n")
    (tmp_path / "file.h5").write_text("no HDF5")

    with pytest.raises(ValueError, match="source="):
        run(tmp_path / "nowhere", tmp_path / "out")
    with pytest.raises(ValueError, match="DiTing330km_part_N"):
        run(tmp_path / "empty", tmp_path / "out")
    with pytest.raises(ValueError, match="can't be read as HDF5"):
        run(tmp_path / "file.h5", tmp_path / "out")
    with pytest.raises(ValueError, match="neither group 'train' nor 'test'"):
        run(parts / "DiTing330km_part_0.hdf5", tmp_path / "out")
    with pytest.raises(ValueError, match="is of another dataset"):
        run(parts, tmp_path / "taken")
    assert not (tmp_path / "out").exists()


def test_a_part_that_is_there_twice(parts, tmp_path):
    shutil.copytree(parts, tmp_path / "in" / "a")
    shutil.copytree(parts, tmp_path / "in" / "b")

    with pytest.raises(ValueError, match="are the same part"):
        run(tmp_path / "in", tmp_path / "out")


def test_two_conversions_into_one_folder(parts, tmp_path):
    (tmp_path / "out").mkdir()
    with (
        only_writer(tmp_path / "out", "conversion"),
        pytest.raises(ValueError, match="another conversion is writing there"),
    ):
        run(parts, tmp_path / "out")


def test_a_damaged_report(parts, tmp_path):
    run(parts, tmp_path / "out", parts=[0])
    (tmp_path / "out" / "conversion.json").write_text("{}")

    with pytest.raises(ValueError, match="is not a report of a conversion"):
        run(parts, tmp_path / "out")


def test_memory_does_not_grow_with_the_lengths(tmp_path):
    """Records of many lengths fill many blocks at once; the sum is bounded."""
    rng = np.random.default_rng(1)
    file = h5py.File(tmp_path / "blocks.hdf5", "w")
    writer = BlockWriter(file, "none")
    names = {}
    for index in range(400):
        samples = int(rng.integers(1, 40_000))
        waveform = np.full((samples, 3), index, dtype="float32")
        names[writer.add(waveform)] = (index, samples)
        pending = sum(block.memory.nbytes for block in writer._pending.values())
        assert pending < 300 * 2**20
    writer.finish()
    file.close()

    with h5py.File(tmp_path / "blocks.hdf5") as file:
        for name, (index, samples) in names.items():
            block, place = name.split("$")
            row = file["data"][block][int(place.split(",")[0])]
            assert (row[:, :samples] == index).all()
            assert (row[:, samples:] == 0).all()
            assert row.shape[1] < samples * 1.03 + 2
