"""One question to a process with torch: a configuration goes out, an answer comes back.

An attempt like any other answers it, in a temporary folder; nothing is written where a trial is.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from search.answers import (
    AnnotatedRanges,
    Answer,
    Checked,
    Description,
    DryRun,
    ExportFacts,
    LoggedMetrics,
    Timed,
)
from search.engine.attempt_end import MAX_LOSSES
from search.engine.signals import SignalWatch
from search.errors import StudyFileError, UserError
from search.executors.local import LocalExecutor
from search.executors.protocol import Executor
from search.executors.slots import cores
from search.layout import TrialFolder
from search.messages import INTERRUPTED, KILLED, Ended, Exited, Slot
from search.plain.whole_files import write_whole
from search.plain.yaml import dump_yaml

_POLL_S = 0.25
AnswerT = TypeVar("AnswerT", bound=Answer)


@dataclass(frozen=True)
class Question(Generic[AnswerT]):
    """A question that only a process with torch can answer."""

    task: str
    """Task of the attempt."""
    answer: type[AnswerT]
    """Class of the answer."""
    name: str
    """Subject of the message where there is no answer."""
    attempts: int = 1
    """Attempts that may be killed before the question is given up."""


CHECK = Question("check", Checked, "the check before the first trial", attempts=3)
TIME = Question("time", Timed, "timing a few training steps")
RANGES = Question("ranges", AnnotatedRanges, "reading annotations")
DRY = Question("dry", DryRun, "the dry trial")
INSPECT = Question("inspect", Description, "looking at the classes")
EXPORT = Question("export", ExportFacts, "reading the configuration")
TEST = Question("test", LoggedMetrics, "the test")


def ask(
    question: Question[AnswerT],
    config: Mapping[str, object],
    *,
    place: str,
    executor: Executor,
    slot: Slot,
    tick: Callable[[], None],
    checkpoint: Path | None = None,
) -> AnswerT:
    """Ask an attempt about a configuration.

    Args:
        place: what the configuration belongs to, for messages.
        tick: called while waiting; what it raises ends the wait.
        checkpoint: of the trial, where the question is about one.

    Raises:
        StudyFileError: the answer is problems; one line each.
        UserError: there is no answer; one line says why.
    """
    with _temporary_folder(question.task, executor.shared_folder) as folder:
        write_whole(folder.config, dump_yaml(dict(config)))
        if checkpoint is not None:
            folder.best_ckpt.symlink_to(checkpoint.absolute())
        kills = losses = 0
        while True:
            attempt = f"{folder.root.name}-{kills + losses + 1}"
            executor.start(attempt, question.task, folder, slot)
            ended = _wait(executor, attempt, question, tick)
            kills += ended.was_killed
            losses += ended.was_lost
            is_repeated = ended.was_killed or ended.was_lost
            if not is_repeated or kills == question.attempts or losses == MAX_LOSSES:
                break
        if ended.answer is None:
            why = ended.why(losses if ended.was_lost else kills)
            raise UserError(f"{place}: {question.name} {why}. Its log: {folder.log}")
        if ended.answer.problems:
            raise StudyFileError([f"{place}: {problem}" for problem in ended.answer.problems])
    return ended.answer


def ask_once(
    question: Question[AnswerT],
    config: Mapping[str, object],
    *,
    place: str,
    sys_path: Sequence[Path],
    tick: Callable[[], None] = lambda: None,
    checkpoint: Path | None = None,
) -> AnswerT:
    """Ask one question outside of any study, with all cores.

    Args:
        sys_path: folders that come first on the attempt's import path.

    Raises:
        UserError: as `ask`.
        Interrupted: a signal came.
    """
    with SignalWatch() as signals, own_executor(sys_path) as executor:

        def check_and_tick() -> None:
            signals.check()
            tick()

        answer = ask(
            question,
            config,
            place=place,
            executor=executor,
            slot=Slot(cores()),
            tick=check_and_tick,
            checkpoint=checkpoint,
        )
        # one that came after the last tick
        signals.check()
    return answer


@contextlib.contextmanager
def own_executor(
    sys_path: Sequence[Path], *, class_paths: Sequence[str] = ()
) -> Iterator[Executor]:
    """An executor for questions alone; its server's log goes with it.

    Args:
        class_paths: dotted names to import once, where several questions are asked.
    """
    with _temporary_folder("server") as folder:
        executor = LocalExecutor(
            class_paths,
            [str(each.absolute()) for each in sys_path],
            server_log=folder.root / "server.log",
        )
        with contextlib.closing(executor):
            yield executor


@dataclass(frozen=True)
class _AskedAttempt(Generic[AnswerT]):
    """End of an attempt that was asked."""

    answer: AnswerT | None
    """Its answer, if it gave one."""
    said: Ended | None
    """Its last words, if it had any other."""
    status: int
    """Exit status of its process."""
    lost: str | None
    """What became of its machine; None where the process itself ended."""

    @property
    def was_killed(self) -> bool:
        """True where something outside ended it before its answer."""
        return self._was_cut_off and self.lost is None

    @property
    def was_lost(self) -> bool:
        """True where its machine went before its answer."""
        return self._was_cut_off and self.lost is not None

    @property
    def _was_cut_off(self) -> bool:
        if self.answer is not None:
            return False
        return self.said is None or self.said.cause in (INTERRUPTED, KILLED)

    def why(self, times: int) -> str:
        """The end of the message where there is no answer.

        Args:
            times: attempts that ended like this one, one after another.
        """
        often = f"{times} times, " if times > 1 else ""
        if self.was_lost:
            return f"was lost {often}the last time as {self.lost}"
        if self.said is not None:
            reason = self.said.message or self.said.cause
            return f"failed: {reason.rstrip('.')}"
        return f"ended {often}with status {self.status}"


def _wait(
    executor: Executor, attempt: str, question: Question[AnswerT], tick: Callable[[], None]
) -> _AskedAttempt[AnswerT]:
    """Wait until an attempt is gone."""
    answer: AnswerT | None = None
    said: Ended | None = None
    while True:
        for name, message in executor.poll(_POLL_S):
            if name != attempt:
                continue
            if isinstance(message, question.answer):
                answer = message
            elif isinstance(message, Ended):
                said = message
            elif isinstance(message, Exited):
                return _AskedAttempt(answer, said, message.status, message.lost)
        tick()


@contextlib.contextmanager
def _temporary_folder(name: str, place: Path | None = None) -> Iterator[TrialFolder]:
    """A folder that is removed, unless an error for the user names a file in it.

    Args:
        place: folder that it is made in; None for that of temporary files.
    """
    folder = TrialFolder(Path(tempfile.mkdtemp(prefix=f"search-{name}-", dir=place)))
    is_named = False
    try:
        yield folder
    except UserError as error:
        is_named = str(folder.root) in str(error)
        raise
    finally:
        if not is_named:
            shutil.rmtree(folder.root, ignore_errors=True)
