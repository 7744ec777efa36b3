"""What comes out of a study: exported, trained by plain LightningCLI, tested, confirmed."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import Project

PROJECTS = Path(__file__).parents[1] / "projects"
TESTED = """
import tiny


class Tested(tiny.Tiny):
    def test_step(self, batch, batch_idx):
        x, y = batch
        self.log("test_error", (self.layers(x) - y).abs().mean())

    def test_dataloader(self):
        return self.loader(False)
"""

# what its own logger alone can do, and a metric whose name in loggers is another
LOGGING = """
import tiny


class Logging(tiny.Tiny):
    def validation_step(self, batch, batch_idx, dataloader_idx=0):
        x, y = batch
        loss = (self.layers(x) - y).abs().mean()
        self.log("val_loss", loss, on_step=True, on_epoch=True)
        if self.trainer.max_epochs > 1:
            self.logger.experiment.add_histogram("weights", self.layers[0].weight, batch_idx)

    def val_dataloader(self):
        return [self.loader(False), self.loader(False)]
"""


@pytest.fixture(scope="module")
def finished(shared_project: Project) -> Project:
    """A project with three complete trials, whose batch sizes were found by probing."""
    (shared_project.root / "tested.py").write_text(TESTED)
    path = shared_project.study(
        model={"class_path": "tested.Tested"}, batch={"auto_scale": "power", "max": 16}
    )
    assert shared_project.run("run", path).returncode == 0
    return shared_project


@pytest.fixture(scope="module")
def exported(finished: Project) -> Path:
    result = finished.run("export", "-s", "study", "best")
    assert result.returncode == 0, result.stderr
    return finished.root / "best"


def best(project: Project) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(project.run("best", "-s", "study", "--json").stdout)
    return body


def copied(folder: Path, to: Path, **changes: Any) -> Path:
    """An exported folder of its own; `changes` are laid over its trial.json."""
    shutil.copytree(folder, to)
    tree = json.loads((to / "trial.json").read_text())
    (to / "trial.json").write_text(json.dumps({**tree, **changes}))
    return to


@pytest.mark.real
@pytest.mark.parametrize(
    ("folder", "study"),
    [("lightning_cli", "study"), ("own_cli", "classes"), ("demos", "boring")],
)
def test_export_trains_to_the_same_value_without_this_tool(
    folder: str, study: str, tmp_path: Path
) -> None:
    import torch

    root = tmp_path / "project"
    shutil.copytree(PROJECTS / folder, root)
    project = Project(root)
    assert project.run("run", f"{study}.yaml", "--trials", "2").returncode == 0
    exported = project.run("export", "-s", study, "best")
    assert exported.returncode == 0, exported.stderr
    command = exported.stdout.partition("train it again: ")[2].split()
    result = json.loads((root / "best" / "trial.json").read_text())

    forbidden = tmp_path / "forbidden"
    forbidden.mkdir()
    (forbidden / "search.py").write_text("raise ImportError('search is not installed')")
    environment = {**project.environment(), "PYTHONPATH": str(forbidden)}
    plain = subprocess.run(
        [sys.executable, *command[1:]],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert command[0] == "python"
    assert plain.returncode == 0, plain.stderr
    (path,) = root.glob("lightning_logs/version_0/checkpoints/best.ckpt")
    callbacks = torch.load(path, weights_only=True)["callbacks"]
    (score,) = [
        state["best_model_score"].item()
        for name, state in callbacks.items()
        if name.startswith("ModelCheckpoint")
    ]
    assert score == result["value"]


def test_export_holds_all_that_trains_it_again(finished: Project, exported: Path) -> None:
    trial = best(finished)
    names = {"best.ckpt", "config.yaml", "train.py", "trial.json", "REPRODUCE.md"}
    assert names <= {path.name for path in exported.iterdir()}
    checkpoint = finished.root / trial["checkpoint"]
    assert (exported / "best.ckpt").read_bytes() == checkpoint.read_bytes()
    config = yaml.safe_load((exported / "config.yaml").read_text())
    assert config["model"]["init_args"]["batch_size"] == trial["micro_batch"]
    assert config["trainer"]["callbacks"][-1]["init_args"]["monitor"] == "val_loss"
    assert not {"objective", "space"} & set(config)
    notes = (exported / "REPRODUCE.md").read_text()
    assert "python best/train.py fit -c best/config.yaml" in notes
    assert repr(trial["value"]) in notes


def test_export_takes_another_trial_and_the_provenance(finished: Project) -> None:
    provenance = finished.root / "studies" / "study" / "provenance.json"
    if not provenance.exists():
        provenance.write_text("[]")
    number = (best(finished)["number"] + 1) % 3
    result = finished.run("export", "-s", "study", "another", "--trial", str(number))
    assert result.returncode == 0, result.stderr
    folder = finished.root / "another"
    assert json.loads((folder / "trial.json").read_text())["trial"] == number
    assert (folder / "provenance.json").read_bytes() == provenance.read_bytes()


def test_wrong_exports_are_refused_in_one_line(finished: Project, exported: Path) -> None:
    table = ["export", "-s", "study"]
    for arguments, line in [
        ([*table, "best"], "best: exists already. Name a new folder, or remove it first."),
        ([*table, "new", "--trial", "7"], "study: no trial 7. Its trials are 0 to 2."),
        (
            [*table, "--trial", "1"],
            "--trial: goes with a folder. Write `search export FOLDER --trial N`.",
        ),
        (
            [*table, "new", "--format", "csv"],
            "new: a folder is of one trial, --format and --output are of all. Give one of them.",
        ),
    ]:
        result = finished.run(*arguments)
        assert (result.returncode, result.stderr) == (2, f"{line}\n")
    assert not (finished.root / "new").exists()
    assert finished.run(*table).stdout.startswith("number,")


def test_replay_comes_to_the_same_value(finished: Project, exported: Path, tmp_path: Path) -> None:
    """Also elsewhere, and with a word on what has changed since."""
    versions = json.loads((exported / "trial.json").read_text())["versions"]
    old = copied(exported, finished.root / "elsewhere", versions={**versions, "torch": "1.0"})
    result = finished.run("replay", old.name)
    assert result.returncode == 0, result.stderr
    value = repr(best(finished)["value"])
    assert result.stdout == f"val_loss then  {value}\nval_loss now   {value}\ndifference  0\n"
    told = f"elsewhere: made with other versions: torch 1.0 (now {versions['torch']})\n"
    assert result.stderr.startswith(told)
    assert not (finished.root / "lightning_logs").exists()


def test_replay_reads_the_metric_as_the_trial_did(project: Project) -> None:
    """Where loggers know it by another name, of one loader of several, and the module calls what
    the study's logger alone has."""
    (project.root / "logging_module.py").write_text(LOGGING)
    path = project.study(
        model={"class_path": "logging_module.Logging"},
        objective={"metric": "val_loss/dataloader_idx_1"},
        logger=["tensorboard", "csv"],
        budget={"trials": 1},
    )
    assert project.run("run", path).returncode == 0
    assert project.run("export", "-s", "study", "best").returncode == 0
    config = yaml.safe_load((project.root / "best" / "config.yaml").read_text())
    kinds = [each["class_path"].rpartition(".")[2] for each in config["trainer"]["logger"]]
    assert kinds == ["TensorBoardLogger", "CSVLogger"]
    result = project.run("replay", "best")
    assert result.returncode == 0, result.stderr
    assert result.stdout.endswith("difference  0\n")
    assert not (project.root / "lightning_logs").exists()


def test_replay_fails_when_the_value_is_another(finished: Project, exported: Path) -> None:
    changed = copied(exported, finished.root / "changed")
    text = (changed / "config.yaml").read_text()
    (changed / "config.yaml").write_text(re.sub(r"lr: \S+", "lr: 0.0123", text))
    result = finished.run("replay", "changed", "--tolerance", "1e-9")
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1].startswith(
        "changed: val_loss must come back within 1e-09, got a difference of "
    )


def test_replay_of_what_cannot_be_trained_fails(finished: Project, exported: Path) -> None:
    broken = copied(exported, finished.root / "broken")
    text = (broken / "config.yaml").read_text()
    (broken / "config.yaml").write_text(text.replace("tested.Tested", "tested.Gone"))
    result = finished.run("replay", "broken")
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1] == (
        "broken: its training ended with status 2; its own words are above. "
        "Start it in the project's folder, where its modules are."
    )


def test_replay_refuses_damaged_folders(finished: Project, exported: Path) -> None:
    again = "Export the trial again: `search export FOLDER`."
    missing = copied(exported, finished.root / "missing")
    (missing / "train.py").unlink()
    for damage, line in [
        ({"value": "nan"}, "damaged/trial.json: is damaged (ValueError)."),
        ({"lightning": "os"}, "damaged/trial.json: is damaged (ValueError)."),
        ({"objective": None}, "damaged/trial.json: is damaged (TypeError)."),
    ]:
        copied(exported, finished.root / "damaged", **damage)
        result = finished.run("replay", "damaged")
        assert (result.returncode, result.stderr) == (2, f"{line} {again}\n")
        shutil.rmtree(finished.root / "damaged")
    result = finished.run("replay", "missing")
    assert (result.returncode, result.stderr) == (2, f"missing/train.py: is missing. {again}\n")


def test_test_runs_the_test_loop_of_the_best_checkpoint(finished: Project) -> None:
    before = sorted((finished.root / "studies" / "study").rglob("*"))
    result = finished.run("test", "-s", "study", "--json")
    assert result.returncode == 0, result.stderr
    body = json.loads(result.stdout)
    assert body["trial"] == best(finished)["number"]
    assert list(body["metrics"]) == ["test_error"]
    assert 0 < body["metrics"]["test_error"] < 10
    assert sorted((finished.root / "studies" / "study").rglob("*")) == before


def test_confirm_goes_on_after_a_kill(finished: Project, wait_for: Callable[..., Any]) -> None:
    command = ["confirm", "-s", "study", "--top", "2", "--seeds", "2", "--json"]
    process = finished.start(*command)
    runs = finished.root / "studies" / "study-confirm" / "trials"
    wait_for((runs / "0001" / "events.jsonl").is_file, "a second run")
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    result = finished.run(*command)
    assert result.returncode == 0, result.stderr
    body = json.loads(result.stdout)

    assert finished.states("study-confirm") == ["COMPLETE"] * 4
    seen = [yaml.safe_load((runs / f"{n:04d}" / "config.yaml").read_text()) for n in range(4)]
    rates = {config["model"]["init_args"]["lr"] for config in seen}
    pairs = {(config["model"]["init_args"]["lr"], config["seed_everything"]) for config in seen}
    # the study's own seed, 1, is the one that the finalists were chosen by
    assert {seed for _, seed in pairs} == {2, 3}
    assert (len(rates), len(pairs)) == (2, 4)
    finalists = body["finalists"]
    assert {each["params"]["model.init_args.lr"] for each in finalists} == rates
    for each in finalists:
        assert each["spread"]["mean"] == pytest.approx(sum(each["values"]) / 2)
        assert each["spread"]["low"] < each["spread"]["mean"] < each["spread"]["high"]
    (comparison,) = body["comparisons"]
    first, second = (each["number"] for each in finalists)
    assert (comparison["best"], comparison["other"]) == (first, second)
    words = body["sentences"][0]
    if comparison["told_apart"]:
        assert words.startswith(f"trial {first} is better than trial {second} (p = ")
    else:
        assert words.startswith(f"trial {first} and trial {second} cannot be told apart by ")

    shown = finished.run(*command[:-1])
    assert "study confirmed, val_loss (minimize)" in shown.stdout
    assert words in shown.stdout


def test_confirm_refuses_more_finalists_than_there_are(finished: Project) -> None:
    result = finished.run("confirm", "-s", "study", "--top", "4")
    assert (result.returncode, result.stderr) == (
        2,
        "--top: study has 3 different complete trials, got 4. Ask for fewer, or go on with "
        "`search resume`.\n",
    )
