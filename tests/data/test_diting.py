"""The dataset class."""

import shutil

import pytest
import seisbench

from seisbench_diting.data import DiTing, open_dataset


@pytest.fixture
def data_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(seisbench, "cache_data_root", tmp_path / "datasets")
    return tmp_path / "datasets"


@pytest.fixture
def dataset(converted):
    return DiTing(converted, component_order="ZNE")


def test_without_a_conversion_it_says_what_to_do(data_cache):
    with pytest.raises(FileNotFoundError) as error:
        DiTing()
    for part in ("seisbench-diting convert", str(data_cache / "diting")):
        assert part in str(error.value)
    assert not data_cache.exists()


def test_from_the_original_into_the_cache(parts, data_cache):
    dataset = DiTing.from_original(parts, progress=False)
    assert dataset.path == data_cache / "diting"
    assert DiTing.available_chunks() == ["00", "01", "10"]
    assert len(open_dataset("diting", component_order="ZNE")) == len(dataset) == 450


def test_from_a_damaged_original(copied, tmp_path):
    (copied / "DiTing330km_part_1.csv").unlink()
    with pytest.raises(ValueError, match="part 01"):
        DiTing.from_original(copied, tmp_path / "out", progress=False)
    assert len(DiTing(tmp_path / "out", component_order="ZNE")) == 300


def test_a_folder_or_a_name_opens_a_dataset(converted, tmp_path):
    assert isinstance(open_dataset(converted, component_order="ZNE"), DiTing)
    shutil.copytree(converted, tmp_path / "own")
    (tmp_path / "own" / "conversion.json").unlink()
    assert open_dataset(tmp_path / "own", component_order="ZNE").name == "own"
    for nothing in ("nothing", tmp_path):
        with pytest.raises(ValueError, match="data="):
            open_dataset(nothing)


def test_chunks_rates_and_components_as_everywhere_in_seisbench(converted, dataset):
    part = DiTing(converted, chunks=["01"], component_order="ENZ", sampling_rate=25)
    assert len(part) == 150
    waveform, metadata = part.get_sample(0)
    # Codes keep their zeros.
    assert (dataset["source_id"][0], dataset["station_code"][0]) == ("000001", "0100")
    full = dataset.get_idx_from_trace_name(metadata["trace_name"], chunk="01")
    assert waveform.shape[1] == (dataset.get_waveforms(full).shape[1] + 1) // 2
    p = dataset["trace_p_arrival_sample"][full]
    assert metadata["trace_p_arrival_sample"] == p / 2
    assert isinstance(part.train(), DiTing)
