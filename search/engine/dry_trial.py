"""`search check`: the preflight, then two dry trials of one seed, in attempts like any other."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from search.engine.annotated_ranges import with_ranges
from search.engine.answers import answer_of
from search.engine.batch_sizes import plan_batches
from search.engine.extras import check_loggers
from search.engine.preflight import preflight
from search.engine.signals import SignalWatch
from search.engine.trial_config import logger_section
from search.errors import StudyFileError, UserError
from search.executors.local import LocalExecutor
from search.executors.protocol import Executor, Slot
from search.executors.slots import cores
from search.layout import StudyFolder, TrialFolder
from search.messages import Checked, DryRun
from search.plain.tree import class_paths
from search.plain.whole_files import write_whole
from search.plain.yaml import dump_yaml
from search.sampling.study_settings import sampling_of
from search.store.provenance.redaction import refuse_secrets
from search.study_file.objectives import watched_config
from search.study_file.schema import StudyFile

_SEED = "dry trial"


@dataclass(frozen=True)
class DryTrials:
    """What was tried, with every range; what the preflight found; two runs of the same trial."""

    study_file: StudyFile
    facts: Checked
    first: DryRun
    second: DryRun

    @property
    def agree(self) -> bool:
        """Whether both have the same weights and the same value, bit for bit."""
        same_value = self.first.value == self.second.value
        return self.first.digest == self.second.digest and same_value


def dry_trials(study_file: StudyFile, source: Path, workers: int) -> DryTrials:
    """Try a study file out; what is written meanwhile is in a temporary folder that is removed.

    Args:
        source: the study file.
        workers: how many would share the cores.

    Raises:
        StudyFileError: the study file cannot be run.
        Interrupted: a signal came.
    """
    threads = max(1, cores() // workers)
    with SignalWatch() as signals, tempfile.TemporaryDirectory(prefix="search-check-") as name:
        root = Path(name)
        executor = LocalExecutor(
            list(class_paths(study_file.to_tree())),
            [str(source.parent.absolute()), str(Path.cwd())],
            threads=threads,
            server_log=root / "server.log",
        )
        try:
            attempts = _Attempts(executor, str(source), Slot(threads), signals.check)
            return attempts.tried(study_file, root)
        finally:
            executor.close()


def middle_config(study_file: StudyFile) -> dict[str, Any]:
    """The configuration of a valid trial, with the values in the middle of their ranges where
    those are one."""
    points = study_file.points
    params = points.complete({}, lambda distribution: distribution.middle)
    if points.violation(params) is not None:
        params = points.random_point({}, _SEED) or params
    return points.config(params)


@dataclass(frozen=True)
class _Attempts:
    executor: Executor
    source: str
    slot: Slot
    tick: Callable[[], None]

    def tried(self, study_file: StudyFile, root: Path) -> DryTrials:
        if study_file.is_hinted:
            study_file = with_ranges(
                study_file,
                self.source,
                StudyFolder(root / "none"),
                lambda _: nullcontext(self.executor),
                self.tick,
            )
        check_loggers(study_file, self.source)
        refuse_secrets(study_file, self.source)
        try:
            # refuses a sampler or a pruner that does not take its options
            sampling_of(study_file)
            facts = preflight(self.executor, study_file, self.source, self.slot, self.tick)
            plan_batches(study_file, facts)
        except StudyFileError:
            raise
        except UserError as error:
            raise StudyFileError([f"{self.source}: {error}"]) from error
        self.executor.preload(facts.modules, rehearse=not facts.gpus)
        trial = {"at_epoch_ends": facts.at_epoch_ends}
        first = self._run(study_file, TrialFolder(root / "first"), {"trial": trial})
        batches = {"train": first.train_batches, "val": first.val_batches}
        second = self._run(study_file, TrialFolder(root / "second"), {"dry": batches})
        return DryTrials(study_file, facts, first, second)

    def _run(self, study_file: StudyFile, folder: TrialFolder, more: dict[str, Any]) -> DryRun:
        config = middle_config(study_file)
        config |= {**watched_config(study_file), **more, "logger": logger_section(study_file)}
        folder.root.mkdir()
        write_whole(folder.config, dump_yaml(config))
        self.executor.start(folder.root.name, "dry", folder, self.slot)
        answered = answer_of(self.executor, DryRun, self.tick)
        if answered.answer is not None:
            return answered.answer
        said = answered.said
        raise self._failed((said.message or said.cause) if said else "it was killed")

    def _failed(self, message: str) -> UserError:
        return StudyFileError(
            [f"{self.source}: the dry trial failed: {message.rstrip('.')}. Correct it there."]
        )
