"""Population based training, on trials that train in a formula."""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest

from search.errors import UserError
from search.sampling.schedulers.exploration import Exploration
from search.sampling.schedulers.make import check_population, make_scheduler
from search.sampling.schedulers.pbt import Pbt
from search.sampling.schedulers.scheduler import BranchProposal, Curves, Origin
from search.space.distributions import Categorical, FloatRange, IntRange, Params, Space
from search.space.points import Points
from search.study_file.curve_steps import EPOCHS, Steps

LAST = 20
SPACE: Space = {
    "model.lr": FloatRange(1e-4, 1.0, log=True),
    "model.width": IntRange(1, 8),
}


def scheduler(
    *,
    total: int | None = 60,
    seed: int = 0,
    sign: int = 1,
    epoch_steps: int = 1,
    **options: object,
) -> Pbt:
    curves = Curves(sign=sign, keeps_best=True, steps=Steps(EPOCHS), last=LAST * epoch_steps)
    made = make_scheduler(
        "pbt",
        options,
        curves,
        SPACE,
        epoch_steps=epoch_steps,
        least=1,
        total=total,
        exploration=Exploration(Points(SPACE), ["model.lr"], seed),
    )
    assert isinstance(made, Pbt)
    return made


@dataclass
class Trial:
    """A trial whose loss falls by a part in each epoch, the part that its learning rate allows."""

    params: Params
    step: int = 0
    loss: float = 1.0
    # its loss at each step at which it waited
    ready: dict[int, float] = field(default_factory=dict)

    def train(self) -> float:
        lr = self.params["model.lr"]
        assert isinstance(lr, float)
        # the rate that is best falls from 0.1 to 0.001 under way
        best = -1 - 2 * self.step / LAST
        self.loss *= 0.7 + 0.3 * min(1.0, abs(math.log10(lr) - best))
        self.step += 1
        return self.loss


@dataclass
class Study:
    """A study of such trials, as the coordinator runs one.

    fails: trials that fail in their second epoch.
    again: makes the scheduler anew, for each decision; None to keep it.
    """

    pbt: Pbt
    total: int
    workers: int = 1
    fails: frozenset[int] = frozenset()
    again: Callable[[], Pbt] | None = None
    trials: list[Trial] = field(default_factory=list)
    proposals: dict[int, BranchProposal] = field(default_factory=dict)
    origins: dict[int, Origin] = field(default_factory=dict)
    reports: dict[int, list[tuple[int, float]]] = field(default_factory=dict)
    paused: set[int] = field(default_factory=set)
    complete: list[int] = field(default_factory=list)
    # the step at which each of the others ended
    ended: dict[int, int] = field(default_factory=dict)
    drawn: Random = field(default_factory=lambda: Random(0))
    clock: Random = field(default_factory=lambda: Random(1))

    def run(self) -> Study:
        """Train until nothing is left to do; an epoch takes from one to two ticks."""
        busy: list[tuple[float, int]] = []
        now = 0.0
        while True:
            while len(busy) < self.workers:
                if self.again is not None:
                    self._tell_again(self.again())
                number = self._next(is_idle=not busy)
                if number is None:
                    break
                heapq.heappush(busy, (now + 1 + self.clock.random(), number))
            if not busy:
                return self
            now, number = heapq.heappop(busy)
            if self._trains_on(number):
                heapq.heappush(busy, (now + 1 + self.clock.random(), number))

    def _next(self, *, is_idle: bool) -> int | None:
        number = len(self.trials)
        is_new = number < self.total
        if is_new and (proposal := self.pbt.propose(number, self._sources())) is not None:
            self._branch(number, proposal)
            return number
        chosen = self.pbt.choose()
        if chosen is None and is_idle and not is_new:
            chosen = self.pbt.choose_last()
        if chosen is not None:
            self.paused.remove(chosen.number)
            return chosen.number
        if not (is_new and self.pbt.wants_new):
            return None
        self.trials.append(Trial({"model.lr": 10 ** self.drawn.uniform(-4, 0), "model.width": 4}))
        self.reports[number] = []
        self.pbt.begin(number, self.trials[number].params)
        return number

    def _sources(self) -> dict[int, list[int]]:
        over = {*self.ended, *self.complete}
        return {n: [*each.ready][-2:] for n, each in enumerate(self.trials) if n not in over}

    def _branch(self, number: int, proposal: BranchProposal) -> None:
        loss = self.trials[proposal.source].ready[proposal.step]
        origin = Origin(proposal.source, proposal.step, proposal.replaces)
        self.trials.append(Trial(proposal.params, proposal.step, loss))
        self.proposals[number], self.origins[number] = proposal, origin
        self.reports[number] = []
        self.pbt.branch(number, proposal.params, origin)
        if proposal.replaces in self.paused:
            self.paused.remove(proposal.replaces)
            self.ended[proposal.replaces] = self.trials[proposal.replaces].step
            self.pbt.end(proposal.replaces, is_complete=False, is_failed=False)

    def _trains_on(self, number: int) -> bool:
        trial = self.trials[number]
        value = trial.train()
        if number in self.fails and trial.step == 2:
            self.ended[number] = trial.step
            self.pbt.end(number, is_complete=False, is_failed=True)
            return False
        self.reports[number].append((trial.step, value))
        self.pbt.report(number, trial.step, value)
        if self.pbt.decide(number).pauses:
            trial.ready[trial.step] = trial.loss
            self.paused.add(number)
            self.pbt.pause(number)
            return False
        if trial.step == LAST:
            self.complete.append(number)
            self.pbt.end(number, is_complete=True, is_failed=False)
            return False
        return True

    def _tell_again(self, pbt: Pbt) -> None:
        self.pbt = pbt
        for number, trial in enumerate(self.trials):
            if number in self.origins:
                pbt.branch(number, trial.params, self.origins[number])
            else:
                pbt.begin(number, trial.params)
            for step, value in self.reports[number]:
                pbt.report(number, step, value)
            if number in self.complete or number in self.ended:
                is_complete = number in self.complete
                pbt.end(number, is_complete=is_complete, is_failed=number in self.fails)
            elif number in self.paused:
                pbt.pause(number)
            elif trial.ready:
                pbt.note_chosen(number)


def study(total: int, workers: int = 1, **options: Any) -> Study:
    return Study(scheduler(total=total, **options), total, workers).run()


@pytest.mark.parametrize("workers", [1, 3])
def test_population_comes_further_than_its_trials_alone(workers: int) -> None:
    found = study(48, workers, population=10)
    alone = [Trial(each.params) for n, each in enumerate(found.trials) if n not in found.proposals]
    for each in alone:
        while each.step < LAST:
            each.train()
    best = min(found.trials[number].loss for number in found.complete)
    assert best < 0.5 * min(each.loss for each in alone)


def test_total_counts_every_trial_and_each_place_is_trained_to_the_end() -> None:
    found = study(40, 3, population=10)
    assert len(found.trials) == 40
    assert len(found.complete) == 10
    assert len(found.ended) == len(found.proposals) == 30


@pytest.mark.parametrize("workers", [1, 2, 4, 10])
def test_those_that_end_are_the_last_at_their_step(workers: int) -> None:
    found = study(28, workers, population=10, interval=2)
    assert Counter(found.ended.values()) == dict.fromkeys(range(2, LAST, 2), 2)
    for number, step in found.ended.items():
        at_step = {n: dict(each)[step] for n, each in found.reports.items() if step in dict(each)}
        assert len(at_step) == 10
        ranked = sorted(at_step, key=lambda n: (at_step[n], n))
        assert number in ranked[-2:]
        branch = next(n for n, each in found.proposals.items() if each.replaces == number)
        assert found.proposals[branch].source in ranked[:2]


def test_study_comes_to_the_same_however_many_train_at_once() -> None:
    first, *others = (study(48, workers, population=10) for workers in (1, 2, 5, 10))
    assert first.proposals
    for each in others:
        assert each.proposals == first.proposals
        assert each.reports == first.reports
        assert each.ended == first.ended


@pytest.mark.parametrize("workers", [1, 3])
def test_scheduler_that_is_told_again_decides_as_before(workers: int) -> None:
    whole = study(45, workers, population=6)
    told = Study(
        scheduler(population=6, total=45),
        45,
        workers,
        again=lambda: scheduler(population=6, total=45),
    ).run()
    assert told.proposals == whole.proposals
    assert told.reports == whole.reports
    assert (told.complete, told.ended) == (whole.complete, whole.ended)


def test_place_of_a_trial_that_failed_is_taken_by_another() -> None:
    pbt = scheduler(population=6, total=26)
    found = Study(pbt, 26, 2, fails=frozenset({1, 4})).run()
    assert {1, 4} <= {each.replaces for each in found.proposals.values()}
    assert len(found.complete) == 6


def test_another_population_begins_where_the_total_allows_one() -> None:
    found = study(100, 2, population=4, interval=5)
    assert len(found.trials) == 100
    # each population has 4, and one more at each of 3 stops
    assert len(found.proposals) > 30
    assert len(found.complete) >= 4 * 13


def test_larger_values_are_better_where_a_study_maximizes() -> None:
    pbt = scheduler(population=5, sign=-1)
    for number in range(5):
        pbt.begin(number, {"model.lr": 0.1, "model.width": 1})
        pbt.report(number, 1, float(number))
        assert pbt.decide(number).pauses
        pbt.pause(number)
    proposal = pbt.propose(5, {number: [1] for number in range(5)})
    assert proposal is not None
    assert (proposal.replaces, proposal.source) == (0, 4)


def test_reason_names_place_source_and_what_has_changed() -> None:
    pbt = scheduler(population=5)
    for number in range(5):
        pbt.begin(number, {"model.lr": 0.1, "model.width": 3})
        pbt.report(number, 1, number + 0.5)
        pbt.pause(number)
    proposal = pbt.propose(5, {number: [1] for number in range(5)})
    assert proposal is not None
    lr = proposal.params["model.lr"]
    assert proposal.params["model.width"] == 3
    assert proposal.why == (
        "left behind at epoch 1: 4.5 is number 5 of 5; trial 5 goes on from trial 0's checkpoint "
        f"with lr {lr:.5g}"
    )


def test_trial_without_anybody_to_go_on_from_goes_on_itself() -> None:
    pbt = scheduler(population=2)
    for number in range(2):
        pbt.begin(number, {"model.lr": 0.1, "model.width": 3})
        pbt.report(number, 1, float(number))
        pbt.pause(number)
    assert pbt.propose(2, {}) is None
    went_on = [pbt.choose(), pbt.choose()]
    assert [each.number for each in went_on if each] == [0, 1]


def test_stops_lie_a_twentieth_of_the_training_apart() -> None:
    pbt = scheduler(epoch_steps=3)
    pbt.begin(0, {"model.lr": 0.1, "model.width": 3})
    pauses = []
    for step in range(1, 10):
        pbt.report(0, step, 1.0)
        pauses.append(pbt.decide(0).pauses)
    assert pauses == [step % 3 == 0 for step in range(1, 10)]


def test_total_that_is_one_population_is_refused() -> None:
    with pytest.raises(UserError) as raised:
        check_population("pbt", {}, 20, taken=0)
    assert str(raised.value) == (
        "scheduler.population: 20 trials are trained side by side, and of 20 in all none is left "
        "to take the place of another. Ask for more trials (--trials 60), or for a smaller "
        "population."
    )
    check_population("pbt", {}, 21, taken=0)
    check_population("asha", {}, 1, taken=0)


def test_trials_of_another_study_are_in_no_population() -> None:
    with pytest.raises(UserError) as raised:
        check_population("pbt", {"population": 4}, 16, taken=12)
    assert str(raised.value) == (
        "scheduler.population: 4 trials are trained side by side, and of 4 in all beside the 12 "
        "of another study none is left to take the place of another. Ask for more trials "
        "(--trials 24), or for a smaller population."
    )
    check_population("pbt", {"population": 4}, 17, taken=12)


@pytest.mark.parametrize("interval", [LAST, 2 * LAST])
def test_interval_without_a_stop_is_refused(interval: int) -> None:
    with pytest.raises(UserError) as raised:
        scheduler(interval=interval)
    assert str(raised.value) == (
        "scheduler.interval: a trial is at its end before it comes to the first stop, after "
        f"{interval} epochs, so that none takes the place of another. Train for longer (trainer: "
        "{max_epochs: 20}), or ask for a smaller interval."
    )
    scheduler(interval=LAST - 1)


def test_explored_values_are_near_and_inside_and_the_rest_stays() -> None:
    space: Space = {
        "model.lr": FloatRange(1e-3, 1e-1, log=True),
        "model.layers": IntRange(2, 10, step=2),
        "model.dropout": FloatRange(0.0, 0.5, step=0.25),
        "model.batch": Categorical((16, 64, 32)),
        "model.kind": Categorical(("a", "b")),
        "model.rest": FloatRange(0.0, 1.0),
    }
    paths = [path for path in space if path != "model.rest"]
    exploration = Exploration(Points(space), paths, 3)
    params: Params = {
        "model.lr": 0.01,
        "model.layers": 6,
        "model.dropout": 0.25,
        "model.batch": 32,
        "model.kind": "a",
        "model.rest": 0.3,
    }
    found = [exploration.explore(params, exploration.random(number)) for number in range(400)]
    assert found == [exploration.explore(params, exploration.random(n)) for n in range(400)]
    for each in found:
        assert all(space[path].contains(value) for path, value in each.items())
        assert each["model.rest"] == 0.3
    lrs = [each["model.lr"] for each in found]
    assert 100 < lrs.count(0.008) < 200
    assert 100 < lrs.count(0.012) < 200
    assert {each["model.layers"] for each in found} == {2, 4, 6, 8, 10}
    assert sum(each["model.layers"] in (4, 8) for each in found) > 250
    assert sum(each["model.batch"] in (16, 64) for each in found) > 250
    assert sum(each["model.dropout"] in (0.0, 0.5) for each in found) > 250
    assert sum(each["model.kind"] == "a" for each in found) > 250


def test_explored_point_has_what_its_conditions_ask_for() -> None:
    space: Space = {
        "model.layers": IntRange(1, 2),
        "model.width": IntRange(1, 9, when=(("model.layers", (2,)),)),
    }
    exploration = Exploration(Points(space), list(space), 0)
    found = [exploration.explore({"model.layers": 1}, exploration.random(n)) for n in range(50)]
    assert {each["model.layers"] for each in found} == {1, 2}
    assert all(("model.width" in each) is (each["model.layers"] == 2) for each in found)
