"""The recipe by models and labels, and its options."""

import pytest
import seisbench.data as sbd
import seisbench.generate as sbg
import seisbench.models as sbm
from made_records import Records, run, spike_record, write_dataset

from seisbench_diting import models
from seisbench_diting.generate import ArrivalWindow, label_of, training_augmentations


@pytest.mark.parametrize(
    ("given", "label"),
    [
        *((name, "lppn") for name in ("lppnm", "lppn")),
        *((name, "point") for name in ("RNN", "unet++", "point")),
        (models.EQT, "point"),
        (sbm.EQTransformer, "eqt"),
        (models.LPPNT(), "lppn"),
    ],
)
def test_the_label_of_a_model(given, label):
    assert label_of(given) == label
    with pytest.raises(ValueError, match="model_or_label="):
        label_of(sbm.PhaseNet)


def test_the_published_recipe_has_three_steps_and_a_label():
    names = [type(step).__name__ for step in training_augmentations("RNN")]
    assert names == ["ArrivalWindow", "PeakScale", "PointLabeller"]


def test_options_happen_as_often_as_asked():
    x, metadata = spike_record(4000, 4500)
    steps = training_augmentations("lppn", polarity_flip=0.25)
    states = [run(steps, x, metadata, seed)["X"][1] for seed in range(400)]
    flipped = [its["trace_polarity"] == "D" for its in states]
    assert 70 < sum(flipped) < 130


OTHER = Records(spike_record(1))


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"gap": 1.5}, "gap=1.5"),
        ({"second_event": 0.5, "second_event_records": OTHER}, "second_event_records="),
        ({"rotation": 0.5}, "component_order='Z'"),
        ({"phases": ["trace_first_arrival_sample"]}, "phases="),
    ],
)
def test_wrong_options_are_named(options, word):
    with pytest.raises(ValueError, match=word):
        training_augmentations("lppn", component_order="Z", **options)


COLUMNS = ["trace_p_arrival_sample"]
SEISBENCHS = {"samples_before": 4000, "windowlen": 8000, "strategy": "pad"}


@pytest.mark.parametrize(
    "window", [sbg.WindowAroundSample(COLUMNS, **SEISBENCHS), ArrivalWindow(7000)]
)
def test_the_recipe_follows_other_windows(tmp_path, window):
    # SeisBench's windows leave trace_npts what it was.
    dataset = sbd.WaveformDataset(write_dataset(tmp_path, 6), component_order="ZNE")
    generator = sbg.GenericGenerator(dataset)
    generator.add_augmentations([window, *training_augmentations("LPPNM")])
    for index in range(len(dataset)):
        sample = generator[index]
        assert sample["X"].shape == (3, 6144)
        assert sample["y"].shape == (2, 768)
