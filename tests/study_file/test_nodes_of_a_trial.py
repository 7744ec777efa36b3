"""`resources.nodes`, and the other places that say on how many machines a trial trains."""

from __future__ import annotations

from typing import Any

import pytest
from study_file.parsed_sections import parsed, problem

from search.plain.yaml import dump_yaml, parse_yaml
from search.study_file.differences import differences
from search.study_file.load import parse_study_tree
from search.study_file.rules import resolve_config


def test_nodes_are_those_of_the_trainer_and_stay_in_the_file_that_a_study_keeps() -> None:
    given = parsed(resources={"nodes": 2, "gpus": 4})
    config = resolve_config(given, {"model.init_args.lr": 0.01})
    assert config["trainer"] == {"num_nodes": 2}
    kept = given.to_tree()
    again = parse_study_tree(parse_yaml(dump_yaml(kept), "k"), source="k", default_name="s")
    assert again == given
    assert parsed(resources={"nodes": 1}).trainer == {}


def test_study_keeps_its_nodes() -> None:
    one, two = parsed(), parsed(resources={"nodes": 2})
    assert differences(one, two) == ["trainer.num_nodes: was not set, is 2"]


@pytest.mark.parametrize(
    ("sections", "line"),
    [
        (
            {"resources": {"nodes": 2}, "trainer": {"num_nodes": 3}},
            "resources.nodes: is 2, and trainer.num_nodes is 3. Write the same number, or remove "
            "the latter.",
        ),
        (
            {"trainer": {"num_nodes": 2}},
            "trainer.num_nodes: is 2, and resources.nodes is not there, which asks for them. Add "
            "resources: {nodes: 2}.",
        ),
        (
            {"resources": {"nodes": 0}},
            "resources.nodes: must be at least 1, got 0. Write nodes: 2.",
        ),
        (
            {"resources": {"num_nodes": 2}},
            "resources.num_nodes: no such key. Write nodes: 2.",
        ),
    ],
)
def test_what_contradicts_nodes_is_told(sections: dict[str, Any], line: str) -> None:
    assert problem(**sections) == line


def test_searched_devices_cannot_be_those_of_several_nodes() -> None:
    space = {"model.lr": {"float": [0.1, 1]}, "trainer.devices": {"choice": [1, 2]}}
    assert problem(resources={"nodes": 2}, space=space) == (
        "resources.nodes: is 2, and trainer.devices is searched. Remove one of them."
    )
