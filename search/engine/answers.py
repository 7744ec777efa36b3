"""The answer of an attempt that is no trial: a check, a dry run, annotations, an errand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from search.executors.protocol import Executor
from search.messages import Checked, Described, DryRun, Ended, Exited, Hints, Tested

_POLL_S = 0.25
Answer = TypeVar("Answer", Checked, Described, DryRun, Hints, Tested)


@dataclass(frozen=True)
class Answered(Generic[Answer]):
    """How an attempt ended: its `answer` if it gave one, its last words if it `said` any, and the
    exit `status` of its process."""

    answer: Answer | None
    said: Ended | None
    status: int


def answer_of(executor: Executor, kind: type[Answer], tick: Callable[[], None]) -> Answered[Answer]:
    """Wait until the one attempt of an executor is gone.

    Args:
        kind: the message that answers.
        tick: called while waiting; what it raises ends the wait.
    """
    answer: Answer | None = None
    said: Ended | None = None
    while True:
        for _, message in executor.poll(_POLL_S):
            if isinstance(message, kind):
                answer = message
            elif isinstance(message, Ended):
                said = message
            elif isinstance(message, Exited):
                return Answered(answer, said, message.status)
        tick()
