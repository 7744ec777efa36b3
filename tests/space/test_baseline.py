from __future__ import annotations

from search.space.baseline import baseline_of
from search.space.distributions import Categorical, FloatRange, IntRange
from search.space.points import Points


def test_the_values_of_the_sections_are_the_baseline_where_their_ranges_have_them() -> None:
    space = {"a.lr": FloatRange(1e-4, 1.0, log=True), "a.n": IntRange(1, 4), "a.x": IntRange(1, 9)}
    assert baseline_of(Points(space, sections={"a": {"lr": 1, "n": 7}}), {}) == {"a.lr": 1.0}


def test_a_condition_that_does_not_hold_or_is_unknown_leaves_a_value_out() -> None:
    space = {
        "a.opt": Categorical(("sgd", "adam")),
        "a.m": FloatRange(0.0, 1.0, when=(("a.opt", ("sgd",)),)),
    }
    assert baseline_of(Points(space, sections={"a": {"opt": "adam", "m": 0.5}}), {}) == {
        "a.opt": "adam"
    }
    assert baseline_of(Points(space, sections={"a": {"m": 0.5}}), {}) == {}
    assert baseline_of(Points(space, sections={"a": {"opt": "sgd", "m": 0.5}}), {}) == {
        "a.opt": "sgd",
        "a.m": 0.5,
    }


def test_an_option_is_known_by_its_subtree() -> None:
    space = {"a": Categorical(("one", "two"), subtrees=({"k": 1}, {"k": 2}))}
    assert baseline_of(Points(space, sections={"a": {"k": 2}}), {}) == {"a": "two"}


def test_a_seed_is_no_value_that_somebody_chose() -> None:
    space = {"seed_everything": IntRange(0, 99)}
    assert baseline_of(Points(space, sections={"seed_everything": 42}), {}) == {}


def test_a_default_stands_in_for_a_value_that_the_sections_do_not_have() -> None:
    space = {"a.lr": FloatRange(0.0, 1.0), "a.n": IntRange(1, 4)}
    points = Points(space, sections={"a": {"lr": 0.5}})
    assert baseline_of(points, {"a.lr": 0.25, "a.n": 3}) == {"a.lr": 0.5, "a.n": 3}
