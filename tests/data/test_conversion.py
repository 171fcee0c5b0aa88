"""Conversion of DiTing's original files, ordinary and damaged ones."""

import os
import re
import shutil
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import seisbench.data as sbd

from benchmarks import original
from seisbench_diting.data import conversion, convert
from seisbench_diting.data.conversion import convert_part, split_of_event

TABLE = "DiTing330km_part_1.csv"


def run(source, path, **options):
    return convert(source, path, progress=False, **options)


def read(path):
    return sbd.WaveformDataset(path, component_order="ZNE")


def assert_bit_for_bit(path, source):
    """Records, at least 50 of them if there are as many, against the original files."""
    dataset = read(path)
    for index, row in dataset.metadata[:: max(1, len(dataset) // 50)].iterrows():
        part = source / f"DiTing330km_part_{int(row['trace_chunk'])}.hdf5"
        with h5py.File(part) as file:
            theirs = file[row["trace_name_original"]][()].T
        with h5py.File(path / f"waveforms{row['trace_chunk']}.hdf5") as file:
            block, place = row["trace_name"].split("$")
            ours = file["data"][block][int(place.split(",")[0])]
        assert ours.dtype == theirs.dtype
        assert ours.tobytes() == theirs.tobytes()
        waveform = dataset.get_waveforms(index)
        np.testing.assert_array_equal(waveform, theirs)
    return dataset


# Files as people have them


def test_real_records_with_a_table_for_each_split(reference, tmp_path):
    source = reference / "data" / "diting_sample"
    report = run(source, tmp_path / "out", split_by="table")

    assert report.problems == []
    assert len(report.chunks) == 23
    dataset = assert_bit_for_bit(tmp_path / "out", source)
    counts = {"train": 28, "test": 12, "dev": 11}
    assert dataset["split"].value_counts().to_dict() == counts
    tables = [pd.read_csv(file, dtype={"key": str}) for file in source.glob("*.csv")]
    rows = pd.concat(tables).set_index("key")
    names = dataset["trace_name_original"].str.removeprefix("earthquake/")
    for phase in "ps":
        ours = dataset[f"trace_{phase}_arrival_sample"]
        np.testing.assert_array_equal(ours, rows[f"{phase}_pick"][names])


def test_made_records_with_a_table_for_each_part(parts, converted):
    dataset = assert_bit_for_bit(converted, parts)

    assert len(dataset) == 450
    assert set(dataset["trace_chunk"]) == {"00", "01", "10"}
    assert dataset.data_format["unit"] == "counts"
    assert (dataset["trace_sampling_rate_hz"] == 50).all()


def test_one_table_for_all_is_the_same(copied, converted, tmp_path):
    tables = [pd.read_csv(file, dtype=str) for file in copied.glob("*.csv")]
    for file in copied.glob("*.csv"):
        file.unlink()
    table = pd.concat(tables).rename(columns={"Unnamed: 0": ""}).assign(note="x")
    table.to_csv(copied / "DiTing330km_total.csv", index=False)
    run(copied, tmp_path / "out")

    ours, theirs = (read(path).metadata for path in (tmp_path / "out", converted))
    assert (ours.pop("trace_original_note") == "x").all()
    pd.testing.assert_frame_equal(ours, theirs)
    # Rows of a part that is not there are told.
    (copied / "DiTing330km_part_10.hdf5").unlink()
    assert run(copied, tmp_path / "less").elsewhere == {"10": 150}


# The published script says True.
@pytest.mark.parametrize("compression", ["lzf", "True", "zstd"])
def test_compressed_is_the_same(parts, tmp_path, compression):
    if compression == "zstd":
        pytest.importorskip("hdf5plugin")
    run(parts, tmp_path / "out", parts=[0], compression=compression)

    assert_bit_for_bit(tmp_path / "out", parts)
    with h5py.File(tmp_path / "out" / "waveforms00.hdf5") as file:
        for block in file["data"].values():
            assert block.chunks == (1, 3, block.shape[2])


def test_bytes_survive_whatever_the_data_type_and_the_length(tmp_path):
    names = original.write_part(tmp_path, 0, 80, samples=50, spread=1000)
    strange = np.array([[np.nan, -0.0, np.inf]] * 60, dtype="float32")
    waveforms = [
        strange,
        strange.astype(">f4"),
        np.arange(150, dtype="int32").reshape(50, 3) + 2**30,
        np.arange(90, dtype="float64").reshape(30, 3) + 1 / 3,
    ]
    with h5py.File(tmp_path / "DiTing330km_part_0.hdf5", "r+") as file:
        for name, waveform in zip(names, waveforms, strict=False):
            del file["earthquake"][name]
            file["earthquake"][name] = waveform

    assert run(tmp_path, tmp_path / "out").records == 80
    assert_bit_for_bit(tmp_path / "out", tmp_path)


# Bad records, rows and parts are set aside and named


def test_bad_rows_are_named_and_the_rest_is_kept(copied, tmp_path):
    lines = (copied / TABLE).read_text().splitlines()
    lines[1] = lines[1].replace(",30001.01,", ",999999.01,")  # no such waveform
    lines[10] = lines[10].replace(",", ',"', 1)  # does no harm
    lines[20] = lines[20].replace(",30005.", ",event.")
    lines += [lines[30], lines[40][:50]]
    (copied / TABLE).write_text("\n".join(lines) + "\n")
    report = run(copied, tmp_path / "out")

    skipped = dict(report.parts["01"].skipped)
    (damaged,) = skipped.pop("damaged line")
    assert damaged.startswith(f"line 153 of {TABLE}")
    assert skipped == {
        "row without waveform": [f"999999.0100 in line 2 of {TABLE}"],
        "row without valid key": [f"line 21 of {TABLE}"],
        "duplicate key": [f"030008.0200 in line 152 of {TABLE}"],
        "waveform without row": ["030001.0100", "030005.0400"],
    }
    assert report.parts["01"].records == 148
    # A few rows or waveforms alone are usual.
    assert len(report.problems) == 3


def test_damaged_records_are_named(copied, tmp_path):
    path = copied / "DiTing330km_part_1.hdf5"
    with h5py.File(path, "r+") as file:
        group = file["earthquake"]
        names = list(group)[:5]
        for name in names:
            del group[name]
        shapes = (0, 3), (500, 0), (500, 2), (500,)
        for name, shape in zip(names, shapes, strict=False):
            group[name] = np.zeros(shape, dtype=np.float32)
        options = {"chunks": (600, 3), "fletcher32": True, "compression": 1}
        group.create_dataset(names[4], data=np.zeros((600, 3), "float32"), **options)
        # A checksum that is wrong.
        _, content = group[names[4]].id.read_direct_chunk((0, 0))
        group[names[4]].id.write_direct_chunk((0, 0), content[::-1])
    report = run(copied, tmp_path / "out")

    assert report.records == 445
    (problem,) = report.problems
    assert all(name in problem for name in names)


def other_file(hdf5):
    with h5py.File(hdf5, "w") as file:
        file["data/000014.0100"] = np.zeros((10, 3))


@pytest.mark.parametrize(
    "damage",
    [
        lambda hdf5: os.truncate(hdf5, hdf5.stat().st_size // 2),
        lambda hdf5: os.truncate(hdf5.with_suffix(".csv"), 400),
        Path.unlink,
        other_file,
    ],
)
def test_a_damaged_part_is_named_and_the_others_go_on(
    copied, parts, converted, files_of, tmp_path, damage
):
    damage(copied / "DiTing330km_part_1.hdf5")
    report = run(copied, tmp_path / "out")

    assert report.chunks == ["00", "10"]
    assert report.problems[0].startswith("part 01")
    assert len(read(tmp_path / "out")) == 300
    # Corrected, it is the dataset that it would have been.
    shutil.copytree(parts, copied, dirs_exist_ok=True)
    assert run(copied, tmp_path / "out").problems == []
    assert files_of(tmp_path / "out") == files_of(converted)


# Continuing


def test_what_is_converted_whole_is_not_converted_again(
    copied, converted, files_of, tmp_path, monkeypatch
):
    run(copied, tmp_path / "out", parts=[0, 10])
    os.truncate(tmp_path / "out" / "waveforms10.hdf5", 1000)
    again = []

    def convert_and_note(part, settings):
        again.append(part.chunk)
        return convert_part(part, settings)

    monkeypatch.setattr(conversion, "convert_part", convert_and_note)
    # Originals of what is converted are not needed any more.
    (copied / "DiTing330km_part_0.hdf5").unlink()
    assert run(copied, tmp_path / "out").chunks == ["00", "01", "10"]
    assert again == ["01", "10"]
    assert files_of(tmp_path / "out") == files_of(converted)


def die(*_):
    os._exit(1)


def test_after_a_worker_died_the_same_call_continues(parts, tmp_path, monkeypatch):
    monkeypatch.setattr(conversion, "convert_part", die)
    with pytest.raises(OSError, match="workers"):
        run(parts, tmp_path / "out", workers=2)
    monkeypatch.undo()
    assert run(parts, tmp_path / "out").records == 450


# Splits, options, places


def test_events_are_in_one_split_whatever_the_part(parts, tmp_path):
    options = {"split": (0.5, 0.2, 0.3), "seed": 7}
    run(parts, tmp_path / "out", **options)
    run(parts, tmp_path / "one", **options, parts=[1])
    dataset = read(tmp_path / "out")

    assert dataset.metadata.groupby("source_id")["split"].nunique().max() == 1
    assert set(dataset["split"]) == {"train", "dev", "test"}
    part = dataset.metadata[dataset["trace_chunk"] == "01"]
    one = pd.read_csv(tmp_path / "one" / "metadata01.csv")
    assert part["split"].tolist() == one["split"].tolist()


def test_shares_are_what_was_asked_for_and_events_keep_their_split():
    splits = [split_of_event(f"{i:06d}", (0.7, 0.1, 0.2), 1) for i in range(20_000)]
    assert splits.count("dev") / 20_000 == pytest.approx(0.1, abs=0.01)
    # A change would put test events of old datasets into training.
    first = [split_of_event(f"{i:06d}", (0.8, 0.1, 0.1), 42) for i in range(7)]
    assert first == ["dev", "dev", "train", "dev", "test", "train", "train"]


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"seed": 43}, "seed=43"),
        ({"parts": "1-5"}, "parts="),
        ({"split": (0.5, 0.5)}, "split="),
    ],
)
def test_wrong_and_changed_options(parts, converted, files_of, tmp_path, options, word):
    shutil.copytree(converted, tmp_path / "out")
    with pytest.raises(ValueError, match=word):
        run(**{"source": parts, "path": tmp_path / "out", **options})
    assert files_of(tmp_path / "out") == files_of(converted)


def test_folders_that_hold_something_else_are_refused(copied, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    for name in ("metadata.csv", "conversion.json"):
        (out / name).write_text("{}")
        with pytest.raises(ValueError, match=str(out)):
            run(copied, out)
        (out / name).unlink()
    shutil.copytree(copied, copied / "again")
    with pytest.raises(ValueError, match=re.escape(str(copied / "again"))):
        run(copied, out)


def test_the_merged_file_gives_the_same_records_and_a_split(parts, merged, tmp_path):
    run(parts, tmp_path / "parted")
    assert run(merged, tmp_path / "joined", split_by="table").problems == []
    parted, joined = (read(tmp_path / name) for name in ("parted", "joined"))

    assert joined["split"].value_counts().to_dict() == {"train": 360, "test": 90}
    its_own = ("index", "split", "trace_name", "trace_chunk", "trace_original_index")
    columns = [name for name in parted.metadata.columns if name not in its_own]
    ours, theirs = (
        data.metadata.sort_values("trace_name_original")[columns].reset_index(drop=True)
        for data in (joined, parted)
    )
    pd.testing.assert_frame_equal(ours, theirs)
    for index in (0, 100, 449):
        name = joined["trace_name_original"][index]
        other = parted.metadata.index[parted["trace_name_original"] == name][0]
        assert np.array_equal(joined.get_waveforms(index), parted.get_waveforms(other))
