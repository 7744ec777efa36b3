"""`objective.value: last`: whatever names the checkpoint of a trial names its last one."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import Project, plain
from faults.in_process import command_line

from search.layout import StudyFolder
from search.results.confirm import confirming_study, finalists_of
from search.store.reading import read_study
from search.study_file.load import load_study_file

TESTED = """
import tiny


class Tested(tiny.Tiny):
    def test_step(self, batch, batch_idx):
        x, y = batch
        self.log("val_score", 1 / (1 + (self.layers(x) - y).square().mean()))

    def test_dataloader(self):
        return self.loader(False)
"""
# the score rises while the loss falls, so that the best of the epochs is the first
LAST = {"metric": "val_score", "direction": "minimize", "value": "last"}
LOAD = """
import json, search
best = search.Study("study.yaml").best
model = best.load_model()
print(json.dumps([str(best.checkpoint), model.layers[0].bias.tolist()]))
"""
Run = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def finished(shared_project: Project) -> Project:
    (shared_project.root / "tested.py").write_text(TESTED)
    path = shared_project.study(
        model={"class_path": "tested.Tested"},
        objective=LAST,
        space={"model.init_args.width": {"choice": [3, 4]}},
        sampler="grid",
        keep={"top": 1},
        budget={"trials": 2},
    )
    result = shared_project.run("run", path)
    assert result.returncode == 0, result.stderr
    return shared_project


@pytest.fixture(scope="module")
def best(finished: Project) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(finished.run("best", "--json").stdout)
    return body


@pytest.fixture
def search(
    finished: Project, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Run:
    monkeypatch.chdir(finished.root)
    return command_line(capfd)


def lines_of(result: tuple[int, str]) -> list[str]:
    code, output = result
    assert code == 0, output
    return [line.strip() for line in plain(output).splitlines()]


def checkpoint_of(project: Project, best: dict[str, Any], name: str = "last") -> Path:
    return project.root / best["folder"] / f"{name}.ckpt"


def test_best_names_the_checkpoint_that_holds_the_value(
    finished: Project, best: dict[str, Any], search: Run
) -> None:
    last, first = (checkpoint_of(finished, best, name) for name in ("last", "best"))
    kept = [
        torch.load(path, weights_only=True)["callbacks"]["CheckpointKeeper"]["last"]
        for path in (last, first)
    ]
    assert kept[0] == best["value"] > kept[1]
    assert finished.root / best["checkpoint"] == last
    lines = lines_of(search("best"))
    assert f"checkpoint {best['checkpoint']}" in lines
    assert f"best checkpoint {best['folder']}/best.ckpt" in lines


def test_show_and_report_name_it(best: dict[str, Any], search: Run) -> None:
    assert f"checkpoint {best['checkpoint']}" in lines_of(search("show", best["number"]))
    shown = json.loads(search("show", best["number"], "--json")[1])
    assert shown["checkpoint"] == best["checkpoint"]
    assert search("report", "-o", "report.html")[0] == 0
    assert best["checkpoint"] in Path("report.html").read_text()
    assert f"{best['folder']}/best.ckpt" not in Path("report.html").read_text()


def test_retention_keeps_it(finished: Project, best: dict[str, Any]) -> None:
    trials = finished.root / "studies/study/trials"
    left = {path.parent.name for path in trials.glob("*/last.ckpt")}
    assert left == {f"{best['number']:04d}"}


def test_study_of_the_api_loads_it(finished: Project, best: dict[str, Any]) -> None:
    result = subprocess.run(
        [sys.executable, "-c", LOAD],
        cwd=finished.root,
        env=finished.environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    checkpoint, bias = json.loads(result.stdout.splitlines()[-1])
    weights = torch.load(checkpoint_of(finished, best), weights_only=True)["state_dict"]
    assert checkpoint.endswith("/last.ckpt")
    assert bias == weights["layers.0.bias"].tolist()


def test_child_study_takes_it_over(finished: Project, best: dict[str, Any], search: Run) -> None:
    code, output = search(
        "extend", "study", "study.yaml", "--name", "child", "--set", "sampler=tpe"
    )
    assert code == 0, output
    taken = json.loads(search("best", "-s", "child", "--json")[1])
    child = finished.root / taken["checkpoint"]
    assert child.name == "last.ckpt"
    assert child.read_bytes() == checkpoint_of(finished, best).read_bytes()
    assert not child.with_name("best.ckpt").exists()


def test_confirming_study_judges_by_the_last_value(
    finished: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(finished.root)
    record = read_study(StudyFolder(Path("studies/study")))
    study_file = load_study_file(finished.root / "study.yaml")
    confirming = confirming_study(study_file, finalists_of(record, 2), 2, "confirmed")
    assert asdict(confirming.objective) == LAST


def test_test_loop_export_and_replay_use_it(
    finished: Project, best: dict[str, Any], search: Run
) -> None:
    # validation and test data are the same here
    assert lines_of(search("test", "-s", "study")) == [
        f"study, trial {best['number']} last checkpoint on the test set",
        f"val_score {best['value']:.5g}",
    ]
    assert search("export", "-s", "study", "exported")[0] == 0
    exported = finished.root / "exported/best.ckpt"
    assert exported.read_bytes() == checkpoint_of(finished, best).read_bytes()
    assert search("replay", "exported")[0] == 0
