"""`search init` on projects that nobody here wrote, and on the shipped models."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from conftest import SEARCH, Project

from search.study_file.load import load_study_file

PROJECTS = Path(__file__).parent.parent / "projects"
BORING_DATA = "boring_classes:BoringDataModule"
CASES = [
    (
        "demos",
        ["models:LoggedDemo", "--data", f"lightning.pytorch.demos.{BORING_DATA}"],
        ["model.init_args.learning_rate"],
    ),
    ("demos_pytorch_lightning", ["models:LoggedBoring"], ["trainer.gradient_clip_val"]),
    (
        "lightning_cli",
        ["--config", "config.yaml", "--cli", "train:cli_main"],
        [
            "model.encoder.init_args.width",
            "model.dropout",
            "optimizer.init_args.lr",
            "optimizer.init_args.momentum",
            "optimizer.init_args.weight_decay",
            "lr_scheduler.init_args.gamma",
        ],
    ),
    (
        "own_cli",
        ["models:Net", "--data", "data:Noisy", "--config", "config.yaml", "--cli", "train:MyCLI"],
        ["model.width", "optimizer.lr", "optimizer.weight_decay"],
    ),
    *(
        (
            "demos",
            [f"search.models:{model}", "--data", "search.data:Digits"],
            [f"model.init_args.{name}" for name in names],
        )
        for model, names in (
            ("LitClassifier", ["hidden_size", "num_layers", "dropout", "lr", "weight_decay"]),
            ("LitVAE", ["latent_size", "hidden_size", "lr"]),
            ("LitAutoEncoder", ["latent_size", "hidden_size", "lr"]),
        )
    ),
]


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "arguments", "space"), CASES, ids=[f"{name}-{each[0]}" for name, each, _ in CASES]
)
def test_proposed_study_passes_its_check(
    tmp_path: Path, name: str, arguments: list[str], space: list[str]
) -> None:
    shutil.copytree(PROJECTS / name, tmp_path, dirs_exist_ok=True)
    project = Project(tmp_path)
    made = project.run("init", *arguments, "-o", "new.yaml")
    assert made.returncode == 0, made.stderr
    assert made.stdout.splitlines()[-1] == "Next: search check new.yaml"
    assert list(load_study_file(tmp_path / "new.yaml").space) == space
    checked = project.run("check", "new.yaml")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "warning" not in checked.stdout


def test_mistakes_get_their_line_and_nothing_is_overwritten(project: Project) -> None:
    study = project.root / "study.yaml"
    study.write_text("mine")
    wrong = {
        (): "init: needs a script, as in `search init train.py`, a module, as in `search init "
        "my_package.module:MyModule`, or a LightningCLI configuration: `search init --config "
        "config.yaml`. Give one.",
        ("tiny:Tyni",): "init: model.class_path: tiny has no Tyni. Did you mean Tiny?",
        ("tiny",): "init: model.class_path: tiny is a module. Name a class in it: tiny.Tiny.",
        ("tiny.py",): "init: script: tiny.py has no parser (argparse, click, typer, fire, "
        "jsonargparse or Hydra), and never reaches Trainer.fit. Name the file that you train with, "
        "or a class, as in `search init my_package.module:MyModule`.",
        ("src/net.py:Net",): "src/net.py:Net: must be module:Class, got src/net.py:Net. "
        "Write src.net:Net.",
        (
            "-c",
            "study.yaml",
        ): "new.yaml: base: study.yaml: must be a mapping of sections, got mine.",
    }
    for arguments, line in wrong.items():
        result = project.run("init", *arguments, "-o", "new.yaml")
        assert (result.returncode, result.stderr) == (2, f"{line}\n")
    exists = project.run("init", "tiny:Tiny")
    assert exists.stderr == "study.yaml: exists already. Name another with -o, or add --force.\n"
    assert study.read_text() == "mine"
    assert project.run("init", "tiny:Tiny", "--force").returncode == 0
    assert yaml.safe_load(study.read_text())["objective"]["metric"] == "val_loss"
    assert not (project.root / "new.yaml").exists()


def test_on_a_terminal_metric_and_direction_are_asked_for(project: Project) -> None:
    control, terminal = pty.openpty()
    with subprocess.Popen(
        [SEARCH, "init", "tiny:Tiny"],
        cwd=project.root,
        env=project.environment(),
        stdin=terminal,
        stdout=terminal,
        stderr=subprocess.PIPE,
    ) as process:
        os.close(terminal)
        os.write(control, b"val_score\nmax\n")
        assert process.wait(120) == 0
    os.close(control)
    tree = yaml.safe_load((project.root / "study.yaml").read_text())
    assert tree["objective"] == {"metric": "val_score", "direction": "maximize"}
