"""`search du` and `search clean`: what a study takes, and what of it can go."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Project
from database_state import disagreements

from search.cli import app, guarded
from search.engine.attempt_end import Outcome
from search.engine.opening import open_ledger, plan
from search.layout import StudyFolder
from search.store.lock import StudyLock
from search.study_file.load import parse_study_tree

pytestmark = pytest.mark.real

Run = Callable[..., tuple[int, str, str]]
# value of each complete trial; the best is trial 3
ENDS = (("done", 0.4), ("pruned", None), ("done", 0.3), ("done", 0.1), ("interrupted", None))
KIB = 1024


def made(root: Path, keep: dict[str, Any]) -> StudyFolder:
    """A study as it lies on disk, with everything that can be left over."""
    tree = {
        "model": {"class_path": "tiny.Tiny"},
        "objective": {"metric": "val_loss"},
        "space": {"model.init_args.lr": {"float": [0.0, 1.0]}},
        "keep": keep,
    }
    folder = StudyFolder(root / "studies" / "study")
    study_file = parse_study_tree(tree, source="study.yaml", default_name="study")
    ledger = open_ledger(plan(folder, study_file, None), n_trials=5)
    for cause, value in ENDS:
        number = ledger.sample()
        ledger.begin_attempt(number, pid=0)
        ledger.report(number, 1, 1, value or 0.5)
        ledger.end_attempt(number, Outcome(cause, value))
        place = folder.trial(number)
        place.log.write_text("a line\n")
        place.last_ckpt.write_bytes(bytes(KIB))
        os.link(place.last_ckpt, place.best_ckpt)
        place.previous_ckpt.write_bytes(bytes(KIB))
    ledger.close()
    (folder.trial(4).root / ".last.ckpt.tmp").write_bytes(bytes(KIB))
    folder.probe("abc").root.mkdir(parents=True)
    folder.probe("abc").log.write_text("probed\n")
    (folder.root / "study.db.before-1").write_bytes(bytes(5 * KIB))
    folder.server_log.write_text("loaded\n")
    folder.agents.mkdir()
    (folder.agents / "17.txt").write_text("of an agent\n")
    return folder


@pytest.fixture
def search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any) -> Iterator[Run]:
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str, str]:
        code = guarded(lambda: app([*arguments], standalone_mode=False))
        output, errors = capfd.readouterr()
        return code, output, errors

    yield run


def files(folder: StudyFolder) -> set[str]:
    """What lies in the folder, without what SQLite and the lock put there."""
    found = {str(p.relative_to(folder.root)) for p in folder.root.rglob("*") if p.is_file()}
    return {name for name in found if not name.endswith(("-shm", "-wal", ".lock"))}


# of a callback of the user's that saves every epoch
OWN = ("epoch=0", "epoch=1", "epoch=2", "last")
SUPERFLUOUS = {
    "trials/0000/previous.ckpt",
    "trials/0001/last.ckpt",
    "trials/0001/best.ckpt",
    "trials/0001/previous.ckpt",
    "trials/0002/previous.ckpt",
    "trials/0003/previous.ckpt",
    "trials/0004/.last.ckpt.tmp",
    "probes/abc/log.txt",
    "agents/17.txt",
    "study.db.before-1",
}
OF_OTHERS = {f"trials/000{number}/{name}.ckpt" for number in (0, 2) for name in ("last", "best")}


def test_clean_removes_what_nothing_needs(tmp_path: Path, search: Run) -> None:
    folder = made(tmp_path, keep={})
    before = files(folder)
    code, listed, _ = search("clean", "--dry-run")
    *paths, told = listed.splitlines()
    assert code == 0
    assert {str(Path(path).relative_to("studies/study")) for path in paths} == SUPERFLUOUS
    assert files(folder) == before
    code, output, errors = search("clean", "-s", "study")
    assert (code, errors) == (0, "")
    # one KiB of the pruned trial's last.ckpt and best.ckpt, which are one file
    assert output == "study: files removed: 1 database, 2 logs, 7 checkpoints; 11 KiB of disk\n"
    assert told == output.strip().replace("removed", "would be removed")
    assert before - files(folder) == SUPERFLUOUS
    assert not (folder.root / "probes").exists()
    assert disagreements(folder) == []
    assert search("clean", "-s", "study")[:2] == (0, "study: nothing is superfluous\n")


@pytest.mark.parametrize(
    ("keep", "options", "dropped"),
    [
        ({"top": 1}, [], OF_OTHERS),
        ({}, ["--keep", "1"], OF_OTHERS),
        ({"top": 1}, ["--keep", "2"], {name for name in OF_OTHERS if "0000" in name}),
        ({}, ["--keep", "9"], set()),
    ],
)
def test_clean_keeps_the_checkpoints_of_the_best(
    tmp_path: Path, search: Run, keep: dict[str, Any], options: list[str], dropped: set[str]
) -> None:
    folder = made(tmp_path, keep)
    before = files(folder)
    assert search("clean", "-s", "study", *options)[0] == 0
    assert before - files(folder) == SUPERFLUOUS | dropped
    code, best, _ = search("best", "--json")
    assert code == 0
    assert Path(json.loads(best)["checkpoint"]).is_file()


def test_clean_refuses_a_running_study(tmp_path: Path, search: Run) -> None:
    folder = made(tmp_path, keep={})
    before = files(folder)
    lock = StudyLock(folder.lock)
    code, output, errors = search("clean", "-s", "study")
    lock.release()
    assert (code, output) == (2, "")
    assert errors == (
        f"studies/study: is being run by process {os.getpid()}. "
        "Wait for it, stop it with Ctrl-C, or run another study.\n"
    )
    assert files(folder) == before


def test_clean_removes_nothing_where_the_events_cannot_be_read(tmp_path: Path, search: Run) -> None:
    folder = made(tmp_path, keep={})
    folder.trial(0).events.write_bytes(b"no events at all\n")
    before = files(folder)
    code, output, errors = search("clean", "-s", "study")
    assert (code, output) == (2, "")
    assert "events.jsonl: line 1 is not an event" in errors
    assert files(folder) == before


def test_clean_follows_no_link_out_of_the_folder(tmp_path: Path, search: Run) -> None:
    folder = made(tmp_path, keep={})
    (tmp_path / "elsewhere").mkdir()
    for name in ("log.txt", ".x.tmp"):
        (tmp_path / "elsewhere" / name).write_text("precious")
    # as W&B makes them
    (folder.logs / "wandb").mkdir(parents=True)
    (folder.logs / "wandb" / "latest-run").symlink_to(tmp_path / "elsewhere")
    (folder.logs / "wandb" / ".y.tmp").symlink_to(tmp_path / "elsewhere" / "log.txt")
    assert search("clean", "-s", "study")[0] == 0
    assert sorted(p.name for p in (tmp_path / "elsewhere").iterdir()) == [".x.tmp", "log.txt"]


def test_clean_refuses_a_link_of_a_stranger(tmp_path: Path, search: Run) -> None:
    folder = made(tmp_path, keep={})
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (folder.root / ".y.tmp").symlink_to(victim)
    before = files(folder)
    code, _, errors = search("clean", "-s", "study")
    assert code == 2
    assert ".y.tmp: is a link, which could lead out of the study." in errors
    assert files(folder) == before
    assert victim.read_text() == "precious"


def test_disk_is_told_by_study_and_kind(tmp_path: Path, search: Run) -> None:
    folder = made(tmp_path, keep={})
    code, text, _ = search("du", "--json")
    assert code == 0
    [told] = json.loads(text)
    # five trials with last.ckpt, which best.ckpt is too, and previous.ckpt; one cut off
    assert told["checkpoints"] == 11 * KIB
    others = len("probed\n") + len("loaded\n") + len("of an agent\n")
    assert told["logs"] == len("a line\n") * 5 + others
    assert told["database"] == sum(p.stat().st_size for p in folder.root.glob("study.db*"))
    assert told["events"] == sum(p.stat().st_size for p in folder.root.rglob("events.jsonl"))
    kinds = ("checkpoints", "logs", "database", "events", "rest")
    assert told["bytes"] == sum(told[kind] for kind in kinds)
    _, table, _ = search("du", "-s", "study")
    head, row = table.splitlines()
    assert head.split() == ["study", "disk", *kinds]
    assert row.split()[:1] == ["study"]
    assert "11 KiB" in row


def test_checkpoint_that_two_studies_share_counts_once(tmp_path: Path, search: Run) -> None:
    folder = made(tmp_path, keep={})
    text = folder.study_file.read_text().replace("name: study", "name: wide")
    (tmp_path / "wide.yaml").write_text(text)
    assert search("extend", "study", "wide.yaml")[0] == 0
    _, text, _ = search("du", "--json")
    assert [each["checkpoints"] for each in json.loads(text)] == [11 * KIB, 0]
    _, table, _ = search("du")
    assert [line.split()[0] for line in table.splitlines()] == ["study", "study", "wide", "all"]


def test_disk_without_a_study_says_how_to_start_one(search: Run) -> None:
    assert search("du")[:2] == (0, "No study here yet. Start one with: search run --trials 50\n")
    code, _, errors = search("clean")
    assert (code, errors) == (2, "studies: holds no study yet. Start one with `search run`.\n")


@pytest.mark.timeout(300)
def test_run_keeps_the_checkpoints_of_the_best_feasible_trial(
    project: Project, search: Run
) -> None:
    """The lower the loss, the higher the score: the trial with the best value breaks the rule.
    What the user's own callbacks keep goes with the rest, and stays where it lies elsewhere."""
    lr = "model.init_args.lr"
    every = {"save_top_k": -1, "every_n_epochs": 1, "save_last": "link", "filename": "{epoch}"}
    checkpoint = {"class_path": "ModelCheckpoint", "init_args": every}
    elsewhere = {
        "class_path": "ModelCheckpoint",
        "init_args": {"dirpath": "mine", "every_n_epochs": 2},
    }
    path = project.study(
        keep={"top": 1},
        trainer={
            "max_epochs": 3,
            "accelerator": "cpu",
            "callbacks": [checkpoint, elsewhere],
        },
        logger=["tensorboard", "csv"],
        space={lr: {"choice": [0.001, 0.002, 0.3]}},
        sampler="grid",
        outcome_constraints=["val_score <= 0.6"],
    )
    result = project.run("run", path)
    assert result.returncode == 0, result.stderr
    assert project.states() == ["COMPLETE"] * 3
    trials = json.loads(project.run("export", "--format", "json").stdout)["trials"]
    best_of_all = min(trials, key=lambda trial: trial["value"])
    assert best_of_all["infeasible"]
    feasible = [trial for trial in trials if not trial["infeasible"]]
    assert len(feasible) == 2
    best = min(feasible, key=lambda trial: trial["value"])["number"]
    folder = StudyFolder(project.root / "studies/study")
    own = ("last", "best", *(f"logs/checkpoints/{name}" for name in OWN))
    kept = {f"trials/{best:04d}/{name}.ckpt" for name in own}
    assert len(list((project.root / "mine").glob("*.ckpt"))) == 3
    assert {name for name in files(folder) if name.endswith(".ckpt")} == kept
    assert search("clean", "-s", "study", "--keep", "1")[0] == 0
    assert {name for name in files(folder) if name.endswith(".ckpt")} == kept


@pytest.mark.timeout(300)
def test_cleaned_study_goes_on(project: Project) -> None:
    project.study(budget={"trials": 2}, pruner={"name": "threshold", "upper": 1e9})
    assert project.run("run", "study.yaml").returncode == 0
    assert project.run("clean", "-s", "study", "--keep", "1").returncode == 0
    result = project.run("resume", "study", "--trials", "3")
    assert result.returncode == 0, result.stderr
    assert project.states() == ["COMPLETE"] * 3
    assert disagreements(StudyFolder(project.root / "studies/study")) == []
