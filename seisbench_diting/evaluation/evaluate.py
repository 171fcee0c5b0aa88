"""Picks of a model for the windows of a dataset's split, with the truth beside them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from seisbench.data import WaveformDataset
from seisbench.models import WaveformModel
from tqdm import tqdm

from ..data import open_dataset
from ..generate import DiTingTestBatches
from .counting import COUNTINGS, TOLERANCE_S, PhaseMetrics, measure
from .pickers import DISTANCE, WindowPicker, load_picker
from .validation import Window, read_validation, write_validation

#: Picks down to this probability are kept for curves over thresholds.
LOWEST = 0.05

HEIGHT = 0.3

_COLUMNS = ("path_ep_distance_km", "source_magnitude")


@dataclass
class Evaluation:
    """
    What a model picked, and how well.

    :param name: Name of the model
    :param sampling_rate: Sampling rate of the windows in Hz
    :param height: Smallest probability of a pick that counts
    :param tolerance: A pick nearer to an arrival than this is right, in seconds
    :param counting: See :py:func:`~seisbench_diting.evaluation.measure`
    :param windows: Truth and picks, also those of smaller probability
    :param metadata: Magnitude and distance of each window, where they are known
    :param batches: Where the windows came from, to look at them again
    """

    name: str
    sampling_rate: float
    height: float
    tolerance: float
    counting: str
    windows: list[Window]
    metadata: pd.DataFrame = field(default_factory=pd.DataFrame)
    batches: DiTingTestBatches | None = None

    def measure(
        self,
        phase: str,
        *,
        height: float | None = None,
        chosen: np.ndarray | None = None,
        bootstraps: int = 1000,
    ) -> PhaseMetrics:
        """
        :param phase: "P" or "S"
        :param height: Another smallest probability
        :param chosen: Indices of the windows to measure, None for all
        :param bootstraps: See :py:func:`~seisbench_diting.evaluation.measure`
        """
        windows = self.windows
        if chosen is not None:
            windows = [windows[i] for i in chosen]
        return measure(
            windows,
            phase,
            self.sampling_rate,
            tolerance=self.tolerance,
            height=self.height if height is None else height,
            counting=self.counting,
            bootstraps=bootstraps,
        )

    def write(self, path: str | Path) -> None:
        """Writes the validation text file."""
        write_validation(
            path,
            (
                Window(w.p, w.s, w.snr, [p for p in w.picks if p[2] >= self.height])
                for w in self.windows
            ),
        )


def evaluate(
    model: str | Path | WaveformModel | WindowPicker,
    data: str | Path | WaveformDataset,
    *,
    split: str = "test",
    height: float = HEIGHT,
    distance: int = DISTANCE,
    tolerance: float = TOLERANCE_S,
    counting: str = "correct",
    n_samples: int = 6144,
    padlen: int = 512,
    batch_size: int = 64,
    seed: int = 42,
    workers: int = 0,
    progress: bool = True,
) -> Evaluation:
    """
    Evaluates a picker on one window of each record of a split: the same windows for
    every model of one sampling rate.

    :param model: See :py:func:`load_picker`
    :param data: Folder or name of a SeisBench dataset, or an open one
    :param split: ``train``, ``dev``, ``test``, or ``all``
    :param height: Smallest probability of a pick
    :param distance: Smallest distance of two picks of one phase in samples
    :param tolerance: A pick nearer to an arrival than this is right, in seconds
    :param counting: ``correct`` or ``published``
    :param n_samples: Samples a window
    :param padlen: Least distance of the chosen arrival from the edges
    :param batch_size: Windows a batch
    :param seed: Seed of the windows
    :param workers: Processes that load windows
    :param progress: If true, shows a progress bar
    :raises ValueError: for wrong arguments, or if the split is empty
    :return: Picks, truth and measures
    """
    _check(height, distance, tolerance, counting)
    picker = model if isinstance(model, WindowPicker) else load_picker(model)
    dataset = _choose(data, split, picker)
    batches = DiTingTestBatches(dataset, batch_size, n_samples, seed, padlen=padlen)
    windows: list[Window] = []
    lowest = min(LOWEST, height)
    loader = batches.loader(num_workers=workers, stop=len(batches))
    for batch in tqdm(
        loader, total=len(batches), desc=picker.name, unit="batch", disable=not progress
    ):
        wave = np.ascontiguousarray(batch["wave"].numpy())
        truth = batch["label"].numpy().astype(float)
        found = picker.pick(wave, lowest, distance)
        for (p, s, snr), picks in zip(truth, found, strict=True):
            windows.append(Window(_present(p), _present(s), _known(snr), picks))
    present = [name for name in _COLUMNS if name in dataset.metadata.columns]
    return Evaluation(
        picker.name,
        picker.sampling_rate,
        height,
        tolerance,
        counting,
        windows,
        dataset.metadata[present].reset_index(drop=True),
        batches,
    )


def evaluate_picks(
    path: str | Path,
    *,
    sampling_rate: float = 50.0,
    height: float = HEIGHT,
    tolerance: float = TOLERANCE_S,
    counting: str = "correct",
) -> Evaluation:
    """
    Evaluates a validation text file.

    :param path: File
    :param sampling_rate: Sampling rate of its windows in Hz
    :param height: Smallest probability of a pick
    :param tolerance: A pick nearer to an arrival than this is right, in seconds
    :param counting: ``correct`` or ``published``
    :raises ValueError: for wrong arguments, or if it is no such file
    :return: Picks, truth and measures
    """
    _check(height, DISTANCE, tolerance, counting)
    if not sampling_rate > 0:
        raise ValueError(f"sampling_rate={sampling_rate} must be positive.")
    path = Path(path)
    windows = read_validation(path)
    return Evaluation(path.name, sampling_rate, height, tolerance, counting, windows)


def _check(height: float, distance: int, tolerance: float, counting: str) -> None:
    if not 0 <= height <= 1:
        raise ValueError(f"height={height} must be from 0 to 1.")
    if distance < 1:
        raise ValueError(f"distance={distance} must be at least one sample.")
    if not tolerance > 0:
        raise ValueError(f"tolerance={tolerance} must be positive.")
    if counting not in COUNTINGS:
        raise ValueError(
            f"counting={counting!r} must be one of {', '.join(COUNTINGS)}."
        )


def _choose(
    data: str | Path | WaveformDataset, split: str, picker: WindowPicker
) -> WaveformDataset:
    if isinstance(data, WaveformDataset):
        dataset = data.copy()
        dataset.sampling_rate = picker.sampling_rate
        dataset.component_order = picker.component_order
    else:
        dataset = open_dataset(
            data,
            sampling_rate=picker.sampling_rate,
            component_order=picker.component_order,
        )
    if split == "all":
        return dataset
    if split not in ("train", "dev", "test"):
        raise ValueError(f"split={split!r} must be train, dev, test or all.")
    if "split" not in dataset.metadata.columns:
        raise ValueError(
            f"split={split!r}: the dataset has no splits; use split='all'."
        )
    chosen = dataset.get_split(split)
    if len(chosen) == 0:
        raise ValueError(
            f"split={split!r} is empty; there are "
            f"{', '.join(map(str, sorted(set(dataset['split'].dropna()))))}."
        )
    return chosen


def _present(sample: float) -> float:
    return float(sample) if sample >= 0 else float("nan")


def _known(snr: float) -> float:
    return float("nan") if snr == -1 else float(snr)
