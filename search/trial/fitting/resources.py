"""Parameters, seconds an epoch and memory of a trial, measured in every one."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from statistics import median
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer

from search.messages import Measured
from search.study_file.outcome_constraints import OutcomeConstraint
from search.trial.process.failures import Infeasible
from search.trial.process.link import Link
from search.trial.process.memory import peak_memory_bytes


class ResourceMeter(Callback):
    """Measures a fit, and ends one whose model has more parameters than it may have.

    Its state goes into the checkpoints, so that a trial that goes on counts the epochs before it;
    must come before what saves them.

    Args:
        limits: constraints on the number of parameters.
    """

    def __init__(self, limits: Sequence[OutcomeConstraint], link: Link) -> None:
        self._limits = limits
        self._link = link
        self._parameters: int | None = None
        self._epoch_times: list[float] = []
        self._peak = 0
        self._device: torch.device | None = None
        self._began: float | None = None
        # of an epoch that is over but for its end, which a pruned trial never sees
        self._validated: float | None = None

    @property
    def measured(self) -> Measured:
        """The measurements so far."""
        times = [*self._epoch_times, *([self._validated] if self._validated is not None else [])]
        return Measured(
            parameters=self._parameters,
            epoch_time=median(times) if times else None,
            peak_memory=self._peak_memory() or None,
        )

    @contextmanager
    def told(self) -> Iterator[None]:
        """Tell the coordinator what a fit took, however it ends."""
        try:
            yield
        finally:
            self._link.send(self.measured)

    def state_dict(self) -> dict[str, Any]:
        return {"epoch_times": list(self._epoch_times), "peak_memory": self._peak_memory()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._epoch_times = list(state_dict["epoch_times"])
        self._peak = int(state_dict["peak_memory"])

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._device = trainer.strategy.root_device
        self._count(pl_module)
        self._link.send(self.measured)

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._began = time.monotonic()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, *args: object
    ) -> None:
        # lazy layers have no size before their first batch
        if self._parameters is None:
            self._count(pl_module)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        is_over = trainer.fit_loop.epoch_loop.batch_progress.is_last_batch
        if self._began is not None and is_over:
            self._validated = time.monotonic() - self._began

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._began is not None:
            self._epoch_times.append(time.monotonic() - self._began)
        self._began = self._validated = None

    def _count(self, module: LightningModule) -> None:
        parameters = list(module.parameters())
        if any(torch.nn.parameter.is_lazy(parameter) for parameter in parameters):
            return
        self._parameters = sum(parameter.numel() for parameter in parameters)
        for limit in self._limits:
            if limit.violation(self._parameters) > 0:
                raise Infeasible(f"not trained: it has {self._parameters:,} parameters")

    def _peak_memory(self) -> int:
        if self._device is not None and self._device.type == "cuda":
            peak = torch.cuda.max_memory_allocated(self._device)
        else:
            peak = peak_memory_bytes()
        return max(self._peak, peak)
