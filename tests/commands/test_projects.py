"""Projects as their users have them, each with packages `models` and `data` of its own."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from conftest import Project

from search.study_file.trial_config import LightningSections

pytestmark = pytest.mark.real

PROJECTS = Path(__file__).parent.parent / "projects"


@pytest.fixture
def gallery(tmp_path: Path, request: pytest.FixtureRequest) -> Project:
    """A copy of the project that the test is parametrized with."""
    shutil.copytree(PROJECTS / request.param, tmp_path, dirs_exist_ok=True)
    return Project(tmp_path)


def ran(project: Project, name: str) -> list[dict[str, Any]]:
    """Run two trials of a study file; returns the configuration of each."""
    before = {path: path.read_bytes() for path in project.root.rglob("*.py")}
    result = project.run("run", f"{name}.yaml", "--trials", "2")
    assert result.returncode == 0, result.stderr + result.stdout
    assert project.states(name) == ["COMPLETE", "COMPLETE"]
    assert {path: path.read_bytes() for path in before} == before
    folder = project.root / f"studies/{name}/trials"
    return [yaml.safe_load((folder / f"{n:04d}/config.yaml").read_text()) for n in range(2)]


def checkpoint(project: Project, name: str) -> dict[str, Any]:
    """The best checkpoint of the first trial."""
    path = project.root / f"studies/{name}/trials/0000/best.ckpt"
    loaded: dict[str, Any] = torch.load(path, weights_only=True)
    return loaded


def trains_plainly(project: Project, config: dict[str, Any]) -> None:
    """The user's own script takes the configuration of a trial, without the tool's sections."""
    theirs = LightningSections.from_tree(config).lightning_tree()
    (project.root / "best.yaml").write_text(yaml.safe_dump(theirs))
    # what the script saves itself must not meet its own config.yaml
    apart = ("--trainer.logger=false", "--trainer.default_root_dir=runs")
    result = subprocess.run(
        [sys.executable, "train.py", "fit", "-c", "best.yaml", *apart],
        cwd=project.root,
        env=project.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("gallery", ["demos", "demos_pytorch_lightning"], indirect=True)
def test_demo_model_with_its_data_module(gallery: Project) -> None:
    first, second = (config["model"]["init_args"]["out_dim"] for config in ran(gallery, "demo"))
    assert 2 <= first <= 8
    assert 2 <= second <= 8
    assert checkpoint(gallery, "demo")["state_dict"]["l1.weight"].shape == (first, 32)


@pytest.mark.parametrize("gallery", ["demos", "demos_pytorch_lightning"], indirect=True)
def test_boring_model_brings_its_loaders_and_a_callback_is_searched(gallery: Project) -> None:
    configs = ran(gallery, "boring")
    patience = configs[0]["trainer"]["callbacks"][0]["init_args"]["patience"]
    assert 1 <= patience <= 5
    (stopping,) = [
        state
        for name, state in checkpoint(gallery, "boring")["callbacks"].items()
        if name.startswith("EarlyStopping")
    ]
    assert stopping["patience"] == patience


@pytest.mark.parametrize("gallery", ["lightning_cli"], indirect=True)
def test_documented_cli_project_by_its_main_function(gallery: Project) -> None:
    config = ran(gallery, "study")[0]
    assert config["seed_everything"] == 7
    assert config["trainer"]["max_epochs"] == 2
    saved = checkpoint(gallery, "study")
    width = config["model"]["encoder"]["init_args"]["width"]
    assert saved["state_dict"]["encoder.layer.weight"].shape == (width, 1)
    (group,) = saved["optimizer_states"][0]["param_groups"]
    assert group["initial_lr"] == config["optimizer"]["init_args"]["lr"]
    assert saved["lr_schedulers"][0]["gamma"] == config["lr_scheduler"]["init_args"]["gamma"]
    # the study stands without its base
    (gallery.root / "config.yaml").unlink()
    resumed = gallery.run("resume", "study", "--trials", "3")
    assert resumed.returncode == 0, resumed.stderr
    assert gallery.states() == ["COMPLETE"] * 3
    trains_plainly(gallery, config)


@pytest.mark.parametrize("gallery", ["lightning_cli"], indirect=True)
def test_documented_cli_project_by_its_classes(gallery: Project) -> None:
    config = ran(gallery, "classes")[0]
    assert config["model"]["class_path"] == "models.Regressor"
    assert config["data"] == {"class_path": "data.Points", "init_args": {"batch_size": 8}}
    (group,) = checkpoint(gallery, "classes")["optimizer_states"][0]["param_groups"]
    assert group["initial_lr"] == config["optimizer"]["init_args"]["lr"]


@pytest.mark.parametrize("gallery", ["own_cli"], indirect=True)
def test_own_cli_keeps_its_links_defaults_arguments_and_hooks(gallery: Project) -> None:
    config = ran(gallery, "study")[0]
    saved = checkpoint(gallery, "study")
    assert saved["hyper_parameters"]["features"] == 3
    assert saved["hyper_parameters"]["batch_size"] == 4
    (group,) = saved["optimizer_states"][0]["param_groups"]
    assert (group["lr"], group["weight_decay"]) == (0.01, config["optimizer"]["weight_decay"])
    log = (gallery.root / "studies/study/trials/0000/log.txt").read_text()
    assert f"the noise is {config['noise']}" in log
    assert f"the patience is {config['early_stopping']['patience']}" in log
    assert "trained" not in log
    trains_plainly(gallery, config)


@pytest.mark.parametrize("gallery", ["own_cli"], indirect=True)
def test_own_cli_is_made_with_the_classes_of_the_study_file(gallery: Project) -> None:
    config = ran(gallery, "classes")[0]
    assert config["cli"] == {"name": "train:MyCLI", "model": "models.Net", "data": "data.Noisy"}
    assert checkpoint(gallery, "classes")["hyper_parameters"]["batch_size"] == 4


@pytest.mark.parametrize("gallery", ["demos"], indirect=True)
def test_mistake_in_the_users_code_is_told_and_spends_no_trial(gallery: Project) -> None:
    with (gallery.root / "models/__init__.py").open("a") as file:
        file.write("\nraise RuntimeError('not today')\n")
    result = gallery.run("run", "demo.yaml", "--trials", "2")
    assert result.returncode == 2
    assert result.stderr == (
        "demo.yaml: model.class_path: importing models fails at models/__init__.py, line 18: "
        "RuntimeError: not today. Correct it there.\n"
    )
    assert not (gallery.root / "studies").exists()


@pytest.mark.parametrize("gallery", ["either_package"], indirect=True)
def test_project_of_both_packages(gallery: Project) -> None:
    config = ran(gallery, "study")[0]
    saved = checkpoint(gallery, "study")
    (stopping,) = [
        state for name, state in saved["callbacks"].items() if name.startswith("EarlyStopping")
    ]
    assert stopping["patience"] == config["trainer"]["callbacks"][0]["init_args"]["patience"]
    rows = list((gallery.root / "rows").rglob("metrics.csv"))
    assert len(rows) == 2
    header = rows[0].read_text().splitlines()[0].split(",")
    assert {"counted", "lr-SGD", "val_loss"} <= set(header)


@pytest.mark.parametrize("gallery", ["either_package"], indirect=True)
def test_data_module_of_the_other_package_is_refused(gallery: Project) -> None:
    result = gallery.run("run", "study.yaml", "--set", "data.class_path=net.Other")
    assert result.returncode == 2
    assert result.stderr == (
        "study.yaml: data.class_path: net.Other is of pytorch_lightning, but the model is of "
        "lightning.pytorch. Derive it from lightning.pytorch's LightningDataModule, or the model "
        "from pytorch_lightning's LightningModule.\n"
    )


@pytest.mark.parametrize("gallery", ["lazy_layers"], indirect=True)
def test_lazy_layers_with_searched_floats(gallery: Project) -> None:
    ran(gallery, "study")


@pytest.mark.parametrize("gallery", ["tutorial"], indirect=True)
def test_script_that_trains_while_it_is_imported_is_told_and_trains_nothing(
    gallery: Project,
) -> None:
    told = (
        "model.class_path: importing train calls Trainer.fit at train.py, line 24. "
        "Put that under `if __name__ == '__main__':`, where an import leaves it alone.\n"
    )
    result = gallery.run("run", "study.yaml")
    assert result.returncode == 2
    assert result.stderr == f"study.yaml: {told}"
    result = gallery.run("init", "train:Net", "--output", "proposed.yaml")
    assert result.returncode == 2
    assert result.stderr.endswith(told)
    assert not (gallery.root / "trained").exists()
