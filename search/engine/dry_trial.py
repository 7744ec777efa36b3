"""`search check`: the preflight, then two dry trials of one seed, in attempts like any other."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from search.answers import Checked, DryRun
from search.engine.annotated_ranges import with_ranges
from search.engine.ask import DRY, RANGES, AnswerT, Question, ask, own_executor
from search.engine.batch_sizes import plan_batches
from search.engine.extras import check_loggers
from search.engine.given_gpus import checking_slot, with_given_gpus
from search.engine.preflight import middle_config, preflight, settled
from search.engine.signals import SignalWatch
from search.engine.warm_sources import read_sources
from search.engine.workers import Wanted, WorkerChoice, choose_workers, machine_now
from search.errors import StudyFileError, UserError
from search.executors.protocol import Executor
from search.executors.slots import cores
from search.layout import STUDIES_DIR, StudyFolder
from search.messages import Slot
from search.plain.tree import class_paths
from search.sampling.study_settings import sampling_of
from search.store.provenance.redaction import refuse_secrets
from search.store.reading import is_study
from search.study_file.schema import StudyFile
from search.study_file.trial_config import DryBatches
from search.study_file.trial_facts import TrialFacts


@dataclass(frozen=True)
class DryTrials:
    """Two runs of the same trial, and the preflight before them."""

    study_file: StudyFile
    """Study file with every range."""
    facts: Checked
    """Facts of the preflight."""
    choice: WorkerChoice
    """Workers that the study would have."""
    first: DryRun
    """Run that also measures a full trial and goes on from its checkpoint."""
    second: DryRun
    """Run of as many batches, from the same seed."""

    @property
    def agree(self) -> bool:
        """True where both have the same weights and the same value, bit for bit."""
        same_value = self.first.value == self.second.value
        return self.first.digest == self.second.digest and same_value


def dry_trials(
    study_file: StudyFile, source: str, import_path: Path, *, workers: int | None, trials: int
) -> DryTrials:
    """Try a study file out; nothing is written but temporary folders that are removed.

    Args:
        source: the study file as messages call it.
        import_path: the folder that the user's code is imported from.
        workers: how many would share the cores; None for as many as there is room for.
        trials: how many the study would have.

    Raises:
        StudyFileError: the study file cannot be run.
        Interrupted: a signal came.
    """
    sys_path = [import_path, Path.cwd()]
    classes = list(class_paths(study_file.to_tree()))
    with (
        SignalWatch() as signals,
        own_executor(sys_path, class_paths=classes) as executor,
    ):
        wanted = Wanted(workers, trials)
        attempts = _Attempts(executor, source, wanted, signals.check, import_path)
        return attempts.try_out(study_file)


@dataclass(frozen=True)
class _Attempts:
    """The attempts of `search check`, one after another on one executor."""

    executor: Executor
    source: str
    wanted: Wanted
    tick: Callable[[], None]
    beside: Path

    def try_out(self, study_file: StudyFile) -> DryTrials:
        if study_file.is_hinted:
            study_file = with_ranges(
                study_file,
                self.source,
                None,
                lambda config: self._ask(RANGES, config, Slot(cores())),
            )
        check_loggers(study_file, self.source)
        refuse_secrets(study_file, self.source)
        folder = StudyFolder(STUDIES_DIR / study_file.name)
        # one that was begun needs its sources no more
        if not is_study(folder):
            read_sources(study_file, folder, self.source, self.beside)
        with _in_study_file(self.source):
            # refuses what does not take its options
            sampling_of(study_file)
        slot = checking_slot(study_file.resources)
        facts = preflight(self.executor, study_file, self.source, slot, self.tick)
        study_file = settled(study_file, facts)
        with _in_study_file(self.source):
            facts = with_given_gpus(facts, study_file.resources)
            plan = plan_batches(study_file, facts)
        given = study_file.resources
        wanted = replace(self.wanted, fills_gpus=plan.is_probed, given=given)
        choice = choose_workers(facts, machine_now(os.environ), wanted)
        self.executor.preload(facts.modules, warm_up=not facts.gpus)
        config = middle_config(study_file)
        trial = TrialFacts(at_epoch_ends=facts.at_epoch_ends)
        first = self._ask(
            DRY, replace(config, trial=trial).to_tree(), replace(slot, threads=choice.threads)
        )
        batches = DryBatches(first.train_batches, first.val_batches)
        second = self._ask(
            DRY, replace(config, dry=batches).to_tree(), replace(slot, threads=choice.threads)
        )
        return DryTrials(study_file, facts, choice, first, second)

    def _ask(self, question: Question[AnswerT], config: Mapping[str, Any], slot: Slot) -> AnswerT:
        return ask(
            question,
            config,
            place=self.source,
            executor=self.executor,
            slot=slot,
            tick=self.tick,
        )


@contextlib.contextmanager
def _in_study_file(source: str) -> Iterator[None]:
    """Put the name of the study file before an error about it."""
    try:
        yield
    except UserError as error:
        raise StudyFileError([f"{source}: {error}"]) from error
