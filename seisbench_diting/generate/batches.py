"""Batches for training and for tests, as the dataset's tutorial gives them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from typing import Any, TypeAlias

import numpy as np
from seisbench.data import MultiWaveformDataset, WaveformDataset
from torch.utils.data import DataLoader, Dataset, Sampler

from .._util import errors_of
from .arrival_windows import N_SAMPLES, PADLEN, check_number
from .arrivals import Phases, check_phases, find_arrivals, read_arrivals
from .labellers import STRIDE
from .recipe import LABELS, check_options, label_of, make_labeller, window_augmentations
from .record_reader import RecordReader

#: Columns with a signal-to-noise ratio; the first that is there is taken.
_SNR_COLUMNS = ("trace_Z_P_power_snr", "trace_snr_db")

_ABSENT = -1.0

#: Dataset of SeisBench.
AnyDataset: TypeAlias = WaveformDataset | MultiWaveformDataset


def batch_loader(
    batches: Dataset,
    num_workers: int = 0,
    start: int = 0,
    stop: int | None = None,
    step: int = 1,
    **kwargs: Any,
) -> DataLoader:
    """
    Batches loaded ahead by processes of their own. They are the same whatever the
    number of processes.

    :param batches: Batches by their numbers
    :param num_workers: Number of processes, 0 for none
    :param start: Number of the first batch, to go on where training stopped
    :param stop: Number of the batch after the last; None for no end
    :param step: Distance of batch numbers, for training on several devices
    :param kwargs: Passed to PyTorch's ``DataLoader``
    :return: Loader of arrays as tensors
    """
    return DataLoader(
        batches,
        batch_size=None,
        sampler=_Endless(start, step) if stop is None else range(start, stop, step),
        num_workers=num_workers,
        **kwargs,
    )


class _Endless(Sampler[int]):
    """Numbers of batches, without end."""

    def __init__(self, start: int, step: int):
        self.start = start
        self.step = step

    def __iter__(self) -> Iterator[int]:
        return count(self.start, self.step)


@contextmanager
def seeded(*seed: int) -> Iterator[None]:
    """
    Seeds NumPy's global state, from which SeisBench's augmentations draw; afterwards the
    user's own state is put back.

    :param seed: Numbers of the seed
    """
    state = np.random.get_state()
    np.random.seed(list(seed))
    try:
        yield
    finally:
        np.random.set_state(state)


class _Batches(Dataset):
    """Base class of batches: chooses records and cuts windows."""

    def __init__(
        self,
        dataset: AnyDataset,
        batch_size: int,
        seed: int,
        phases: Phases,
        augmentations: Mapping[str, Any],
        columns: Sequence[str] = (),
    ):
        self._reader = RecordReader(dataset, columns)
        check_number("batch_size", batch_size, 1, len(dataset), whole=True)
        self.batch_size = batch_size
        self.seed = seed
        self.phases = check_phases(phases)
        if not find_arrivals(dataset.metadata.columns, self.phases):
            raise ValueError(
                "dataset has no column of direct P or S arrivals, such as "
                "trace_p_arrival_sample; name its columns with phases=."
            )
        rates = dataset.metadata.get("trace_sampling_rate_hz")
        if dataset.sampling_rate is None and rates is not None and rates.nunique() > 1:
            raise ValueError(
                f"dataset has sampling rates from {rates.min():g} to {rates.max():g} Hz; "
                "set dataset.sampling_rate to one of them."
            )
        order = "".join(dataset.component_order)
        self._steps = window_augmentations(
            **{"phases": self.phases, "component_order": order, **augmentations}
        )
        self._epoch: tuple[int, np.ndarray] | None = None
        self._next = 0

    @abstractmethod
    def __len__(self) -> int:
        """Number of batches in an epoch."""

    def _window(self, record: int) -> dict[str, tuple[Any, Any]]:
        state = {"X": self._reader.get_sample(int(record))}
        for step in self._steps:
            step(state)
        return state

    loader = batch_loader

    def __iter__(self) -> Iterator[dict[str, np.ndarray]]:
        """One epoch, the first one, in this process."""
        return (self[number] for number in range(len(self)))

    def batch_data(self) -> tuple[np.ndarray, ...]:
        """
        The next batch, as the tutorial's ``batch_data``; for training without end.

        :raises IndexError: behind the last batch of a test
        :return: ``wave`` and the labels in their order
        """
        self._next += 1
        batch = self[self._next - 1].items()
        return tuple(values for name, values in batch if name != "arrivals")


class DiTingBatches(_Batches):
    """
    Training batches by the published recipe, for any SeisBench dataset with P and S
    arrivals. Each window contains an arrival of one record. The order of the records is
    drawn anew for each epoch. ::

        batches = DiTingBatches(dataset, 32, labels=("lppn",))
        for batch in batches.loader(num_workers=4):  # no end
            loss(model(batch["wave"]), batch["lppn"])

    Arrays of a batch, float32: ``wave`` (batch, components, samples); ``lppn``
    (batch, 2, samples / stride): class and offset of each cell; ``point`` (batch, 3,
    samples): N, P, S; ``eqt`` (batch, 3, samples): P, S, detection.

    A batch depends only on the dataset, the options, the seed and its number.

    :param dataset: Dataset; its ``component_order`` is that of the waves
    :param batch_size: Windows a batch
    :param stride: Samples for one cell of ``lppn``
    :param n_samples: Samples a window
    :param seed: Seed
    :param labels: Labels to make
    :param augmentations: Options of
        :py:func:`~seisbench_diting.generate.window_augmentations`
    :param padlen: Smallest distance of the chosen arrival from the edges in samples
    :param phases: Column to "P" or "S", or a list of columns. Default: all columns of
        direct P and S.
    :raises ValueError: for wrong arguments
    """

    def __init__(
        self,
        dataset: AnyDataset,
        batch_size: int = 32,
        stride: int = STRIDE,
        n_samples: int = N_SAMPLES,
        seed: int = 42,
        labels: Sequence[str] = LABELS,
        augmentations: Mapping[str, Any] | None = None,
        padlen: int = PADLEN,
        phases: Phases = None,
    ):
        options = dict(augmentations or {})
        check_options(options, ("n_samples", "padlen", "phases", "component_order"))
        options |= {"n_samples": n_samples, "padlen": padlen}
        super().__init__(dataset, batch_size, seed, phases, options)
        names = [labels] if isinstance(labels, str) else labels
        with errors_of("labels", labels):
            self.labels = tuple(label_of(name) for name in names)
        self._labellers = [
            make_labeller(label, ("X", label), stride, self.phases)
            for label in self.labels
        ]

    def __len__(self) -> int:
        return len(self._reader) // self.batch_size

    def _records(self, number: int) -> np.ndarray:
        epoch, place = divmod(number, len(self))
        if self._epoch is None or self._epoch[0] != epoch:
            rng = np.random.default_rng([self.seed, epoch])
            self._epoch = epoch, rng.permutation(len(self._reader))
        begin = place * self.batch_size
        return self._epoch[1][begin : begin + self.batch_size]

    def __getitem__(self, number: int) -> dict[str, np.ndarray]:
        records = self._records(number)
        with seeded(self.seed, number):
            states = [self._window(record) for record in records]
        for state in states:
            for labeller in self._labellers:
                labeller(state)
        names = {"wave": "X", **{label: label for label in self.labels}}
        return {
            name: np.stack([state[key][0] for state in states], dtype=np.float32)
            for name, key in names.items()
        }


class DiTingTestBatches(_Batches):
    """
    Test batches: each record once, in the order of the dataset, always the same window
    of it, within the record where that is possible, without a factor.

    Arrays of a batch, float32: ``wave`` (batch, components, samples); ``label``
    (batch, 3): samples of P and S in the window, and the signal-to-noise ratio in
    ``trace_Z_P_power_snr`` or ``trace_snr_db``, -1 where absent. If a window has several
    arrivals of a phase, the first one is given; ``arrivals`` (batch, 2, any number) has
    all of P and S, NaN where there are fewer.

    :param dataset: Dataset; its ``component_order`` is that of the waves
    :param batch_size: Windows a batch; the last one may have fewer
    :param n_samples: Samples a window
    :param seed: Seed of the windows
    :param padlen: Smallest distance of the chosen arrival from the edges in samples
    :param phases: Column to "P" or "S", or a list of columns. Default: all columns of
        direct P and S.
    :raises ValueError: for wrong arguments
    """

    def __init__(
        self,
        dataset: AnyDataset,
        batch_size: int = 32,
        n_samples: int = N_SAMPLES,
        seed: int = 42,
        padlen: int = PADLEN,
        phases: Phases = None,
    ):
        columns = dataset.metadata.columns
        self._snr = next((name for name in _SNR_COLUMNS if name in columns), "")
        batch_size = min(batch_size, len(dataset))
        options = {"within": True, "factor": (1.0, 1.0)}
        options |= {"n_samples": n_samples, "padlen": padlen}
        super().__init__(dataset, batch_size, seed, phases, options, [self._snr])

    def __len__(self) -> int:
        return -(-len(self._reader) // self.batch_size)

    def _records(self, number: int) -> np.ndarray:
        if not 0 <= number < len(self):
            raise IndexError(f"number={number} is not from 0 to {len(self) - 1}.")
        begin = number * self.batch_size
        return np.arange(begin, min(begin + self.batch_size, len(self._reader)))

    def __getitem__(self, number: int) -> dict[str, np.ndarray]:
        waves, labels, every = [], [], []
        for record in self._records(number):
            # A record's window depends on the record, not on the batch that it is in.
            with seeded(self.seed, int(record)):
                wave, metadata = self._window(record)["X"]
            waves.append(wave)
            every.append(both := self._inside(wave.shape[1], metadata))
            first = [min(samples, default=_ABSENT) for samples in both]
            snr = _ABSENT
            # Text in some datasets, such as STEAD.
            with suppress(TypeError, ValueError):
                snr = float(metadata.get(self._snr, _ABSENT))
            labels.append([*first, snr if np.isfinite(snr) else _ABSENT])
        most = max(1, *(len(samples) for both in every for samples in both))
        arrivals = [[x + [np.nan] * (most - len(x)) for x in both] for both in every]
        return {
            "wave": np.stack(waves, dtype=np.float32),
            "label": np.array(labels, dtype=np.float32),
            "arrivals": np.array(arrivals, dtype=np.float32),
        }

    def _inside(self, n_samples: int, metadata: Mapping[str, Any]) -> list[list[float]]:
        """:return: Samples of P, and of S, that are seen in the window, in order"""
        found: dict[str, list[float]] = {"P": [], "S": []}
        for arrival in read_arrivals(metadata, self.phases):
            if 0 <= arrival.sample < n_samples and not arrival.hidden:
                found[arrival.phase].append(arrival.sample)
        return [sorted(samples) for samples in found.values()]
