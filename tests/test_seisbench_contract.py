"""
The private parts of SeisBench and ObsPy that this package uses. If one of these tests
fails, they have changed: mend the one place that is named in it.
"""

import inspect

import numpy as np
import obspy
import pytest
import seisbench
import seisbench.data as sbd
from seisbench.models import WaveformModel

from seisbench_diting.data import DiTing
from seisbench_diting.models import LPPNT


def test_filter_stream():
    # models/base.py: annotate_stream_pre applies the filter of the model.
    stream = obspy.read()
    before = stream[0].data.copy()
    model = LPPNT(filter_args=["highpass"], filter_kwargs={"freq": 1.0})
    model._filter_stream(stream)

    assert (stream[0].data != before).any()


def test_public_stream_functions(caplog):
    # models/base.py: overlaps are judged, and zerophase_resample=False is served, by
    # SeisBench itself.
    stream = obspy.read()
    other = stream[0].copy()
    other.data = other.data + 1
    kept = WaveformModel.sanitize_mismatching_overlapping_records(stream + other)
    assert sorted(trace.stats.channel for trace in kept) == ["EHE", "EHN"]
    assert "did not agree" in caplog.text

    WaveformModel.resample(stream, 50, zerophase=False)
    assert {trace.stats.sampling_rate for trace in stream} == {50}


def test_cache_layout(cache):
    # models/pretrained.py: where weights lie, and how their files are named.
    assert LPPNT._model_path() == cache / "lppnt"
    assert LPPNT._parse_weight_filename("csn.json.v1") == ("csn", "json", "1")
    assert LPPNT._parse_weight_filename(".install-x") == (None, None, None)
    LPPNT._model_path().mkdir(parents=True)
    LPPNT().save(LPPNT._model_path() / "mine", "Mine", version_str="2")
    assert LPPNT._get_latest_docstring("mine", remote=False) == "Mine"


@pytest.mark.parametrize(
    "name",
    [
        *("from_pretrained", "list_pretrained", "list_versions", "load"),
        *("annotate", "annotate_async", "classify", "classify_async"),
    ],
)
def test_methods_keep_seisbenchs_arguments(name):
    theirs = inspect.signature(getattr(WaveformModel, name)).parameters
    assert list(inspect.signature(getattr(LPPNT, name)).parameters) == list(theirs)


def test_benchmark_dataset(tmp_path, monkeypatch):
    # data/diting.py: where datasets lie, what a dataset is made of.
    monkeypatch.setattr(seisbench, "cache_data_root", tmp_path)
    assert DiTing._path_internal() == tmp_path / "diting"
    assert DiTing._name_internal() == "DiTing"
    files = tmp_path / "metadata.csv", tmp_path / "waveforms.hdf5"
    with sbd.WaveformDataWriter(*files) as writer:
        writer.data_format = {"dimension_order": "CW", "component_order": "ZNE"}
        codes = {"source_id": "000014", "station_code": "0021"}
        metadata = {"trace_sampling_rate_hz": 50, **codes}
        writer.add_trace(metadata, np.zeros((3, 10)))
    dataset = sbd.WaveformDataset(tmp_path, component_order="ZNE")
    assert dataset._path == tmp_path
    assert dataset._chunks_with_paths()[2] == [tmp_path / "waveforms.hdf5"]
    assert dataset._metadata is dataset.metadata
    # If pandas or SeisBench kept the zeros, data/diting.py need not restore them.
    assert dataset["source_id"][0] == 14
    own = DiTing(tmp_path, component_order="ZNE")
    assert own.citation == own._citation
    assert own.license == own._license


def test_formats_of_obspy(tmp_path):
    # picking/formats.py: formats are told without opening pickles.
    from obspy.core.util.base import ENTRY_POINTS, buffered_load_entry_point

    assert {"MSEED", "SAC", "PICKLE"} <= set(ENTRY_POINTS["waveform"])
    path = tmp_path / "example.mseed"
    obspy.read().write(str(path), format="MSEED")
    entry = ENTRY_POINTS["waveform"]["MSEED"]
    is_format = buffered_load_entry_point(
        entry.dist.name, "obspy.plugin.waveform.MSEED", "isFormat"
    )
    assert is_format(str(path))
    assert not is_format(__file__)
