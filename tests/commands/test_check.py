"""`search check`: what it finds, what it says the study will take, and that it leaves nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Project

ODD = '''
import torch
from tiny import Tiny


class Odd(Tiny):
    """Draws without the seed, ends in NaN, and saves what it cannot load."""

    def __init__(self, lr: float = 0.1, unused: int = 1):
        super().__init__(lr=lr)

    def training_step(self, batch, batch_idx):
        generator = torch.Generator()
        generator.seed()
        return super().training_step(batch, batch_idx) * torch.rand(1, generator=generator)

    def validation_step(self, batch, batch_idx):
        super().validation_step(batch, batch_idx)
        self.log("odd_loss", torch.tensor(float("nan")))

    def on_load_checkpoint(self, checkpoint):
        raise KeyError("a key that was never saved")
'''


@pytest.fixture
def odd(project: Project) -> Project:
    (project.root / "odd.py").write_text(ODD)
    return project


def files(project: Project) -> set[Path]:
    return {path for path in project.root.rglob("*") if "__pycache__" not in path.parts}


def test_sound_study_is_told_its_bill_and_nothing_is_written(project: Project) -> None:
    trainer = {
        "max_epochs": 5,
        "accelerator": "cpu",
        "limit_train_batches": 0.5,
        "callbacks": [
            {
                "class_path": "pytorch_lightning.callbacks.ModelCheckpoint",
                "init_args": {"dirpath": "checkpoints", "save_last": True},
            }
        ],
    }
    model = {"class_path": "tiny.Tiny", "init_args": {"pause": 0.1}}
    study = project.study(model=model, trainer=trainer)
    before = files(project)
    result = project.run("check", study, "--trials", "8", "--workers", "2", "--json")
    assert result.returncode == 0, result.stderr
    assert files(project) == before
    found = json.loads(result.stdout)
    assert {each["name"]: each["state"] for each in found["checks"]} == dict.fromkeys(
        ("paths", "metric", "direction", "repeatable", "checkpoint"), "ok"
    )
    bill = found["bill"]
    assert (bill["trials"], bill["workers"]) == (8, 2)
    # five epochs of two batches that take a tenth of a second each, four trials one after another
    assert bill["trial_s"] > 1.0
    assert bill["study_s"] > 4 * bill["trial_s"]
    assert bill["memory_bytes"] == 2 * bill["trial_memory_bytes"] > 100 << 20
    assert bill["disk_bytes"] > 8 * 1000


def test_each_flaw_has_its_line(odd: Project) -> None:
    objective = {"metric": "odd_loss", "direction": "maximize"}
    study = odd.study(model={"class_path": "odd.Odd"}, objective=objective)
    result = odd.run("check", study)
    assert result.returncode == 2
    rows = {line.split()[1]: line.split()[0] for line in result.stdout.splitlines()[1:6]}
    assert rows == {
        "paths": "ok",
        "metric": "failed",
        "direction": "warning",
        "repeatable": "warning",
        "checkpoint": "failed",
    }
    assert "odd_loss sounds like one to minimize, got maximize" in result.stdout
    assert result.stderr.splitlines() == [
        f"{study}: objective: odd_loss is nan after 4 batches with values in the middle of "
        "their ranges. Narrow the space, or mend the metric.",
        f"{study}: model: a checkpoint was saved, but training does not go on from it: KeyError: "
        "'a key that was never saved' (odd.py, line 22). Correct it there.",
    ]


@pytest.mark.parametrize("verb", ["check", "run"])
def test_path_that_nothing_reads_ends_it_before_any_trial(odd: Project, verb: str) -> None:
    space = {"model.lr": {"float": [0.1, 0.2]}, "model.unused": {"int": [1, 3]}}
    study = odd.study(model={"class_path": "odd.Odd"}, space=space)
    before = files(odd)
    result = odd.run(verb, study)
    assert result.returncode == 2
    assert result.stderr == (
        f"{study}: space.model.init_args.unused: changes nothing: model, data, optimizer and "
        "Trainer are the same at 1 and 3. Use it in the code, or search something else.\n"
    )
    assert files(odd) == before


def test_bad_study_file_ends_it_before_torch_is_loaded(project: Project) -> None:
    study = project.study(budgets={"trials": 3})
    result = project.run("check", study)
    assert result.returncode == 2
    assert result.stderr == f"{study}: budgets: no such key. Did you mean budget?\n"
    assert result.stdout == ""
