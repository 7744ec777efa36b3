"""The command line in a process that stays: one JSON list of arguments a line in, one result a
line out. Each run is a fork, so that it can be killed, and everything in it is real but the
attempts, whose training is left out."""

from __future__ import annotations

import gc
import json
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy.dialects.sqlite  # noqa: F401  # what a run would import each time

import search.engine.place
import search.engine.run  # once, not in each run
from search.answers import Checked
from search.cli import guarded, main
from search.layout import TrialFolder
from search.messages import (
    DONE,
    Ended,
    Exited,
    Launched,
    Message,
    Reported,
    Slot,
    SlotOpened,
    Started,
)

STEPS = 2


class Untrained:
    """An executor whose attempts report at once what nobody has trained."""

    shared_folder = None

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._messages: list[tuple[str, Message]] = []

    def preload(self, modules: Sequence[str], *, warm_up: bool) -> None: ...

    def need_slots(self, count: int) -> None: ...

    def open_slots(self, wanted: Sequence[Slot]) -> None:
        self._messages += [(f"slot {place}", SlotOpened(slot)) for place, slot in enumerate(wanted)]

    def until_ready(self, tick: Callable[[], None]) -> None: ...

    def start(self, attempt: str, task: str, folder: TrialFolder, slot: Slot) -> None:
        # of code that is not there: such an answer is not kept, and each run checks
        said: list[Message] = [Checked(sources=("gone.py",))]
        if task == "fit":
            number = int(folder.root.name)
            values = [1.0 / (number + step) for step in range(1, STEPS + 1)]
            said = [Launched(attempt, os.getpid()), Started(STEPS, None, 1, None)]
            said += [Reported(step, step, value) for step, value in enumerate(values, 1)]
            said += [Ended(DONE, min(values))]
        self._messages += [(attempt, message) for message in [*said, Exited(attempt, 0)]]

    def poll(self, timeout_s: float) -> list[tuple[str, Message]]:
        messages, self._messages = self._messages, []
        return messages

    def send(self, attempt: str, message: Message) -> None: ...

    def kill(self, attempt: str, *, dump: bool = False) -> None: ...

    def close(self) -> None: ...


def run(arguments: list[str]) -> dict[str, Any]:
    """The result of one run of the command in a fork."""
    with tempfile.TemporaryFile("w+") as output:
        child = os.fork()
        if child == 0:
            os.dup2(output.fileno(), 1)
            os.dup2(output.fileno(), 2)
            sys.argv = ["search", *arguments]
            sys.exit(main())
        _, status = os.waitpid(child, 0)
        output.seek(0)
        return {"status": os.waitstatus_to_exitcode(status), "output": output.read()}


if __name__ == "__main__":
    search.engine.place.LocalExecutor = Untrained  # type: ignore[assignment,misc]
    guarded(lambda: None)
    gc.freeze()
    for line in sys.stdin:
        print(json.dumps(run(json.loads(line))), flush=True)
