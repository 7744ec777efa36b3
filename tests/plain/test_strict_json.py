"""JSON that every parser takes, and that no terminal obeys."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from search.plain.strict_json import to_json


@dataclass(frozen=True)
class Inner:
    value: float


@dataclass(frozen=True)
class Outer:
    inner: tuple[Inner, ...]
    path: Path
    time: datetime


def test_dataclasses_paths_and_times_become_plain_data() -> None:
    outer = Outer((Inner(0.5), Inner(math.nan)), Path("a/b"), datetime(2026, 3, 2, tzinfo=UTC))
    assert json.loads(to_json({1: outer, "none": None})) == {
        "1": {
            "inner": [{"value": 0.5}, {"value": None}],
            "path": "a/b",
            "time": "2026-03-02T00:00:00+00:00",
        },
        "none": None,
    }


def test_control_characters_are_escaped_and_mean_the_same() -> None:
    text = "é \u009b31m \u202e \U000e0041"
    written = to_json([text])
    assert all(char.isprintable() for char in written)
    assert "é" in written
    assert json.loads(written) == [text]
