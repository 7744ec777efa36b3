"""Trials whose slot is taken back, or whose machine is lost: they go on elsewhere."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from database_state import disagreements
from engine.pretended import TREE, Notes, Scripted, made

from search.engine.attempt_end import Outcome
from search.engine.batch_sizes import BatchPlan
from search.engine.ledger import Ledger
from search.engine.opening import open_ledger, plan
from search.engine.running_attempts import Running
from search.executors.processes import boot_id
from search.layout import StudyFolder, TrialFolder
from search.messages import (
    DONE,
    INTERRUPTED,
    KILLED,
    LOST,
    Ended,
    Exited,
    Launched,
    Message,
    Probed,
    Reported,
    Slot,
    SlotClosed,
    SlotClosing,
    SlotOpened,
)
from search.store.reading import read_study
from search.study_file.load import parse_study_tree

GONE = "node n2 was lost: no word for 30 s"
LIMIT = "job 17 reaches its time limit"
OPENS = ("job 18", SlotOpened(Slot(1)))


@pytest.fixture
def folder(tmp_path: Path) -> StudyFolder:
    return StudyFolder(tmp_path / "study")


@pytest.fixture
def ledger(folder: StudyFolder) -> Ledger:
    study_file = parse_study_tree(TREE, source="study.yaml", default_name=folder.name)
    return open_ledger(plan(folder, study_file, None), 3)


def ended(ledger: Ledger, cause: str, *, saved_epoch: int | None = None) -> str:
    """The state of trial 0 after one more attempt, with that many epochs in its checkpoint."""
    if ledger.created:
        ledger.claim(0)
    else:
        ledger.sample()
    ledger.begin_attempt(0, os.getpid())
    if saved_epoch is not None:
        ledger.set_saved(0, 1.0, saved_epoch)
    return ledger.end_attempt(0, Outcome(cause, message=GONE)).state.name


def test_tenth_loss_in_a_row_ends_the_trial(ledger: Ledger) -> None:
    assert [ended(ledger, LOST) for _ in range(10)] == ["WAITING"] * 9 + ["FAIL"]
    trial = ledger.trial(0)
    assert trial.cause == "lost"
    assert trial.message == (
        f"{GONE}, as 10 in a row were, without a report or checkpoint in between: the trial may be "
        "what takes its nodes down"
    )


def test_checkpoint_in_between_ends_the_row_of_losses(ledger: Ledger) -> None:
    states = [ended(ledger, LOST, saved_epoch=2 if place == 5 else None) for place in range(15)]
    assert states == ["WAITING"] * 15
    assert ended(ledger, LOST) == "FAIL"


def test_losses_are_no_kills(ledger: Ledger) -> None:
    causes = [KILLED, LOST, LOST, LOST, LOST, KILLED, LOST]
    assert [ended(ledger, cause) for cause in causes] == ["WAITING"] * 7
    # and do not make three of them less than three in a row
    assert ended(ledger, KILLED) == "FAIL"


def launched(*messages: Message) -> list[tuple[str, Message]]:
    return [("", message) for message in (Launched("", 0), *messages)]


def lost(*messages: Message) -> list[tuple[str, Message]]:
    return launched(*messages, Exited("", -9, lost=GONE))


def test_trial_of_a_lost_machine_goes_on_with_its_curve(folder: StudyFolder) -> None:
    executor = Scripted(lost(Reported(1, 1, 0.75)), lost())
    assert made(folder, executor).run() == "finished"
    (trial,) = read_study(folder).trials
    assert [each.cause for each in trial.attempts] == [LOST, LOST, DONE]
    assert trial.attempts[0].message == GONE
    assert executor.order.count("start 0000") == 3


def test_lost_machines_are_no_failures_in_a_row(folder: StudyFolder) -> None:
    """Five trials that fail one after another with one cause would end the study."""
    executor = Scripted(*[lost() for _ in range(8)])
    assert made(folder, executor, slots=8, asked=8).run() == "finished"
    assert [trial.state for trial in read_study(folder).trials] == ["COMPLETE"] * 8


@pytest.mark.parametrize(
    "end",
    [
        (Ended(INTERRUPTED), Exited("", 1)),
        # Lightning raises at the signal that the engine sends to every process of a job
        (Ended(KILLED, message="SIGTERMException"), Exited("", 1)),
        (Exited("", -15),),
        (Exited("", -9, lost=GONE),),
    ],
)
def test_attempt_in_a_slot_that_closes_counts_as_interrupted(
    folder: StudyFolder, end: tuple[Message, ...]
) -> None:
    taken_back = [
        *launched(Reported(1, 1, 0.75)),
        ("slot 0", SlotClosing(LIMIT)),
        *(("", message) for message in end),
        ("slot 0", SlotClosed(LIMIT)),
        OPENS,
    ]
    view = Notes()
    assert made(folder, Scripted(taken_back), view=view).run() == "finished"
    (trial,) = read_study(folder).trials
    assert [each.cause for each in trial.attempts] == [INTERRUPTED, DONE]
    assert view.texts == [f"a slot closes: {LIMIT}"]


class NextJob(Scripted):
    """An executor that opens another slot once nothing happens for a while; notes when."""

    def poll(self, timeout_s: float) -> list[tuple[str, Message]]:
        said = super().poll(timeout_s)
        if said or "job 18" in self.order or not self.order:
            return said
        self.order.append("job 18")
        return [OPENS]


def test_nothing_starts_in_a_slot_that_closes(folder: StudyFolder) -> None:
    closing = [("slot 0", SlotClosing(LIMIT)), *launched(Ended(DONE, 0.5), Exited("", 0))]
    executor = NextJob(closing)
    assert made(folder, executor, asked=2).run() == "finished"
    assert executor.order == ["start 0000", "job 18", "start 0001", "verdict 1"]


def test_probe_in_a_slot_that_closes_is_made_again(folder: StudyFolder) -> None:
    path = "model.init_args.batch_size"
    tree = {
        **TREE,
        "model": {"class_path": "tiny.Tiny", "init_args": {"batch_size": 2}},
        "batch": {"auto_scale": "power"},
    }
    closing = [("slot 0", SlotClosing(LIMIT)), ("", Exited("", -15)), OPENS]
    executor = Scripted(launched()[:1] + closing, launched(Probed(8, (2, 4, 8)), Exited("", 0)))
    batches = BatchPlan("power", path, None, ())
    assert made(folder, executor, tree=tree, batches=batches).run() == "finished"
    (trial,) = read_study(folder).trials
    assert (trial.state, [each.cause for each in trial.attempts]) == ("COMPLETE", [DONE])
    assert len(executor.order) == 4


def test_attempt_is_written_with_the_machine_that_it_runs_on(folder: StudyFolder) -> None:
    elsewhere = [("", Launched("", 77, node="n2", boot_id="b2")), ("", Exited("", -9, lost=GONE))]
    assert made(folder, Scripted(elsewhere)).run() == "finished"
    (trial,) = read_study(folder).trials
    there, here = trial.attempts
    assert (there.node, there.boot_id, there.pid) == ("n2", "b2", 77)
    assert (here.node, here.boot_id) == ("", boot_id())
    assert not disagreements(folder)


def test_process_of_another_machine_is_not_looked_for_on_this_one() -> None:
    """A number alone may be that of anything here, which somebody has stopped."""
    running = Running(0, "slot 0", "fit", TrialFolder(Path()))
    running.launch(Launched("fit-0-1", os.getpid(), node="n2", boot_id="another boot session"))
    assert running.pid == 0
    running.launch(Launched("fit-0-1", os.getpid(), node="here", boot_id=boot_id()))
    assert running.pid == os.getpid()
