"""Running a study from its file to its end: the visible list of steps."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from search.answers import Checked
from search.engine.annotated_ranges import with_ranges
from search.engine.ask import RANGES, ask_once
from search.engine.batch_sizes import epoch_of, own_effective
from search.engine.coordinator import Coordinator
from search.engine.deadline import Deadline
from search.engine.extras import check_loggers
from search.engine.lease_wait import LeaseWait
from search.engine.ledger import Ledger
from search.engine.opening import Opening, open_ledger, plan
from search.engine.place import executor_of, workers_on
from search.engine.preflight import settled
from search.engine.progress import Note, StudyEnded, StudyOpened, View, tell_notes
from search.engine.request import RunRequest
from search.engine.resilient_view import SteadyView, steadily
from search.engine.signals import SignalWatch
from search.engine.study_check import check_study
from search.engine.warm_sources import read_sources
from search.engine.workers import Wanted, WorkerChoice, choose_workers, machine_now
from search.errors import Interrupted, StudyFailed, StudyFileError, UserError
from search.executors.processes import end_processes_of, owner_of
from search.executors.slots import cores, slots_for
from search.plain.tree import class_paths
from search.sampling.samplers import independent_paths
from search.sampling.study_settings import sampling_of
from search.store.database.lock_wait import BeforeRetry
from search.store.ownership import owned
from search.store.provenance.record import gather, note_start
from search.store.provenance.redaction import refuse_secrets
from search.store.records import StudyRecord
from search.store.study_state import budget_figures, reached_rule
from search.study_file.curve_steps import SAMPLES, Steps, steps_of
from search.study_file.schema import StudyFile
from search.study_file.stopping_rules import raised

_LOCK_TOLD_S = 3.0


def run_study(request: RunRequest, view: View) -> StudyRecord:
    """Run or go on with a study until it has what was asked for; show it in a view, and close that.

    Raises:
        UserError: something that was given cannot be used; nothing was written.
        StudyFailed: no trial was finished, or failures in a row ended it.
        Interrupted: a signal came; everything is saved.
    """
    try:
        return _run(request, view)
    finally:
        # a live table notices only now that its terminal is gone
        steadily(view.close)


def _run(request: RunRequest, view: View) -> StudyRecord:
    deadline = Deadline(request.time_limit_s)
    check_loggers(request.study_file, request.source)
    request = _with_ranges(request, view, deadline)
    opening = _planned(request)
    try:
        request = _with_combinations(request, view)
    except UserError as error:
        raise StudyFileError([f"{request.source}: {error}"]) from error
    with SignalWatch() as signals, owned(opening.folder, is_new=not opening.exists) as ownership:
        # what the attempts of a run that was killed have started, and nobody could end
        end_processes_of(owner_of(request.folder.server_log))
        view = SteadyView(view, signals)
        before_retry = _before_retry(view, signals)
        tick = _tick(request, view, signals, deadline)
        lease_wait = _agents_awaited(request, view, tick)
        began = time.time()
        # the fork server loads torch while the study is opened
        with executor_of(request, _notes_to(view)) as executor:
            ledger = _healed(opening, request, view, before_retry, lease_wait)
            if ledger is not None:
                # before the check, during which the database may be moved too
                ownership.note_study()
            if ledger is not None and (end := _end_before(ledger, request.total)) is not None:
                view.handle(
                    StudyOpened(ledger.record(), request.workers or 1, True, engine=request.engine)
                )
                return _successful(_close(ledger, view, end, deadline), deadline)
            sampling_of(request.study_file).prepare()
            made = _made_with(request)
            try:
                checked = check_study(request, executor, view, made["machine"], tick, began=began)
            except StudyFailed:
                if ledger is None:
                    raise
                return _successful(_close(ledger, view, "timeout", deadline), deadline)
            request = replace(request, study_file=settled(request.study_file, checked.facts))
            tell_notes(view, ownership.check())
            if ledger is None:
                ledger = _begun(opening, request, view, before_retry, checked.facts)
                ownership.note_study()
            note_start(request.folder, made)
            checked.keep(request.folder)
            choice = _choice(request, checked.facts, ledger, fills_gpus=checked.batches.is_probed)
            if checked.facts.is_timed:
                ledger.common.set_threads(choice.threads, choice.reason)
            view.handle(
                StudyOpened(
                    ledger.record(),
                    choice.workers,
                    opening.exists,
                    choice.threads,
                    request.engine,
                )
            )
            view.handle(Note(str(choice)))
            coordinator = Coordinator(
                request=request,
                ledger=ledger,
                executor=executor,
                view=view,
                batches=checked.batches,
                slots=slots_for(choice.workers, choice.threads, choice.groups),
                deadline=deadline,
                signals=signals,
                ownership=ownership,
            )
            try:
                executor.until_ready(lambda: _look(signals, view))
                reason = coordinator.run()
            except (StudyFailed, Interrupted) as error:
                is_failure = isinstance(error, StudyFailed)
                _close(ledger, view, "failures" if is_failure else "interrupted", deadline)
                raise
        record = _close(ledger, view, reason, deadline)
        signals.check()
    return _successful(record, deadline)


def _planned(request: RunRequest) -> Opening:
    is_stored = (
        request.source == str(request.folder.study_file) and not request.study_file.is_hinted
    )
    opening = plan(request.folder, request.study_file, request.url, is_stored=is_stored)
    if not opening.exists:
        found = read_sources(
            request.study_file, request.folder, request.source, request.import_path
        )
        opening = replace(opening, warm_sources=found)
    # wherever the study file is written: of a new study, and of one that goes on with another
    if not opening.exists or opening.changes:
        refuse_secrets(request.study_file, request.source)
    return opening


def _notes_to(view: View) -> Callable[[str], None]:
    return lambda line: view.handle(Note(line))


def _look(signals: SignalWatch, view: View) -> None:
    signals.check()
    view.tick()


def _choice(
    request: RunRequest, facts: Checked, ledger: Ledger, *, fills_gpus: bool
) -> WorkerChoice:
    left = trials_to_go(ledger, request.total)
    given = request.study_file.resources
    wanted = Wanted(request.workers, left, fills_gpus, ledger.common.threads, given)
    if request.on is not None:
        return workers_on(request.on, wanted, facts.processes_a_trial)
    return choose_workers(facts, machine_now(os.environ), wanted)


def trials_to_go(ledger: Ledger, total: int | None) -> int | None:
    """Trials that are to be finished; those that wait are, though a lower total leaves them out."""
    if total is None:
        return None
    return max(total - ledger.finished, len(ledger.waiting()) + len(ledger.pausing.paused))


def _made_with(request: RunRequest) -> dict[str, object]:
    study_file = request.study_file
    return gather(
        class_paths=list(class_paths(study_file.to_tree())),
        folders=[Path.cwd(), request.import_path],
        study=request.folder.root,
        seed=study_file.seed,
        trial_seed=study_file.trial_seed,
        cores=cores(),
    )


def _successful(record: StudyRecord, deadline: Deadline) -> StudyRecord:
    """The study, if any of its trials was finished, in this run or before it."""
    if any(trial.state in ("COMPLETE", "PRUNED") for trial in record.trials):
        return record
    if record.finished and record.finished == len(record.trials):
        name = record.name
        raise StudyFailed(f"{name}: every trial failed. See `search show {name} 0`.")
    deadline.check(record.name)
    if (rule := reached_rule(record)) is not None:
        raise StudyFailed(
            f"{record.name}: no trial was finished within the budget: "
            f"{budget_figures(record)[rule]}. Give it more: "
            f"`search resume {record.name} {raised(rule)}`."
        )
    return record


def _with_ranges(request: RunRequest, view: View, deadline: Deadline) -> RunRequest:
    """Read the ranges that the study file leaves to annotations."""
    if not request.study_file.is_hinted:
        return request
    with SignalWatch() as signals:

        def tick() -> None:
            signals.check()
            deadline.check(request.study_file.name)
            view.tick()

        study_file = with_ranges(
            request.study_file,
            request.source,
            request.folder,
            lambda config: ask_once(
                RANGES,
                config,
                place=request.source,
                sys_path=request.sys_path,
                tick=tick,
            ),
        )
        # one that came after the last tick
        signals.check()
    return replace(request, study_file=study_file)


def _with_combinations(request: RunRequest, view: View) -> RunRequest:
    """Check sampler and pruner, and ask for no more trials than there are different ones."""
    study_file = request.study_file
    sampling = sampling_of(study_file)
    if conditional := independent_paths(sampling):
        text = f"{sampling.name}: samples {', '.join(conditional)} on their own, not jointly"
        view.handle(Note(text))
    combinations, total = sampling.combinations, request.total
    if combinations is None or (total is not None and total <= combinations):
        return request
    view.handle(Note(f"{sampling.name}: the space has {combinations} combinations, one trial each"))
    return replace(request, trials=combinations)


def _before_retry(view: View, signals: SignalWatch) -> BeforeRetry:
    """The wait while another program locks the database: each is told once, and a signal ends it.
    What could not be written is in the events files and comes back with the next start.
    """
    before_s = 0.0

    def wait(waited_s: float) -> None:
        nonlocal before_s
        signals.check()
        # a new wait begins at zero again
        if before_s <= _LOCK_TOLD_S < waited_s:
            view.handle(Note("another program has locked the database; waiting until it is done"))
        before_s = waited_s
        view.tick()

    return wait


def _opened(
    opening: Opening,
    request: RunRequest,
    view: View,
    before_retry: BeforeRetry,
    steps: Steps | None = None,
) -> Ledger:
    return open_ledger(
        opening,
        request.total,
        before_retry,
        steps,
        note=_notes_to(view),
        stopping=request.stopping_rules,
    )


def _begun(
    opening: Opening, request: RunRequest, view: View, before_retry: BeforeRetry, facts: Checked
) -> Ledger:
    """A new study, of which the preflight knows what the study file does not say."""
    steps = _steps(request.study_file, facts, view)
    defaults = {**facts.defaults, **own_effective(facts)}
    opening = replace(opening, defaults=defaults, reshaping=facts.reshaping_paths)
    return _opened(opening, request, view, before_retry, steps)


def _agents_awaited(request: RunRequest, view: View, tick: Callable[[], None]) -> LeaseWait:
    """The wait for what an earlier run has left on other machines, over for all that the bridge of
    that run knew, which another bridge would take the place of."""
    lease_wait = LeaseWait(request.folder, tick, _notes_to(view))
    lease_wait.for_agents()
    return lease_wait


def _healed(
    opening: Opening,
    request: RunRequest,
    view: View,
    before_retry: BeforeRetry,
    lease_wait: LeaseWait,
) -> Ledger | None:
    """The study of an earlier run; None where it is new."""
    if not opening.exists:
        return None
    ledger = _opened(opening, request, view, before_retry)
    lease_wait.for_trials(ledger.elsewhere)
    for change in opening.changes:
        view.handle(Note(f"from now on: {change}"))
    for number in sorted(set(ledger.heal()) - set(ledger.pausing.paused)):
        view.handle(Note(f"trial {number} was cut off and goes on from its last checkpoint"))
    return ledger


def _tick(
    request: RunRequest, view: View, signals: SignalWatch, deadline: Deadline
) -> Callable[[], None]:
    """What happens again and again while the start waits for a process with torch."""

    def tick() -> None:
        _look(signals, view)
        deadline.check(request.study_file.name)

    return tick


def _steps(study_file: StudyFile, facts: Checked, view: View) -> Steps:
    """What the steps of a new study count; told where it is not the epochs that people expect."""
    steps = steps_of(
        study_file,
        leaves_ends=facts.leaves_epoch_ends,
        epoch_samples=epoch_of(facts).trained_on(facts.batch_size or 1),
        at_epoch_ends=facts.at_epoch_ends,
    )
    if steps.unit == SAMPLES:
        text = "steps count samples seen: trials validate inside epochs, of batches that differ"
        if steps.epoch_samples is not None:
            text += f"; a pruner's steps are epochs of {steps.epoch_samples:,} samples"
        view.handle(Note(text))
    return steps


def _end_before(ledger: Ledger, total: int | None) -> str | None:
    """Why nothing is left to run: finished or budget; None where something is."""
    begun = ledger.waiting() or ledger.pausing.paused
    if total is not None and ledger.finished >= total and not begun:
        return "finished"
    # the record of every trial, which most studies do not need here
    has_rules = bool(ledger.attributes.stopping.names)
    return "budget" if has_rules and reached_rule(ledger.record()) is not None else None


def _close(ledger: Ledger, view: View, reason: str, deadline: Deadline) -> StudyRecord:
    record = replace(ledger.record(), is_running=False)
    view.handle(StudyEnded(record, reason, deadline.passed_s))
    return record
