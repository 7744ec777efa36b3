"""Trials that begin at the checkpoint of another, as the ledger writes them."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from search.engine.attempt_end import Outcome
from search.engine.batch_sizes import BatchPlan
from search.engine.ledger import Ledger
from search.engine.next_trials import NextTrials
from search.engine.opening import open_ledger, plan
from search.errors import UserError
from search.layout import StudyFolder
from search.messages import DIVERGED, INTERRUPTED, KILLED, PAUSED
from search.plain.whole_files import write_whole
from search.store.reading import read_study
from search.study_file.curve_steps import EPOCHS, Steps
from search.study_file.load import parse_study_tree

POPULATION, TOTAL = 3, 6
TREE: dict[str, Any] = {
    "model": {"class_path": "tiny.Tiny"},
    "trainer": {"max_epochs": 9},
    "objective": {"metric": "val_loss"},
    "space": {
        "model.init_args.lr": {"float": [1e-3, 1e-1], "log": True},
        "model.init_args.width": {"int": [2, 64]},
    },
    "scheduler": {"name": "pbt", "population": POPULATION, "interval": 1},
    "sampler": "random",
}
WIDTH = "model.init_args.width"


def opened(folder: StudyFolder, **changes: object) -> Ledger:
    tree = {**TREE, **changes}
    study_file = parse_study_tree(tree, source="study.yaml", default_name=folder.name)
    opening = plan(folder, study_file, None)
    if not opening.exists:
        opening = replace(opening, reshaping=(WIDTH,))
    return open_ledger(opening, TOTAL, steps=Steps(EPOCHS))


@pytest.fixture
def folder(tmp_path: Path) -> StudyFolder:
    return StudyFolder(tmp_path / "studies" / "study")


def trained(ledger: Ledger, number: int, value: float, cause: str = PAUSED) -> None:
    """Let a trial report once more and end its attempt, with a checkpoint where it waits."""
    ledger.begin_attempt(number, os.getpid())
    record = ledger.trial(number)
    step = max(record.curve, default=record.branch.step if record.branch else 0) + 1
    judgement = ledger.judge(number, step, value)
    ledger.report(number, step, step, value, judgement)
    if cause == PAUSED:
        assert judgement.pause
        write_whole(ledger.folder.trial(number).last_ckpt, f"trial {number}, step {step}")
    ledger.end_attempt(number, Outcome(cause))


def begun(folder: StudyFolder) -> Ledger:
    """A study of which all have begun."""
    ledger = opened(folder)
    for _ in range(POPULATION):
        ledger.sample()
    return ledger


def populated(folder: StudyFolder) -> Ledger:
    """A study of which all have come to the first stop; trial 0 is best, and 2 is last."""
    ledger = opened(folder)
    for value in (0.1, 0.2, 0.3):
        trained(ledger, ledger.sample(), value)
    return ledger


def test_branch_has_the_checkpoint_and_the_parameters_of_one_of_the_first(
    folder: StudyFolder,
) -> None:
    ledger = populated(folder)
    branched = ledger.branch()
    assert branched is not None
    assert (branched.history.number, branched.replaced) == (3, 2)
    assert folder.trial(3).source_ckpt.read_text() == "trial 0, step 1"
    record = read_study(folder).trials[3]
    assert record.branch_text == "branched from trial 0 at epoch 1"
    assert record.params[WIDTH] == ledger.params(0)[WIDTH]
    assert record.params != ledger.params(0)
    assert branched.why.startswith(
        "left behind at epoch 1: 0.3 is number 3 of 3; trial 3 goes on from trial 0's checkpoint "
        "with lr "
    )
    assert ledger.trial(3).params == record.params


def test_branch_counts_its_own_epochs(folder: StudyFolder) -> None:
    ledger = populated(folder)
    assert ledger.branch() is not None
    trained(ledger, 3, 0.05)
    assert ledger.trial(3).curve == {2: 0.05}
    assert ledger.trial(3).epochs == 1
    assert opened(folder).trial(3).epochs == 1


def test_coordinator_ends_the_one_whose_place_is_taken(folder: StudyFolder) -> None:
    ledger = populated(folder)
    closed: list[tuple[int, str]] = []

    def close(number: int, message: str) -> None:
        ledger.close_paused(number, message)
        closed.append((number, message))

    following = NextTrials(ledger, BatchPlan("off", None, None, ()), TOTAL, close)
    assert following.next([]) == 3
    assert [number for number, _ in closed] == [2]
    assert ledger.trial(2).state == "PRUNED"
    assert ledger.trial(2).message == closed[0][1]
    # its population is whole, and the others go on
    assert [following.next([]), following.next([]), following.next([])] == [0, 1, None]


def test_one_that_was_not_ended_before_a_kill_is_ended_at_the_next_start(
    folder: StudyFolder,
) -> None:
    ledger = populated(folder)
    assert ledger.branch() is not None
    ledger.close()
    again = opened(folder)
    assert again.heal() == [3]
    assert again.trial(2).message == "trial 3 goes on from trial 0's checkpoint"
    assert again.pausing.paused == [0, 1]
    assert again.waiting() == [3]


def test_kill_between_checkpoint_and_event_leaves_no_trial(folder: StudyFolder) -> None:
    ledger = populated(folder)
    ledger.close()
    folder.trial(3).root.mkdir()
    folder.trial(3).source_ckpt.write_text("half of it")
    again = opened(folder)
    assert again.created == 3
    branched = again.branch()
    assert branched is not None
    assert branched.history.number == 3
    assert folder.trial(3).source_ckpt.read_text() == "trial 0, step 1"


def test_reopened_study_proposes_the_same(folder: StudyFolder) -> None:
    populated(folder).close()
    first = opened(folder).pausing.propose(3, {0: [1], 1: [1], 2: [1]})
    assert first is not None
    assert opened(folder).pausing.propose(3, {0: [1], 1: [1], 2: [1]}) == first


def test_branch_begins_where_all_stood_although_its_source_has_gone_on(
    folder: StudyFolder,
) -> None:
    ledger = begun(folder)
    trained(ledger, 0, 0.1)
    trained(ledger, 1, 0.2)
    # it is not the last of three, whatever the third comes to
    assert ledger.choose(is_idle=False) == 0
    assert ledger.branch() is None
    trained(ledger, 0, 0.05)
    # and no further, as long as others may begin at its checkpoint
    assert ledger.choose(is_idle=False) is None
    trained(ledger, 2, 0.3)
    branched = ledger.branch()
    assert branched is not None
    assert folder.trial(3).source_ckpt.read_text() == "trial 0, step 1"
    assert ledger.trial(3).branch_text == "branched from trial 0 at epoch 1"


def test_place_of_one_that_failed_is_taken_by_a_branch(folder: StudyFolder) -> None:
    ledger = begun(folder)
    trained(ledger, 0, 0.1)
    trained(ledger, 1, 0.2)
    trained(ledger, 2, 0.3, DIVERGED)
    branches = [ledger.branch(), ledger.branch(), ledger.branch()]
    assert [each.replaced for each in branches if each] == [1, 2]


@pytest.mark.parametrize("cause", [INTERRUPTED, KILLED])
def test_one_that_was_cut_off_before_its_checkpoint_goes_on_until_it_waits_with_one(
    folder: StudyFolder, cause: str
) -> None:
    ledger = begun(folder)
    trained(ledger, 1, 0.2)
    trained(ledger, 2, 0.3)
    trained(ledger, 0, 0.1, cause)
    for each in (ledger, opened(folder)):
        assert each.pausing.paused == [1, 2]
        assert each.waiting() == [0]
    # the others wait for it: it is the one to begin at
    again = opened(folder)
    again.claim(0)
    assert again.branch() is None
    again.tell_wait(0)
    assert folder.trial(0).wait.is_file()
    again.begin_attempt(0, os.getpid())
    judgement = again.judge(0, 1, 0.1)
    assert judgement.pause
    again.report(0, 1, 1, 0.1, judgement)
    folder.trial(0).last_ckpt.write_text("trial 0, step 1")
    again.end_attempt(0, Outcome(PAUSED))
    assert again.pausing.paused == [0, 1, 2]
    branched = again.branch()
    assert branched is not None
    assert branched.history.branch is not None
    assert branched.history.branch.source == 0
    again.tell_wait(0)
    assert not folder.trial(0).wait.exists()


def test_attempt_that_finds_the_checkpoint_of_its_verdict_waits_without_a_report(
    folder: StudyFolder,
) -> None:
    ledger = begun(folder)
    trained(ledger, 0, 0.1, KILLED)
    folder.trial(0).last_ckpt.write_text("trial 0, step 1")
    ledger.claim(0)
    ledger.begin_attempt(0, os.getpid())
    ledger.end_attempt(0, Outcome(PAUSED))
    for each in (ledger, opened(folder)):
        assert each.pausing.paused == [0]
        assert each.trial(0).message == "0.1 at epoch 1, and others train"


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"sampler": "grid", "space": {WIDTH: {"choice": [1, 2]}}}, "sampler: grid"),
        ({"audit": 0.5}, "Remove audit."),
        (
            {"space": {"model.init_args.act": {"choice": ["relu", "tanh"]}}},
            "finds no parameter that may change under way",
        ),
    ],
)
def test_what_does_not_go_with_it_is_refused_before_anything_is_made(
    folder: StudyFolder, changes: dict[str, Any], text: str
) -> None:
    with pytest.raises(UserError) as raised:
        opened(folder, **changes)
    assert text in str(raised.value)
    assert not folder.root.exists()
