"""The Lightning module: steps, validation, and what makes a run repeatable."""

from __future__ import annotations

import fnmatch
import math
from collections.abc import Sequence
from typing import Any

import lightning.pytorch as pl
import torch

from ..evaluation import Window, measure
from .tasks import Task

#: So many steps in a row without a finite loss end the run.
MOST_SKIPPED = 100

_PHASES = {1: "P", 2: "S"}


class NotFiniteError(RuntimeError):
    """The loss was not finite in many steps in a row."""


class PickerModule(pl.LightningModule):
    """
    Trains a picker.

    :param task: Model and label
    :param lr: Learning rate of Adam
    :param seed: Seed of what the model draws, such as its dropout
    :param freeze: Patterns of parameter names that stay as they are
    :param sampling_rate: Sampling rate of the windows in Hz
    :raises ValueError: if a pattern fits no parameter, or all are frozen
    """

    def __init__(
        self,
        task: Task,
        *,
        lr: float,
        seed: int,
        sampling_rate: float,
        freeze: Sequence[str] = (),
    ):
        super().__init__()
        self.task = task
        self.model = task.model
        self.lr = lr
        self.seed = seed
        self.sampling_rate = sampling_rate
        self.skipped = 0
        self._in_a_row = 0
        self._windows: list[Window] = []
        self._frozen = _freeze(self.model, freeze)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        trained = [p for p in self.parameters() if p.requires_grad]
        return torch.optim.Adam(trained, lr=self.lr)

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        # Dropout draws the same in a step whether or not the run was interrupted.
        torch.manual_seed(self.seed * 1_000_003 + self.global_step)
        for module in self._frozen:
            module.eval()

    def training_step(self, batch: dict[str, torch.Tensor], batch_idx: int) -> Any:
        buffers = [(buffer, buffer.clone()) for buffer in self.model.buffers()]
        output = self.task.forward(batch["wave"])
        loss = self.task.loss(output, batch[self.task.label])
        if torch.isfinite(loss):
            self._in_a_row = 0
            self.log("loss", loss.detach() / len(batch["wave"]), prog_bar=True)
            return loss
        # Running means that are not finite would never become so again.
        for buffer, before in buffers:
            buffer.copy_(before)
        self._skip()
        return None

    def _skip(self) -> None:
        self.skipped += 1
        self._in_a_row += 1
        self.log("skipped_steps", float(self.skipped))
        if self._in_a_row >= MOST_SKIPPED:
            raise NotFiniteError(
                f"The loss was not finite in {MOST_SKIPPED} steps in a row, up to step "
                f"{self.global_step}. Lower lr={self.lr}, or look for records without "
                "finite samples."
            )

    def validation_step(self, batch: dict[str, torch.Tensor], batch_idx: int) -> None:
        output = self.task.forward(batch["wave"])
        loss = self.task.loss(output, batch[self.task.label]) / len(batch["wave"])
        self.log("validation_loss", loss, batch_size=len(batch["wave"]))
        self.keep_windows(batch, output)

    def keep_windows(self, batch: dict[str, torch.Tensor], output: Any) -> None:
        """
        :param batch: Batch with arrivals of its windows in ``truth``
        :param output: What the model said of it, for the F1 at the end of the validation
        """
        for truth, picks in zip(
            batch["truth"].tolist(), self.task.picks(output), strict=True
        ):
            p, s = (x if x >= 0 else float("nan") for x in truth[:2])
            rows = [(_PHASES[kind], sample, prob) for kind, sample, prob in picks]
            self._windows.append(Window(p, s, picks=rows))

    def on_validation_epoch_end(self) -> None:
        # NaN where there is no arrival and no pick: nothing was done wrong or right.
        found = {
            phase: measure(self._windows, phase, self.sampling_rate, bootstraps=0).f1
            for phase in "PS"
        }
        values = {p: f1.value for p, f1 in found.items() if not math.isnan(f1.value)}
        for phase, value in values.items():
            self.log(f"validation_f1_{phase}", value, prog_bar=True, sync_dist=True)
        mean = sum(values.values()) / len(values) if values else 0.0
        self.log("validation_f1", mean, sync_dist=True)
        self._windows = []

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["skipped"] = self.skipped

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.skipped = checkpoint["skipped"]


def _freeze(model: torch.nn.Module, patterns: Sequence[str]) -> list[torch.nn.Module]:
    """
    Freezes parameters; gives the modules all of whose parameters are frozen, whose
    running means must stay as they are as well.
    """
    for pattern in patterns:
        fitting = [
            parameter
            for name, parameter in model.named_parameters()
            if fnmatch.fnmatchcase(name, pattern)
        ]
        if not fitting:
            names = ", ".join(name for name, _ in list(model.named_parameters())[:8])
            raise ValueError(
                f"freeze={pattern!r} fits no parameter; they are named {names}, ..."
            )
        for parameter in fitting:
            parameter.requires_grad = False
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise ValueError(f"freeze={tuple(patterns)} leaves nothing to train.")
    return [
        module
        for module in model.modules()
        if (own := list(module.parameters())) and not any(p.requires_grad for p in own)
    ]
