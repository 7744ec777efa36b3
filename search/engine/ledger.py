"""The ledger: the Optuna study and the attempts at its trials. The only writer of a study.

Knows trials, not processes. Each thing is written to the events files first, which are the record,
and to the database then, which other tools of Optuna's read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import optuna
from optuna.trial import TrialState

from search.engine.attempt_end import Outcome
from search.engine.common_values import CommonValues
from search.engine.judgement import UNJUDGED, Judgement, Pruning, Verdicts
from search.engine.new_trials import Branched, NewTrials
from search.engine.pausing import Pausing
from search.engine.trial_end import Ending, ending_of
from search.engine.trial_events import TrialEvents
from search.executors.processes import boot_id, end_attempt
from search.messages import INTERRUPTED, PAUSED, PRUNED
from search.sampling.audit import Audit
from search.sampling.one_direction import sampled_study
from search.sampling.samplers import Sampling
from search.space.distributions import Params
from search.store.attributes import attributes_to_json
from search.store.database.url import shown_url
from search.store.database.write_through import WriteThroughStorage
from search.store.events.optuna_trials import STUDY
from search.store.events.study_history import cache_history
from search.store.events.trial_history import (
    ATTEMPT_ENDED,
    ATTEMPT_STARTED,
    ATTRIBUTES,
    CLOSED,
    DERIVED_SET,
    MEASURED,
    REPORTED,
    SAVED,
    SIZES_SET,
    TrialHistory,
)
from search.store.queue import Queue
from search.store.reading import study_record
from search.store.recorded_study import RecordedStudy, write_facts
from search.store.records import StudyAttributes, StudyRecord, TrialRecord


class Ledger:
    """One open study.

    Args:
        recorded: the study as its events tell it.
        storage: the same study in memory and in its database.
        sampling: how new trials are sampled.
        pruner: what ends trials early.
        pausing: what lets them wait; knows the trials of `recorded`.
        queue: the points that go before what is sampled.
        audit: which of those run to their end that the pruner would end.
    """

    def __init__(
        self,
        recorded: RecordedStudy,
        storage: WriteThroughStorage,
        sampling: Sampling,
        pruner: optuna.pruners.BasePruner,
        queue: Queue,
        pausing: Pausing,
        audit: Audit,
    ) -> None:
        self.folder = recorded.folder
        self._history = recorded.history
        self._trials = recorded.trials
        self._attributes = recorded.attributes
        self._storage = storage
        self._events = TrialEvents(self.folder, self._trials, storage)
        self._sampling = sampling
        self.pausing = pausing
        attributes = recorded.attributes
        self._study = sampled_study(
            self.folder.name,
            storage,
            attributes,
            pruner,
            is_bounded=sampling.is_bounded,
            paused=pausing if pausing.is_needed else None,
        )
        self._new = NewTrials(recorded, self._study, storage, sampling, queue, pausing)
        self.common = CommonValues(self.folder, recorded.history, self._study)
        pruning = Pruning(self._study, storage, attributes, pruner)
        self._verdicts = Verdicts(pruning, pausing, audit)
        # trials that wait by their events, and were taken up since
        self._claimed: set[int] = set()
        for number in self.pausing.paused:
            self._hide(number)

    def close(self) -> None:
        """Close the connections to the database."""
        self._storage.close()

    @property
    def attributes(self) -> StudyAttributes:
        """The facts of the study."""
        return self._attributes

    def set_attributes(self, attributes: StudyAttributes) -> None:
        """Remember what the study file says now, and the total that was asked for."""
        write_facts(self.folder, attributes, self._history)
        self._attributes = attributes
        told = attributes_to_json(attributes)
        if self._study.user_attrs.get(STUDY) != told:
            self._study.set_user_attr(STUDY, told)

    @property
    def finished(self) -> int:
        return sum(trial.is_finished for trial in self._trials)

    @property
    def created(self) -> int:
        """Trials that have a number."""
        return len(self._trials)

    @property
    def elsewhere(self) -> dict[int, str]:
        """Machines of attempts on others that have no end, by the numbers of their trials."""
        return {
            trial.number: trial.attempts[-1].record.node
            for trial in self._trials
            if trial.attempts
            and trial.attempts[-1].record.ended is None
            and trial.attempts[-1].record.node
        }

    def heal(self) -> list[int]:
        """Put trials that an earlier coordinator left running back to waiting; their numbers.

        Attempts die with their coordinator; one on this machine that did not yet is waited for, on
        others they have ended by now (`LeaseWait`).
        """
        healed = [trial.number for trial in self._trials if trial.state == "RUNNING"]
        for number in healed:
            for attempt in self._trials[number].attempts:
                if attempt.record.ended is None:
                    end_attempt(attempt.record.pid, attempt.record.boot_id)
            cut_off = Outcome(INTERRUPTED, message="coordinator ended")
            self.end_attempt(number, cut_off, seen=self._trials[number].seen)
        self._close_replaced()
        return healed

    def _close_replaced(self) -> None:
        """End what still waits although another trial has its place."""
        for trial in self._trials:
            if trial.branch is not None and self.pausing.holds(trial.branch.replaces):
                source = trial.branch.source
                message = f"trial {trial.number} goes on from trial {source}'s checkpoint"
                self.close_paused(trial.branch.replaces, message)

    def waiting(self) -> list[int]:
        """Numbers of the trials that were begun and can go on, the oldest first."""
        return [
            trial.number
            for trial in self._trials
            if trial.state == "WAITING"
            and trial.number not in self._claimed
            and not self.pausing.holds(trial.number)
        ]

    def choose(self, *, is_idle: bool) -> int | None:
        """Take up a paused trial again that is worth it; its number, None where none is.

        Args:
            is_idle: as for `Pausing.choose`.
        """
        number = self.pausing.choose(is_idle=is_idle)
        if number is not None:
            self._new.keep_ready(number)
            self.claim(number)
        return number

    def sample(self) -> int:
        """Sample a new trial, or take up one that was enqueued; returns its number.

        Must not be called while a begun trial is waiting: Optuna would hand that one out.

        Raises:
            UserError: the constraints leave nothing that could be found.
            StorageError: the queue is damaged, or another tool added a trial meanwhile.
        """
        assert not self.waiting()
        return self._begun(self._new.sample())

    def branch(self) -> Branched | None:
        """Begin a new trial at the checkpoint of another, in the place of one that ends with that
        if it waits; None where none is to begin so.

        Must not be called while a begun trial is waiting, as `sample`.

        Raises:
            StorageError: as `sample`.
        """
        assert not self.waiting()
        branched = self._new.branch()
        if branched is not None:
            self._begun(branched.history)
        return branched

    def _begun(self, trial: TrialHistory) -> int:
        self.pausing.note_begin(trial.number)
        self._events.show_attributes(trial.number)
        self._storage.publish(self._events.trial_id(trial.number))
        return trial.number

    def params(self, number: int) -> Params:
        return dict(self._trials[number].params)

    def last_step(self, number: int) -> int:
        """The last step that was reported; 0 before the first."""
        return self._trials[number].last_step

    def is_audited(self, number: int) -> bool:
        """Tell whether a trial was condemned and runs to its end."""
        return self._trials[number].audited is not None

    def claim(self, number: int) -> None:
        """Take a waiting trial up again; a sampled one is claimed already."""
        self._claimed.add(number)
        self._storage.claim(self._events.trial_id(number))

    def tell_wait(self, number: int) -> None:
        """As `NewTrials.tell_wait`."""
        self._new.tell_wait(number)

    def begin_attempt(self, number: int, pid: int, *, node: str = "", boot: str = "") -> int:
        """Write that process `pid` works on the trial from now; returns the attempt's number.

        Args:
            node: machine of the process; empty for this one.
            boot: boot session of that machine; empty as `node`.
        """
        waited = self._trials[number].state == "WAITING"
        more: dict[str, Any] = dict(self.pausing.begin_chosen(number))
        if node:
            more["node"] = node
        attempt = len(self._trials[number].attempts) + 1
        self._events.append(
            number,
            ATTEMPT_STARTED,
            attempt=attempt,
            pid=pid,
            boot_id=boot or boot_id(),
            step=self.last_step(number),
            **more,
        )
        self._claimed.discard(number)
        if waited:
            self._storage.set_trial_state_values(self._events.trial_id(number), TrialState.RUNNING)
        self._events.show_attributes(number)
        return attempt

    def set_found(
        self, number: int, found: Mapping[str, object], scaled: Mapping[str, float]
    ) -> None:
        """Write what derives from the values `found` for a trial after it was sampled, and its
        learning rates where they were `scaled`, by path.

        Raises:
            Incomputable: a derived value has none for them.
        """
        points = replace(self._sampling.points, found=found)
        derived = {**points.derived(self.params(number)), **scaled}
        if derived != self._trials[number].derived:
            self._events.append(number, DERIVED_SET, derived=derived)
            self._events.show_attributes(number)

    def set_sizes(
        self, number: int, sizes: Mapping[str, int | None], max_epochs: int | None = None
    ) -> None:
        """Write micro_batch, accumulation and effective_batch of a trial, and the epochs of a
        training to its end."""
        details: dict[str, Any] = dict(sizes)
        if max_epochs is not None:
            details["max_epochs"] = max_epochs
        # each attempt says it anew, and the end of the trial, which is synced, comes after it
        self._events.append(number, SIZES_SET, sync=False, **details)
        self._events.show_attributes(number)

    def set_resources(self, number: int, resources: Mapping[str, float | None]) -> None:
        """Write parameters, epoch_time and peak_memory of a trial."""
        details: dict[str, Any] = dict(resources)
        self._events.append(number, MEASURED, sync=False, **details)
        self._events.show_attributes(number)

    def set_saved(self, number: int, every_s: float, epoch: int) -> None:
        """Write that a trial has a checkpoint of `epoch` epochs, and the seconds of training
        between two."""
        self._events.append(number, SAVED, sync=False, every_s=every_s, epoch=epoch)

    @property
    def is_judged(self) -> bool:
        """False where no report can end or pause a trial."""
        return self._verdicts.is_needed

    def judge(self, number: int, step: int, value: float) -> Judgement:
        """What becomes of the trial after the value of `step`; does not write the value."""
        trial = self._trials[number]
        judgement = self._verdicts.judge(trial, lambda: self._events.frozen(number), step, value)
        if judgement.noted:
            self._events.append(number, ATTRIBUTES, attributes=judgement.noted)
        return judgement

    def report(
        self, number: int, step: int, epoch: int, value: float, judgement: Judgement = UNJUDGED
    ) -> int:
        """Write one value of the reported metric, and the verdict on it; returns the epochs that
        all attempts at the trial have trained together."""
        details = {"step": step, "epoch": epoch, "value": value, **judgement.details()}
        self._events.append(number, REPORTED, sync=False, **details)
        self._storage.set_trial_intermediate_value(self._events.trial_id(number), step, value)
        return self._trials[number].epochs

    def end_attempt(self, number: int, outcome: Outcome, seen: str | None = None) -> Ending:
        """Write how the running attempt ended; returns what the trial comes to by it.

        Args:
            seen: time of its last sign of life, where nobody knows when it ended.
        """
        trial = self._trials[number]
        if outcome.cause == PAUSED:
            outcome = replace(outcome, message=trial.why)
        ending = ending_of(self.attributes, trial, outcome)
        more: dict[str, Any] = {} if seen is None else {"seen": seen}
        if ending.outcome.may_recur:
            more["may_recur"] = True
        self._end(
            number,
            ATTEMPT_ENDED,
            ending,
            cause=ending.outcome.cause,
            message=ending.outcome.message,
            step=trial.last_step,
            **more,
        )
        return ending

    def close_paused(self, number: int, message: str) -> Ending:
        """Write that a paused trial will not go on; returns what it comes to by that."""
        outcome = Outcome(PRUNED, message=message)
        ending = ending_of(self.attributes, self._trials[number], outcome)
        self._end(number, CLOSED, ending, message=message)
        return ending

    def _end(self, number: int, event: str, ending: Ending, **details: Any) -> None:
        if ending.constraints:
            self._events.append(number, ATTRIBUTES, attributes=ending.constraints)
        told = ending.details(is_single=not self.attributes.is_multi_objective)
        self._events.append(number, event, state=ending.state.name, **details, **told)
        self._claimed.discard(number)
        trial_id = self._events.trial_id(number)
        for key, violation in ending.constraints.items():
            self._storage.set_trial_system_attr(trial_id, key, violation)
        self._events.show_attributes(number)
        self._storage.set_trial_state_values(
            self._events.trial_id(number), ending.state, ending.values
        )
        if self._trials[number].is_finished:
            cache_history(self.folder, number)
        self.pausing.note_end(number)
        if self.pausing.holds(number):
            self._hide(number)

    def _hide(self, number: int) -> None:
        """Keep Optuna from handing out a paused trial in the place of a new one."""
        self._storage.claim(self._events.trial_id(number))

    def set_first_pause(self, steps: int) -> None:
        """Write after how many steps a trial may be paused first."""
        self.common.set_first_pause(steps)
        self.pausing.begin(steps)

    def trial(self, number: int) -> TrialRecord:
        folder = self.folder.trial(number).root
        attributes = self.attributes
        return self._trials[number].record(folder, attributes.space, attributes.outcome_constraints)

    def record(self) -> StudyRecord:
        """The study as it stands."""
        recorded = RecordedStudy(self.folder, self.attributes, self._history, self._trials)
        record = study_record(recorded, shown_url(self._storage.database.url))
        return replace(record, is_running=True)
