"""Where new trials come from: points that go before, the checkpoint of another trial, or the
sampler.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import optuna

from search.engine.fixed_points import FixedPoints
from search.engine.judgement import newly_noted
from search.engine.pausing import Pausing
from search.plain.whole_files import discard, keep_copy, make_folder, write_whole
from search.sampling.candidates import stage
from search.sampling.samplers import Sampling
from search.space.distributions import Params
from search.store.database.write_through import WriteThroughStorage, is_private
from search.store.events.event_file import append_event
from search.store.events.trial_history import ATTRIBUTES, SAMPLED, TrialHistory, after
from search.store.queue import Queue
from search.store.recorded_study import RecordedStudy
from search.store.records import BranchRecord


@dataclass(frozen=True)
class Branched:
    """A new trial that begins at the checkpoint of another."""

    history: TrialHistory
    replaced: int
    """Number of the trial whose place it takes."""
    why: str
    """Reason, as a whole sentence."""


class NewTrials:
    """Makes trials: each is an event first, and in the database then.

    Args:
        recorded: the study; its trials grow with each one.
        study: as the sampler sees it.
        queue: the points that go before what is sampled.
    """

    def __init__(
        self,
        recorded: RecordedStudy,
        study: optuna.Study,
        storage: WriteThroughStorage,
        sampling: Sampling,
        queue: Queue,
        pausing: Pausing,
    ) -> None:
        self._folder = recorded.folder
        self._trials = recorded.trials
        self._study = study
        self._storage = storage
        self._sampling = sampling
        self._fixed = FixedPoints(recorded.history, queue)
        self._pausing = pausing

    def sample(self) -> TrialHistory:
        """A trial of the configuration's own values, of the queue, or of the sampler.

        Raises:
            UserError: the constraints leave nothing that could be found.
            StorageError: the queue is damaged, or another tool added a trial meanwhile.
        """
        fixed = self._fixed.next(self._trials)
        return self._make(fixed.params, fixed.origin)

    def branch(self) -> Branched | None:
        """A trial that begins at the checkpoint of another; None where none is to.

        Raises:
            StorageError: as `sample`.
        """
        number = len(self._trials)
        proposal = self._pausing.propose(number, self._sources())
        if proposal is None:
            return None
        source = self._trials[proposal.source]
        folder = self._folder.trial(number)
        make_folder(folder.root)
        # before the event that tells of it: a kill between the two leaves a folder without a trial
        keep_copy(self._ready(source, proposal.step), folder.source_ckpt)
        epoch = source.ready[proposal.step]
        branch = BranchRecord(source.number, proposal.step, epoch, proposal.replaces)
        history = self._make(proposal.params, {"branch": asdict(branch)})
        return Branched(history, proposal.replaces, proposal.why)

    def keep_ready(self, number: int) -> None:
        """Keep the checkpoint of a paused trial that goes on, for others to begin at, and the one
        before: of those that wait, nobody is further behind."""
        trial = self._trials[number]
        folder = self._folder.trial(number)
        if not self._pausing.branches or trial.paused_at not in trial.ready:
            return
        if folder.last_ckpt.exists():
            keep_copy(folder.last_ckpt, folder.ready_ckpt(trial.paused_at))
        kept = {folder.ready_ckpt(step) for step in sorted(trial.ready)[-2:]}
        for path in set(folder.ready_ckpts) - kept:
            discard(path)

    def tell_wait(self, number: int) -> None:
        """Leave word for the next attempt at a trial whose last one was told to wait and was cut
        off: its checkpoint may be there, and then nothing is to be trained."""
        trial = self._trials[number]
        folder = self._folder.trial(number)
        if not self._pausing.branches:
            return
        if trial.is_ready:
            folder.wait.unlink(missing_ok=True)
        else:
            write_whole(folder.wait, json.dumps({"step": trial.told_at}))

    def _sources(self) -> dict[int, list[int]]:
        """The checkpoints that others may begin at, by the step, of each trial that has some."""
        found = {
            trial.number: [step for step in trial.ready if self._ready(trial, step).exists()]
            for trial in self._trials
            if trial.ready
        }
        return {number: steps for number, steps in found.items() if steps}

    def _ready(self, trial: TrialHistory, step: int) -> Path:
        """The checkpoint with which a trial waited at a step."""
        folder = self._folder.trial(trial.number)
        is_there = self._pausing.holds(trial.number) and step == trial.paused_at
        return folder.last_ckpt if is_there else folder.ready_ckpt(step)

    def _make(self, fixed: Params, facts: dict[str, Any]) -> TrialHistory:
        known = dict(self._storage.get_study_system_attrs(self._storage.study_id))
        trial = stage(self._study, self._storage, self._sampling, fixed)
        self._storage.refuse_other_writers(trial)
        now = self._storage.get_study_system_attrs(self._storage.study_id)
        if new := newly_noted(known, now):
            append_event(self._folder.events, ATTRIBUTES, attributes=new)
        make_folder(self._folder.trial(trial.number).root)
        study_id = self._storage.study_id
        trial_id = self._storage.get_trial_id_from_study_id_trial_number(study_id, trial.number)
        noted = self._storage.get_trial(trial_id).system_attrs
        if derived := self._sampling.points.derived(trial.params):
            facts = {"derived": derived, **facts}
        event = append_event(
            self._folder.trial(trial.number).events,
            SAMPLED,
            number=trial.number,
            params=trial.params,
            attributes={key: each for key, each in noted.items() if not is_private(key)},
            **facts,
        )
        history = after(None, event)
        assert history is not None
        self._trials.append(history)
        return history
