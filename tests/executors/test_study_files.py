"""Files between the disk of a study and agents that do not see it, without any process."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from search.agent_messages import StartAttempt
from search.executors.remote.parcels import Receiving
from search.executors.remote.study_files import StudyFiles
from search.executors.remote.work_folder import WorkFolder
from search.file_messages import (
    FetchFiles,
    OfferFiles,
    Parcel,
    ParcelFile,
    ParcelTaken,
    Piece,
    PieceTaken,
    TakeFiles,
)
from search.layout import StudyFolder, TrialFolder
from search.messages import Message, Slot

MIB = 1 << 20


class Ends:
    """The head's side, and what it has sent to each agent."""

    def __init__(self, root: Path) -> None:
        self.study = StudyFolder(root / "study")
        self.sent: list[tuple[str, Message]] = []
        self.said: list[str] = []
        self.files = StudyFiles(lambda name, each: self.sent.append((name, each)), self.said.append)

    def trial(self, number: int, config: str = "a: 1\n") -> TrialFolder:
        """A trial that is begun at an agent of its own."""
        trial = self.study.trial(number)
        trial.root.mkdir(parents=True)
        trial.config.write_text(config)
        order = StartAttempt("fit", str(trial.root), Slot(1))
        self.files.note_start(f"agent-{number}", f"fit-{number}", order)
        return trial

    def of(self, number: int, kind: type[Message]) -> list[Message]:
        name = f"agent-{number}"
        return [each for who, each in self.sent if who == name and isinstance(each, kind)]

    def offer(self, number: int, *, is_last: bool = False) -> None:
        self.files.hear(f"agent-{number}", OfferFiles(f"fit-{number}", is_last))

    def give(self, number: int, files: dict[str, bytes], *, parcel: int = 1, at: int = 0) -> None:
        """Send files of an attempt; the log from a place on."""
        below = f"trials/{number:04d}"
        given = tuple(
            ParcelFile(f"{below}/{name}", len(data), at if name == "log.txt" else None)
            for name, data in files.items()
        )
        self.files.hear(f"agent-{number}", Parcel(f"fit-{number}", parcel, given))
        if content := b"".join(files.values()):
            self.files.hear(f"agent-{number}", Piece(parcel, content))


@pytest.fixture
def ends(tmp_path: Path) -> Ends:
    return Ends(tmp_path)


def test_four_agents_send_at_a_time_and_ended_attempts_come_first(ends: Ends) -> None:
    for number in range(7):
        ends.trial(number)
        ends.offer(number, is_last=number == 6)
    assert [bool(ends.of(number, TakeFiles)) for number in range(7)] == [True] * 4 + [False] * 3
    ends.give(2, {"last.ckpt": b"x"})
    assert [number for number in range(7) if ends.of(number, TakeFiles)] == [0, 1, 2, 3, 6]
    # a connection that breaks makes room, too
    ends.files.drop("agent-0")
    assert [number for number in range(7) if ends.of(number, TakeFiles)] == [0, 1, 2, 3, 4, 6]


def test_checkpoints_are_switched_together_and_the_one_before_is_kept(ends: Ends) -> None:
    trial = ends.trial(0)
    trial.last_ckpt.write_bytes(b"old last")
    trial.best_ckpt.write_bytes(b"old best")
    ends.offer(0)
    below = "trials/0000"
    files = (ParcelFile(f"{below}/last.ckpt", 8), ParcelFile(f"{below}/best.ckpt", 8))
    ends.files.hear("agent-0", Parcel("fit-0", 1, files))
    ends.files.hear("agent-0", Piece(1, b"new last"))
    assert (trial.last_ckpt.read_bytes(), trial.best_ckpt.read_bytes()) == (
        b"old last",
        b"old best",
    )
    ends.files.hear("agent-0", Piece(1, b"new best"))
    assert (trial.last_ckpt.read_bytes(), trial.best_ckpt.read_bytes()) == (
        b"new last",
        b"new best",
    )
    assert trial.previous_ckpt.read_bytes() == b"old last"
    assert ends.of(0, ParcelTaken) == [ParcelTaken(1)]
    assert not list(trial.root.glob(".*"))


def test_log_that_comes_twice_is_there_once_behind_that_of_earlier_attempts(ends: Ends) -> None:
    trial = ends.study.trial(0)
    trial.root.mkdir(parents=True)
    trial.log.write_bytes(b"first attempt\n")
    order = StartAttempt("fit", str(trial.root), Slot(1))
    ends.files.note_start("agent-0", "fit-0", order)
    for parcel, at, data in ((1, 0, b"second "), (2, 0, b"second "), (3, 7, b"attempt\n")):
        ends.offer(0)
        ends.give(0, {"log.txt": data}, parcel=parcel, at=at)
    assert trial.log.read_bytes() == b"first attempt\nsecond attempt\n"


@pytest.mark.parametrize(
    "path", ["study.db", "trials/0001/last.ckpt", "trials/0000/../../study.db"]
)
def test_agent_writes_nowhere_but_in_its_trial(ends: Ends, path: str) -> None:
    ends.trial(0)
    ends.offer(0)
    with pytest.raises(ValueError, match="a parcel with"):
        ends.files.hear("agent-0", Parcel("fit-0", 1, (ParcelFile(path, 1),)))


def test_files_of_an_attempt_that_was_given_up_are_not_written(ends: Ends) -> None:
    trial = ends.trial(0)
    ends.offer(0)
    ends.files.forget("fit-0")
    ends.give(0, {"last.ckpt": b"late"})
    assert not trial.last_ckpt.exists()


def test_disk_that_cannot_be_written_is_told_once_and_tried_again(ends: Ends) -> None:
    trial = ends.trial(0)
    trial.root.rename(trial.root.with_name("away"))
    trial.root.write_text("in the way")
    for parcel in (1, 2):
        ends.offer(0, is_last=True)
        ends.give(0, {"last.ckpt": b"x"}, parcel=parcel)
    assert [bool(each.problem) for each in ends.of(0, ParcelTaken)] == [True, True]
    assert len(ends.said) == 1 and "cannot be written" in ends.said[0]


def test_large_checkpoint_goes_a_little_ahead_of_its_answers(ends: Ends, tmp_path: Path) -> None:
    trial = ends.trial(0)
    content = os.urandom(3 * MIB)
    trial.last_ckpt.write_bytes(content)
    os.link(trial.last_ckpt, trial.best_ckpt)
    trial.log.write_text("not needed")
    ends.files.hear("agent-0", FetchFiles("fit-0"))
    (parcel,) = ends.of(0, Parcel)
    assert isinstance(parcel, Parcel)
    arrived = Receiving(parcel, tmp_path / "node", ["trials/0000"], syncs=False)
    taken = 0
    while not arrived.is_whole:
        pieces = ends.of(0, Piece)
        ahead = sum(len(each.data) for each in pieces) - arrived.size
        assert 0 < ahead <= MIB + MIB // 4
        piece = pieces[taken]
        taken += 1
        arrived.take(piece.data)
        ends.files.hear("agent-0", PieceTaken(parcel.number, arrived.size))
    ends.files.hear("agent-0", ParcelTaken(parcel.number))
    arrived.link_second_names()
    there = TrialFolder(tmp_path / "node" / "trials" / "0000")
    assert there.last_ckpt.read_bytes() == there.best_ckpt.read_bytes() == content
    # one file with two names is carried once
    assert arrived.size == len(content) + trial.config.stat().st_size
    assert not there.log.exists()


def test_what_has_not_changed_stays_where_it_is(tmp_path: Path) -> None:
    work = WorkFolder(tmp_path, TrialFolder(Path("/far/study/trials/0003")), "fit")
    work.trial.root.mkdir(parents=True)
    work.trial.config.write_text("a: 1\n")
    work.trial.last_ckpt.write_bytes(b"came with the start")
    work.note_all()
    unchanged = work.change(is_last=True)
    assert unchanged.is_empty
    work.trial.log.write_bytes(b"begun\n")
    work.trial.best_ckpt.write_bytes(b"best")
    change = work.change(is_last=False)
    names = [each.path.rpartition("/")[2] for each in change.files]
    assert names == ["best.ckpt", "log.txt"]
    work.note_taken(change)
    change.close()
    with work.trial.log.open("ab") as log:
        log.write(b"done\n")
    last = work.change(is_last=True)
    last.close()
    (end,) = last.files
    assert (end.at, end.size) == (6, 5)
    said = {"message": f"see {work.trial.log}"}
    assert work.in_words_of_study(said) == {"message": "see /far/study/trials/0003/log.txt"}


def test_checkpoint_that_is_a_folder_comes_back_whole(ends: Ends, tmp_path: Path) -> None:
    trial = ends.trial(0)
    work = WorkFolder(tmp_path / "node", trial, "fit")
    for version in (b"first", b"second"):
        for checkpoint in (work.trial.last_ckpt, work.trial.best_ckpt):
            checkpoint.mkdir(parents=True, exist_ok=True)
            (checkpoint / "shard-0").write_bytes(version)
            (checkpoint / "metadata").write_bytes(b"of both")
        change = work.change(is_last=False)
        sending = change.sending("fit-0", 1)
        ends.offer(0)
        ends.files.hear("agent-0", sending.parcel)
        for piece in sending.pieces():
            ends.files.hear("agent-0", piece)
        work.note_taken(change)
        change.close()
        for checkpoint in (trial.last_ckpt, trial.best_ckpt):
            assert (checkpoint / "shard-0").read_bytes() == version
            assert (checkpoint / "metadata").read_bytes() == b"of both"
    assert (trial.previous_ckpt / "shard-0").read_bytes() == b"first"
    assert work.change(is_last=True).is_empty
