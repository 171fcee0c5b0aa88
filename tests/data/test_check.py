"""Verification of converted datasets."""

import json
import shutil

import h5py
import pandas as pd
import pytest
from test_conversion import run, truncate

from benchmarks import original
from seisbench_diting.data import check_dataset


@pytest.fixture
def converted(parts, tmp_path):
    run(parts, tmp_path / "out")
    return tmp_path / "out"


def check(path, source=None, **options):
    return check_dataset(path, source, progress=False, **options)


def test_a_whole_dataset(parts, converted):
    report = check(converted, parts)

    assert report.problems == []
    assert report.records == 450
    assert report.compared == report.read == 258
    assert check(converted, parts, samples=10_000).compared == 450
    assert check(converted).compared == 0
    assert check(converted).read == 258


def test_the_merged_file(parts, tmp_path):
    original.merge(parts, tmp_path / "merged.h5")
    run(tmp_path / "merged.h5", tmp_path / "out")

    report = check(tmp_path / "out", tmp_path / "merged.h5")
    assert report.problems == []
    assert report.compared >= 256


def test_one_changed_bit_is_found(parts, converted):
    with h5py.File(converted / "waveforms01.hdf5", "r+") as file:
        for block in file["data"].values():
            block[0, 0, 5] += 1
    report = check(converted, parts, samples=10_000)

    assert len(report.problems) == 1
    assert "chunk 01" in report.problems[0]
    assert "differ from the original: earthquake/0300" in report.problems[0]


def edit(path, change):
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    change(table).to_csv(path, index=False)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda t: t.iloc[:-1], "149 rows instead of 150"),
        (
            lambda t: t.assign(trace_name=t["trace_name"][0]),
            "1 different trace_name instead",
        ),
        (
            lambda t: t.assign(split=["train", "test"] * 75),
            "38 events are in several splits",
        ),
        (
            lambda t: t.assign(trace_name=t["trace_name"].str.replace(",:3", ",:2")),
            "150 records are not where trace_name says",
        ),
        (
            lambda t: t.assign(trace_npts="17"),
            "150 records are not where trace_name says",
        ),
    ],
)
def test_changed_metadata_are_found(converted, change, word):
    edit(converted / "metadata10.csv", change)

    assert any(word in problem for problem in check(converted).problems)


@pytest.mark.parametrize("file", ["waveforms00.hdf5", "metadata01.csv"])
def test_missing_and_truncated_files_are_found(converted, file):
    truncate(converted / file, 0.7)
    problems = check(converted).problems
    assert any("bytes instead of" in problem for problem in problems)

    (converted / file).unlink()
    assert any("bytes instead of" in problem for problem in check(converted).problems)


def test_parts_that_were_not_converted_are_named(parts, tmp_path):
    run(parts, tmp_path / "out", parts=[0])
    assert check(tmp_path / "out", parts).problems == [
        "2 chunks (01, 10): has not been converted"
    ]

    shutil.copytree(parts, tmp_path / "in")
    (tmp_path / "in" / "DiTing330km_part_1.csv").unlink()
    run(tmp_path / "in", tmp_path / "some")
    assert any("part 01" in problem for problem in check(tmp_path / "some").problems)


def test_what_is_no_converted_dataset(tmp_path):
    with pytest.raises(ValueError, match=r"conversion\.json"):
        check(tmp_path)
    (tmp_path / "conversion.json").write_text(json.dumps({"parts": 1}))
    with pytest.raises(ValueError, match=r"conversion\.json"):
        check(tmp_path)
