"""What a new study takes over of earlier trials: ranks, and the values that it searches."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from search.sampling.copied_trials import copied_again, copied_from, warm_start_of
from search.space.distributions import Params
from search.space.points import Points
from search.store.earlier_trials import EarlierStudy, EarlierTrial
from search.store.warm_start import warm_start_in
from search.study_file.load import parse_study_tree

LR, WIDTH, OPT, MOMENTUM = (
    f"model.init_args.{name}" for name in ("lr", "width", "opt", "momentum")
)


def points_of(**more: Any) -> Points:
    tree = {
        "model": {"class_path": "a.Net"},
        "objective": {"metric": "m"},
        "space": {
            "model.lr": {"float": [1e-4, 1e-1], "log": True},
            "model.width": {"int": [8, 64]},
            "model.opt": {"choice": ["sgd", "adam"]},
            "model.momentum": {"float": [0, 0.9], "when": {"model.opt": "sgd"}},
        },
        **more,
    }
    return parse_study_tree(tree, source="s.yaml", default_name="s").points


def trial(number: int, value: float | None = None, /, **params: Any) -> EarlierTrial:
    return EarlierTrial(number, params, value, {})


def pruned(number: int, curve: dict[int, float], **params: Any) -> EarlierTrial:
    return EarlierTrial(number, params, None, curve)


def params_of(*trials: EarlierTrial) -> list[Params]:
    source = copied_from("a", EarlierStudy("minimize", trials), points_of())
    return [each.params for each in source.trials]


def test_trials_are_ranked_by_their_own_direction_and_pruned_ones_behind() -> None:
    trials = (
        trial(0, 0.5, lr=1e-2),
        pruned(1, {1: 0.1}, lr=1e-2),
        trial(2, 0.9, lr=1e-2),
        pruned(3, {1: 0.9, 4: 0.2}, lr=1e-2),
        pruned(4, {}, lr=1e-2),
        trial(5, float("nan"), lr=1e-2),
    )
    ranks = {}
    for direction in ("minimize", "maximize"):
        source = copied_from("a", EarlierStudy(direction, trials), points_of())
        ranks[direction] = [(each.number, each.rank) for each in source.trials]
        assert source.finished == 4
    assert ranks["minimize"] == [(0, 0.0), (2, 1 / 3), (3, 2 / 3), (1, 1.0)]
    assert ranks["maximize"] == [(2, 0.0), (0, 1 / 3), (3, 2 / 3), (1, 1.0)]


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_what_diverged_is_the_worst_to_whichever_side(direction: str) -> None:
    infinity = float("inf")
    trials = (
        trial(0, infinity, lr=1e-2),
        trial(1, 0.5, lr=1e-2),
        trial(2, -infinity, lr=1e-2),
        pruned(3, {1: infinity}, lr=1e-2),
        pruned(4, {1: -infinity}, lr=1e-2),
        pruned(5, {1: 0.5}, lr=1e-2),
    )
    source = copied_from("a", EarlierStudy(direction, trials), points_of())
    ranks = {each.number: each.rank for each in source.trials}
    assert ranks == {1: 0.0, 0: 0.3, 2: 0.3, 5: 0.6, 3: 0.9, 4: 0.9}


def test_equal_values_have_one_rank() -> None:
    trials = tuple(trial(number, 0.5, lr=1e-2) for number in range(3))
    source = copied_from("a", EarlierStudy("minimize", trials), points_of())
    assert [each.rank for each in source.trials] == [0.5, 0.5, 0.5]


def test_parameters_are_known_by_path_spelling_and_last_word() -> None:
    full = {LR: 1e-2, WIDTH: 16}
    assert params_of(
        EarlierTrial(0, {LR: 1e-2, WIDTH: 16}, 0.1, {}),
        EarlierTrial(1, {"model.lr": 1e-2, "model.width": 16}, 0.2, {}),
        EarlierTrial(2, {"lr": 1e-2, "--width": 16, "depth": 3}, 0.3, {}),
    ) == [full, full, full]


def test_values_outside_of_a_range_are_left_out_and_the_others_kept() -> None:
    assert params_of(
        trial(0, 0.1, lr=1.0, width=16),
        trial(1, 0.2, lr=1e-2, width=65),
        trial(2, 0.3, lr=1e-2, width=32.0, opt="lion"),
        trial(3, 0.4, lr=1e-2, width=32.5, opt="adam"),
        trial(4, 0.5, lr=True, opt="adam"),
        trial(5, 0.6, lr=7.0),
    ) == [{WIDTH: 16}, {LR: 1e-2}, {LR: 1e-2, WIDTH: 32}, {LR: 1e-2, OPT: "adam"}, {OPT: "adam"}]


def test_a_value_whose_condition_does_not_hold_is_left_out() -> None:
    assert params_of(
        trial(0, 0.1, opt="sgd", momentum=0.5),
        trial(1, 0.2, opt="adam", momentum=0.5),
        trial(2, 0.3, lr=1e-2, momentum=0.5),
    ) == [{OPT: "sgd", MOMENTUM: 0.5}, {OPT: "adam"}, {LR: 1e-2}]


def test_of_many_trials_the_best_and_a_spread_of_the_others_are_copied() -> None:
    trials = tuple(trial(number, float(number), lr=1e-2) for number in range(1000))
    source = copied_from("a", EarlierStudy("minimize", trials), points_of())
    numbers = [each.number for each in source.trials]
    assert (source.finished, len(numbers), len(set(numbers))) == (1000, 200, 200)
    assert numbers[:100] == list(range(100))
    assert numbers[-1] == 999
    gaps = [after - before for before, after in itertools.pairwise(numbers)]
    assert max(gaps) <= 10


def source_of(name: str, *params: Params) -> Any:
    trials = (EarlierTrial(at, each, float(at), {}) for at, each in enumerate(params))
    return copied_from(name, EarlierStudy("minimize", tuple(trials)), points_of())


def test_the_best_points_are_distinct_and_completed_by_the_configurations_own_values() -> None:
    source = source_of("a", {LR: 1e-2}, {LR: 1e-2}, {LR: 2e-2, WIDTH: 9}, {LR: 3e-2}, {LR: 4e-2})
    found = warm_start_of([source], points_of(), {WIDTH: 32, OPT: "adam"}, [])
    assert [(each.origin, each.params) for each in found.points] == [
        ("a, trial 0", {LR: 1e-2, WIDTH: 32, OPT: "adam"}),
        ("a, trial 2", {LR: 2e-2, WIDTH: 9, OPT: "adam"}),
        ("a, trial 3", {LR: 3e-2, WIDTH: 32, OPT: "adam"}),
    ]


def test_several_sources_take_turns() -> None:
    one = source_of("a", *({LR: rate / 100} for rate in range(1, 6)))
    other = source_of("b", {LR: 5e-3}, {LR: 1e-2}, {LR: 6e-3}, {LR: 7e-3})
    third = source_of("c", {LR: 8e-3})
    found = warm_start_of([one, other, third], points_of(), {}, [])
    # not twice what two of them have, nor more than six
    assert [each.origin for each in found.points] == [
        "a, trial 0",
        "b, trial 0",
        "c, trial 0",
        "a, trial 1",
        "b, trial 2",
        "a, trial 2",
    ]


def test_what_is_tried_anyway_is_no_point_of_its_own() -> None:
    source = source_of("a", {LR: 1e-2}, {LR: 2e-2})
    found = warm_start_of([source], points_of(), {}, [{LR: 1e-2, WIDTH: 8}])
    assert [each.params for each in found.points] == [{LR: 2e-2}]


def test_constraints_hold_for_the_points() -> None:
    points = points_of(constraints=["model.width <= 32"])
    source = source_of("a", {WIDTH: 64}, {WIDTH: 16})
    assert [each.params for each in warm_start_of([source], points, {}, []).points] == [{WIDTH: 16}]
    # the configuration's own value would break it
    source = source_of("a", {LR: 1e-2})
    found = warm_start_of([source], points, {WIDTH: 64}, [])
    assert [each.params for each in found.points] == [{LR: 1e-2}]


def test_an_event_tells_all_of_it_again() -> None:
    source = source_of("a", {LR: 1e-2, OPT: "sgd", MOMENTUM: 0.5}, {WIDTH: 16})
    start = warm_start_of([source], points_of(), {}, [])
    assert warm_start_in(json.loads(json.dumps(start.to_tree()))) == start


def test_another_space_keeps_what_lies_in_it() -> None:
    source = source_of("a", {LR: 1e-2, WIDTH: 16}, {LR: 2e-2}, {WIDTH: 16})
    space = {"model.lr": {"float": [1e-4, 1.5e-2], "log": True}}
    again = copied_again(source, points_of(space=space))
    assert [(each.number, each.params) for each in again.trials] == [(0, {LR: 1e-2})]
