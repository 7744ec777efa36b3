"""An agent's work with files on a machine that does not see the disk of the study: what an attempt
needs is fetched before it begins; what it wrote is sent there, all of it before its end is told.

One parcel goes each way at a time. A connection that breaks takes what was under way with it; over
the next one it is fetched, or offered, anew.
"""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from search.agent_messages import StartAttempt
from search.executors.locked_folder import LockedFolder
from search.executors.remote.agent_files import with_its_end
from search.executors.remote.parcels import Receiving, Sending, Shortened
from search.executors.remote.work_folder import Change, WorkFolder
from search.file_messages import (
    FetchFiles,
    OfferFiles,
    Parcel,
    ParcelTaken,
    Piece,
    PieceTaken,
    TakeFiles,
)
from search.layout import TrialFolder
from search.messages import Ended, Exited, Leaving, Message, Stepped
from search.plain.whole_files import make_folder
from search.wire import encode

# between two looks at what an attempt has written
_LOOK_S = 1.0
# where files could not be written
_AGAIN_S = 5.0
# who waits for the end of a transfer would take an attempt that says nothing to hang
_SIGN_S = 60.0

Post = Callable[[str, Message], None]


@dataclass
class _Upload:
    """Files of an attempt that are offered, or on their way."""

    attempt: str
    is_last: bool
    change: Change | None = None
    sending: Sending | None = None
    since: float = 0.0


class ApartFiles:
    """The files of the attempts of one agent.

    Args:
        begin: starts an attempt in its folder, once that has all that it needs.
        post: tells the coordinator what an attempt has said.
    """

    def __init__(self, begin: Callable[[str, StartAttempt, TrialFolder], None], post: Post) -> None:
        self._begin = begin
        self._post = post
        self._folder = LockedFolder(Path(tempfile.gettempdir()))
        self._numbers = itertools.count(1)
        self._send: Callable[[bytes], None] | None = None
        self._works: dict[str, WorkFolder] = {}
        # that wait for their files, the first of which are on their way
        self._starts: dict[str, StartAttempt] = {}
        self._is_fetching = False
        self._receiving: Receiving | None = None
        # last messages that wait until the files are where the study is
        self._last_words: dict[str, list[Message]] = {}
        self._upload: _Upload | None = None
        # when files of an attempt may be sent again
        self._looks_at: dict[str, float] = {}
        self._signs_at = 0.0

    @property
    def server_log(self) -> Path:
        """The log of the fork server."""
        return self._folder.path / "server.log"

    def with_output(self, problem: str) -> str:
        """A problem that names the log of the fork server, with the end of that, which goes."""
        return problem.replace(str(self.server_log), with_its_end(self.server_log))

    def connect(self, send: Callable[[bytes], None]) -> None:
        """Begin what is to be done, over a new connection."""
        self._send = send
        self._go_on()

    def disconnect(self) -> None:
        """Give up what was under way."""
        self._send = None
        self._end_upload()
        self._is_fetching = False
        if self._receiving is not None:
            self._receiving.discard()
            self._receiving = None

    def start(self, attempt: str, order: StartAttempt) -> None:
        """Begin an attempt as soon as its files are here."""
        place = self._folder.path / str(next(self._numbers))
        self._works[attempt] = WorkFolder(place, TrialFolder(Path(order.folder)), order.task)
        self._starts[attempt] = order
        self._go_on()

    def cancel(self, attempt: str) -> bool:
        """Forget an attempt that waits for its files; returns whether it did."""
        if self._starts.pop(attempt, None) is None:
            return False
        if self._receiving is not None and self._receiving.parcel.attempt == attempt:
            self._receiving.discard()
            self._receiving = None
        self._is_fetching = self._receiving is not None
        self._forget(attempt)
        return True

    def pass_on(self, attempt: str, message: Message) -> bool:
        """Take a message of an attempt; returns whether it is to be told now. Its end is told when
        its files have arrived: without them it would be no end."""
        if attempt not in self._works or isinstance(message, Leaving):
            return attempt not in self._works
        if isinstance(message, Ended):
            self._last_words[attempt] = [message]
            return False
        if isinstance(message, Exited):
            self._last_words[attempt] = [*self._last_words.get(attempt, []), message]
            self._looks_at[attempt] = 0.0
            self._go_on()
            return False
        return True

    def in_words_of_study(self, attempt: str, tree: dict[str, object]) -> dict[str, object]:
        """The same message with the folders of the study in the place of those here."""
        work = self._works.get(attempt)
        if work is None:
            return tree
        return {key: work.in_words_of_study(value) for key, value in tree.items()}

    def hear(self, message: Message) -> None:
        """Take what the bridge says of files."""
        upload = self._upload
        sending = upload.sending if upload is not None else None
        match message:
            case Parcel():
                self._receive(message)
            case Piece() if self._receiving is not None:
                self._take(self._receiving, message)
            case TakeFiles() if upload is not None and upload.attempt == message.attempt:
                self._begin_upload(upload)
            case PieceTaken() if sending is not None and sending.parcel.number == message.number:
                sending.note_taken(message.size)
                self._continue_upload()
            case ParcelTaken() if sending is not None and sending.parcel.number == message.number:
                self._note_taken(message.problem)
        self._go_on()

    def turn(self) -> None:
        """Do what is due."""
        self._go_on()
        now = time.monotonic()
        if now - self._signs_at > _SIGN_S:
            self._signs_at = now
            for attempt in self._last_words:
                self._post(attempt, Stepped())

    def remove(self) -> None:
        """Remove all files."""
        self.disconnect()
        self._folder.remove()

    def _go_on(self) -> None:
        if self._send is None:
            return
        if self._starts and not self._is_fetching:
            self._is_fetching = True
            self._send(encode(FetchFiles(next(iter(self._starts)))))
        if self._upload is None and (upload := self._next_upload()) is not None:
            self._upload = upload
            self._send(encode(OfferFiles(upload.attempt, upload.is_last)))

    def _receive(self, parcel: Parcel) -> None:
        """Begin to take the files of an attempt."""
        if parcel.attempt != next(iter(self._starts), None):
            return
        work = self._works[parcel.attempt]
        try:
            self._receiving = Receiving(parcel, work.root, [work.below], syncs=False)
        except OSError:
            self._fail(parcel.attempt)
            return
        self._begin_whole(self._receiving)

    def _take(self, receiving: Receiving, piece: Piece) -> None:
        if piece.number != receiving.parcel.number:
            return
        try:
            receiving.take(piece.data)
        except OSError:
            self._fail(receiving.parcel.attempt)
            return
        self._answer(PieceTaken(piece.number, receiving.size))
        self._begin_whole(receiving)

    def _begin_whole(self, receiving: Receiving) -> None:
        """Begin the attempt whose files are all here."""
        if not receiving.is_whole:
            return
        attempt, parcel = receiving.parcel.attempt, receiving.parcel
        work, order = self._works[attempt], self._starts.pop(attempt)
        self._receiving, self._is_fetching = None, False
        receiving.link_second_names()
        make_folder(work.trial.root)
        for folder in parcel.folders:
            make_folder(work.root / folder)
        work.note_all()
        self._answer(ParcelTaken(parcel.number))
        self._looks_at[attempt] = time.monotonic() + _LOOK_S
        self._begin(attempt, order, work.trial)

    def _fail(self, attempt: str) -> None:
        """End an attempt whose files cannot be written here."""
        if self._receiving is not None:
            self._receiving.discard()
            self._answer(ParcelTaken(self._receiving.parcel.number, "cannot be written"))
        self._receiving, self._is_fetching = None, False
        del self._starts[attempt]
        self._post(attempt, Exited(attempt, os.EX_TEMPFAIL))
        self._forget(attempt)

    def _next_upload(self) -> _Upload | None:
        """What is to be sent next: of attempts that have ended first."""
        now = time.monotonic()
        due = [each for each, at in self._looks_at.items() if at <= now]
        for attempt in due:
            if self._has_exited(attempt):
                return _Upload(attempt, is_last=True)
        for attempt in due:
            change = self._change(attempt, is_last=False)
            change.close()
            if not change.is_empty:
                return _Upload(attempt, is_last=False)
            self._looks_at[attempt] = now + _LOOK_S
        return None

    def _has_exited(self, attempt: str) -> bool:
        return any(isinstance(said, Exited) for said in self._last_words.get(attempt, []))

    def _change(self, attempt: str, *, is_last: bool) -> Change:
        try:
            return self._works[attempt].change(is_last=is_last)
        except OSError:
            # it is being written; at the end its disk fails, and what arrived before counts
            return Change()

    def _begin_upload(self, upload: _Upload) -> None:
        if upload.change is not None:
            upload.change.close()
        # one that ended meanwhile has all its files
        upload.is_last = self._has_exited(upload.attempt)
        upload.since = time.monotonic()
        upload.change = self._change(upload.attempt, is_last=upload.is_last)
        upload.sending = upload.change.sending(upload.attempt, next(self._numbers))
        self._answer(upload.sending.parcel)
        self._continue_upload()

    def _continue_upload(self) -> None:
        upload = self._upload
        if upload is None or upload.sending is None or self._send is None:
            return
        try:
            for piece in upload.sending.pieces():
                self._send(encode(piece))
        except (Shortened, OSError):
            # the parcel takes the place of the one before
            self._begin_upload(upload)

    def _note_taken(self, problem: str | None) -> None:
        """Take note that all of an upload is where the study is, or cannot be."""
        upload, now = self._upload, time.monotonic()
        assert upload is not None and upload.change is not None
        attempt, change, took_s = upload.attempt, upload.change, now - upload.since
        self._end_upload()
        if problem is not None:
            self._looks_at[attempt] = now + _AGAIN_S
            return
        self._works[attempt].note_taken(change)
        # the connection is others' for as long
        self._looks_at[attempt] = now + max(_LOOK_S, took_s)
        if self._has_exited(attempt):
            self._looks_at[attempt] = 0.0
        if upload.is_last:
            for message in self._last_words.pop(attempt):
                self._post(attempt, message)
            self._forget(attempt)

    def _end_upload(self) -> None:
        if self._upload is not None and self._upload.change is not None:
            self._upload.change.close()
        self._upload = None

    def _answer(self, message: Message) -> None:
        if self._send is not None:
            self._send(encode(message))

    def _forget(self, attempt: str) -> None:
        self._looks_at.pop(attempt, None)
        work = self._works.pop(attempt)
        shutil.rmtree(work.place, ignore_errors=True)
