"""A study whose making was cut off is made anew; what is not ours is left alone."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from unittest.mock import Mock

import pytest
from sqlalchemy import text

from search.cli import guarded
from search.engine.attempt_end import ProcessEnd, outcome_of
from search.engine.opening import open_ledger, plan
from search.errors import StorageError
from search.layout import StudyFolder
from search.store.creation import begin_study, was_cut_off
from search.store.database.connection import close_database, empty_log, open_database
from search.store.placement import is_on_network
from search.store.recorded_study import attributes_of
from search.study_file.load import load_study_file

STUDY = """\
model: {class_path: tiny.Tiny}
objective: {metric: val_loss}
space: {model.init_args.lr: {float: [1e-3, 1e-1]}}
"""
LEFT = {
    "empty": b"",
    "half": b"SQLite format 3\x00" + bytes(2000),
}


@pytest.fixture
def folder(tmp_path: Path) -> StudyFolder:
    (tmp_path / "study.yaml").write_text(STUDY)
    folder = StudyFolder(tmp_path / "studies/study")
    folder.root.mkdir(parents=True)
    return folder


@pytest.mark.parametrize("left", LEFT)
def test_study_that_was_cut_off_while_it_was_made_is_made_anew(
    folder: StudyFolder, tmp_path: Path, left: str
) -> None:
    study_file = load_study_file(tmp_path / "study.yaml")
    begin_study(folder, attributes_of(study_file, 5))
    folder.db.write_bytes(LEFT[left])
    ledger = open_ledger(plan(folder, study_file, None), n_trials=5)
    assert not was_cut_off(folder)
    assert ledger.sample() == 0
    assert ledger.attributes.n_trials == 5


def test_database_that_nobody_here_has_begun_is_left_alone(
    folder: StudyFolder, tmp_path: Path
) -> None:
    folder.db.write_bytes(b"dear diary, this is not a database")
    with pytest.raises(StorageError, match="is not a SQLite database"):
        plan(folder, load_study_file(tmp_path / "study.yaml"), None)
    assert folder.db.read_bytes() == b"dear diary, this is not a database"


def test_full_disk_is_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    def write() -> None:
        with Path("/dev/full").open("w") as file:
            file.write("x")

    assert guarded(write) == 2
    assert capsys.readouterr().err == (
        "search: cannot be written: No space left on device. "
        "Nothing is lost: remove the cause, then run the same command again.\n"
    )


def test_file_of_another_user_is_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / ".lock"

    def lock() -> None:
        # the tests may run as root, whom no permission stops
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    assert guarded(lock) == 2
    assert capsys.readouterr().err == (
        f"{path}: may not be used: Permission denied. "
        "Change its owner or its permissions, then run the same command again.\n"
    )


@pytest.mark.parametrize("kind", ["lustre", "fuse.glusterfs", "NFS4"])
def test_file_on_a_network_file_system_is_known_by_its_mount(tmp_path: Path, kind: str) -> None:
    mounts = [("/", "ext4"), (str(tmp_path), kind)]
    assert is_on_network(tmp_path / "studies/study.db", mounts)


@pytest.mark.parametrize("kind", ["ext4", "overlay", "tmpfs", "9p", "virtiofs", "fuse.gocryptfs"])
def test_file_on_a_disk_of_the_machine_is_on_no_network(tmp_path: Path, kind: str) -> None:
    assert not is_on_network(tmp_path / "study.db", [("/", "nfs4"), (str(tmp_path), kind)])


@pytest.mark.parametrize(("kind", "journal"), [("ext4", "wal"), ("nfs4", "delete")])
def test_database_on_a_network_shares_no_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, journal: str
) -> None:
    # no network file system can be mounted here
    mount = Mock(mountpoint=str(tmp_path), fstype=kind)
    url = f"sqlite:///{tmp_path}/study.db"
    close_database(open_database(url))
    monkeypatch.setattr("psutil.disk_partitions", lambda all: [mount])
    # also one that was written elsewhere and moved there
    storage = open_database(url)
    with storage.engine.connect() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == journal
        connection.execute(text("SELECT count(*) FROM studies"))
        assert {path.name for path in tmp_path.glob("study.db-*")} == (
            {"study.db-wal", "study.db-shm"} if journal == "wal" else set()
        )
    empty_log(storage)
    close_database(storage)


def test_attempt_that_cannot_write_its_log_is_tried_again() -> None:
    outcome = outcome_of(ProcessEnd(said=None, status=os.EX_TEMPFAIL))
    assert outcome.cause == "killed"
