"""A prior without a center is centered on the value that the study file has itself."""

from __future__ import annotations

from typing import Any

import pytest

from search.errors import StudyFileError
from search.space.priors import Prior
from search.study_file.differences import differences
from search.study_file.load import parse_study_tree
from search.study_file.schema import StudyFile

LR = "model.init_args.lr"


def study_file_of(space: dict[str, Any], **init_args: Any) -> StudyFile:
    tree = {
        "model": {"class_path": "tiny.Tiny", "init_args": init_args},
        "objective": {"metric": "val_loss"},
        "space": space,
    }
    return parse_study_tree(tree, source="tiny.yaml", default_name="tiny")


def searching(prior: object) -> dict[str, Any]:
    return {"model.lr": {"float": [1e-5, 1e-1], "log": True, "prior": prior}}


@pytest.mark.parametrize("prior", ["high", {"confidence": "high"}])
def test_the_value_of_the_study_file_is_the_center(prior: object) -> None:
    assert study_file_of(searching(prior), lr=1e-3).space[LR].prior == Prior(1e-3, "high")


def test_an_empty_prior_has_medium_confidence() -> None:
    assert study_file_of(searching({}), lr=1e-3).space[LR].prior == Prior(1e-3, "medium")


def test_a_center_that_is_given_stays() -> None:
    prior = {"center": 1e-2, "confidence": "low"}
    assert study_file_of(searching(prior), lr=1e-3).space[LR].prior == Prior(1e-2, "low")


def test_the_center_of_a_choice_of_subtrees_is_the_option_that_stands_there() -> None:
    options = {
        "small": {"value": {"class_path": "nets.Small"}},
        "wide": {
            "value": {"class_path": "nets.Wide", "init_args": {"width": 8}},
            "space": {"width": {"int": [2, 64], "prior": "low"}},
        },
    }
    space = {"model.net": {"choice": options, "prior": "medium"}}
    wide = {"class_path": "nets.Wide", "init_args": {"width": 8}}
    found = study_file_of(space, net=wide).space
    assert found["model.init_args.net"].prior == Prior("wide", "medium")
    # of a value inside an option, what the option has
    assert found["model.init_args.net[wide].init_args.width"].prior == Prior(8, "low")


def test_the_study_file_that_is_kept_names_the_center() -> None:
    short = study_file_of(searching("high"), lr=1e-3)
    kept = parse_study_tree(short.to_tree(), source="study.yaml", default_name="tiny")
    assert kept.to_tree()["space"][LR]["prior"] == {"center": 1e-3, "confidence": "high"}
    assert differences(kept, short) == []


def test_without_a_value_the_center_must_be_named() -> None:
    with pytest.raises(StudyFileError) as caught:
        study_file_of(searching("high"))
    assert list(caught.value.problems) == [
        f"tiny.yaml: space.{LR}: prior: has no center, and the study file no value of {LR}. "
        "Write center: VALUE, or that value in its section."
    ]


def test_a_value_outside_the_range_is_no_center() -> None:
    with pytest.raises(StudyFileError) as caught:
        study_file_of(searching("high"), lr=1.0)
    assert list(caught.value.problems) == [
        f"tiny.yaml: space.{LR}: prior: has no center, and the study file's own value must be "
        "a number from 1e-05 to 0.1, got 1.0. Write center: VALUE."
    ]
