"""Successive halving and Hyperband, on curves that are known beforehand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

import pytest
from sampling.schedulers.simulated import decided, run

from search.errors import UserError
from search.sampling.schedulers.make import make_scheduler
from search.sampling.schedulers.scheduler import Curves, Scheduler
from search.study_file.curve_steps import EPOCHS, Steps

LAST = 27


def scheduler(name: str, *, sign: int = 1, keeps_best: bool = False, **options: int) -> Scheduler:
    curves = Curves(sign=sign, keeps_best=keeps_best, steps=Steps(EPOCHS), last=LAST)
    return made_of(name, options, curves)


def made_of(name: str, options: Mapping[str, object], curves: Curves) -> Scheduler:
    made = make_scheduler(name, options, curves, {}, epoch_steps=1, least=1, total=None)
    assert made is not None
    return made


def falling(levels: Sequence[float]) -> list[dict[int, float]]:
    """Curves that are in the same order at every step."""
    return [{step: level + 1 / step for step in range(1, LAST + 1)} for level in levels]


# each is better than those before, so that nothing is known beforehand
RISING = [float(20 - number) for number in range(18)]


def test_asha_trains_the_best_to_its_end_for_a_part_of_the_epochs() -> None:
    found = run(scheduler("asha"), falling([3.0, 1.0, 2.0] * 6))
    assert found.complete[0] % 3 == 1
    assert found.epochs < 18 * LAST / 3
    assert set(found.steps) == set(range(18))
    assert {steps for steps in found.steps.values() if steps < LAST} <= {1, 3, 9}


def test_asha_promotes_one_of_three_and_no_more() -> None:
    found = run(scheduler("asha"), falling([float(number) for number in range(18)]))
    # the first is best: of 18 trials at the first rung it is alone among the first third for long
    reached = [sum(steps >= rung for steps in found.steps.values()) for rung in (1, 3, 9)]
    assert reached == [18, 6, 2]


def test_trial_that_is_among_the_best_when_it_arrives_goes_on_without_a_pause() -> None:
    asha = scheduler("asha", reduction_factor=2)
    assert decided(asha, 0, 1, 5.0).pauses
    asha.pause(0)
    assert not decided(asha, 1, 1, 4.0).pauses
    assert asha.choose() is None


def test_paused_trial_goes_on_once_others_make_it_one_of_the_best() -> None:
    asha = scheduler("asha")
    for number, value in enumerate([5.0, 6.0]):
        assert decided(asha, number, 1, value).pauses
        asha.pause(number)
        assert asha.choose() is None
    assert decided(asha, 2, 1, 7.0).pauses
    asha.pause(2)
    chosen = asha.choose()
    assert chosen is not None
    assert (chosen.number, chosen.why) == (
        0,
        "5 at epoch 1 is number 1 of 3; one of 3 goes on, so far 1",
    )
    assert asha.choose() is None


def test_larger_values_are_better_where_a_study_maximizes() -> None:
    found = run(scheduler("asha", sign=-1), falling([1.0, 3.0, 2.0] * 6))
    assert found.complete[0] % 3 == 1


def test_best_value_so_far_counts_only_where_it_is_the_value_of_a_trial() -> None:
    spoilt = {1: 1.0, 2: 9.0, 3: 9.0}
    steady = {1: 2.0, 2: 2.0, 3: 2.0}

    def places(*, keeps_best: bool) -> list[bool]:
        asha = scheduler("asha", keeps_best=keeps_best, min_resource=3, reduction_factor=2)
        pauses = []
        for number, curve in enumerate([steady, spoilt]):
            pauses += [decided(asha, number, step, value).pauses for step, value in curve.items()]
        return pauses[3:]

    assert places(keeps_best=True) == [False, False, False]
    assert places(keeps_best=False) == [False, False, True]


@pytest.mark.parametrize("count", [1, 2, 5])
def test_study_too_small_for_its_rungs_still_trains_its_best_trial_to_the_end(count: int) -> None:
    found = run(scheduler("asha", reduction_factor=4), falling(RISING[:count]))
    assert found.complete == [count - 1]
    assert found.reasons[-1].endswith("it is the best, and none was trained to its end")


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_value_that_is_not_finite_is_the_worst(bad: float) -> None:
    asha = scheduler("asha", reduction_factor=2)
    for number, value in enumerate([bad, 5.0]):
        asha.report(number, 1, value)
        asha.pause(number)
    chosen = asha.choose()
    assert chosen is not None
    assert chosen.number == 1


def test_trial_that_failed_takes_no_place_among_the_best() -> None:
    asha = scheduler("asha")
    for number, value in enumerate([1.0, 5.0, 6.0]):
        asha.report(number, 1, value)
        if number:
            asha.pause(number)
    asha.end(0, is_complete=False, is_failed=True)
    assert asha.choose() is None
    asha.report(3, 1, 7.0)
    asha.pause(3)
    chosen = asha.choose()
    assert chosen is not None
    assert chosen.number == 1


def test_trials_that_were_paused_before_the_first_rung_go_on() -> None:
    asha = scheduler("asha", min_resource=5)
    asha.report(0, 1, 5.0)
    # by the rungs of a study file that has changed since
    asha.pause(0)
    chosen = asha.choose()
    assert chosen is not None
    assert (chosen.number, chosen.why) == (0, "it has not come to the first rung")


@pytest.mark.parametrize("name", ["asha", "hyperband"])
def test_what_is_given_up_first_is_the_worst_of_those_that_came_least_far(name: str) -> None:
    made = scheduler(name)
    for number in (0, 1, 2, 3):
        made.report(number, 1, 5.0 + number)
        made.pause(number)
    assert made.give_up() == 3


@pytest.mark.parametrize("name", ["asha", "hyperband"])
@pytest.mark.parametrize("workers", [1, 2, 8])
def test_every_trial_begins_and_none_is_trained_twice(name: str, workers: int) -> None:
    found = run(scheduler(name), falling(RISING), workers)
    assert set(found.steps) == set(range(18))
    assert max(found.steps.values()) == LAST
    assert len(found.complete) == len(set(found.complete)) > 0


@pytest.mark.parametrize("name", ["asha", "hyperband"])
def test_scheduler_that_is_told_of_an_earlier_run_goes_on_as_if_it_had_not_ended(name: str) -> None:
    curves = falling([float((7 * number) % 18) for number in range(18)])

    class Killed(Exception):
        """The first run ends here."""

    def told(ends_after: int) -> tuple[Scheduler, list[tuple[int, int, float]]]:
        first, said = scheduler(name), []
        report = first.report

        def counted(number: int, step: int, value: float) -> None:
            if len(said) == ends_after:
                raise Killed
            said.append((number, step, value))
            report(number, step, value)

        first.report = counted  # type: ignore[method-assign]
        with pytest.raises(Killed):
            run(first, curves)
        return first, said

    whole = run(scheduler(name), curves)
    for ends_after in (5, 17, 40):
        first, said = told(ends_after)
        again = scheduler(name)
        for number in range(18):
            for _, step, value in (each for each in said if each[0] == number):
                again.report(number, step, value)
        steps = Counter(number for number, *_ in said)
        running = said[-1][0]
        for number, count in steps.items():
            if count == LAST:
                again.end(number, is_complete=True, is_failed=False)
            elif number != running:
                again.pause(number)
        assert choices(again) == choices(first)
    assert whole.complete


def choices(scheduler: Scheduler) -> list[int]:
    """All that would go on now, in order."""
    return list(_until_none(scheduler.choose))


def _until_none(choose: Callable[[], object]) -> Iterator[int]:
    while (chosen := choose()) is not None:
        yield chosen.number  # type: ignore[attr-defined]


def test_hyperband_has_trials_that_are_never_paused_early() -> None:
    found = run(scheduler("hyperband"), falling(RISING))
    firsts = Counter(found.steps.values())
    assert {1, 3, 9} & set(firsts)
    assert firsts[LAST] > 1
    assert found.epochs < 18 * LAST / 2


@pytest.mark.parametrize("last", [2, 9, 20, 27])
def test_last_bracket_of_hyperband_never_pauses(last: int) -> None:
    curves = Curves(sign=1, keeps_best=False, steps=Steps(EPOCHS), last=last)
    made = made_of("hyperband", {}, curves)
    straight = 0
    for number in range(100):
        # each worse than the one before, so that only the rungs decide
        pauses = [decided(made, number, step, float(number)).pauses for step in range(1, last + 1)]
        straight += not any(pauses)
    assert straight >= 5


@pytest.mark.parametrize(("last", "brackets"), [(2, 1), (9, 3), (27, 4), (30, 4), (81, 5)])
def test_hyperband_has_as_many_brackets_as_in_the_paper(last: int, brackets: int) -> None:
    curves = Curves(sign=1, keeps_best=False, steps=Steps(EPOCHS), last=last)
    made = made_of("hyperband", {}, curves)
    paused_at = []
    for number in range(200):
        # each worse than the one before, so that it is paused at the first rung of its bracket
        step = 1
        while step < last and not decided(made, number, step, float(number)).pauses:
            step += 1
        paused_at.append(step)
    assert len(set(paused_at[100:])) == brackets


def test_hyperband_starts_more_trials_where_they_are_cheaper() -> None:
    order = scheduler("hyperband")
    # all at the same level but the first, so that hardly any is promoted
    found = run(order, falling([0.0] + [1.0] * 45))
    counts = Counter(found.steps.values())
    assert counts[1] > counts[3] > counts[9] > 0


@pytest.mark.parametrize(
    ("name", "options", "text"),
    [
        ("asha", {"factor": 3}, "scheduler.factor: asha has no such option."),
        ("asha", {"reduction_factor": 1}, "scheduler.reduction_factor: must be a whole number of"),
        ("asha", {"min_resource": "few"}, "scheduler.min_resource: must be a whole number of"),
        ("hyperband", {"min_resource": True}, "scheduler.min_resource: must be a whole number of"),
        ("thaw", {"reduction_factor": 3}, "scheduler.reduction_factor: thaw has no such option."),
        ("none", {"min_resource": 1}, "scheduler: none takes no options."),
    ],
)
def test_options_that_cannot_be_used_are_named(
    name: str, options: Mapping[str, object], text: str
) -> None:
    curves = Curves(sign=1, keeps_best=False, steps=None, last=LAST)
    with pytest.raises(UserError) as raised:
        made_of(name, options, curves)
    assert str(raised.value).startswith(text)


@pytest.mark.parametrize("name", ["hyperband", "thaw"])
def test_scheduler_that_has_to_know_the_end_is_refused_without(name: str) -> None:
    curves = Curves(sign=1, keeps_best=False, steps=None, last=None)
    with pytest.raises(UserError, match=f"{name} needs to know how far a trial is trained"):
        made_of(name, {}, curves)
