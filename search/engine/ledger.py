"""The ledger: the Optuna study and the attempts at its trials. The only writer of the database.

Knows trials, not processes: what it is told it writes, what it is asked it samples. Everything is
written to the events files first and to the database then; see `search.store.healing`.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState

from search.engine.attempt_end import Outcome
from search.engine.trial_end import Ending, ending_of
from search.errors import StorageError
from search.executors.processes import boot_id, end_attempt
from search.layout import StudyFolder
from search.messages import INTERRUPTED
from search.plain.whole_files import make_folder
from search.sampling.alignment import AlignedStorage
from search.sampling.candidates import stage
from search.sampling.one_direction import judged_storage, judged_study, sampled_study
from search.sampling.samplers import Sampling
from search.store.attributes import (
    ASKED,
    ATTEMPTS,
    DERIVED,
    ENQUEUED,
    METRICS,
    MICRO_BATCH,
    MICRO_BATCHES,
    RESOURCES_USED,
    SIZES,
    STUDY,
    StudyAttributes,
    shown_of,
    study_attributes,
    trial_record,
)
from search.store.database.lock_wait import Patience, endless
from search.store.database.url import shown_url
from search.store.database.write_through import WriteThroughStorage, is_private
from search.store.events.event_file import Event, append_event
from search.store.events.trial_history import (
    ATTEMPT_ENDED,
    ATTEMPT_STARTED,
    ATTRIBUTES,
    DERIVED_SET,
    MEASURED,
    REPORTED,
    SAMPLED,
    SIZES_SET,
    attempts_after,
    attempts_of,
    last_step,
)
from search.store.healing import reconcile
from search.store.optuna_distributions import to_optuna
from search.store.queue import Queue
from search.store.records import StudyRecord, TrialRecord
from search.study_file.curve_steps import SAMPLES


class Ledger:
    """One open study.

    Args:
        folder: where the study lives.
        database: an open Optuna storage that holds the study `folder.name`.
        sampling: how new trials are sampled.
        pruner: what judges reports.
        queue: the points that go before what is sampled.
        patience: called while another program locks the database.

    Raises:
        StorageError: the database has no such study, or cannot be used.
    """

    def __init__(
        self,
        folder: StudyFolder,
        database: RDBStorage,
        sampling: Sampling,
        pruner: optuna.pruners.BasePruner,
        queue: Queue,
        patience: Patience = endless,
    ) -> None:
        self.folder = folder
        self._storage = WriteThroughStorage(database, folder.name, patience)
        self._sampling = sampling
        self._queue = queue
        self._distributions = {path: to_optuna(dist) for path, dist in sampling.space.items()}
        user_attributes = self._storage.get_study_user_attrs(self._storage.study_id)
        attributes = self._attributes = study_attributes(user_attributes[STUDY])
        self._study = sampled_study(folder.name, self._storage, attributes, pruner)
        self._judged = judged_study(self._study, self._storage, attributes)
        self._aligned: AlignedStorage | None = None
        if attributes.steps is not None and attributes.steps.unit == SAMPLES:
            self._aligned = AlignedStorage(judged_storage(self._storage, attributes))
        self._pruner = pruner

    @property
    def attributes(self) -> StudyAttributes:
        """What the study says of itself."""
        return self._attributes

    def set_attributes(self, attributes: StudyAttributes) -> None:
        """Remember what the study file and the total that was asked for say now."""
        if self.attributes.asked != attributes.asked:
            append_event(self.folder.events, ASKED, trials=attributes.asked)
        if self.attributes != attributes:
            self._study.set_user_attr(STUDY, attributes.to_json())
            self._attributes = attributes

    @property
    def finished(self) -> int:
        return sum(trial.state.is_finished() for trial in self._trials())

    @property
    def created(self) -> int:
        """Trials that have a number."""
        return len(self._trials())

    def heal(self) -> list[int]:
        """Put trials that an earlier coordinator left running back to waiting; their numbers.

        First events and database are brought to the same. Attempts die with their coordinator; one
        that did not yet is waited for.
        """
        reconcile(self.folder, self._storage, self._distributions)
        healed = []
        for trial in self._trials():
            if trial.state == TrialState.RUNNING:
                for attempt in self._record(trial).attempts:
                    if attempt.ended is None:
                        end_attempt(attempt.pid, attempt.boot_id)
                self.end_attempt(trial.number, Outcome(INTERRUPTED, message="coordinator ended"))
                healed.append(trial.number)
        return healed

    def waiting(self) -> list[int]:
        """Numbers of the trials that were begun and can go on, the oldest first."""
        return [
            trial.number
            for trial in self._trials()
            if trial.state == TrialState.WAITING and trial.params
        ]

    def sample(self) -> int:
        """Sample a new trial, or take up one that was enqueued; returns its number.

        Must not be called while a begun trial is waiting: Optuna would hand that one out.

        Raises:
            UserError: the constraints leave nothing that could be found.
            StorageError: the queue is damaged, or another tool added a trial meanwhile.
        """
        assert not self.waiting()
        place, fixed = self._queue.next(self._taken()) or (None, {})
        known = dict(self._storage.get_study_system_attrs(self._storage.study_id))
        trial = stage(self._study, self._storage, self._sampling, fixed)
        self._storage.refuse_other_writers(trial)
        now = self._storage.get_study_system_attrs(self._storage.study_id)
        if new := _noted(known, now):
            append_event(self.folder.events, ATTRIBUTES, attributes=new)
        make_folder(self.folder.trial(trial.number).root)
        noted = self._trial(trial.number).system_attrs
        attributes = {k: v for k, v in noted.items() if not is_private(k)}
        derived = self._sampling.points.derived(trial.params)
        facts: dict[str, Any] = {DERIVED: derived, ENQUEUED: place}
        told = {key: value for key, value in facts.items() if value}
        append_event(
            self._events(trial.number),
            SAMPLED,
            number=trial.number,
            params=trial.params,
            attributes=attributes,
            **told,
        )
        for key, value in told.items():
            self._set(trial.number, key, value)
        self._storage.publish(self._trial_id(trial.number))
        return trial.number

    def params(self, number: int) -> dict[str, Any]:
        return dict(self._trial(number).params)

    def last_step(self, number: int) -> int:
        """The last step that was reported; 0 before the first."""
        return last_step(self._trial(number))

    def claim(self, number: int) -> None:
        """Take a waiting trial up again; a sampled one is claimed already."""
        self._storage.set_trial_state_values(self._trial_id(number), TrialState.RUNNING)

    def begin_attempt(self, number: int, pid: int) -> int:
        """Write that process `pid` works on the trial from now; returns the attempt's number."""
        attempts = attempts_of(self._trial(number))
        event = self._append(
            number,
            ATTEMPT_STARTED,
            attempt=len(attempts) + 1,
            pid=pid,
            boot_id=boot_id(),
            step=self.last_step(number),
        )
        self._set(number, ATTEMPTS, attempts_after(attempts, event))
        return len(attempts) + 1

    def set_found(self, number: int, found: Mapping[str, Any]) -> None:
        """Write what derives from the values `found` for a trial after it was sampled.

        Raises:
            Incomputable: a derived value has none for them.
        """
        points = replace(self._sampling.points, found=found)
        derived = points.derived(self.params(number))
        if derived != self._trial(number).user_attrs.get(DERIVED, {}):
            self._append(number, DERIVED_SET, derived=derived)
            self._set(number, DERIVED, derived)

    def set_sizes(self, number: int, sizes: Mapping[str, int | None]) -> None:
        """Write micro_batch, accumulation and effective_batch of a trial."""
        details: dict[str, Any] = dict(sizes)
        self._append(number, SIZES_SET, **details)
        self._set(number, SIZES, details)

    def set_resources(self, number: int, resources: Mapping[str, float | None]) -> None:
        """Write parameters, epoch_time and peak_memory of a trial."""
        details: dict[str, Any] = dict(resources)
        self._append(number, MEASURED, **details)
        self._set(number, RESOURCES_USED, details)

    def judge(self, number: int, step: int, value: float) -> bool:
        """Whether the trial should be pruned after the value of `step`; does not write the value.

        A resumed trial may report a step again; the later value stands.
        """
        trial = copy.copy(self._trial(number))
        known = dict(trial.system_attrs)
        trial.intermediate_values = {**trial.intermediate_values, step: value}
        judged = self._judged
        if self._aligned is not None:
            judged = self._aligned.study_at(self._study, trial.intermediate_values)
        verdict = bool(self._pruner.prune(judged, trial))
        # successive halving notes the rungs that a trial has reached
        if new := _noted(known, self._trial(number).system_attrs):
            self._append(number, ATTRIBUTES, attributes=new)
        return verdict

    def report(self, number: int, step: int, epoch: int, value: float) -> None:
        """Write one value of the reported metric."""
        self._append(number, REPORTED, sync=False, step=step, epoch=epoch, value=value)
        self._storage.set_trial_intermediate_value(self._trial_id(number), step, value)

    def end_attempt(self, number: int, outcome: Outcome) -> Ending:
        """Write how the running attempt ended; returns what the trial comes to by it."""
        trial = self._trial(number)
        ending, attempts = ending_of(self.attributes, trial, outcome), attempts_of(trial)
        if ending.constraints:
            self._append(number, ATTRIBUTES, attributes=ending.constraints)
        event = self._append(
            number,
            ATTEMPT_ENDED,
            cause=ending.outcome.cause,
            state=ending.state.name,
            message=ending.outcome.message,
            step=last_step(trial),
            **({"may_recur": True} if ending.outcome.may_recur else {}),
            **ending.details(is_single=not self.attributes.several),
        )
        for key, violation in ending.constraints.items():
            self._storage.set_trial_system_attr(self._trial_id(number), key, violation)
        if ending.metrics:
            self._set(number, METRICS, ending.metrics)
        if (after := attempts_after(attempts, event)) != attempts:
            self._set(number, ATTEMPTS, after)
        self._storage.set_trial_state_values(self._trial_id(number), ending.state, ending.values)
        return ending

    def micro_batch(self, key: str) -> int | None:
        """The micro-batch that a probe found for `key`."""
        found: dict[str, int] = self._study.user_attrs.get(MICRO_BATCHES, {})
        return found.get(key)

    def set_micro_batch(self, key: str, size: int) -> None:
        append_event(self.folder.events, MICRO_BATCH, key=key, size=size)
        found = self._study.user_attrs.get(MICRO_BATCHES, {})
        self._study.set_user_attr(MICRO_BATCHES, {**found, key: size})

    def lower_micro_batch(self, key: str, size: int) -> None:
        """A trial ran out of memory above `size`; those to come begin with no more."""
        found = self.micro_batch(key)
        if found is None or size < found:
            self.set_micro_batch(key, size)

    def trial(self, number: int) -> TrialRecord:
        return self._record(self._trial(number))

    def record(self) -> StudyRecord:
        """The study as it stands."""
        return StudyRecord(
            name=self.folder.name,
            folder=self.folder.root,
            storage=shown_url(self._storage.database.url),
            **shown_of(self.attributes),
            trials=tuple(self._record(trial) for trial in self._trials()),
            is_running=True,
        )

    def _record(self, trial: FrozenTrial) -> TrialRecord:
        return trial_record(
            number=trial.number,
            state=trial.state.name,
            params=dict(trial.params),
            values=trial.values or (),
            curve=dict(trial.intermediate_values),
            attributes=trial.user_attrs,
            outcome_constraints=self.attributes.outcome_constraints,
            folder=self.folder.root,
        )

    def _trials(self) -> list[FrozenTrial]:
        return self._study.get_trials(deepcopy=False)

    def _trial(self, number: int) -> FrozenTrial:
        return self._storage.get_trial(self._trial_id(number))

    def _trial_id(self, number: int) -> int:
        return self._storage.get_trial_id_from_study_id_trial_number(self._storage.study_id, number)

    def _taken(self) -> set[int]:
        """The places of the queue that a trial has."""
        return {
            trial.user_attrs[ENQUEUED] for trial in self._trials() if ENQUEUED in trial.user_attrs
        }

    def _events(self, number: int) -> Path:
        return self.folder.trial(number).events

    def _append(self, number: int, event: str, *, sync: bool = True, **details: Any) -> Event:
        """Append an event of a trial to the file that was begun when it was sampled.

        Raises:
            StorageError: the file is gone, and a new one would not tell the beginning.
        """
        events = self._events(number)
        if not events.exists():
            raise StorageError(
                f"{events}: was moved or removed while the trial runs. Put it back, then run the "
                "same command again."
            )
        return append_event(events, event, sync=sync, **details)

    def _set(self, number: int, key: str, value: Any) -> None:
        self._storage.set_trial_user_attr(self._trial_id(number), key, value)


def _noted(known: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """What a sampler or pruner has noted since `known`."""
    return {k: v for k, v in now.items() if known.get(k) != v and not is_private(k)}
