"""The rules that stop a study: figures in, a rule and a sentence out."""

from __future__ import annotations

from functools import reduce
from typing import Any

import pytest

from search.study_file.stopping_rules import (
    Gain,
    Spent,
    StoppingRules,
    figures,
    raised,
    reached,
    rules_in,
)

ALL = StoppingRules(epochs=1200, cost_s=7200.0, target=0.25, no_improvement=3)


@pytest.mark.parametrize(
    ("rules", "spent", "rule"),
    [
        ({}, {"epochs": 9, "cost_s": 9.0, "best": 0.1, "since_best": 9}, None),
        ({"epochs": 10}, {"epochs": 9}, None),
        ({"epochs": 10}, {"epochs": 10}, "epochs"),
        ({"cost_s": 60.0}, {"cost_s": 59.9}, None),
        ({"cost_s": 60.0}, {"cost_s": 60.0}, "cost_s"),
        ({"target": 0.25}, {}, None),
        ({"target": 0.25}, {"best": 0.26}, None),
        ({"target": 0.25}, {"best": 0.25}, "target"),
        ({"target": 0.0}, {"best": -1.0}, "target"),
        ({"no_improvement": 3}, {"since_best": 2, "best": 0.5}, None),
        ({"no_improvement": 3}, {"since_best": 3, "best": 0.5}, "no_improvement"),
        ({"epochs": 10, "target": 0.25}, {"epochs": 9, "best": 0.2}, "target"),
        ({"no_gain": 3}, {"full_since_best": 9, "best": 0.5}, None),
        ({"no_gain": 3}, {"full_since_best": 2, "gain": Gain(0.0, 0.1)}, None),
        ({"no_gain": 3}, {"full_since_best": 3, "gain": Gain(0.0, 0.1)}, "no_gain"),
    ],
)
def test_rule_is_reached_at_its_limit(
    rules: dict[str, Any], spent: dict[str, Any], rule: str | None
) -> None:
    assert reached(StoppingRules(**rules), Spent(**spent), "minimize") == rule


def test_target_is_as_good_in_the_direction_of_the_study() -> None:
    rules = StoppingRules(target=0.9)
    assert reached(rules, Spent(best=0.95), "maximize") == "target"
    assert reached(rules, Spent(best=0.85), "maximize") is None


@pytest.mark.parametrize(
    ("direction", "values", "best", "since_best"),
    [
        # nothing is waited for before there is a value to be improved
        ("minimize", [None, None], None, 0),
        ("minimize", [None, 0.5, 0.4], 0.4, 0),
        ("maximize", [None, 0.5, 0.4], 0.5, 1),
        # pruned and failed trials are finished ones, and an equal value is no improvement
        ("minimize", [0.5, None, 0.5, 0.7], 0.5, 3),
        ("minimize", [0.5, None, 0.3], 0.3, 0),
    ],
)
def test_trials_without_a_new_best_are_counted_since_the_best_one(
    direction: str, values: list[float | None], best: float | None, since_best: int
) -> None:
    spent = reduce(lambda each, value: each.after_trial(value, direction), values, Spent())
    assert (spent.best, spent.since_best) == (best, since_best)


def test_trial_that_was_taken_over_is_none_without_a_new_best() -> None:
    spent = Spent(best=0.5).after_trial(0.7, "minimize", is_own=False)
    assert spent == Spent(best=0.5)
    assert spent.after_trial(0.3, "minimize", is_own=False).best == 0.3


def test_gain_is_noise_below_a_fifth_of_it() -> None:
    assert Gain(0.019, 0.1).is_noise
    assert not Gain(0.021, 0.1).is_noise


def test_only_complete_trials_are_full_trainings_without_a_new_best() -> None:
    values = [0.5, None, 0.6, None, 0.7]
    spent = reduce(lambda each, value: each.after_trial(value, "minimize"), values, Spent())
    assert (spent.since_best, spent.full_since_best) == (4, 2)
    assert spent.after_trial(0.4, "minimize").full_since_best == 0


def test_figures_tell_what_is_left_to_gain_once_that_is_noise() -> None:
    rules = StoppingRules(no_gain=4)
    assert figures(rules, Spent(full_since_best=1)) == {
        "no_gain": "1 of 4 full trainings without a new best"
    }
    told = figures(rules, Spent(full_since_best=5, gain=Gain(0.0004, 0.003)))
    assert told["no_gain"] == (
        "5 full trainings without a new best, and any other is expected to gain 0.0004 at most, "
        "less than a fifth of the noise, 0.003"
    )
    assert raised("no_gain") == "--no-gain MORE"


def test_figures_say_how_far_each_rule_has_come() -> None:
    assert figures(StoppingRules(), Spent()) == {}
    assert list(figures(ALL, Spent()).values()) == [
        "0 of 1,200 epochs",
        "0.0 s of 2 h 00 min paid",
        "best –, target 0.25",
        "0 of 3 trials without a new best",
    ]
    told = figures(ALL, Spent(1234, 4000.0, 0.251, 2))
    assert list(told.values()) == [
        "1,234 of 1,200 epochs",
        "1 h 06 min of 2 h 00 min paid",
        "best 0.251, target 0.25",
        "2 of 3 trials without a new best",
    ]
    assert all(raised(rule).startswith("--") for rule in told)


def test_rules_of_the_command_line_go_before_those_of_the_file() -> None:
    over = StoppingRules(epochs=5, target=0.0).over(ALL)
    assert over == StoppingRules(5, 7200.0, 0.0, 3)


def test_rules_come_back_from_their_tree() -> None:
    assert rules_in(ALL.to_tree()) == ALL
    assert rules_in({}) == StoppingRules()
    for wrong in ({"epochs": 1.5}, {"target": "0.5"}, {"no_improvement": True}, {"hours": 3}):
        with pytest.raises(TypeError):
            rules_in(wrong)  # type: ignore[arg-type]
