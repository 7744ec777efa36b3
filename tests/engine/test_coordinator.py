"""What the coordinator has written when an attempt hears from it."""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from engine.pretended import TREE, Notes, OneAttempt, Scripted, Several, made

from search.engine import coordinator, open_slots
from search.engine.batch_sizes import BatchPlan
from search.engine.coordinator import Coordinator
from search.engine.deadline import Deadline
from search.engine.signals import SignalWatch
from search.errors import SearchError, StudyFailed, UserError
from search.layout import StudyFolder, TrialFolder
from search.messages import (
    KILLED,
    Ended,
    Exited,
    Launched,
    Leaving,
    Message,
    Reported,
    Slot,
    SlotClosed,
    SlotOpened,
)
from search.store.reading import read_study


class NoAttempt(OneAttempt):
    """An executor that is not to be asked for anything."""

    def start(self, attempt: str, task: str, folder: TrialFolder, slot: Slot) -> None:
        pytest.fail(f"{attempt} was started")


def test_report_is_written_before_its_verdict_is_sent(tmp_path: Path) -> None:
    """With the verdict the attempt saves its checkpoint, and would never report the step again."""
    executor = OneAttempt()
    assert made(StudyFolder(tmp_path / "study"), executor).run() == "finished"
    assert executor.written == [1, 2]


def test_report_that_cannot_be_written_gets_no_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    executor = OneAttempt()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(coordinator.Ledger, "report", full)
    with pytest.raises(OSError, match="No space left"):
        made(StudyFolder(tmp_path / "study"), executor).run()
    assert executor.written == []


def test_report_is_answered_before_the_next_slot_is_filled(tmp_path: Path) -> None:
    """Sampling for a thousand slots takes half a minute, in which attempts would wait."""
    executor = Several()
    folder = StudyFolder(tmp_path / "study")
    assert made(folder, executor, asked=3, slots=3).run() == "finished"
    assert executor.order == [
        each for number in range(3) for each in (f"start {number:04d}", f"verdict {number}")
    ]
    assert [trial.state for trial in read_study(folder).trials] == ["COMPLETE"] * 3


class SlowToVanish(Several):
    """An executor whose processes are gone only when the next one has begun to train."""

    def __init__(self) -> None:
        super().__init__()
        self._going: list[tuple[str, Message]] = []

    def start(self, attempt: str, task: str, folder: TrialFolder, slot: Slot) -> None:
        super().start(attempt, task, folder, slot)
        launched, reported, ended, exited = self._said
        self._said = [launched, *self._going, reported, ended, (attempt, Leaving(0))]
        self._going = [exited]


def test_trial_begins_while_the_process_of_the_one_before_is_taken_down(tmp_path: Path) -> None:
    executor = SlowToVanish()
    folder = StudyFolder(tmp_path / "study")
    assert made(folder, executor, asked=3).run() == "finished"
    trials = read_study(folder).trials
    assert [(trial.state, len(trial.attempts)) for trial in trials] == [("COMPLETE", 1)] * 3


@pytest.mark.parametrize(
    "end",
    [
        (Exited("", -9, memory_ran_out=True),),
        # of a part of it only the exit tells why
        (
            Ended(KILLED, message="DataLoader worker (pid 5) is killed by signal: Killed."),
            Leaving(1),
            Exited("", 1, memory_ran_out=True),
        ),
    ],
)
def test_kill_is_out_of_memory_where_the_machine_of_the_attempt_says_so(
    tmp_path: Path, end: tuple[Message, ...]
) -> None:
    folder = StudyFolder(tmp_path / "study")
    said = (Launched("", 0), Reported(1, 1, 0.5), *end)
    executor = Scripted([("", message) for message in said])
    assert made(folder, executor).run() == "finished"
    (trial,) = read_study(folder).trials
    assert trial.attempts[0].cause == "oom"


class Costly(Several):
    """An executor whose slots cost something; the second of two trials is longer."""

    def __init__(self) -> None:
        super().__init__()
        self.needed: list[int] = []

    def need_slots(self, count: int) -> None:
        self.needed.append(count)

    def start(self, attempt: str, task: str, folder: TrialFolder, slot: Slot) -> None:
        before, self._said = self._said, []
        super().start(attempt, task, folder, slot)
        # the last words of the one that began last come last
        self._said = [*before, *self._said] if len(self.order) == 1 else [*self._said, *before]

    def poll(self, timeout_s: float) -> list[tuple[str, Message]]:
        # one message a poll
        said, rest = self._said[:1], self._said[1:]
        self._said = said
        result = super().poll(timeout_s)
        self._said = rest
        return result


def test_slots_that_have_nothing_left_to_do_are_not_asked_for_any_more(tmp_path: Path) -> None:
    executor = Costly()
    assert made(StudyFolder(tmp_path / "study"), executor, asked=2, slots=2).run() == "finished"
    # with one trial still running; nothing was said while another could begin, and never more again
    assert executor.needed[0] == 1
    assert executor.needed == sorted(executor.needed, reverse=True)


class Allocated(Several):
    """An executor that has a slot for one trial at a time, and the next one only when others have
    waited for it."""

    def __init__(self) -> None:
        super().__init__()
        self._empty_polls = 0

    def need_slots(self, count: int) -> None: ...

    def open_slots(self, wanted: Sequence[Slot]) -> None:
        self._said.append(("job 1", SlotOpened(wanted[0])))

    def start(self, attempt: str, task: str, folder: TrialFolder, slot: Slot) -> None:
        super().start(attempt, task, folder, slot)
        # between the attempt's last words and its exit: the job is over
        self._said.insert(-1, ("job 1", SlotClosed("its job is over")))

    def poll(self, timeout_s: float) -> list[tuple[str, Message]]:
        said = super().poll(timeout_s)
        if said:
            return said
        self._empty_polls += 1
        return [("job 1", SlotOpened(Slot(1)))] if self._empty_polls % 3 == 0 else []


def test_study_waits_for_slots_that_close_and_open_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(open_slots, "_PATIENCE_S", 0.0)
    folder = StudyFolder(tmp_path / "study")
    view = Notes()
    assert made(folder, Allocated(), asked=3, slots=2, view=view).run() == "finished"
    trials = read_study(folder).trials
    assert [(trial.state, len(trial.attempts)) for trial in trials] == [("COMPLETE", 1)] * 3
    # told once each time
    assert view.texts == ["waiting for a slot", *["waiting for a slot: its job is over"] * 2]


def test_study_without_a_slot_ends_with_its_time(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path / "study")
    executor = Several()
    executor.open_slots = lambda wanted: None  # type: ignore[method-assign]
    assert made(folder, executor, deadline=ShortDeadline(5)).run() == "timeout"
    assert executor.order == []


class NoSlots(Several):
    """An executor all of whose jobs are pending; something happens at its third poll."""

    def __init__(self, then: Callable[[], object]) -> None:
        super().__init__()
        self._then = then
        self.polls = 0

    def need_slots(self, count: int) -> None: ...

    def open_slots(self, wanted: Sequence[Slot]) -> None: ...

    def poll(self, timeout_s: float) -> list[tuple[str, Message]]:
        self.polls += 1
        if self.polls == 3:
            self._then()
        assert self.polls < 10, "the run goes on"
        return super().poll(timeout_s)


def test_signal_ends_the_wait_for_a_slot_at_once(tmp_path: Path) -> None:
    folder, signals = StudyFolder(tmp_path / "study"), SignalWatch()
    executor = NoSlots(lambda: signals.note(signal.SIGINT))
    assert made(folder, executor, signals=signals).run() == "interrupted"
    assert executor.polls == 3
    assert read_study(folder).trials == ()


@pytest.mark.parametrize(
    "error", [UserError("--on slurm: no partition x."), StudyFailed("all gone")]
)
def test_executor_that_gives_up_ends_the_run_and_loses_nothing(
    tmp_path: Path, error: SearchError
) -> None:
    folder = StudyFolder(tmp_path / "study")

    class GivesUp(Scripted):
        def poll(self, timeout_s: float) -> list[tuple[str, Message]]:
            if said := super().poll(timeout_s):
                return said
            raise error

    reported = [("", Launched("", 0, node="n2", boot_id="b2")), ("", Reported(1, 1, 0.5))]
    with pytest.raises(type(error), match=str(error)):
        made(folder, GivesUp(reported)).run()
    # whose attempt may be at work: the next start looks after that
    (trial,) = read_study(folder).trials
    assert (trial.state, trial.curve, trial.node) == ("RUNNING", {1: 0.5}, "n2")


class ShortDeadline(Deadline):
    """A time limit that is over when it was looked at a few times."""

    def __init__(self, looks: int) -> None:
        super().__init__(None)
        self._looks = looks

    @property
    def is_over(self) -> bool:
        self._looks -= 1
        return self._looks < 0


@pytest.mark.parametrize("asked", [None, 40])
def test_study_ends_when_no_trial_gets_as_far_as_a_process(
    tmp_path: Path, asked: int | None
) -> None:
    folder = StudyFolder(tmp_path / "study")
    coordinator = made_incomputable(folder, asked)
    with pytest.raises(StudyFailed, match="5 trials in a row ended with the cause error: derive: "):
        coordinator.run()
    assert [trial.state for trial in read_study(folder).trials] == ["FAIL"] * 5


def test_time_limit_holds_where_no_trial_gets_as_far_as_a_process(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path / "study")
    assert made_incomputable(folder, None, ShortDeadline(4)).run() == "timeout"
    assert [trial.state for trial in read_study(folder).trials] == ["FAIL"] * 3


def made_incomputable(
    folder: StudyFolder, asked: int | None, deadline: Deadline | None = None
) -> Coordinator:
    """A study whose derived value has none for the micro-batch that its probe found."""
    path = "model.init_args.batch_size"
    batches = BatchPlan("power", path, None, ())
    tree = {
        **TREE,
        "model": {"class_path": "tiny.Tiny", "init_args": {"batch_size": 2}},
        "batch": {"auto_scale": "power"},
        "derive": {"trainer.accumulate_grad_batches": f"8 // ({path} - 8)"},
    }
    coordinator = made(
        folder, NoAttempt(), tree=tree, asked=asked, batches=batches, deadline=deadline
    )
    coordinator._ledger.common.set_micro_batch(batches.key({}), 8)
    return coordinator
