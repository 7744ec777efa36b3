"""`events.jsonl` of a trial: what happened, written by the coordinator, one JSON object a line."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import Any

from search.study.layout import TrialFolder


def append_event(folder: TrialFolder, event: str, **details: Any) -> None:
    """Append one event with the time it is written; the line is flushed before this returns."""
    line = {"time": datetime.now(UTC).isoformat(), "event": event}
    line |= {key: strict(value) for key, value in details.items()}
    with folder.events.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line, allow_nan=False) + "\n")


def strict(value: Any) -> Any:
    """The value as strict JSON can hold it: NaN and infinities become their names."""
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    return value
