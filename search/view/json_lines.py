"""One strict JSON object a line and event, for machines."""

from __future__ import annotations

import re
from typing import TextIO

from search.engine.progress import Event, StudyEnded, StudyOpened, TrialEnded
from search.plain.strict_json import field_values, to_json
from search.store.record_trees import study_tree, trial_tree
from search.store.records import StudyRecord
from search.view.board import Board

_STATES = ("complete", "pruned", "fail", "running", "waiting", "paused")


class JsonView:
    """Writes `{"event": "trial_ended", ...}`, flushed; a study's trials are left out."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._board = Board()

    def handle(self, event: Event) -> None:
        self._board.fold(event)
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", type(event).__name__).lower()
        body = field_values(event)
        match event:
            case StudyOpened() | StudyEnded():
                del body["record"]
                body |= study_summary(event.record)
            case TrialEnded():
                body["time_left"] = self._board.time_left
        print(to_json({"event": name, **body}), file=self._stream, flush=True)

    def tick(self) -> None:
        """Lines need no refreshing."""

    def close(self) -> None:
        self._stream.flush()


def study_summary(record: StudyRecord) -> dict[str, object]:
    """A study with its best trial, and the others counted by state."""
    states = [trial.state_word for trial in record.trials]
    return {
        "study": record.name,
        **study_tree(record),
        "running": record.is_running,
        "trials": {state: states.count(state) for state in _STATES},
        "best": trial_tree(record.best) if record.best else None,
    }
