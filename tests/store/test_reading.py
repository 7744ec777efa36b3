"""Databases that cannot be used, and locks: one line each, and the file as it was."""

from __future__ import annotations

import fcntl
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import optuna
import pytest

from search.engine.opening import plan
from search.errors import StorageError, UserError
from search.layout import StudyFolder
from search.sampling.pruners import make_pruner
from search.store.lock import StudyLock, is_held
from search.store.reading import studies_in
from search.study_file.load import parse_study_tree

TREE = {
    "model": {"class_path": "tiny.Tiny"},
    "objective": {"metric": "val_loss"},
    "space": {"model.init_args.lr": {"float": [1e-3, 1e-1]}},
}


def foreign(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE songs (name TEXT)")
        connection.commit()


def newer(path: Path) -> None:
    storage = optuna.storages.RDBStorage(f"sqlite:///{path}")
    optuna.create_study(storage=storage, study_name="demo")
    storage.engine.dispose()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'v9.0.0'")
        connection.commit()


BROKEN = {
    "empty": (
        lambda path: path.touch(),
        "is empty, not a study database. Delete it to start anew.",
    ),
    "text": (
        lambda path: path.write_text("dear diary"),
        "is not a SQLite database. Move it out of the way.",
    ),
    "foreign": (foreign, "is a database of another program. Name another place."),
    "newer": (
        newer,
        "its database has schema v9.0.0, not v3.2.0.a. "
        "Run `optuna storage upgrade` on it, or update lightning-search.",
    ),
    "damaged": (
        lambda path: path.write_bytes(b"SQLite format 3\x00" + b"\x07" * 4000),
        "cannot be read: file is not a database. Restore it from a copy.",
    ),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_broken_database_is_one_line_and_left_as_it_is(tmp_path: Path, kind: str) -> None:
    make, line = BROKEN[kind]
    folder = StudyFolder(tmp_path / "demo")
    folder.root.mkdir()
    make(folder.db)
    before = folder.db.read_bytes()
    study_file = parse_study_tree(TREE, source="demo.yaml", default_name="demo")
    with pytest.raises(StorageError) as caught:
        plan(folder, study_file, None)
    assert str(caught.value) == f"{folder.db}: {line}"
    assert folder.db.read_bytes() == before
    assert [path.name for path in folder.root.iterdir()] == ["study.db"]


def test_folder_without_a_study_is_not_listed(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "file.yaml").touch()
    assert studies_in(tmp_path) == []
    assert studies_in(tmp_path / "nowhere") == []


def test_lock_is_freed_by_the_death_of_its_holder(tmp_path: Path) -> None:
    path = tmp_path / ".lock"
    code = (
        "import sys, time; from pathlib import Path; from search.store.lock import StudyLock\n"
        "lock = StudyLock(Path(sys.argv[1])); print('held', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen(
        [sys.executable, "-P", "-c", code, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    assert is_held(path)
    with pytest.raises(StorageError, match=f"is being run by process {holder.pid}"):
        StudyLock(path)
    os.kill(holder.pid, signal.SIGKILL)
    holder.communicate()
    assert not is_held(path)
    StudyLock(path).release()


def test_lock_is_not_kept_from_a_start_by_a_look_at_it(tmp_path: Path) -> None:
    path = tmp_path / ".lock"
    StudyLock(path).release()
    look = os.open(path, os.O_RDONLY)
    fcntl.flock(look, fcntl.LOCK_SH)
    threading.Timer(0.1, os.close, [look]).start()
    StudyLock(path).release()


def test_lock_on_a_file_that_was_removed_is_taken_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / ".lock"
    flock = fcntl.flock

    def lock_too_late(file: int, operation: int) -> None:
        monkeypatch.undo()
        path.unlink()
        flock(file, operation)

    monkeypatch.setattr(fcntl, "flock", lock_too_late)
    lock = StudyLock(path)
    assert is_held(path)
    lock.release()


@pytest.mark.parametrize(
    ("name", "options", "prunes"),
    [
        ("median", {"n_startup_trials": 1}, True),
        ("percentile", {"percentile": 50.0, "n_startup_trials": 1}, True),
        ("successive_halving", {"min_resource": 1, "reduction_factor": 2}, True),
        ("hyperband", {"min_resource": 1, "reduction_factor": 2}, True),
        ("threshold", {"upper": 5.0}, True),
        ("patient", {"patience": 1}, False),
        ("wilcoxon", {"p_threshold": 0.4, "n_startup_steps": 1}, True),
        ("none", {}, False),
    ],
)
def test_pruner_judges_a_hopeless_curve(
    name: str, options: dict[str, object], prunes: bool
) -> None:
    # hyperband picks a trial's bracket by the study's name
    study = optuna.create_study(study_name="a", pruner=make_pruner(name, options, max_steps=8))
    for _ in range(4):
        good = study.ask()
        for step in range(1, 9):
            good.report(1.0 / step, step)
            good.should_prune()  # halving keeps its rungs where it judges
        study.tell(good, 0.125)
    bad = study.ask()
    verdicts = []
    for step in range(1, 9):
        bad.report(10.0 + 1.0 / step, step)
        verdicts.append(bad.should_prune())
    assert any(verdicts) == prunes


@pytest.mark.parametrize(
    ("name", "options", "line"),
    [
        ("median", {"n_startup": 5}, "pruner.n_startup: median has no such option. Did you mean n_startup_trials?"),
        ("threshold", {}, "pruner: threshold refuses its options: Either lower or upper must be specified. Give it others."),
        ("patient", {"wrapped": "medan"}, "pruner.wrapped: there is no medan. Did you mean median?"),
    ],
)  # fmt: skip
def test_wrong_option_of_a_pruner(name: str, options: dict[str, object], line: str) -> None:
    with pytest.raises(UserError) as caught:
        make_pruner(name, options, None)
    assert str(caught.value).startswith(line)
