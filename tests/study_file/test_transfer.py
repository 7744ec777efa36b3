"""Which trials fit a changed study, and what counts as changed."""

from __future__ import annotations

from typing import Any

from search.study_file.differences import differences
from search.study_file.load import parse_study_tree
from search.study_file.schema import StudyFile
from search.study_file.transfer import Fitting

LR = {"float": [0.1, 1.0]}
OPT, MOMENTUM = "model.init_args.opt", "model.init_args.momentum"


def study(space: dict[str, Any], **arguments: Any) -> StudyFile:
    tree = {
        "model": {"class_path": "a.B", "init_args": arguments},
        "objective": {"metric": "val_loss"},
        "space": space,
    }
    return parse_study_tree(tree, source="s.yaml", default_name="s")


def options(**widths: int) -> dict[str, Any]:
    return {
        "model.init_args.net": {
            "choice": {name: {"value": {"width": width}} for name, width in widths.items()}
        }
    }


def test_trials_of_an_option_with_other_content_do_not_fit() -> None:
    fitting = Fitting(study(options(a=1, b=2)), study(options(a=1, b=3)))
    assert fitting.misfits({"model.init_args.net": "a"}) == []
    assert fitting.misfits({"model.init_args.net": "b"}) == [
        "model.init_args.net.width: was 2, is 3"
    ]


def test_options_in_another_order_are_a_difference() -> None:
    assert differences(study(options(a=1, b=2)), study(options(b=2, a=1))) == [
        "space.model.init_args.net: was {choice: [a, b]}, is {choice: [b, a]}"
    ]


def test_new_condition_leaves_behind_what_it_would_not_have_searched() -> None:
    free = {OPT: {"choice": ["sgd", "adam"]}, MOMENTUM: LR}
    bound = free | {MOMENTUM: LR | {"when": {OPT: "sgd"}}}
    fitting = Fitting(study(free), study(bound))
    assert fitting.misfits({OPT: "sgd", MOMENTUM: 0.5}) == []
    assert fitting.misfits({OPT: "adam", MOMENTUM: 0.5}) == [
        f"{MOMENTUM} would not be searched in it"
    ]
    reverse = Fitting(study(bound), study(free))
    assert reverse.misfits({OPT: "sgd", MOMENTUM: 0.5}) == []
    assert reverse.misfits({OPT: "adam"}) == [f"{MOMENTUM} is outside {{float: [0.1, 1.0]}}"]


def test_null_types_in_lists_and_nan_are_compared_as_a_class_would() -> None:
    space = {"model.init_args.lr": LR}
    old = study(space, hidden=[64, 32], limit=float("nan"))
    assert differences(old, study(space, hidden=[64, 32], limit=float("nan"))) == []
    assert differences(old, study(space, hidden=[64.0, 32], limit=None)) == [
        "model.init_args.hidden: was [64, 32], is [64.0, 32]",
        "model.init_args.limit: was .nan, is null",
    ]
    assert differences(study(space, x=None), study(space, y=1)) == [
        "model.init_args.x: was null, is not set",
        "model.init_args.y: was not set, is 1",
    ]
