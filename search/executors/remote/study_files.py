"""The bridge's work with files, for agents that do not see the disk of the study: what attempts
need goes there, and what they wrote is put in its place.

So many agents send at a time that each has some of the disk and of the network; the others wait,
and send then what is newest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from search.agent_messages import StartAttempt
from search.executors.remote.arrival import put_all_in_place
from search.executors.remote.parcels import OpenFile, Receiving, Sending, Shortened
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
from search.layout import TrialFolder
from search.messages import Message
from search.plain.whole_files import files_of, is_unfinished

# at a time in each direction
_MOST = 4
# so little is sent at once: a configuration does not wait for the checkpoints of others
_SMALL_BYTES = 1 << 20
_STAGING = ".arriving.tmp"


@dataclass(frozen=True)
class _Attempt:
    """An attempt at an agent."""

    agent: str
    trial: TrialFolder
    # of the trial's log before it
    log_size: int


class StudyFiles:
    """The files on their way between the disk of a study and all agents.

    Args:
        send: sends a message to an agent of a name, if it is connected.
        say: tells the user a line.
    """

    def __init__(self, send: Callable[[str, Message], None], say: Callable[[str], None]) -> None:
        self._send = send
        self._say = say
        self._numbers = count(1)
        self._attempts: dict[str, _Attempt] = {}
        # by the name of the agent: what is asked for, and what is on its way
        self._fetches: dict[str, str] = {}
        self._sending: dict[str, Sending] = {}
        self._offers: dict[str, OfferFiles] = {}
        self._taking: dict[str, str] = {}
        self._receiving: dict[str, Receiving] = {}
        self._told = ""

    def note_start(self, agent: str, attempt: str, order: StartAttempt) -> None:
        """Take note of an attempt that is begun at an agent."""
        trial = TrialFolder(Path(order.folder))
        size = trial.log.stat().st_size if trial.log.is_file() else 0
        self._attempts[attempt] = _Attempt(agent, trial, size)

    def forget(self, attempt: str) -> None:
        """Take note that an attempt has ended, or was given up: no more of it is written."""
        found = self._attempts.pop(attempt, None)
        if found is not None and self._is_about(found.agent, attempt):
            self.drop(found.agent)

    def hear(self, agent: str, message: Message) -> None:
        """Take what an agent says of files."""
        match message:
            case FetchFiles():
                self._fetches[agent] = message.attempt
            case OfferFiles():
                self._offers[agent] = message
            case PieceTaken() if agent in self._sending:
                self._sending[agent].note_taken(message.size)
                self._continue(agent)
            case ParcelTaken() if agent in self._sending:
                self._sending.pop(agent).close()
            case Parcel():
                self._begin_receiving(agent, message)
            case Piece() if agent in self._receiving:
                self._take(agent, self._receiving[agent], message)
        self._go_on()

    def drop(self, agent: str) -> None:
        """Forget what is on its way to and from an agent, whose connection broke."""
        self._fetches.pop(agent, None)
        self._offers.pop(agent, None)
        self._taking.pop(agent, None)
        if (sending := self._sending.pop(agent, None)) is not None:
            sending.close()
        if (receiving := self._receiving.pop(agent, None)) is not None:
            receiving.discard()
        self._go_on()

    def _is_about(self, agent: str, attempt: str) -> bool:
        """Whether what is on its way to or from an agent is of this attempt."""
        sending, offer = self._sending.get(agent), self._offers.get(agent)
        return attempt in (
            self._fetches.get(agent),
            self._taking.get(agent),
            None if sending is None else sending.parcel.attempt,
            None if offer is None else offer.attempt,
        )

    def _of(self, agent: str, attempt: str) -> _Attempt | None:
        """The attempt of an agent; None where it is none of its own, or has ended."""
        found = self._attempts.get(attempt)
        return found if found is not None and found.agent == agent else None

    def _go_on(self) -> None:
        """Begin what may be begun."""
        for agent, attempt in list(self._fetches.items()):
            self._begin_sending(agent, attempt)
        # who waits for the end of an attempt first
        waiting = sorted(self._offers.items(), key=lambda each: not each[1].is_last)
        for agent, offer in waiting[: max(0, _MOST - len(self._taking))]:
            del self._offers[agent]
            if self._of(agent, offer.attempt) is not None:
                self._taking[agent] = offer.attempt
                self._send(agent, TakeFiles(offer.attempt))

    def _begin_sending(self, agent: str, attempt: str) -> None:
        found = self._of(agent, attempt)
        if found is None:
            del self._fetches[agent]
            return
        sending = _all_that_is_needed(found.trial, attempt, next(self._numbers))
        if sending.size > _SMALL_BYTES and len(self._sending) >= _MOST:
            sending.close()
            return
        del self._fetches[agent]
        self._sending[agent] = sending
        self._send(agent, sending.parcel)
        self._continue(agent)

    def _continue(self, agent: str) -> None:
        sending = self._sending[agent]
        try:
            pieces = sending.pieces()
        except (Shortened, OSError):
            # somebody writes where nobody is at work
            self._fetches[agent] = self._sending.pop(agent).parcel.attempt
            sending.close()
            return
        for piece in pieces:
            self._send(agent, piece)

    def _begin_receiving(self, agent: str, parcel: Parcel) -> None:
        found = self._of(agent, parcel.attempt)
        if found is None or self._taking.get(agent) != parcel.attempt:
            return
        if (before := self._receiving.pop(agent, None)) is not None:
            before.discard()
        study = found.trial.study
        roots = [found.trial.root.relative_to(study.root).as_posix(), study.logs.name]
        staging = found.trial.root / _STAGING
        try:
            self._receiving[agent] = Receiving(parcel, staging, roots, syncs=True)
            self._end_whole(agent, found)
        except OSError as error:
            self._refuse(agent, parcel, error)

    def _take(self, agent: str, receiving: Receiving, piece: Piece) -> None:
        parcel = receiving.parcel
        found = self._of(agent, parcel.attempt)
        if found is None or piece.number != parcel.number:
            return
        try:
            receiving.take(piece.data)
            self._send(agent, PieceTaken(parcel.number, receiving.size))
            self._end_whole(agent, found)
        except OSError as error:
            self._refuse(agent, parcel, error)

    def _end_whole(self, agent: str, found: _Attempt) -> None:
        """Put what has arrived in its place, once that is all."""
        receiving = self._receiving[agent]
        if receiving.is_whole:
            put_all_in_place(receiving, found.trial, found.log_size)
            self._end(agent, receiving.parcel, None)

    def _refuse(self, agent: str, parcel: Parcel, error: OSError) -> None:
        text = f"{error.filename or 'the study'}: cannot be written: {error.strerror}"
        if text != self._told:
            self._told = text
            self._say(f"{text}. Trials on other machines end when it can")
        self._end(agent, parcel, text)

    def _end(self, agent: str, parcel: Parcel, problem: str | None) -> None:
        if (receiving := self._receiving.pop(agent, None)) is not None:
            receiving.discard()
        self._taking.pop(agent, None)
        self._send(agent, ParcelTaken(parcel.number, problem))


def _all_that_is_needed(trial: TrialFolder, attempt: str, number: int) -> Sending:
    """The parcel of what an attempt may read: all but logs, and checkpoints that it does not go on
    from."""
    root = trial.study.root
    files: list[ParcelFile] = []
    to_send: list[OpenFile] = []
    first_names: dict[tuple[int, int], str] = {}
    for file in files_of(trial.root):
        if not _is_needed(file, trial):
            continue
        status = file.stat()
        path, inode = file.relative_to(root).as_posix(), (status.st_dev, status.st_ino)
        if inode in first_names:
            files.append(ParcelFile(path, 0, same_as=first_names[inode]))
            continue
        first_names[inode] = path
        files.append(ParcelFile(path, status.st_size))
        to_send.append(OpenFile(files[-1], file.open("rb")))
    folders = [each.relative_to(root).as_posix() for each in (trial.logs,) if each.is_dir()]
    return Sending(Parcel(attempt, number, tuple(files), tuple(folders)), to_send)


def _is_needed(file: Path, trial: TrialFolder) -> bool:
    if file in (trial.log, trial.events, trial.attempt):
        return False
    within = file.relative_to(trial.root)
    if is_unfinished(within):
        return False
    goes_on_from = (trial.last_ckpt, trial.best_ckpt, trial.source_ckpt)
    is_other = any(part.endswith(".ckpt") for part in within.parts)
    return not is_other or any(file.is_relative_to(each) for each in goes_on_from)
