"""What a trial's Trainer can do: pruning, two processes, batch scaling, the Trainer's arguments."""

from __future__ import annotations

import json

import pytest
import yaml
from conftest import TINY, Project, plain

CPU = {"accelerator": "cpu", "num_sanity_val_steps": 0}


def trials(project: Project) -> list[dict[str, object]]:
    """Every trial of the study as `search export` tells it."""
    listed: list[dict[str, object]] = json.loads(project.run("export", "--format", "json").stdout)[
        "trials"
    ]
    return listed


def config_of(project: Project, number: int) -> dict[str, dict[str, object]]:
    path = project.root / f"studies/study/trials/{number:04d}/config.yaml"
    config: dict[str, dict[str, object]] = yaml.safe_load(path.read_text())
    return config


@pytest.mark.parametrize("processes", [1, 2])
def test_pruner_stops_the_hopeless_trial(project: Project, processes: int) -> None:
    distributed = {"devices": 2, "strategy": "ddp"} if processes == 2 else {}
    path = project.study(
        model={"class_path": "tiny.Tiny", "init_args": {"width": 8}},
        trainer={"max_epochs": 6, **CPU, **distributed},
        space={"model.init_args.lr": {"choice": [0.2, 0.000001]}},
        sampler="grid",
        pruner={"name": "threshold", "upper": 0.9, "n_warmup_steps": 4},
        budget={"trials": 2},
    )
    result = project.run("run", path)
    assert result.returncode == 0, result.stderr
    assert sorted(project.states()) == ["COMPLETE", "PRUNED"]
    curves = project.curves()
    pruned = project.states().index("PRUNED")
    assert list(curves[pruned]) == [1, 2, 3, 4]
    assert list(curves[1 - pruned]) == [1, 2, 3, 4, 5, 6]
    assert f"trial {pruned:>4}  pruned at epoch 4" in result.stdout
    log = (project.root / f"studies/study/trials/{pruned:04d}/log.txt").read_text()
    assert ("MEMBER: 2/2" in log) == (processes == 2)


def test_module_of_the_package_lightning_runs_alike(project: Project) -> None:
    source = TINY.replace("import pytorch_lightning as pl", "import lightning.pytorch as pl")
    (project.root / "tiny.py").write_text(source)
    path = project.study()
    assert project.run("run", path, "--quiet").returncode == 0
    assert project.states() == ["COMPLETE"] * 3


@pytest.mark.parametrize(("mode", "found"), [("binsearch", 20), ("power", 16)])
def test_batch_scaling_finds_the_largest_batch_that_ran(
    project: Project, mode: str, found: int
) -> None:
    path = project.study(
        model={"class_path": "tiny.Tiny", "init_args": {"mode": "small_device"}},
        batch={"auto_scale": mode},
        space={
            "model.init_args.lr": {"float": [0.001, 0.1], "log": True},
            "model.init_args.width": {"choice": [2, 4]},
        },
        budget={"trials": 5},
    )
    result = project.run("run", path)
    assert result.returncode == 0, result.stderr
    assert {t["micro_batch"] for t in trials(project)} == {found}
    assert config_of(project, 0)["model"]["init_args"]["batch_size"] == found  # type: ignore[index]
    widths = {config_of(project, n)["model"]["init_args"]["width"] for n in range(5)}  # type: ignore[index]
    assert result.stdout.count("the largest of") == len(widths)


def test_micro_batch_leaves_room_for_every_accumulation(project: Project) -> None:
    path = project.study(
        batch={"auto_scale": "power", "max": 1000},
        space={"trainer.accumulate_grad_batches": {"choice": [1, 4]}},
        sampler="grid",
        budget={"trials": 2},
    )
    result = project.run("run", path)
    assert result.returncode == 0, result.stderr
    # 32 samples: 8 x 4 is the whole of an epoch
    assert [(t["micro_batch"], t["effective_batch"]) for t in trials(project)] in (
        [(8, 8), (8, 32)],
        [(8, 32), (8, 8)],
    )


def test_derived_value_follows_the_probed_batch(project: Project) -> None:
    path = project.study(
        model={
            "class_path": "tiny.Tiny",
            "init_args": {"mode": "small_device", "batch_size": 4, "width": 2},
        },
        trainer={"max_epochs": 1, "accelerator": "cpu"},
        batch={"auto_scale": "binsearch"},
        derive={"trainer.accumulate_grad_batches": "32 // model.batch_size"},
        budget={"trials": 1},
    )
    result = project.run("run", path)
    assert result.returncode == 0, result.stderr
    trial = trials(project)[0]
    # not 8 of the file's batches of 4
    assert (trial["micro_batch"], trial["effective_batch"]) == (20, 20)
    assert "accumulate_grad_batches 1 (derived)" in plain(project.run("show", "0").stdout)
    derive = "derive={model.init_args.width: 4 // (20 - model.batch_size)}"
    result = project.run("run", path, "--name", "impossible", "--set", derive)
    assert (result.returncode, project.states("impossible")) == (1, ["FAIL"])
    # Python's own words lie between
    assert "derive: model.init_args.width: " in result.stdout
    assert "by zero, with a micro-batch of 20" in result.stdout


def test_accumulation_that_changes_nothing_is_refused(project: Project) -> None:
    path = project.study(
        trainer={"max_epochs": 3, "accelerator": "cpu", "limit_train_batches": 3},
        space={"trainer.accumulate_grad_batches": {"choice": [1, 2, 8]}},
    )
    result = project.run("run", path)
    assert result.returncode == 2
    assert result.stderr == (
        f"{path}: space.trainer.accumulate_grad_batches: 8 accumulates more than the 3 batches of "
        "an epoch (32 samples, limited to 3 batches, in batches of 8), which is the same run as 3. "
        "Search no further than 3.\n"
    )


def test_trainer_arguments_are_set_and_searched(project: Project) -> None:
    path = project.study(
        trainer={
            "max_epochs": 4,
            **CPU,
            "check_val_every_n_epoch": 2,
            "gradient_clip_val": 1.0,
            "profiler": "simple",
            "logger": {
                "class_path": "pytorch_lightning.loggers.CSVLogger",
                "init_args": {"save_dir": "logs"},
            },
            "callbacks": [
                {
                    "class_path": "pytorch_lightning.callbacks.EarlyStopping",
                    "init_args": {"monitor": "val_loss", "patience": 50},
                }
            ],
        },
        space={
            "trainer.precision": {"choice": ["32-true", "64-true", "bf16-mixed"]},
            "trainer.callbacks.0.init_args.patience": {"int": [10, 20]},
        },
        budget={"trials": 4},
    )
    result = project.run("run", path)
    assert result.returncode == 0, result.stderr
    assert all(list(curve) == [2, 4] for curve in project.curves().values())
    assert len({config_of(project, n)["trainer"]["precision"] for n in range(4)}) > 1
    assert list((project.root / "logs").rglob("metrics.csv"))
    # a logger of the user's own is the only one
    assert not (project.root / "studies/study/trials/0000/logs").exists()
    log = (project.root / "studies/study/trials/0000/log.txt").read_text()
    assert "FIT Profiler Report" in log


def test_validation_inside_an_epoch_is_reported_each_time(project: Project) -> None:
    path = project.study(
        trainer={"max_epochs": 3, **CPU, "val_check_interval": 0.5}, budget={"trials": 1}
    )
    assert project.run("run", path, "--quiet").returncode == 0
    assert list(project.curves()[0]) == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            {"model": {"class_path": "tiny.Tinny"}},
            "model.class_path: tiny has no Tinny. Did you mean Tiny?",
        ),
        (
            {"model": {"class_path": "tiny.Tiny", "init_args": {"lrr": 1}}},
            "model.init_args.lrr: no such argument. Did you mean lr?",
        ),
        (
            {"model": {"class_path": "tiny.Tiny", "init_args": {"width": "wide"}}},
            "model.init_args.width: must be int, got wide. Write a whole number.",
        ),
        (
            {"trainer": {"max_epoch": 3}},
            "trainer.max_epoch: no such argument. Did you mean max_epochs?",
        ),
        (
            {"trainer": {"max_epochs": "twenty"}},
            "trainer.max_epochs: must be int or null, got twenty. Write a whole number.",
        ),
        (
            {"space": {"model.init_args.depth": {"int": [1, 3]}}},
            "model.init_args.depth: no such argument. Did you mean width?",
        ),
        (
            {"batch": {"auto_scale": "power"}, "model": {"class_path": "tiny.Fixed"}},
            "batch.auto_scale: neither the data module nor the model takes batch_size. "
            "Add a batch_size argument to one of them, or set auto_scale: off.",
        ),
    ],
)
def test_mistake_that_only_the_classes_know_is_found_before_any_trial(
    project: Project, changes: dict[str, object], line: str
) -> None:
    with (project.root / "tiny.py").open("a") as file:
        file.write("\nclass Fixed(Tiny):\n    def __init__(self, lr: float = 0.1):\n")
        file.write("        super().__init__(lr)\n")
    path = project.study(**changes)
    result = project.run("run", path)
    assert result.returncode == 2
    assert result.stderr == f"{path}: {line}\n"
    assert not (project.root / "studies/study").exists()
