"""The runs of trials whose processes died: closed, with hyperparameters and final values."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from commands.test_loggers import LOGGERS, logged, mlflow_runs, tensorboard, wandb_runs
from conftest import Project

LR, MODE = "model.init_args.lr", "model.init_args.mode"
OBJECTIVES = ("val_loss", "val_score", "parameters")


@pytest.fixture(scope="module")
def died(shared_project: Project) -> Project:
    """A study of several objectives with a trial that leaves by os._exit in its third epoch, one
    that is killed there three times, and one that is done."""
    path = shared_project.study(
        model={"class_path": "tiny.Tiny", "init_args": {"when": 2}},
        trainer={"max_epochs": 4, "accelerator": "cpu", "num_sanity_val_steps": 0},
        objective=None,
        objectives=[
            {"metric": "val_loss"},
            {"metric": "val_score", "direction": "maximize"},
            {"metric": "parameters"},
        ],
        pruner=None,
        space={MODE: {"choice": ["exit", "kill", "fine"]}},
        sampler="grid",
        logger=LOGGERS,
    )
    with pytest.MonkeyPatch.context() as patch:
        # what a process that used W&B leaves to those that it starts
        patch.setenv("WANDB_SERVICE", "3-1-unix-/of/another/process")
        result = shared_project.run("run", path)
    assert result.returncode == 0, result.stdout + result.stderr
    return shared_project


def modes(project: Project) -> list[str]:
    folder = project.root / "studies/study/trials"
    configs = [yaml.safe_load((folder / f"{n:04d}/config.yaml").read_text()) for n in range(3)]
    return [config["model"]["init_args"]["mode"] for config in configs]


def finals(project: Project, number: int) -> dict[str, float]:
    return {
        f"final/{name}": next(iter(logged(project, number, f"final/{name}").values()))
        for name in OBJECTIVES
    }


def test_every_objective_has_its_final_value_once(died: Project) -> None:
    for number, mode in enumerate(modes(died)):
        curve = died.curves()[number]
        for name in OBJECTIVES:
            assert len(logged(died, number, f"final/{name}")) == 1, (mode, name)
        values = finals(died, number)
        assert values["final/parameters"] == 13
        final = values["final/val_loss"]
        # of one whose process died, at the last validation that a checkpoint holds
        assert final in ([min(curve.values())] if mode == "fine" else curve.values())
        (step,) = [s for s, v in logged(died, number, "val_loss").items() if v == final]
        assert values["final/val_score"] == logged(died, number, "val_score")[step]


def test_rows_of_a_process_that_died_stay(died: Project) -> None:
    for number in range(3):
        assert list(logged(died, number, "val_loss").values()) == list(
            died.curves()[number].values()
        )


def test_mlflow_runs_are_closed_with_their_cause(died: Project) -> None:
    runs = mlflow_runs(died)
    ends = {"exit": ("FAILED", "error"), "kill": ("KILLED", "killed"), "fine": ("FINISHED", "done")}
    for number, mode in enumerate(modes(died)):
        run = runs[str(number)]
        assert (run.status, run.cause) == ends[mode]
        assert run.params[MODE] == mode
        assert finals(died, number).items() <= run.metrics.items()


def test_tensorboard_has_hyperparameters_and_final_values(died: Project) -> None:
    from tensorboard.plugins.hparams.metadata import parse_session_start_info_plugin_data

    for number, mode in enumerate(modes(died)):
        events = tensorboard(died, number)
        for name, value in finals(died, number).items():
            assert [event.value for event in events.Scalars(name)] == [pytest.approx(value)]
        assert len(events.Scalars("val_loss")) == len(died.curves()[number])
        content = events.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
        hparams = parse_session_start_info_plugin_data(content).hparams
        assert hparams[MODE].string_value == mode


def test_wandb_runs_are_closed_with_their_cause(died: Project) -> None:
    last: dict[int, tuple[int, str]] = {}
    for records in wandb_runs(died):
        # of a process that died not even the beginning may be on disk
        names = [record.run.display_name for record in records if record.HasField("run")]
        ends = [record.exit.exit_code for record in records if record.HasField("exit")]
        if ends:
            last[int(names[0])] = (ends[0], _summary(records)["cause"])
    codes = {"exit": (1, "error"), "kill": (1, "killed"), "fine": (0, "done")}
    assert last == {number: codes[mode] for number, mode in enumerate(modes(died))}


def _summary(records: list[Any]) -> dict[str, Any]:
    return {
        (item.key or item.nested_key[0]): json.loads(item.value_json)
        for record in records
        if record.HasField("summary")
        for item in record.summary.update
    }
