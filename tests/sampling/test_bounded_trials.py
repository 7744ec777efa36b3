"""The finished trials that TPE is shown of a long study."""

from __future__ import annotations

import os
import random
from pathlib import Path

import optuna
import pytest
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from search.engine.attempt_end import Outcome
from search.engine.opening import open_ledger, plan
from search.layout import StudyFolder
from search.messages import DONE
from search.sampling import bounded_trials
from search.sampling.bounded_trials import LEAST, MOST, BoundedStorage
from search.sampling.study_settings import sampling_of
from search.study_file.load import parse_study_tree

MINIMIZE, MAXIMIZE = StudyDirection.MINIMIZE, StudyDirection.MAXIMIZE
MANY = 3 * MOST


class Made:
    """A study in memory, and what is shown of it."""

    def __init__(self, *directions: StudyDirection) -> None:
        self.storage = optuna.storages.InMemoryStorage()
        self.id = self.storage.create_new_study(list(directions))
        self.bounded = BoundedStorage(self.storage, self.id, directions[0])

    def add(self, *values: float, state: TrialState = TrialState.COMPLETE) -> int:
        curve = {1: 0.5} if state == TrialState.PRUNED else {}
        trial = create_trial(state=state, values=list(values) or None, intermediate_values=curve)
        trial_id = self.storage.create_new_trial(self.id, trial)
        return self.storage.get_trial_number_from_id(trial_id)

    def shown(self) -> list[FrozenTrial]:
        return self.bounded.get_all_trials(self.id, deepcopy=False)

    def numbers(self) -> list[int]:
        return [trial.number for trial in self.shown()]


def test_up_to_a_count_every_trial_is_shown() -> None:
    made = Made(MINIMIZE)
    for number in range(MOST):
        made.add(float(number))
    made.add(state=TrialState.FAIL)
    made.add(state=TrialState.RUNNING)
    assert made.numbers() == list(range(MOST + 2))


@pytest.mark.parametrize("direction", [MINIMIZE, MAXIMIZE])
def test_best_and_latest_of_many_are_shown_and_no_more_than_the_count(
    direction: StudyDirection,
) -> None:
    made = Made(direction)
    chance = random.Random(0)
    values = [chance.random() for _ in range(MANY)]
    for value in values:
        made.add(value)
    running = made.add(state=TrialState.RUNNING)
    numbers = made.numbers()
    assert len(numbers) <= MOST + 1
    assert numbers == sorted(set(numbers))
    best = sorted(range(MANY), key=values.__getitem__, reverse=direction == MAXIMIZE)
    assert set(best[:100]) <= set(numbers)
    assert set(range(MANY - 150, MANY)) <= set(numbers)
    assert numbers[-1] == running
    # and others from everywhere
    assert all(any(n // 100 == hundred for n in numbers) for hundred in range(MANY // 100))


def test_pruned_trials_are_shown_after_complete_ones() -> None:
    made = Made(MINIMIZE)
    for number in range(MANY):
        if number % 50:
            made.add(state=TrialState.PRUNED)
        else:
            made.add(float(number))
    shown = {trial.number for trial in made.shown() if trial.state == TrialState.COMPLETE}
    assert shown == set(range(0, MANY, 50))


def test_front_of_several_objectives_is_shown() -> None:
    made = Made(MINIMIZE, MAXIMIZE)
    front = set()
    for number in range(MANY):
        if number % 30 == 0:
            front.add(made.add(float(number), float(number)))
        else:
            made.add(float(number) + 1.5 * MANY, -1.0)
    assert front <= set(made.numbers())


def test_ends_of_a_long_front_are_shown() -> None:
    made = Made(MINIMIZE, MAXIMIZE)
    # all of them before the latest
    front = [made.add(float(number), float(number)) for number in range(150)]
    for number in range(MANY):
        made.add(float(number) + 1.5 * MANY, -1.0)
    shown = set(made.numbers())
    assert {front[0], front[-1]} <= shown
    assert len(shown) <= MOST


@pytest.mark.parametrize("maximized", [True, False])
def test_no_fewer_are_shown_than_a_sampler_may_wait_for(maximized: bool) -> None:
    made = Made(MAXIMIZE if maximized else MINIMIZE)
    for number in range(MANY):
        made.add(float(number))
        assert len(made.numbers()) >= min(number + 1, LEAST)


@pytest.mark.parametrize(("count", "is_bounded"), [(10, True), (LEAST, True), (LEAST + 1, False)])
def test_sampler_that_waits_for_more_than_are_shown_is_shown_all(
    count: int, is_bounded: bool
) -> None:
    tree = {
        "model": {"class_path": "tiny.Tiny"},
        "objective": {"metric": "val_loss"},
        "space": {"model.lr": {"float": [0.0, 1.0]}},
        "sampler": {"name": "tpe", "n_startup_trials": count},
    }
    study_file = parse_study_tree(tree, source="study.yaml", default_name="study")
    assert sampling_of(study_file).is_bounded == is_bounded


def test_selection_does_not_depend_on_when_trials_were_seen() -> None:
    chance = random.Random(1)
    states = [TrialState.COMPLETE, TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL]
    at_once, as_they_ended = Made(MINIMIZE, MINIMIZE), Made(MINIMIZE, MINIMIZE)
    waiting: list[tuple[int, float]] = []
    for number in range(MANY):
        state, value = chance.choice(states), chance.random()
        values = [value, 1 - value] if state == TrialState.COMPLETE else []
        at_once.add(*values, state=state)
        if state != TrialState.COMPLETE:
            as_they_ended.add(state=state)
            continue
        as_they_ended.add(state=TrialState.RUNNING)
        waiting.append((number, value))
        if len(waiting) == 3:
            end(as_they_ended, waiting, chance)
        as_they_ended.shown()
    end(as_they_ended, waiting, chance)
    assert as_they_ended.numbers() == at_once.numbers()


def end(made: Made, waiting: list[tuple[int, float]], chance: random.Random) -> None:
    """End the trials that run, in another order than they began."""
    chance.shuffle(waiting)
    for number, value in waiting:
        trial_id = made.storage.get_trial_id_from_study_id_trial_number(made.id, number)
        made.storage.set_trial_state_values(trial_id, TrialState.COMPLETE, [value, 1 - value])
    waiting.clear()


@pytest.mark.parametrize("objectives", [1, 2])
def test_long_study_counts_and_judges_all_its_trials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, objectives: int
) -> None:
    small = {"MOST": 12, "_BEST": 4, "_LATEST": 4, "_OTHERS": 4}
    for name, count in small.items():
        monkeypatch.setattr(bounded_trials, name, count)
    names = ["val_loss", "val_other"][:objectives]
    tree = {
        "model": {"class_path": "tiny.Tiny"},
        "objectives": [{"metric": name} for name in names],
        "space": {"model.a": {"float": [0.0, 1.0]}},
        "pruner": {"name": "median", "n_startup_trials": 30, "n_warmup_steps": 0},
    }
    if objectives > 1:
        tree["prune_on"] = "val_loss"
    study_file = parse_study_tree(tree, source="study.yaml", default_name="study")
    folder = StudyFolder(tmp_path / "study")
    sampled = []
    for _ in range(2):
        ledger = open_ledger(plan(folder, study_file, None), None)
        for _ in range(20):
            number = ledger.sample()
            value = float(number)
            metrics = dict.fromkeys(names, value) if objectives > 1 else {}
            ledger.begin_attempt(number, os.getpid())
            judged = ledger.judge(number, 1, value).prune
            ledger.report(number, 1, 1, value)
            ledger.end_attempt(number, Outcome(DONE, value, metrics=metrics))
            sampled.append((number, judged))
        ledger.close()
    # the median of all trials before, of which there must be 30: it is shown 12
    assert sampled == [(number, number >= 30) for number in range(40)]
