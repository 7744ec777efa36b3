"""The one process that owns a study: fills slots, answers reports, writes down how trials end.

A single loop without threads. Knows the ledger, an executor and a view; never imports torch.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from search.engine.attempt_end import Outcome
from search.engine.batch_sizes import BatchPlan
from search.engine.budget_watch import BudgetWatch
from search.engine.deadline import Deadline
from search.engine.disk_watch import DiskWatch
from search.engine.ended_attempt import settled_outcome
from search.engine.ledger import Ledger
from search.engine.logger_closing import CLOSE, leave_ending
from search.engine.next_trials import NextTrials
from search.engine.open_slots import OpenSlots, SlotNeed
from search.engine.pausing import first_pause
from search.engine.progress import (
    BatchSizeFound,
    Note,
    ProbeStarted,
    Stopping,
    TrialEnded,
    TrialReported,
    TrialStarted,
    View,
    tell_notes,
)
from search.engine.request import RunRequest
from search.engine.running_attempts import FailureStreak, Running, RunningAttempts
from search.engine.signals import SignalWatch
from search.engine.trial_start import settle_config, write_probe_config
from search.errors import UserError
from search.executors.protocol import Executor
from search.layout import TrialFolder
from search.messages import (
    ERROR,
    Ended,
    Exited,
    Launched,
    Leaving,
    LoopEnded,
    Measured,
    Message,
    Probed,
    Reported,
    Saved,
    Slot,
    Started,
    Stepped,
    Stop,
    Verdict,
)
from search.plain.formats import format_count
from search.store.ownership import Ownership
from search.store.records import TrialRecord
from search.store.retention import DiskFloor, Retention, remove

GRACE_S = 10.0
_POLL_S = 0.25


class Coordinator:
    """Runs trials until the limits are reached or a signal arrives."""

    def __init__(
        self,
        *,
        request: RunRequest,
        ledger: Ledger,
        executor: Executor,
        view: View,
        batches: BatchPlan,
        slots: Sequence[Slot],
        deadline: Deadline,
        signals: SignalWatch,
        ownership: Ownership,
    ) -> None:
        self._request = request
        self._study_file = study_file = request.study_file
        self._ledger = ledger
        self._executor = executor
        self._view = view
        self._batches = batches
        self._wanted = slots
        self._slots = OpenSlots()
        self._need = SlotNeed(executor, len(slots))
        self._signals = signals
        self._ownership = ownership
        self._retention = Retention(study_file.keep.top, study_file.objective.direction)
        record = ledger.record()
        self._budget = BudgetWatch(record, deadline)
        self._disk = DiskWatch(DiskFloor(ledger.folder, len(slots)), record, view)
        self._running = RunningAttempts(executor)
        # of which runs in loggers are open: closed while they were paused, or left without a slot
        self._unclosed: list[TrialRecord] = []
        self._next = NextTrials(ledger, batches, request.total, self._close)
        self._stopping_since: float | None = None
        self._failures = FailureStreak()
        self._reason = "finished"

    def run(self) -> str:
        """Run to the end; returns why it ended: finished, timeout, budget or interrupted.

        Raises:
            StudyFailed: trials in a row failed with one cause.
        """
        self._executor.open_slots(self._wanted)
        for trial in self._ledger.record().trials:
            self._tidy(trial)
        while True:
            may_fill = self._fill_slot()
            while self._unclosed and self._slots.has_free and self._stopping_since is None:
                self._close_runs(self._unclosed.pop(0))
            if not (may_fill or self._running or self._waits_for_slot()) and self._is_over():
                break
            if self._slots.has_free or self._need.is_reduced:
                self._need.tell(len(self._running), is_open=self._next.is_open)
            # sampling takes time, and attempts wait for their verdicts meanwhile
            messages = self._executor.poll(0 if may_fill else _POLL_S)
            # an attempt may have failed because its folder is gone, which is no end of a trial
            self._look_at_folder()
            for attempt, message in messages:
                self._handle(attempt, message)
            self._view.tick()
        self._next.release()
        if self._failures.verdict is not None:
            raise self._failures.verdict
        # the epoch that spent the budget may have been the last one of all
        is_spent_at_end = self._reason == "budget" and not self._next.is_open
        return "finished" if is_spent_at_end else self._reason

    def _is_over(self) -> bool:
        """Whether the run ends, of which nothing runs any more."""
        if self._stopping_since is not None:
            return True
        paused, why = self._ledger.pausing.paused, "others were better"
        if self._disk.is_short and paused:
            # what is least worth it makes room for the others
            paused = [self._ledger.pausing.give_up()] if self._disk.wants_room() else []
            why = "the disk is full"
        if paused:
            count = format_count(len(paused), "paused trial")
            self._view.handle(Note(f"{count} will not go on: {why}"))
        for number in paused:
            self._close(number, f"was paused and did not go on: {why}")
        return not (self._unclosed or (self._disk.is_short and self._next.is_open))

    def _close(self, number: int, message: str) -> None:
        """End a paused trial that will not be chosen any more."""
        outcome = self._ledger.close_paused(number, message).outcome
        trial = self._ledger.trial(number)
        if leave_ending(self._ledger.attributes, trial):
            # which reads its checkpoint first
            self._unclosed.append(trial)
        else:
            self._tidy(trial)
        self._view.handle(TrialEnded.of(trial, outcome, 0.0, TrialFolder(trial.folder).log))

    def _fill_slot(self) -> bool:
        """Start a trial where there is room; returns whether there may be room for another."""
        is_wanted = self._may_start() and self._slots.has_free and self._next.is_open
        if not (is_wanted and self._disk.has_room()):
            return False
        if (number := self._next.next(self._running)) is not None:
            self._start(number)
        return number is not None and self._slots.has_free

    def _waits_for_slot(self) -> bool:
        """Whether there is no slot for what is left to do."""
        is_over = self._stopping_since is not None or not (self._next.is_open or self._unclosed)
        if self._slots or is_over:
            return False
        tell_notes(self._view, self._slots.wait(time.monotonic()))
        return True

    def _may_start(self) -> bool:
        # before each trial: one that ends before it has a process leaves its slot free
        self._look_at_signals()
        if self._slots.has_free and (gain := self._budget.note_gain(self._ledger.pausing.gain)):
            self._ledger.common.set_gain(gain)
        self._look_at_clock()
        return self._stopping_since is None

    def _start(self, number: int) -> None:
        key = self._batches.key(self._ledger.params(number))
        folder = self._ledger.folder.trial(number)
        if not self._batches.is_probed or folder.config.is_file():
            self._start_fit(number, folder, None)
        elif (size := self._ledger.common.micro_batch(key)) is not None:
            self._start_fit(number, folder, size)
        elif any(r.task == "probe" and r.key == key for r in self._running):
            self._next.block(number)
        else:
            self._start_probe(number, key)

    def _start_fit(self, number: int, folder: TrialFolder, micro_batch: int | None) -> None:
        running = Running(number, self._slots.take(), "fit", folder)
        # a trial that goes on keeps the configuration that it began with
        if not folder.config.is_file():
            try:
                note = settle_config(
                    self._ledger, number, self._study_file, self._batches, micro_batch
                )
            except UserError as error:
                self._slots.give_back(running.slot)
                self._finish(running, Outcome(ERROR, message=str(error)), None)
                return
            if note is not None:
                self._view.handle(Note(f"trial {number}: {note}"))
        self._ledger.tell_wait(number)
        self._launch(running)

    def _start_probe(self, number: int, key: str) -> None:
        folder = self._ledger.folder.probe(key)
        write_probe_config(folder, self._study_file, self._ledger.params(number), self._batches)
        self._view.handle(ProbeStarted(number))
        self._launch(Running(number, self._slots.take(), "probe", folder, key))

    def _launch(self, running: Running) -> None:
        self._running.launch(running, self._slots[running.slot])

    def _handle(self, attempt: str, message: Message) -> None:
        tell_notes(self._view, self._slots.hear(attempt, message))
        self._running.hear(attempt, message)
        running = self._running.get(attempt)
        if running is None:
            return
        match message:
            case Stepped() | Reported():
                running.pace.sign(time.monotonic())
            case LoopEnded():
                running.pace.end_loop()
            case Launched():
                running.launch(message)
            case Leaving():
                running.hear_other_ranks()
                if not running.needs_exit:
                    self._end(attempt, running, message)
            # after the other, it is of an attempt that is forgotten
            case Exited():
                self._end(attempt, running, message)
            case Ended() | Probed():
                running.last_words, running.told_at = message, time.time()
        if running.task == "fit":
            self._handle_fit(attempt, running, message)

    def _handle_fit(self, attempt: str, running: Running, message: Message) -> None:
        number = running.number
        match message:
            case Launched():
                where = {"node": message.node, "boot": message.boot_id}
                self._ledger.begin_attempt(number, message.pid, **where)
                self._budget.begin(number)
            case Started():
                self._handle_started(attempt, running, message)
            case Measured():
                self._ledger.set_resources(number, message.to_tree())
                self._disk.floor.expect(message.parameters)
            case Saved():
                self._ledger.set_saved(number, message.every_s, message.epoch)
            case Reported():
                self._judge(attempt, running, message)

    def _judge(self, attempt: str, running: Running, said: Reported) -> None:
        number = running.number
        if not self._ledger.pausing.is_begun and running.reported is not None:
            seconds = time.monotonic() - running.reported_at
            self._ledger.set_first_pause(first_pause(said.step - running.reported.step, seconds))
        running.reported, running.reported_at = said, time.monotonic()
        judgement = self._ledger.judge(number, said.step, said.value)
        # written before it is answered: with the answer the attempt saves its checkpoint, goes on
        # from there, and never says again what was not written
        epochs = self._ledger.report(number, said.step, said.epoch, said.value, judgement)
        self._budget.report(number, epochs)
        # before the verdict, for which the attempt waits: after it the next epoch begins
        self._look_at_limits()
        ends = (judgement.prune, judgement.pause)
        is_judged = self._ledger.is_judged or self._budget.counts_epochs
        self._executor.send(attempt, Verdict(said.step, *ends, is_judged=is_judged))
        self._view.handle(TrialReported(number, said.step, said.epoch, said.value, *ends, epochs))

    def _handle_started(self, attempt: str, running: Running, message: Started) -> None:
        running.started = message
        self._ledger.set_sizes(running.number, message.sizes, message.max_epochs)
        if self._stopping_since is not None:
            # it was not connected yet when the others were told
            self._executor.send(attempt, Stop())
        record = self._ledger.trial(running.number)
        self._view.handle(
            TrialStarted(
                number=running.number,
                attempt=len(record.attempts),
                params=record.params,
                step=max(record.curve, default=record.branch.step if record.branch else 0),
                max_epochs=message.max_epochs,
                node=record.node,
            )
        )

    def _end(self, attempt: str, running: Running, end: Leaving | Exited) -> None:
        self._running.forget(attempt)
        self._slots.give_back(running.slot)
        running.hear_other_ranks()
        if running.task == "probe":
            self._end_probe(running, end)
        elif running.task == CLOSE:
            self._end_closing(running)
        else:
            last_words = running.last_words
            assert not isinstance(last_words, Probed)
            self._finish(running, self._outcome(running, end), last_words)

    def _end_probe(self, running: Running, end: Leaving | Exited) -> None:
        if isinstance(running.last_words, Probed):
            size, tried = running.last_words.micro_batch, len(running.last_words.tried)
            self._ledger.common.set_micro_batch(running.key, size)
            self._view.handle(BatchSizeFound(running.number, size, tried))
            self._next.unblock(running.number)
            return
        self._finish(running, self._outcome(running, end), running.last_words)

    def _end_closing(self, running: Running) -> None:
        trial = self._ledger.trial(running.number)
        if running.slot_closes and running.last_words is None:
            self._unclosed.append(trial)
        else:
            self._tidy(trial)

    def _outcome(self, running: Running, end: Leaving | Exited) -> Outcome:
        return settled_outcome(
            running,
            end,
            is_stopping=self._stopping_since is not None or self._signals.first is not None,
            ledger=self._ledger,
            batches=self._batches,
        )

    def _finish(self, running: Running, outcome: Outcome, said: Ended | None) -> None:
        self._disk.floor.learn(running.folder)
        outcome = self._ledger.end_attempt(running.number, outcome).outcome
        trial, log = self._ledger.trial(running.number), running.folder.log
        self._budget.end(trial)
        self._tidy(trial)
        self._view.handle(TrialEnded.of(trial, outcome, time.monotonic() - running.started_at, log))
        trace = said.traceback if said is not None else None
        if self._stopping_since is None and self._failures.note(trial.state, outcome, log, trace):
            self._stop("failures")
        # a process that could still speak has closed its runs itself
        is_open = said is None and running.task == "fit" and trial.is_finished
        if is_open and leave_ending(self._ledger.attributes, trial):
            # the slot of the attempt may be gone
            (self._close_runs if self._slots.has_free else self._unclosed.append)(trial)

    def _close_runs(self, trial: TrialRecord) -> None:
        """Let a process close the runs of a trial in loggers that nobody closed."""
        self._launch(Running(trial.number, self._slots.take(), CLOSE, TrialFolder(trial.folder)))

    def _tidy(self, trial: TrialRecord) -> None:
        remove(self._retention.superfluous(trial))

    def _look_at_folder(self) -> None:
        tell_notes(self._view, self._ownership.check())

    def _look_at_signals(self) -> None:
        if self._signals.first is None:
            return
        if self._stopping_since is None:
            self._view.handle(Stopping(self._signals.first))
            self._stop("interrupted")
        elif self._signals.count > 1:
            self._running.kill_all()

    def _look_at_clock(self) -> None:
        now = time.monotonic()
        if self._stopping_since is not None:
            if now - self._stopping_since > GRACE_S:
                self._running.kill_all()
            return
        self._look_at_limits()
        self._running.look(now, self._request.trial_timeout_s)

    def _look_at_limits(self) -> None:
        # closing runs in loggers costs nothing that a limit could save
        is_at_work = any(each.task != CLOSE for each in self._running)
        if self._stopping_since is not None or not (is_at_work or self._next.is_open):
            return
        if (reason := self._budget.over) is not None:
            self._stop(reason)

    def _stop(self, reason: str) -> None:
        self._reason = reason
        self._stopping_since = time.monotonic()
        self._running.stop_all()
