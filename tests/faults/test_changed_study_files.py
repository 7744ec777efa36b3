"""A study that is run again with a changed study file: refused line by line, or in effect."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import TINY, Project
from database_state import disagreements

from search.cli import app, guarded
from search.engine.attempt_end import Outcome
from search.engine.opening import open_ledger, plan
from search.layout import StudyFolder
from search.study_file.load import load_study_file

TREE: dict[str, Any] = {
    "model": {"class_path": "tiny.Tiny", "init_args": {"width": 4}},
    "data": {"class_path": "tiny.Data", "init_args": {"batch_size": 8}},
    "trainer": {"max_epochs": 3, "accelerator": "cpu"},
    "objective": {"metric": "val_loss"},
    "space": {
        "model.init_args.lr": {"float": [1e-3, 1e-1], "log": True},
        "model.init_args.when": {"choice": [0, 1, 2]},
    },
    "batch": {"auto_scale": "off"},
    "sampler": "tpe",
    "pruner": "none",
    "budget": {"trials": 3},
    "seed": 1,
}
LR, WHEN = "space.model.init_args.lr", "space.model.init_args.when"
# path -> value of each change, and the lines that name it
REFUSED: dict[str, tuple[dict[str, Any], list[str]]] = {
    "wider range": ({LR: {"float": [1e-4, 1e-1], "log": True}}, [f"{LR}: was {{float: [0.001, 0.1], log: true}}, is {{float: [0.0001, 0.1], log: true}}."]),
    "narrower range": ({LR: {"float": [1e-3, 1e-2], "log": True}}, [f"{LR}: was {{float: [0.001, 0.1], log: true}}, is {{float: [0.001, 0.01], log: true}}."]),
    "linear for log": ({LR: {"float": [1e-3, 1e-1]}}, [f"{LR}: was {{float: [0.001, 0.1], log: true}}, is {{float: [0.001, 0.1]}}."]),
    "choice for range": ({LR: {"choice": [0.01, 0.1]}}, [f"{LR}: was {{float: [0.001, 0.1], log: true}}, is {{choice: [0.01, 0.1]}}."]),
    "stepped range": ({LR: {"float": [1e-3, 1e-1], "step": 0.001}}, [f"{LR}: was {{float: [0.001, 0.1], log: true}}, is {{float: [0.001, 0.1], step: 0.001}}."]),
    "one choice more": ({WHEN: {"choice": [0, 1, 2, 3]}}, [f"{WHEN}: was {{choice: [0, 1, 2]}}, is {{choice: [0, 1, 2, 3]}}."]),
    "one choice less": ({WHEN: {"choice": [0, 1]}}, [f"{WHEN}: was {{choice: [0, 1, 2]}}, is {{choice: [0, 1]}}."]),
    "choices in another order": ({WHEN: {"choice": [2, 1, 0]}}, [f"{WHEN}: was {{choice: [0, 1, 2]}}, is {{choice: [2, 1, 0]}}."]),
    "range for choice": ({WHEN: {"int": [0, 2]}}, [f"{WHEN}: was {{choice: [0, 1, 2]}}, is {{int: [0, 2]}}."]),
    "new path": ({"space.model.init_args.width": {"int": [2, 8]}}, ["space.model.init_args.width: was not set, is {int: [2, 8]}."]),
    "path gone": ({WHEN: None}, [f"{WHEN}: was {{choice: [0, 1, 2]}}, is not set."]),
    "path swapped": ({WHEN: None, "space.model.init_args.width": {"int": [2, 8]}}, [f"{WHEN}: was {{choice: [0, 1, 2]}}, is not set.", "space.model.init_args.width: was not set, is {int: [2, 8]}."]),
    "sampler": ({"sampler": "random"}, ["sampler.name: was tpe, is random."]),
    "sampler's option": ({"sampler": {"name": "tpe", "n_startup_trials": 3}}, ["sampler.n_startup_trials: was not set, is 3."]),
    "choice of another type": ({WHEN: {"choice": [0.0, 1.0, 2.0]}}, [f"{WHEN}: was {{choice: [0, 1, 2]}}, is {{choice: [0.0, 1.0, 2.0]}}."]),
    "choice of true for one": ({WHEN: {"choice": [0, True, 2]}}, [f"{WHEN}: was {{choice: [0, 1, 2]}}, is {{choice: [0, true, 2]}}."]),
    "metric": ({"objective.metric": "val_score"}, ["objective.metric: was val_loss, is val_score."]),
    "direction": ({"objective.direction": "maximize"}, ["objective.direction: was minimize, is maximize."]),
    "value": ({"objective.value": "last"}, ["objective.value: was best, is last."]),
    "model": ({"model.class_path": "tiny.Other"}, ["model.class_path: was tiny.Tiny, is tiny.Other."]),
    "model's argument": ({"model.init_args.width": 5}, ["model.init_args.width: was 4, is 5."]),
    "argument of another type": ({"model.init_args.width": 4.0}, ["model.init_args.width: was 4, is 4.0."]),
    "model's argument more": ({"model.init_args.pause": 0.5}, ["model.init_args.pause: was not set, is 0.5."]),
    "null where nothing stood": ({"model.init_args": {"width": 4, "pause": None}}, ["model.init_args.pause: was not set, is null."]),
    "text for a number": ({"model.init_args.width": "4"}, ["model.init_args.width: was 4, is '4'."]),
    "password in a URL": ({"model.init_args.store": "s3://me:secret@host/x"}, ["model.init_args.store: was not set, is s3://me:***@host/x."]),
    "data": ({"data.class_path": "tiny.OtherData"}, ["data.class_path: was tiny.Data, is tiny.OtherData."]),
    "data's argument": ({"data.init_args.batch_size": 16}, ["data.init_args.batch_size: was 8, is 16."]),
    "data gone": ({"data": None}, ["data: was {class_path: tiny.Data, init_args: {batch_size: 8}}, is not set."]),
    "epochs": ({"trainer.max_epochs": 4}, ["trainer.max_epochs: was 3, is 4."]),
    "trainer's argument more": ({"trainer.gradient_clip_val": 1.0}, ["trainer.gradient_clip_val: was not set, is 1.0."]),
    "batch": ({"batch.auto_scale": "power"}, ["batch.auto_scale: was off, is power."]),
    "seed": ({"seed": 2}, ["seed: was 1, is 2."]),
    "seed of the trials": ({"seed_everything": 7}, ["seed_everything: was not set, is 7."]),
    "everything": (
        {"model.init_args.width": 5, "trainer.max_epochs": 4, "objective.direction": "maximize", LR: {"float": [1e-3, 1.0]}, "seed": 2},
        ["model.init_args.width: was 4, is 5.", "trainer.max_epochs: was 3, is 4.", "objective.direction: was minimize, is maximize.", f"{LR}: was {{float: [0.001, 0.1], log: true}}, is {{float: [0.001, 1.0]}}.", "seed: was 1, is 2."],
    ),
}  # fmt: skip
# those under which trials of the study can still fit
OF_SPACE = [*REFUSED][: [*REFUSED].index("metric")]


def changed(changes: dict[str, Any]) -> dict[str, Any]:
    """The study file with values at full paths replaced, or removed where None."""
    tree = copy.deepcopy(TREE)
    for path, value in changes.items():
        section, _, rest = path.partition(".")
        place, key = (tree[section], rest) if rest else (tree, section)
        if section != "space" and "." in rest:
            first, _, key = rest.partition(".")
            place = place[first]
        if value is None:
            del place[key]
        else:
            place[key] = value
    return tree


def snapshot(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


@pytest.fixture(scope="module")
def studied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose study has two finished trials and one that waits to go on."""
    root = tmp_path_factory.mktemp("project")
    (root / "tiny.py").write_text(TINY)
    (root / "study.yaml").write_text(yaml.safe_dump(TREE))
    folder = StudyFolder(root / "studies" / "study")
    ledger = open_ledger(plan(folder, load_study_file(root / "study.yaml"), None), n_trials=3)
    for cause in ("done", "done", "interrupted"):
        number = ledger.sample()
        ledger.begin_attempt(number, pid=0)
        ledger.report(number, 1, 1, 0.5)
        ledger.end_attempt(number, Outcome(cause, 0.5 if cause == "done" else None))
    ledger.close()
    return root


@pytest.fixture(autouse=True)
def inside(studied: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(studied)
    yield


@pytest.mark.parametrize("case", REFUSED)
def test_change_is_refused_line_by_line_and_spends_nothing(
    studied: Path, capfd: pytest.CaptureFixture[str], case: str
) -> None:
    changes, lines = REFUSED[case]
    (studied / "study.yaml").write_text(yaml.safe_dump(changed(changes)))
    before = snapshot(studied)
    arguments = ["run", "study.yaml", "--trials", "9"]
    code = guarded(lambda: app(arguments, standalone_mode=False))
    output, errors = capfd.readouterr()
    remedy = "give the new study another name (--name, in Python name=)."
    if case in OF_SPACE:
        remedy = (
            "make a child study that takes over the trials that fit: "
            "`search extend study STUDY_FILE --name CHILD`."
        )
    assert (code, output) == (2, "")
    assert errors.splitlines() == [
        *(f"studies/study/study.yaml: {line}" for line in lines),
        "studies/study: a study cannot change under way. Undo the change, or " + remedy,
    ]
    assert snapshot(studied) == before


@pytest.mark.parametrize(
    ("set_value", "line"),
    [
        ("pruner={name: median, n_startup_trials: 2}", "pruner.name: was none, is median"),
        ("logger=[]", "logger: was [{name: csv}], is []"),
        ("logger=tensorboard", "logger: was [{name: csv}], is [{name: tensorboard}]"),
        ("keep={top: 1}", "keep.top: was not set, is 1"),
        ("budget.timeout=8h", "budget.timeout: was not set, is 28800.0"),
        ("budget.trials=2", "budget.trials: was 3, is 2"),
        ("resources.memory=1.5GiB", "resources: was not set, is {memory: 1536MiB}"),
    ],
)
def test_change_that_may_be_is_told_and_remembered(
    studied: Path, tmp_path: Path, set_value: str, line: str
) -> None:
    study_file = StudyFolder(tmp_path / "studies" / "study")
    path = tmp_path / "study.yaml"
    path.write_text(yaml.safe_dump(TREE))
    first = open_ledger(plan(study_file, load_study_file(path), None), n_trials=3)
    first.sample()
    given = load_study_file(path, set_values=[set_value])
    opening = plan(study_file, given, None)
    assert line in opening.changes
    again = open_ledger(opening, n_trials=5)
    assert again.created == 1
    assert load_study_file(study_file.study_file) == given
    assert again.attributes.settings["pruner"] == given.pruner.name
    assert plan(study_file, given, None).changes == ()
    assert disagreements(study_file) == []


@pytest.mark.timeout(300)
def test_changed_pruner_trials_workers_and_budget_are_in_effect(project: Project) -> None:
    project.study(budget={"trials": 1})
    assert project.run("run", "study.yaml").returncode == 0
    project.study(pruner={"name": "threshold", "upper": 0.0}, budget={"trials": 3, "timeout": "1h"})
    result = project.run("run", "study.yaml", "--workers", "2")
    assert result.returncode == 0, result.stderr
    assert project.states() == ["COMPLETE", "PRUNED", "PRUNED"]
    for line in (
        "from now on: pruner.name: was none, is threshold",
        "from now on: pruner.upper: was not set, is 0.0",
        "from now on: budget.trials: was 1, is 3",
        "from now on: budget.timeout: was not set, is 3600.0",
    ):
        assert line in result.stdout
    [(text,)] = project.query("SELECT value_json FROM study_user_attributes WHERE key = 'search'")
    assert json.loads(text)["settings"]["pruner"] == "threshold"
    resumed = project.run("resume", "study", "--trials", "4")
    assert resumed.returncode == 0, resumed.stderr
    assert project.states()[3] == "PRUNED"
