"""The dataset class."""

import pickle
import subprocess
import sys

import numpy as np
import pytest
import seisbench
import seisbench.data as sbd
from test_conversion import run

import seisbench_diting.data
from seisbench_diting.data import DiTing
from seisbench_diting.plots import plot_record


@pytest.fixture
def data_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(seisbench, "cache_data_root", tmp_path / "datasets")
    return tmp_path / "datasets"


@pytest.fixture(scope="module")
def converted(parts, tmp_path_factory):
    path = tmp_path_factory.mktemp("diting") / "out"
    run(parts, path)
    return path


def test_it_is_one_of_seisbench(converted):
    assert sbd.DiTing is DiTing
    assert "DiTing" in sbd.__all__
    dataset = sbd.DiTing(path=converted, component_order="ZNE")

    assert isinstance(dataset, sbd.WaveformBenchmarkDataset)
    assert str(dataset) == "DiTing - 450 traces"
    assert dataset.name == "DiTing"
    assert dataset.path == converted
    assert "10.1016/j.eqs.2022.01.022" in dataset.citation
    assert "may not be passed on" in dataset.license


def test_without_a_conversion_it_says_what_to_do(data_cache):
    with pytest.raises(FileNotFoundError) as error:
        DiTing()

    for word in (
        "China Earthquake Data Center",
        "agreement",
        f"seisbench-diting convert -i FOLDER -o {data_cache / 'diting'}",
        "DiTing.from_original(FOLDER)",
    ):
        assert word in str(error.value).replace("\n", " ")
    assert not data_cache.exists()


def test_from_the_original_into_the_cache(parts, data_cache):
    dataset = DiTing.from_original(
        parts, progress=False, dataset_kwargs={"component_order": "ENZ"}
    )

    assert dataset.path == data_cache / "diting"
    assert len(DiTing(component_order="ZNE")) == len(dataset) == 450
    assert DiTing.available_chunks() == ["00", "01", "10"]


def test_from_a_damaged_original(quirky, tmp_path):
    table = quirky / "DiTing330km_part_3.csv"
    table.write_text(table.read_text()[:-40])

    with pytest.raises(ValueError, match=r"Correct the files[\s\S]*damaged line"):
        DiTing.from_original(quirky, tmp_path / "out", progress=False)
    assert len(DiTing(tmp_path / "out", component_order="ZNE")) > 30


def test_chunks_rates_and_components_as_everywhere_in_seisbench(converted):
    dataset = DiTing(converted, chunks=["01"], component_order="ENZ", sampling_rate=25)
    plain = DiTing(converted, component_order="ZNE")

    assert len(dataset) == 150
    waveform, metadata = dataset.get_sample(0)
    index = plain.get_idx_from_trace_name(metadata["trace_name"], chunk="01")
    full, full_metadata = plain.get_sample(index)
    assert waveform.shape[1] == (full.shape[1] + 1) // 2
    assert np.array_equal(plain.get_waveforms(index)[::-1].shape, full.shape)
    ratio = full_metadata["trace_p_arrival_sample"] / metadata["trace_p_arrival_sample"]
    assert ratio == 2
    with pytest.raises(ValueError, match="does not contain the following chunks"):
        DiTing(converted, chunks=["99"])


def test_splits_filters_and_groups(converted):
    dataset = DiTing(converted, component_order="ZNE")
    splits = dataset.train_dev_test()

    assert sum(len(split) for split in splits) == 450
    events = [set(split["source_id"]) for split in splits]
    assert not events[0] & events[2]
    large = dataset.filter(dataset["source_magnitude"] > 3, inplace=False)
    assert 0 < len(large) < 450
    assert isinstance(large, DiTing)
    assert large.get_sample(0)[1]["source_magnitude"] > 3
    dataset.grouping = "source_id"
    assert len(dataset.groups) == dataset.n_events() == 3 * 38
    waveforms, metadata = dataset.get_group_samples(0)
    assert len(waveforms) == len(metadata["trace_name"]) == 4


def test_a_record_can_be_looked_at_and_there_is_no_map(converted):
    dataset = DiTing(converted, component_order="ZNE")
    figure = plot_record(*dataset.get_sample(0))

    assert "000001" in figure.get_suptitle()
    assert [text.get_text() for text in figure.axes[0].texts] == ["P", "S"]
    with pytest.raises(ValueError, match="no coordinates"):
        dataset.plot_map()


def test_codes_keep_their_zeros(converted):
    dataset = DiTing(converted, component_order="ZNE")

    assert dataset["source_id"][0] == "000001"
    assert dataset["station_code"][0] == "0100"
    assert dataset["trace_name_original"][0] == "earthquake/000001.0100"
    assert dataset.get_event_sample_indices("000001") == [0, 1, 2, 3]


def test_it_can_be_copied_added_and_pickled(converted):
    dataset = DiTing(converted, component_order="ZNE")
    other = pickle.loads(pickle.dumps(dataset))  # noqa: S301 - as DataLoader does

    assert np.array_equal(other.get_waveforms(5), dataset.get_waveforms(5))
    assert len(dataset + dataset.copy()) == 900


def test_zstd_tells_what_it_needs(parts, tmp_path):
    pytest.importorskip("hdf5plugin")
    run(parts, tmp_path / "out", parts=[0], compression="zstd")

    assert DiTing(tmp_path / "out", component_order="ZNE").get_waveforms(3).any()
    code = (
        "import sys\n"
        "sys.modules['hdf5plugin'] = None\n"
        "from seisbench_diting.data import DiTing, convert\n"
        "try:\n"
        "    DiTing(sys.argv[1])\n"
        "except ValueError as error:\n"
        "    print(error)\n"
        "try:\n"
        "    convert(sys.argv[2], sys.argv[1], compression='zstd')\n"
        "except ValueError as error:\n"
        "    print(error)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "out", parts],
        capture_output=True,
        text=True,
    )
    assert "compressed with zstd, which needs hdf5plugin: pip install" in result.stdout
    assert "compression='zstd': " in result.stdout


def test_the_room_exports_what_it_promises():
    for name in seisbench_diting.data.__all__:
        assert hasattr(seisbench_diting.data, name)
