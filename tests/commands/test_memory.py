"""Memory that runs out in the middle of training: the trial goes on in smaller batches."""

from __future__ import annotations

import json
import re

import pytest
import yaml
from conftest import Project

TINY = "tiny.Tiny"
SMALL = {"mode": "small_device", "when": 2, "batch_size": 32}


def test_batch_is_halved_and_training_goes_on_at_the_same_effective_batch(
    project: Project,
) -> None:
    path = project.study(
        model={"class_path": TINY, "init_args": SMALL},
        trainer={"max_epochs": 5, "accelerator": "cpu", "num_sanity_val_steps": 0},
        budget={"trials": 1},
    )
    result = project.run("run", path)
    assert result.returncode == 0, result.stderr
    assert "goes on in batches of 16 x 2" in result.stdout
    # epochs that no checkpoint holds yet are trained again
    assert re.search(r"\(attempt 2, from epoch [12]\)", result.stdout)
    trial = json.loads(project.run("show", "0", "--json").stdout)
    assert [attempt["cause"] for attempt in trial["attempts"]] == ["oom", "done"]
    assert (trial["micro_batch"], trial["accumulation"], trial["effective_batch"]) == (16, 2, 32)
    steps = [event["step"] for event in project.events(0) if event["event"] == "reported"]
    assert sorted(set(steps)) == [1, 2, 3, 4, 5]
    folder = project.root / "studies/study/trials/0000"
    config = yaml.safe_load((folder / "config.yaml").read_text())
    assert config["model"]["init_args"]["batch_size"] == 16
    assert config["trainer"]["accumulate_grad_batches"] == 2


def test_halving_lowers_the_limit_that_was_probed(project: Project) -> None:
    path = project.study(
        model={"class_path": TINY, "init_args": SMALL},
        batch={"auto_scale": "power", "max": 32},
        trainer={"max_epochs": 4, "accelerator": "cpu", "num_sanity_val_steps": 0},
        budget={"trials": 2},
    )
    result = project.run("run", path)
    assert result.returncode == 0, result.stderr
    assert project.states() == ["COMPLETE", "COMPLETE"]
    causes = [
        [event["cause"] for event in project.events(number) if event["event"] == "attempt_ended"]
        for number in (0, 1)
    ]
    # the second trial begins with what the first one learned
    assert causes == [["oom", "done"], ["done"]]


@pytest.mark.parametrize("batch_size", [24, 21])
def test_odd_batches_keep_their_effective_size(project: Project, batch_size: int) -> None:
    path = project.study(
        model={"class_path": TINY, "init_args": {**SMALL, "when": 1, "batch_size": batch_size}},
        budget={"trials": 1},
    )
    assert project.run("run", path, "--quiet").returncode == 0
    trial = json.loads(project.run("show", "0", "--json").stdout)
    assert trial["effective_batch"] == batch_size
    assert trial["micro_batch"] in (12, 7)
