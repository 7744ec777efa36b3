"""The pause of a study whose disk is full, told when it begins and when it is over."""

from __future__ import annotations

import time

from search.engine.progress import Note, View
from search.store.records import StudyRecord
from search.store.retention import DiskFloor

# a file system may take a while until it has the room of what was deleted
_GIVE_UP_S = 10.0


class DiskWatch:
    """Looks at the free disk before each trial.

    Args:
        record: the study so far, whose models tell what their checkpoints take.
    """

    def __init__(self, floor: DiskFloor, record: StudyRecord, view: View) -> None:
        self.floor = floor
        self._view = view
        self.is_short = False
        self._given_up_at = -_GIVE_UP_S
        for trial in record.trials:
            floor.expect(trial.parameters)

    def has_room(self) -> bool:
        """Whether a trial may start."""
        missing = self.floor.missing()
        if (missing is not None) != self.is_short:
            self.is_short = missing is not None
            self._view.handle(Note(missing or "there is disk again, going on"))
        return missing is None

    def wants_room(self) -> bool:
        """Whether it is time to end a paused trial for the room of its checkpoints."""
        now = time.monotonic()
        if now - self._given_up_at < _GIVE_UP_S:
            return False
        self._given_up_at = now
        return True
