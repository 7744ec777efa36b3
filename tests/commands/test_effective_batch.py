"""Trials of one effective batch, or of several, whatever micro-batch their memory has room for."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from conftest import Project, plain

LR = "model.init_args.lr"
SMALL = {"class_path": "tiny.Tiny", "init_args": {"mode": "small_device"}}


def trials(project: Project) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = json.loads(project.run("export", "--format", "json").stdout)[
        "trials"
    ]
    return listed


def config_of(project: Project, number: int) -> dict[str, Any]:
    path = project.root / f"studies/study/trials/{number:04d}/config.yaml"
    config: dict[str, Any] = yaml.safe_load(path.read_text())
    return config


def test_fixed_effective_batch_is_made_of_what_fits(project: Project) -> None:
    # of 32 samples in batches of 8 two are half of an epoch
    trainer = {"max_epochs": 2, "accelerator": "cpu", "limit_train_batches": 4}
    path = project.study(model=SMALL, batch={"effective": 32}, trainer=trainer)
    result = project.run("run", path)
    assert result.returncode == 0, result.stderr
    # 20 fit, of which 32 is no multiple
    sizes = {(t["micro_batch"], t["accumulation"], t["effective_batch"]) for t in trials(project)}
    assert sizes == {(16, 2, 32)}
    config = config_of(project, 0)
    assert config["trainer"]["limit_train_batches"] == 2
    assert config["trainer"]["accumulate_grad_batches"] == 2
    assert "16 micro-batch × 2 accumulated = 32 effective" in plain(project.run("show", "0").stdout)
    changed = project.study(model=SMALL, batch={"effective": 16}, trainer=trainer)
    result = project.run("run", changed)
    assert result.returncode == 2
    assert "batch.effective: was 32, is 16" in result.stderr


def test_searched_effective_batches_scale_their_learning_rates(project: Project) -> None:
    path = project.study(
        model=SMALL,
        batch={
            "effective": {"choice": [8, 32]},
            "lr_scaling": "sqrt",
            "reference": 8,
        },
        space={LR: {"choice": [0.01, 0.04]}},
        sampler="grid",
        budget={"trials": 4},
    )
    result = project.run("run", path)
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("the largest of") == 1
    for number, trial in enumerate(trials(project)):
        size, rate = trial["params"]["batch.effective"], trial["params"][LR]
        assert (size, trial["micro_batch"], trial["accumulation"]) in ((8, 8, 1), (32, 16, 2))
        scaled = rate * (2 if size == 32 else 1)
        assert config_of(project, number)["model"]["init_args"]["lr"] == pytest.approx(scaled)
        shown = plain(project.run("show", str(number)).stdout)
        assert f"lr {scaled:g} (scaled)" in shown
    # all of them have trained on every sample once after an epoch
    assert [list(each) for each in project.curves().values()] == [[1, 2, 3]] * 4


def test_exported_trial_has_the_batch_and_the_rate_that_it_was_trained_with(
    project: Project,
) -> None:
    path = project.study(
        model=SMALL,
        batch={"effective": 32, "lr_scaling": "linear", "reference": 8},
        space={LR: {"choice": [0.01, 0.02]}},
        budget={"trials": 1},
    )
    assert project.run("run", path, "--quiet").returncode == 0
    assert project.run("export", "exported").returncode == 0
    replayed = project.run("replay", "exported")
    assert replayed.returncode == 0, replayed.stderr
    config = yaml.safe_load((project.root / "exported/config.yaml").read_text())
    lr = json.loads(project.run("show", "0", "--json").stdout)["params"][LR]
    init_args = config["model"]["init_args"]
    assert (init_args["lr"], init_args["batch_size"]) == (pytest.approx(4 * lr), 16)
    assert config["trainer"]["accumulate_grad_batches"] == 2


def test_smaller_batch_after_out_of_memory_keeps_the_effective_one(project: Project) -> None:
    path = project.study(
        model={"class_path": "tiny.Tiny", "init_args": {"mode": "small_device", "when": 2}},
        batch={"effective": {"choice": [24, 32]}},
        trainer={"max_epochs": 4, "accelerator": "cpu", "num_sanity_val_steps": 0},
        baseline=False,
        enqueue=[{"batch.effective": 32}, {"batch.effective": 24}],
        budget={"trials": 2},
    )
    result = project.run("run", path)
    assert result.returncode == 0, result.stderr
    causes = [
        [event["cause"] for event in project.events(number) if event["event"] == "attempt_ended"]
        for number in (0, 1)
    ]
    # the second trial begins with what the first one learned
    assert causes == [["oom", "done"], ["done"]]
    sizes = [(t["micro_batch"], t["accumulation"], t["effective_batch"]) for t in trials(project)]
    assert sizes == [(16, 2, 32), (12, 2, 24)]


def test_effective_batch_beyond_the_data_is_refused(project: Project) -> None:
    path = project.study(batch={"effective": {"choice": [8, 64]}})
    result = project.run("run", path)
    assert result.returncode == 2
    assert (
        f"{path}: space.batch.effective: 64 is more than the 32 samples that an epoch fills whole, "
        "which would be the same run as 32. Write no more than 32."
    ) in result.stderr
    assert not (project.root / "studies/study").exists()


def test_rate_that_is_set_is_scaled_and_best_tells_it(project: Project) -> None:
    path = project.study(
        model={"class_path": "tiny.Tiny", "init_args": {"lr": 0.05}},
        batch={"effective": 32, "auto_scale": "off", "lr_scaling": "linear", "reference": 16},
        space={"model.init_args.width": {"choice": [2, 4]}},
        budget={"trials": 1},
    )
    assert project.run("run", path, "--quiet").returncode == 0
    best = plain(project.run("best").stdout)
    assert "lr 0.1 (derived)" in best
    # without a probe the batches of the class itself
    assert "8 micro-batch × 4 accumulated = 32 effective" in best
