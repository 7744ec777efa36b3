"""Verdicts on what trials report: a pruner ends a trial, a scheduler lets it wait, an audit lets
some that were to be ended run on."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import optuna
from optuna.trial import FrozenTrial

from search.engine.pausing import Pausing
from search.sampling.alignment import AlignedStorage
from search.sampling.audit import Audit
from search.sampling.one_direction import judged_storage, judged_study
from search.sampling.prune_reasons import why_pruned
from search.store.database.write_through import WriteThroughStorage, is_private
from search.store.events.trial_history import TrialHistory
from search.store.records import StudyAttributes
from search.study_file.curve_steps import SAMPLES


@dataclass(frozen=True)
class Judgement:
    """The verdict on one report."""

    prune: bool = False
    pause: bool = False
    audited: bool = False
    """True where the trial was to be pruned, and runs on."""
    why: str = ""
    """The reason with its figures; empty where there is none to tell."""
    noted: Mapping[str, Any] = field(default_factory=dict)
    """Attributes of the trial that the pruner has set."""

    def details(self) -> dict[str, object]:
        """What the event of the report says beside the value."""
        details = {
            "pruned": self.prune,
            "paused": self.pause,
            "audited": self.audited,
            "why": self.why,
        }
        return {key: each for key, each in details.items() if each}


# of a report that nothing judges
UNJUDGED = Judgement()


class Pruning:
    """A pruner and the study as it sees it."""

    def __init__(
        self,
        study: optuna.Study,
        storage: WriteThroughStorage,
        attributes: StudyAttributes,
        pruner: optuna.pruners.BasePruner,
    ) -> None:
        self._study = study
        self._pruner = pruner
        self._steps = attributes.steps
        self._judged = judged_study(study, storage, attributes)
        self._aligned: AlignedStorage | None = None
        if attributes.steps is not None and attributes.steps.unit == SAMPLES:
            self._aligned = AlignedStorage(judged_storage(storage, attributes))

    @property
    def is_needed(self) -> bool:
        """False where no report can end a trial."""
        return not isinstance(self._pruner, optuna.pruners.NopPruner)

    def judge(self, frozen: Callable[[], FrozenTrial], step: int, value: float) -> Judgement:
        """Whether a trial should be pruned after the value of `step`; does not write the value.

        Args:
            frozen: reads the trial as it is.
        """
        trial = copy.copy(frozen())
        known = dict(trial.system_attrs)
        trial.intermediate_values = {**trial.intermediate_values, step: value}
        judged = self._judged
        if self._aligned is not None:
            judged = self._aligned.study_at(self._study, trial.intermediate_values)
        verdict = bool(self._pruner.prune(judged, trial))
        # successive halving notes the rungs that a trial has reached
        noted = newly_noted(known, frozen().system_attrs)
        trial.system_attrs = {**trial.system_attrs, **noted}
        why = why_pruned(self._pruner, judged, trial, self._steps) if verdict else ""
        return Judgement(prune=verdict, why=why, noted=noted)


class Verdicts:
    """A pruner and a scheduler together, and the audit of what they say."""

    def __init__(self, pruning: Pruning, pausing: Pausing, audit: Audit) -> None:
        self._pruning = pruning
        self._pausing = pausing
        self._audit = audit

    @property
    def is_needed(self) -> bool:
        """False where no report can end or pause a trial."""
        return self._pruning.is_needed or self._pausing.is_needed

    def judge(
        self, trial: TrialHistory, frozen: Callable[[], FrozenTrial], step: int, value: float
    ) -> Judgement:
        """What becomes of a trial after the value of `step`; writes nothing.

        A resumed trial may report a step again: the later value stands, and the verdict that was
        given, whatever other trials have done since; a study that is not judged any more has none.
        Nobody judges a trial that is audited.

        Args:
            frozen: reads the trial as Optuna holds it.
        """
        if trial.audited is not None:
            return UNJUDGED
        if step in trial.curve:
            prune = self._pruning.is_needed and step == trial.pruned_at
            pause = self._pausing.branches and step == trial.told_at and not trial.is_ready
            return Judgement(prune, pause, why=(trial.why or "") if prune or pause else "")
        judgement = self._pruning.judge(frozen, step, value)
        decision = self._pausing.decide(trial.number, step, value)
        if judgement.prune and self._audit.takes(trial.number):
            return replace(judgement, prune=False, audited=True)
        if judgement.prune or not decision.pauses:
            return judgement
        return replace(judgement, pause=True, why=decision.why)


def newly_noted(known: Mapping[str, object], now: Mapping[str, object]) -> dict[str, Any]:
    """What a sampler or pruner has noted since `known`."""
    return {k: v for k, v in now.items() if known.get(k) != v and not is_private(k)}
