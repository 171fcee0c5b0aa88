"""That networks learn what they are shown."""

import pandas as pd
import pytest
import torch

pytest.importorskip("lightning")

from benchmarks.ncedc_dataset import write_ncedc
from seisbench_diting.training import train


@pytest.fixture
def _one_thread():
    """More wait for each other on layers this small."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.slow
@pytest.mark.usefixtures("_one_thread")
def test_32_records_are_learned(reference, tmp_path, monkeypatch):
    monkeypatch.setenv("SEISBENCH_DITING_REFERENCE", str(reference))
    path = write_ncedc(tmp_path / "dataset", train=32)
    table = pd.read_csv(path / "metadata.csv")
    shown = table[table["split"] == "train"]
    both = pd.concat([shown, shown.assign(split="dev")])
    both.to_csv(path / "metadata.csv", index=False)
    result = train(
        model="LPPNM",
        data=path,
        output=tmp_path / "run",
        max_steps=450,
        batch_size=16,
        lr=3e-3,
        n_samples=3072,
        augmentations={"within": True},
        validate_every=50,
        checkpoint_every=1000,
        accelerator="cpu",
        progress=False,
    )

    # Of windows that it was not shown in just this place.
    assert result.scores["validation_f1_P"] >= 0.95
    assert result.scores["validation_f1_S"] >= 0.95
