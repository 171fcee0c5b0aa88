"""Picks of models on the windows of a dataset, beside the truth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from seisbench.data import WaveformDataset
from tqdm import tqdm

from .._util import ArgumentError, check_place, takes
from ..data import open_dataset
from ..generate import DiTingTestBatches
from .evaluation_report import write_report
from .evaluation_settings import EvaluateSettings
from .metrics import LOWEST, Evaluation, Window, read_validation
from .window_pickers import WindowPicker, load_picker

_COLUMNS = ("path_ep_distance_km", "source_magnitude")


@takes(EvaluateSettings)
def evaluate(settings: EvaluateSettings) -> Evaluation:
    """
    Evaluates a picker on one window of each record of a split: the same windows for
    every model of one sampling rate.

    :raises ValueError: for wrong arguments, or if the split is empty
    :return: Picks, truth and measures
    """
    return evaluate_models(settings)[0]


def evaluate_models(settings: EvaluateSettings) -> list[Evaluation]:
    """
    :param settings: Settings, of one model or several
    :return: An evaluation for each model
    """
    if settings.output is not None:
        check_place(settings.output, f"output={str(settings.output)!r}")
    if settings.report is not None:
        _make_folder(settings.report)
    if settings.picks is not None:
        windows = read_validation(settings.picks)
        rate = settings.sampling_rate or 50.0
        found = [_evaluation(settings, settings.picks.name, rate, windows)]
    else:
        rest = (settings.sampling_rate, settings.component_order)
        pickers = [load_picker(model, *rest) for model in settings.model]
        found = [_evaluate(picker, settings) for picker in pickers]
    for evaluation, path in zip(found, output_files(settings, found), strict=False):
        evaluation.write(path)
    if settings.report is not None:
        write_report(found, settings.report)
    return found


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = f"the folder can't be made: {error.strerror}"
        raise ArgumentError("report", str(path), reason) from error


def output_files(
    settings: EvaluateSettings, found: Sequence[Evaluation]
) -> Iterator[Path]:
    """The validation text file of each evaluation; none if none was asked for."""
    output = settings.output
    if output is None:
        return
    for evaluation in found:
        name = evaluation.name.replace("/", "-").replace("\\", "-")
        middle = f".{name}" if len(found) > 1 else ""
        yield output.with_name(f"{output.stem}{middle}{output.suffix}")


def _evaluate(picker: WindowPicker, settings: EvaluateSettings) -> Evaluation:
    dataset = _open(settings.data, settings.split, picker)
    batches = DiTingTestBatches(dataset, batch_size=64)
    windows: list[Window] = []
    lowest = min(LOWEST, settings.threshold)
    loader = batches.loader(num_workers=settings.workers, stop=len(batches))
    for batch in tqdm(
        loader,
        total=len(batches),
        desc=picker.name,
        unit="batch",
        disable=None if settings.progress else True,
    ):
        wave = np.ascontiguousarray(batch["wave"].numpy())
        truth = batch["label"].numpy().astype(float)
        truth[:, :2][truth[:, :2] < 0] = np.nan
        truth[:, 2][truth[:, 2] == -1] = np.nan
        found = picker.pick(wave, lowest, settings.distance)
        for (p, s, snr), picks in zip(truth.tolist(), found, strict=True):
            windows.append(Window(p, s, snr, picks))
    present = [name for name in _COLUMNS if name in dataset.metadata.columns]
    metadata = dataset.metadata[present].reset_index(drop=True)
    name, rate = picker.name, picker.sampling_rate
    return _evaluation(settings, name, rate, windows, metadata, batches)


def _evaluation(
    settings: EvaluateSettings,
    name: str,
    rate: float,
    windows: list[Window],
    *others: Any,
) -> Evaluation:
    options = (settings.threshold, settings.tolerance, settings.counting)
    return Evaluation(name, rate, *options, windows, *others)


def _open(data: Any, split: str, picker: WindowPicker) -> WaveformDataset:
    dataset = data.copy() if isinstance(data, WaveformDataset) else open_dataset(data)
    dataset.sampling_rate = picker.sampling_rate
    dataset.component_order = picker.component_order
    if split == "all":
        return dataset
    if "split" not in dataset.metadata.columns:
        raise ArgumentError("split", split, "the dataset has no splits; use all")
    chosen = dataset.get_split(split)
    if len(chosen) == 0:
        there = ", ".join(map(str, sorted(set(dataset["split"].dropna()))))
        raise ArgumentError("split", split, f"it is empty; there are {there}")
    return chosen
