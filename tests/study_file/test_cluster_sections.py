"""The section `resources`: what a study file may give a trial, and what contradicts it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from search.errors import StudyFileError
from search.plain.yaml import dump_yaml, parse_yaml
from search.study_file.load import load_study_file, parse_study_tree
from search.study_file.rules import resolve_config
from search.study_file.schema import StudyFile
from search.study_file.transfer import Fitting

TREE: dict[str, Any] = {
    "model": {"class_path": "tiny.Tiny"},
    "objective": {"metric": "val_loss"},
    "space": {"model.lr": {"float": [1e-3, 1e-1]}},
}


def parsed(**sections: Any) -> StudyFile:
    return parse_study_tree({**TREE, **sections}, source="s", default_name="s")


def problem(**sections: Any) -> str:
    with pytest.raises(StudyFileError) as caught:
        parsed(**sections)
    (line,) = caught.value.problems
    return line.removeprefix("s: ")


def test_resources_survive_the_file_that_a_study_keeps() -> None:
    given = parsed(resources={"cpus": 4, "gpus": 1, "memory": "16G"})
    assert given.resources.memory_bytes == 16 << 30
    kept = given.to_tree()
    assert kept["resources"] == {"cpus": 4, "gpus": 1, "memory": "16GiB"}
    again = parse_study_tree(parse_yaml(dump_yaml(kept), "k"), source="k", default_name="s")
    assert again == given
    assert "resources" not in parsed().to_tree()
    assert "resources" not in parsed(resources={"cpus": None}).to_tree()


def test_trial_is_configured_the_same_whatever_it_is_given() -> None:
    plain, given = parsed(), parsed(resources={"cpus": 4})
    params = {"model.init_args.lr": 0.01}
    assert resolve_config(plain, params) == resolve_config(given, params)
    # and its trials fit a study that gives more
    assert Fitting(plain, given).differences == []
    assert Fitting(plain, given).misfits(params) == []


def test_resources_may_be_set_on_the_command_line_of_a_script_too(tmp_path: Path) -> None:
    (tmp_path / "train.py").touch()
    path = tmp_path / "study.yaml"
    path.write_text(
        f"script: {tmp_path}/train.py\nobjective: val_loss\nspace: {{--lr: {{float: [0.1, 1]}}}}\n"
    )
    read = load_study_file(path, set_values=["resources.cpus=2", "resources.memory=1GiB"])
    assert (read.resources.cpus, read.resources.memory_bytes) == (2, 1 << 30)


@pytest.mark.parametrize(
    ("resources", "line"),
    [
        ({"cpus": 0}, "resources.cpus: must be at least 1, got 0. Write cpus: 4."),
        ({"cpus": "4"}, "resources.cpus: must be a whole number, got 4. Write cpus: 4."),
        ({"gpus": -1}, "resources.gpus: must be at least 0, got -1. Write gpus: 1."),
        ({"memory": 16}, "resources.memory: must be a size such as 512MiB or 16GiB, got 16. Write memory: 16GiB."),
        ({"mem": "16G"}, "resources.mem: no such key. Write memory: 16GiB."),
        ({"nproc": 4}, "resources.nproc: no such key. Write cpus: 4."),
        ({"cpu": 4}, "resources.cpu: no such key. Write cpus: 4."),
        ({"devices": 4}, "resources.devices: no such key. Write gpus: 1."),
        (4, "resources: must be a mapping, got 4. Write resources: {cpus: 4, gpus: 1, memory: 16GiB}."),
    ],
)  # fmt: skip
def test_wrong_resource_is_told_with_what_to_write(resources: Any, line: str) -> None:
    assert problem(resources=resources) == line


@pytest.mark.parametrize("key", ["cpus", "threads", "memory", "nproc"])
def test_resource_that_stands_outside_is_told_its_section(key: str) -> None:
    remedy = "Write resources: {cpus: 4, gpus: 1, memory: 16GiB}."
    assert problem(**{key: 4}) == f"{key}: no such key. {remedy}"


@pytest.mark.parametrize(
    ("gpus", "trainer", "line"),
    [
        (1, {"devices": 2}, "resources.gpus: is 1, and trainer.devices is 2. Write the same number, or remove one of them."),
        (2, {"devices": [0]}, "resources.gpus: is 2, and trainer.devices is [0]. Write the same number, or remove one of them."),
        (2, {"devices": "0,1,2"}, "resources.gpus: is 2, and trainer.devices is 0,1,2. Write the same number, or remove one of them."),
        (1, {"accelerator": "cpu"}, "resources.gpus: is 1, and trainer.accelerator is cpu. Change one of them, or remove it."),
        (0, {"accelerator": "gpu"}, "resources.gpus: is 0, and trainer.accelerator is gpu. Change one of them, or remove it."),
    ],
)  # fmt: skip
def test_two_places_that_disagree_on_gpus_are_refused(
    gpus: int, trainer: dict[str, Any], line: str
) -> None:
    assert problem(resources={"gpus": gpus}, trainer=trainer) == line


@pytest.mark.parametrize(
    ("gpus", "trainer"),
    [
        (2, {"devices": 2, "accelerator": "gpu"}),
        (2, {"devices": "2"}),
        (2, {"devices": "auto"}),
        (2, {"devices": -1}),
        (2, {"devices": [0, 3]}),
        (0, {"accelerator": "cpu", "devices": 2}),
        # two processes, each on a core
        (0, {"devices": 2}),
    ],
)
def test_places_that_agree_on_gpus_are_taken(gpus: int, trainer: dict[str, Any]) -> None:
    assert parsed(resources={"gpus": gpus}, trainer=trainer).resources.gpus == gpus


def test_searched_devices_leave_no_room_for_a_number() -> None:
    space = {"model.lr": {"float": [0.1, 1]}, "trainer.devices": {"choice": [1, 2]}}
    assert problem(resources={"gpus": 2}, space=space) == (
        "resources.gpus: is 2, and trainer.devices is searched. Remove one of them."
    )
