"""What a stranger's study folder can hold besides texts: pickles, links, addresses."""

from __future__ import annotations

import json
import os
import pickle
import posix
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import optuna
import pytest
import torch
from conftest import Project
from faults.in_process import Run

from search.engine.ledger import Ledger, Outcome
from search.engine.opening import open_ledger, plan
from search.layout import StudyFolder
from search.study_file.load import load_study_file

STUDY = """\
model: {class_path: tiny.Tiny}
trainer: {max_epochs: 2, accelerator: cpu, num_sanity_val_steps: 0}
objective: {metric: val_loss}
space: {model.lr: {float: [0.01, 0.1]}, model.pause: {float: [0.0, 0.001]}}
sampler: {name: cmaes, n_startup_trials: 1OPTIONS}
pruner: none
"""
OPTIONS = {
    "plain": "",
    "separable": ", use_separable_cma: true",
    "margin": ", with_margin: true",
    "adaptive": ", lr_adapt: true",
}


class Gadget:
    """An object that is unpickled by calling a function."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


# what is called to make a marker
GADGETS: dict[str, Callable[[Path], Gadget]] = {
    "os.system": lambda path: Gadget(os.system, f"touch {path}"),
    "posix.open": lambda path: Gadget(posix.open, str(path), os.O_CREAT | os.O_WRONLY),
    "eval": lambda path: Gadget(eval, f"open({str(path)!r}, 'w').close()"),
    "exec": lambda path: Gadget(exec, f"open({str(path)!r}, 'w').close()"),
    "subprocess": lambda path: Gadget(subprocess.call, ["touch", str(path)]),
    "pathlib": lambda path: Gadget(Path.touch, path),
    "mkdir": lambda path: Gadget(os.mkdir, str(path)),
    "getattr": lambda path: Gadget(map(str, ()).__class__, Gadget(os.mkdir, str(path)), ()),
}


def pickled(name: str, marker: Path, protocol: int) -> bytes:
    return pickle.dumps(GADGETS[name](marker), protocol)


@pytest.mark.parametrize("protocol", [0, 2, 5])
@pytest.mark.parametrize("name", ["os.system", "eval", "exec", "subprocess", "pathlib"])
def test_payload_executes_where_it_is_unpickled(tmp_path: Path, name: str, protocol: int) -> None:
    pickle.loads(pickled(name, tmp_path / "executed", protocol))
    assert (tmp_path / "executed").exists()


def opened(folder: StudyFolder, asked: int = 9) -> Ledger:
    study_file = load_study_file(folder.study_file)
    return open_ledger(plan(folder, study_file, None), asked)


def made(root: Path, options: str, *ends: str) -> StudyFolder:
    """A study whose trials ended so, none of them trained."""
    folder = StudyFolder(root / "studies/demo")
    path = root / "demo.yaml"
    path.write_text(STUDY.replace("OPTIONS", options))
    ledger = open_ledger(plan(folder, load_study_file(path), None), n_trials=9)
    numbers = [ledger.sample() for _ in ends]
    for number, end in zip(numbers, ends, strict=True):
        ledger.begin_attempt(number, pid=1)
        ledger.end_attempt(number, Outcome(end, 0.5 + number if end == "done" else None))
    return folder


def plant(folder: StudyFolder, attributes: dict[str, Any]) -> None:
    """Write attributes of a sampler into every complete trial, behind our back."""
    with closing(sqlite3.connect(folder.db)) as connection:
        for (trial,) in connection.execute(
            "SELECT trial_id FROM trials WHERE state = 'COMPLETE'"
        ).fetchall():
            connection.executemany(
                "INSERT OR REPLACE INTO trial_system_attributes (trial_id, key, value_json) "
                "VALUES (?, ?, ?)",
                [(trial, key, json.dumps(value)) for key, value in attributes.items()],
            )
        connection.commit()


def whole(name: str) -> Callable[[str], dict[str, str]]:
    return lambda payload: {name: payload}


def split(prefix: str) -> Callable[[str], dict[str, str]]:
    """A payload cut in three, as Optuna cuts long ones."""

    def attributes(payload: str) -> dict[str, str]:
        third = len(payload) // 3 + 1
        return {f"{prefix}:{i}": payload[i * third : (i + 1) * third] for i in range(3)}

    return attributes


# a pickled state under the names that Optuna has given it, or might
SPELLINGS: dict[str, Callable[[str], dict[str, str]]] = {
    "whole": whole("cma:optimizer"),
    "first": whole("cma:optimizer:0"),
    "split": split("cma:optimizer"),
    "separable": whole("sepcma:optimizer:0"),
    "separable-split": split("sepcma:optimizer"),
    "margin": whole("cmawm:optimizer:0"),
    "bare": whole("optimizer:0"),
    "no-secret": whole("cma::optimizer:0"),
    "wrong-secret": whole(f"cma:{'0' * 32}:optimizer:0"),
    "generation": whole("cma:generation"),
    "upper": whole("CMA:OPTIMIZER:0"),
}


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """For each form of CMA-ES a study with three complete trials."""
    found = {}
    for name, options in OPTIONS.items():
        root = tmp_path_factory.mktemp(name)
        found[name] = made(root, options, "done", "done", "done").root
    return found


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
@pytest.mark.real
@pytest.mark.parametrize("form", OPTIONS)
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_state_of_cmaes_in_a_database_is_not_unpickled(
    tmp_path: Path, templates: dict[str, Path], spelling: str, form: str
) -> None:
    folder = StudyFolder(tmp_path / "demo")
    shutil.copytree(templates[form], folder.root)
    marker = tmp_path / "executed"
    plant(folder, SPELLINGS[spelling](pickled("pathlib", marker, 4).hex()))
    ledger = opened(folder)
    ledger.heal()
    assert [ledger.sample(), ledger.sample()] == [3, 4]
    assert not marker.exists()


@pytest.mark.parametrize("spelling", ["first", "split"])
def test_state_of_cmaes_would_be_unpickled_by_optuna_alone(
    tmp_path: Path, templates: dict[str, Path], spelling: str
) -> None:
    folder = StudyFolder(tmp_path / "demo")
    shutil.copytree(templates["plain"], folder.root)
    plant(folder, SPELLINGS[spelling](pickled("pathlib", tmp_path / "executed", 4).hex()))
    study = optuna.load_study(
        study_name="demo",
        storage=f"sqlite:///{folder.db}",
        sampler=optuna.samplers.CmaEsSampler(n_startup_trials=1),
    )
    study.ask(study.trials[0].distributions)
    assert (tmp_path / "executed").exists()


def legacy(gadget: Gadget, path: Path) -> None:
    torch.save({"state_dict": gadget}, path, _use_new_zipfile_serialization=False)


def saved(**tree: Any) -> Callable[[Gadget, Path], None]:
    """A checkpoint of today's form that holds the gadget wherever `tree` says None."""

    def write(gadget: Gadget, path: Path) -> None:
        held = {key: gadget if value is None else value for key, value in tree.items()}
        torch.save({"epoch": 0, "global_step": 0, **held}, path)

    return write


def raw(protocol: int) -> Callable[[Gadget, Path], None]:
    return lambda gadget, path: path.write_bytes(pickle.dumps(gadget, protocol)) and None


CHECKPOINTS: dict[str, tuple[str, str, Callable[[Gadget, Path], None]]] = {
    "raw-0": ("os.system", "last.ckpt", raw(0)),
    "raw-2": ("eval", "last.ckpt", raw(2)),
    "legacy": ("exec", "last.ckpt", legacy),
    "state-dict": ("os.system", "last.ckpt", saved(state_dict=None)),
    "raw-4": ("subprocess", "last.ckpt", raw(4)),
    "raw-5": ("pathlib", "last.ckpt", raw(5)),
    "hyper-parameters": ("eval", "last.ckpt", saved(state_dict={}, hyper_parameters=None)),
    "callbacks": ("posix.open", "last.ckpt", saved(state_dict={}, callbacks=None)),
    "previous": ("exec", "previous.ckpt", saved(state_dict=None)),
    "best": ("mkdir", "best.ckpt", saved(state_dict=None)),
    "loops": ("subprocess", "last.ckpt", saved(state_dict={}, loops=None)),
    "nested": ("getattr", "last.ckpt", saved(state_dict=None)),
}


def test_resume_of_a_strangers_study_executes_nothing(project: Project) -> None:
    markers = project.root / "markers"
    markers.mkdir()
    cases = list(CHECKPOINTS)
    folder = made(project.root, "", *["done"] * 3, *["interrupted"] * len(cases))
    for spelling, attributes in SPELLINGS.items():
        plant(folder, attributes(pickled("os.system", markers / spelling, 4).hex()))
    for number, case in enumerate(cases, 3):
        name, file, write = CHECKPOINTS[case]
        write(GADGETS[name](markers / case), folder.trial(number).root / file)
    stolen = SPELLINGS["first"](pickled("eval", markers / "event", 4).hex())
    event = {"time": "2026-01-01T00:00:00+00:00", "event": "attributes", "attributes": stolen}
    with folder.trial(3).events.open("a") as lines:
        lines.write(json.dumps(event) + "\n")
    result = project.run("resume", "demo", "--trials", str(len(cases) + 4))
    assert [path.name for path in markers.iterdir()] == []
    assert "Traceback" not in result.stdout + result.stderr
    assert result.returncode == 0, result.stderr
    states = project.states("demo")
    # what may not be loaded is no checkpoint to go on from: the trial begins anew
    assert set(states) == {"COMPLETE"}


ADDRESSES = {
    "sqlite": "sqlite:///ROOT/outside.db",
    "sqlite-create": "sqlite:///file:ROOT/outside.db?mode=rwc&uri=true",
    "sqlite-driver": "sqlite+pysqlite:///ROOT/outside.db",
    "escape": "\x1b]8;;http://evil.test\x1b\\x:///ROOT/outside.db",
    "two-lines": "sqlite:///ROOT/outside.db\nsqlite:///x\x07",
    "no-address": "\x1b[2Jhello",
}


@pytest.mark.parametrize("verb", ["status", "show", "export"])
@pytest.mark.parametrize("case", ADDRESSES)
def test_address_in_a_strangers_folder_makes_nothing(
    project: Project, templates: dict[str, Path], search: Run, case: str, verb: str
) -> None:
    folder = StudyFolder(project.root / "studies/demo")
    shutil.copytree(templates["plain"], folder.root)
    folder.storage.write_text(ADDRESSES[case].replace("ROOT", str(project.root)))
    before = set(project.root.rglob("*"))
    code, output = search(*{"show": ["show", "0"]}.get(verb, [verb]))
    assert set(project.root.rglob("*")) == before
    assert output.replace("\n", "").isprintable(), repr(output)
    assert code != 3


LINKS = [
    (".lock", ["resume", "demo", "--trials", "3"]),
    (".lock", ["clean", "-s", "demo", "--dry-run"]),
    ("events.jsonl", ["resume", "demo", "--trials", "4", "--timeout", "1"]),
    ("server.log", ["resume", "demo", "--trials", "3"]),
    ("logs/.lock", ["resume", "demo", "--trials", "4", "--timeout", "1"]),
    ("queue.jsonl", ["enqueue", "-s", "demo", "model.lr=0.05", "model.pause=0.0005"]),
    ("report.html", ["report"]),
    (".report.html.tmp", ["report"]),
    (".study.db.rebuilt", ["rebuild", "demo"]),
    ("history.html", ["report", "--figure", "history"]),
    (".history.html.tmp", ["report", "--figure", "history"]),
]


@pytest.mark.parametrize(("name", "command"), LINKS, ids=str)
def test_link_in_a_strangers_folder_is_not_written_through(
    project: Project, templates: dict[str, Path], name: str, command: list[str]
) -> None:
    folder = StudyFolder(project.root / "studies/demo")
    shutil.copytree(templates["plain"], folder.root)
    victim = project.root / "victim"
    victim.write_text("precious\nwithout an end")
    link = folder.root / name
    link.parent.mkdir(exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(victim)
    result = project.run(*command)
    assert victim.read_text() == "precious\nwithout an end"
    assert "Traceback" not in result.stderr
    assert result.returncode != 3
