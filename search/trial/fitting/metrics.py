"""The metrics that count: where a module logs them, and the message for one that it does not.

A metric of validations has a value at each of them. One of training alone, as GANs and
self-supervised modules have it, has a value at the end of each epoch.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from lightning.pytorch import Callback, LightningModule, Trainer

from search.errors import UserError
from search.plain.wording import did_you_mean
from search.study_file.outcome_constraints import RESOURCES
from search.trial.fitting.no_value import no_value


def validates(trainer: Trainer) -> bool:
    """Look for validations in a fit."""
    loaders = trainer.val_dataloaders
    has_none = isinstance(loaders, list | tuple | Mapping) and not loaders
    return bool(trainer.enable_validation) and not has_none


class MetricKinds(Callback):
    """Notes in a fit which metrics a validation logs.

    Args:
        metrics: each metric that counts and its place in the study file.
    """

    def __init__(self, metrics: Mapping[str, str]) -> None:
        self._metrics = metrics
        self._before: dict[str, object] = {}
        self.validated = False
        self._at_validation: set[str] = set()

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._before = dict(trainer.callback_metrics)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.validated = True
        for name, value in trainer.callback_metrics.items():
            # Lightning makes a tensor anew for each value
            if value is not self._before.get(name):
                self._at_validation.add(name)

    def of_training(self, trainer: Trainer) -> list[str]:
        """The metrics that training alone logged, in a fit that ended.

        Raises:
            UserError: one that counts was not logged.
        """
        logged = dict(trainer.callback_metrics)
        for metric, place in self._metrics.items():
            if metric in logged:
                continue
            if trainer.limit_val_batches == 0 or (validates(trainer) and not self.validated):
                raise UserError(no_value(trainer, metric))
            raise UserError(missing_metric(metric, place, logged, self.validated))
        return [metric for metric in self._metrics if metric not in self._at_validation]

    def told(self, of_training: Collection[str]) -> Iterator[str]:
        """A line for each metric of training: what its value is, and what validations log."""
        for metric in of_training:
            line = f"{self._metrics[metric]}: {metric} is logged in training"
            if not self.validated:
                yield f"{line}, and there are no validations; its value is that of an epoch's end"
            else:
                names = ", ".join(sorted(self._at_validation)) or "nothing"
                yield f"{line} alone; its value is that of an epoch's end. Validations log {names}"


def missing_metric(metric: str, place: str, logged: Collection[str], validated: bool) -> str:
    """One line: what is missing, what there is, what was probably meant."""
    where, step = "at a validation", "validation_step"
    if not validated:
        where, step = "in training, and there are no validations", "training_step"
    if not logged:
        nothing = "and nothing else is" if validated else "and nothing is logged"
        where = where if validated else "in training"
        return (
            f"{place}: {metric} is not logged {where}, {nothing}. "
            f'Call self.log("{metric}", ...) in {step}.'
        )
    known = list(logged) if place == "objective.metric" else [*logged, *RESOURCES]
    remedy = did_you_mean(metric, known, otherwise="Name one of these, or log it.")
    names = ", ".join(sorted(logged))
    return f"{place}: {metric} is not logged {where}; logged are {names}. {remedy}"
