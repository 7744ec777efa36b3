"""The check of a study file at a start: the preflight, or the answer that an earlier one kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from search.answers import Checked
from search.engine.batch_sizes import BatchPlan, plan_batches
from search.engine.given_gpus import checking_slot, with_given_gpus
from search.engine.kept_answer import circumstances, keep_answer, read_answer
from search.engine.preflight import preflight
from search.engine.progress import Note, View, tell_notes
from search.engine.request import RunRequest
from search.errors import StudyFileError, UserError
from search.executors.protocol import Executor
from search.layout import StudyFolder
from search.plain.tree import as_mapping


@dataclass(frozen=True)
class StudyCheck:
    """A study file that was checked."""

    facts: Checked
    """Facts of the preflight."""
    batches: BatchPlan
    """The way to the batch sizes of the trials."""
    circumstances: Mapping[str, str]
    """Digests of all that the facts depend on."""
    began: float
    """Time of the start, in seconds since 1970."""
    is_known: bool
    """True where the facts are those of an earlier start."""
    misses_gpus: bool
    """True where the machine has GPUs and torch saw none: a driver may work again at the next
    start."""

    def keep(self, folder: StudyFolder) -> None:
        """Keep the facts for the next start of the study, unless that would find out more."""
        if not (self.is_known or self.misses_gpus) and self.facts.is_timed:
            keep_answer(folder, self.facts, self.circumstances, began=self.began)


def check_study(
    request: RunRequest,
    executor: Executor,
    view: View,
    machine: object,
    tick: Callable[[], None],
    *,
    began: float,
) -> StudyCheck:
    """Check the study file that is to be run, unless all is as it was when it was checked last.

    Args:
        machine: of `this_machine`.
        tick: called while waiting; what it raises ends the wait.
        began: time of the start, before anything was imported, in seconds since 1970.

    Raises:
        UserError: as `ask`.
    """
    study_file, source = request.study_file, request.source
    now = circumstances(study_file, request.sys_path, request.on or machine)
    kept = read_answer(request.folder, now)
    facts = kept.answer
    if facts is None:
        again = "" if kept.reason is None else f" again: {kept.reason}"
        view.handle(Note(f"loading torch, then one training step to check the study file{again}"))
        slot = checking_slot(study_file.resources, is_shared=request.on is None)
        facts = preflight(executor, study_file, source, slot, tick)
    else:
        view.handle(Note("loading torch; the study file was checked before"))
    # what the training step imported on the way, so that no trial has to
    executor.preload(facts.modules, warm_up=not facts.gpus)
    tell_notes(view, facts.notes)
    try:
        facts = with_given_gpus(facts, study_file.resources)
        batches = plan_batches(study_file, facts)
    except UserError as error:
        raise StudyFileError([f"{source}: {error}"]) from error
    return StudyCheck(
        facts,
        batches,
        now,
        began,
        is_known=kept.answer is not None,
        misses_gpus=_has_gpus(request, machine) and not facts.gpus,
    )


def _has_gpus(request: RunRequest, machine: object) -> bool:
    """Tell whether this machine has GPUs that trials on it would see."""
    sees_them = request.on is None and request.study_file.resources.gpus != 0
    return sees_them and bool(as_mapping(machine)["gpus"])
