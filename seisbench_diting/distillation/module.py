"""How a student learns: its loss, its learning rate, and what it is measured by."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

from ..models import OFFSET_WEIGHT, point_loss
from ..training.fitting import FitOptions, bare_trainer, is_first_process, quiet
from ..training.module import PickerModule
from ..training.tasks import Task

#: A pick this near, in seconds, is the teachers'.
TOLERANCE_S = 0.5

#: Share of the steps in which the learning rate rises.
_WARM_UP = 0.03

#: What is left of the learning rate at the end.
_LEAST_RATE = 0.02

_WEIGHT_DECAY = 1e-3


class SoftTask(Task):
    """A task whose labels are probabilities."""

    def loss(self, output: Any, label: torch.Tensor) -> torch.Tensor:
        """
        :param output: What :py:meth:`forward` gave
        :param label: Of :py:mod:`.labels`
        :return: Loss, summed over the batch
        """
        if self.label == "point":
            return point_loss(output, label)
        scores, offset = output
        cross_entropy = -(label[:, :3] * F.log_softmax(scores, dim=1)).sum()
        error = (label[:, 1] + label[:, 2]) * (offset - label[:, 3]) ** 2
        return cross_entropy + OFFSET_WEIGHT * error.sum()


class StudentModule(PickerModule):
    """
    :param task: Student, and its label
    :param max_steps: Number of steps, over which the learning rate falls
    :param kwargs: As for :py:class:`seisbench_diting.training.module.PickerModule`
    """

    def __init__(self, task: SoftTask, *, max_steps: int, **kwargs: Any):
        super().__init__(task, **kwargs)
        self.max_steps = max_steps
        self._counts = np.zeros((2, 3), dtype=int)
        self._by_teachers = False

    def configure_optimizers(self) -> dict[str, Any]:
        trained = [p for p in self.parameters() if p.requires_grad]
        optimizer = torch.optim.AdamW(trained, lr=self.lr, weight_decay=_WEIGHT_DECAY)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, self._rate)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }

    def _rate(self, step: int) -> float:
        """Rises, then falls along a cosine."""
        rising = min(1.0, (step + 1) / max(1.0, _WARM_UP * self.max_steps))
        falling = 0.5 * (1 + math.cos(math.pi * min(1.0, step / self.max_steps)))
        return rising * (_LEAST_RATE + (1 - _LEAST_RATE) * falling)

    def validation_step(self, batch: dict[str, torch.Tensor], batch_idx: int) -> None:
        output = self.task.forward(batch["wave"])
        if "truth" in batch:
            self.keep_windows(batch, output)
            return
        self._by_teachers = True
        tolerance = TOLERANCE_S * self.sampling_rate
        for row, picks in enumerate(self.task.picks(output)):
            for number, name in enumerate("ps"):
                truth = batch[name][row]
                truth = truth[torch.isfinite(truth)].cpu().numpy()
                found = np.array([p[1] for p in picks if p[0] == number + 1])
                right = count_matches(truth, found, tolerance)
                self._counts[number] += (right, len(found), len(truth))

    def on_validation_epoch_end(self) -> None:
        if not self._by_teachers:
            super().on_validation_epoch_end()
            return
        scores = []
        for phase, (right, found, true) in zip("PS", self._counts, strict=True):
            if found + true:
                scores.append(2 * right / (found + true))
                self.log(
                    f"validation_f1_{phase}", scores[-1], prog_bar=True, sync_dist=True
                )
        mean = sum(scores) / len(scores) if scores else 0.0
        self.log("validation_f1", mean, sync_dist=True)
        self._counts[:] = 0


def score(
    module: StudentModule, options: FitOptions, validation: Dataset
) -> dict[str, float]:
    """
    :param module: Student
    :param options: How it is trained
    :param validation: What it is validated on
    :return: Its F1 as it is
    """
    if not is_first_process():
        return {}
    with quiet():
        trainer = bare_trainer(accelerator=options.accelerator, devices=1)
        (scores,) = trainer.validate(
            module, DataLoader(validation, batch_size=None), verbose=False
        )
    return {n: value for n, value in scores.items() if n.startswith("validation_f1")}


def count_matches(truth: np.ndarray, found: np.ndarray, tolerance: float) -> int:
    """
    :param truth: Samples of arrivals
    :param found: Samples of picks
    :param tolerance: Samples between an arrival and its pick
    :return: Number of pairs, in which each is at most once; nearest ones go first
    """
    if len(truth) == 0 or len(found) == 0:
        return 0
    distance = np.abs(truth[:, None] - found[None])
    pairs = 0
    free_true, free_found = np.ones(len(truth), bool), np.ones(len(found), bool)
    for place in np.argsort(distance, axis=None):
        i, j = np.unravel_index(place, distance.shape)
        if distance[i, j] > tolerance:
            break
        if free_true[i] and free_found[j]:
            free_true[i] = free_found[j] = False
            pairs += 1
    return pairs
