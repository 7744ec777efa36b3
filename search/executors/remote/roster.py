"""The file that tells people who works on what, since when and until when."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from pathlib import Path

from search.executors.remote.member import Member, time_now
from search.plain.whole_files import write_whole

# a reader takes one that is older for what a dead run has left
_ANEW_S = 10.0
_SOONEST_S = 0.5


class Roster:
    """Writes the file whole, when something has changed and now and then.

    Args:
        path: the file.
        engine: name of the engine.
    """

    def __init__(self, path: Path, engine: str) -> None:
        self._path = path
        self._engine = engine
        self._written_at = -_ANEW_S
        self._told: list[dict[str, object]] | None = None

    def write(self, members: Iterable[Member], now: float, *, is_last: bool = False) -> None:
        """Write who is there, if that is due.

        Args:
            now: on the clock of the bridge.
        """
        passed = time.monotonic() - self._written_at
        if passed < _SOONEST_S and not is_last:
            return
        told = [member.to_tree(now) for member in members]
        if told == self._told and passed < _ANEW_S and not is_last:
            return
        tree = {"engine": self._engine, "written": time_now(), "agents": told}
        write_whole(self._path, json.dumps(tree, indent=1) + "\n")
        self._told, self._written_at = told, time.monotonic()
