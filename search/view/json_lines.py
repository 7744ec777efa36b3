"""One strict JSON object a line and event, for machines."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

from search.engine.progress import Event, StudyEnded, StudyOpened, TrialEnded
from search.errors import printable_json
from search.store.records import StudyRecord, TrialRecord
from search.view.board import Board


class JsonView:
    """Writes `{"event": "trial_ended", ...}`, flushed; a study's trials are left out."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._board = Board()

    def handle(self, event: Event) -> None:
        self._board.fold(event)
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", type(event).__name__).lower()
        body = {spec.name: getattr(event, spec.name) for spec in dataclasses.fields(event)}
        if isinstance(event, StudyOpened | StudyEnded):
            body |= {"record": None, **study_summary(event.record)}
            del body["record"]
        if isinstance(event, TrialEnded):
            left = self._board.time_left
            body["time_left"] = dataclasses.asdict(left) if left else None
        print(to_json({"event": name, **body}), file=self._stream, flush=True)

    def tick(self) -> None:
        """Lines need no refreshing."""

    def close(self) -> None:
        self._stream.flush()


def study_summary(record: StudyRecord) -> dict[str, Any]:
    """A study without its trials."""
    best = record.best
    return {
        "study": record.name,
        "folder": record.folder,
        "storage": record.storage,
        "metric": record.metric,
        "direction": record.direction,
        "objectives": [dataclasses.asdict(each) for each in record.objectives],
        "outcome_constraints": record.outcome_constraints,
        "asked": record.asked,
        "running": record.is_running,
        "trials": {
            state.lower(): sum(trial.state == state for trial in record.trials)
            for state in ("COMPLETE", "PRUNED", "FAIL", "RUNNING", "WAITING")
        },
        "best": None if best is None else trial_summary(best),
        "front": [trial.number for trial in record.front],
    }


def trial_summary(trial: TrialRecord) -> dict[str, Any]:
    """A trial with all that its record holds."""
    return {
        **{spec.name: getattr(trial, spec.name) for spec in dataclasses.fields(trial)},
        "attempts": [dataclasses.asdict(attempt) for attempt in trial.attempts],
        "duration_s": trial.duration_s,
    }


def to_json(value: Any, indent: int | None = None) -> str:
    """Strict JSON: NaN and infinities become null, times ISO, paths text."""
    text = json.dumps(_plain(value), allow_nan=False, ensure_ascii=False, indent=indent)
    return printable_json(text)


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, Path) else value
