"""The configuration of a trial: written, read back, and a file that is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from search.errors import StudyFileError
from search.plain.yaml import read_yaml
from search.study_file.micro_batches import Epoch
from search.study_file.objective import Objective
from search.study_file.outcome_constraints import parse_constraint
from search.study_file.trial_config import (
    CliClasses,
    DryBatches,
    LightningSections,
    LoggerChoice,
    ProbedBatch,
    TrialConfig,
    Variant,
    Watched,
    read_trial_config,
)
from search.study_file.trial_facts import BranchFacts, TrialFacts

LIGHTNING: dict[str, Any] = {
    "seed_everything": 3,
    "trainer": {"max_epochs": 2},
    "model": {"class_path": "nets.Net", "init_args": {"lr": 0.1}},
    "data": {"class_path": "nets.Data"},
    "optimizer": {"class_path": "Adam"},
    "ckpt_path": "weights.ckpt",
}
LOSS = Objective("val_loss")
PLAIN = TrialConfig(
    sections=LightningSections.from_tree(LIGHTNING),
    objective=LOSS,
    watched=Watched.alone(LOSS),
    logger=(LoggerChoice("csv"),),
)
FULL = TrialConfig(
    sections=LightningSections(
        cli=CliClasses("train:MyCLI", model="nets.Net"), model={"width": 4}, others={"noise": 0.5}
    ),
    objective=Objective("val_acc", "maximize", "last"),
    watched=Watched(
        "val_loss",
        {"val_acc": "objectives.0.metric", "val_loss": "objectives.1.metric"},
        (parse_constraint("parameters <= 1000"),),
        ("epoch_time",),
    ),
    logger=(LoggerChoice("wandb", {"offline": True}), LoggerChoice("csv")),
    trial=TrialFacts(
        "study", 7, {"model.width": 4}, "epochs", at_epoch_ends=True, branch=BranchFacts(3, 2)
    ),
    batch=ProbedBatch("power", 64, Epoch(100, drops_last=True, limit=0.5)),
    preflight=(Variant("model.width", 8, LightningSections(model={"width": 8})),),
    dry=DryBatches(3, 1),
)


@pytest.mark.parametrize("config", [PLAIN, FULL])
def test_configuration_that_is_written_is_read_back_the_same(
    tmp_path: Path, config: TrialConfig
) -> None:
    config.write(tmp_path / "config.yaml")
    assert read_trial_config(tmp_path / "config.yaml") == config


def test_file_says_no_more_than_it_must(tmp_path: Path) -> None:
    PLAIN.write(tmp_path / "config.yaml")
    assert read_yaml(tmp_path / "config.yaml") == {
        **LIGHTNING,
        "objective": {"metric": "val_loss", "direction": "minimize", "value": "best"},
        "logger": [{"name": "csv"}],
    }


def test_lightning_reads_its_own_sections_and_those_of_the_users_cli() -> None:
    assert PLAIN.sections.lightning_tree() == LIGHTNING
    tree = FULL.sections.lightning_tree()
    assert tree == {"trainer": {}, "model": {"width": 4}, "noise": 0.5}
    tree["model"]["width"] = 5
    assert FULL.sections.model == {"width": 4}


@pytest.mark.parametrize("text", ["seed_everything: 3\n", "objective: 3\n", "objective: {a: 1}\n"])
def test_file_of_no_trial_is_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(StudyFileError) as caught:
        read_trial_config(path)
    assert str(caught.value) == (f"{path}: is no configuration of a trial. Restore it from a copy.")
