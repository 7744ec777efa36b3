"""Events files that no study writes, given to the real command."""

from __future__ import annotations

import pytest
from conftest import Project
from faults.refusing import refused

TIME = b'{"time": "2026-01-01T00:00:00+00:00", "event": '
WRONG = "says what no study writes"
EVENTS = {
    "nonsense": (b"dear diary\n", "is not an event"),
    "binary": (bytes(range(10, 256)) + b"\n", "is not an event"),
    "list": (b"[1, 2]\n", "is not an event"),
    "nested": (b"[" * 5000 + b"]" * 5000 + b"\n", "is not an event"),
    "nul": (b"\0" * 4096 + b"\n", "is not an event"),
    "kind": (b'{"event": 7}\n', "is not an event"),
    "attributes": (TIME + b'"attributes", "attributes": 7}\n', WRONG),
}
TRIAL_EVENTS = EVENTS | {
    "step": (
        TIME + b'"reported", "step": "x", "epoch": 1, "value": 1}\n',
        "says what no study writes",
    ),
    "value": (
        TIME + b'"reported", "step": 9, "epoch": 9, "value": []}\n',
        "says what no study writes",
    ),
    "state": (
        TIME
        + b'"attempt_ended", "cause": "done", "state": "HAPPY", "value": 1, "message": null}\n',
        "says what no study writes",
    ),
}


@pytest.mark.parametrize("kind", TRIAL_EVENTS)
def test_damaged_events_of_a_trial_are_told_by_rebuild(copied: Project, kind: str) -> None:
    path = copied.root / "studies/study/trials/0001/events.jsonl"
    given, place = TRIAL_EVENTS[kind]
    lines = len(path.read_bytes().splitlines())
    path.write_bytes(path.read_bytes() + given)
    refused(copied, "rebuild", "study", place=f"0001/events.jsonl: line {lines + 1} {place}")


@pytest.mark.parametrize("verb", ["rebuild", "resume"])
@pytest.mark.parametrize("kind", EVENTS)
def test_damaged_events_of_a_study_are_told(copied: Project, kind: str, verb: str) -> None:
    path = copied.root / "studies/study/events.jsonl"
    given, place = EVENTS[kind]
    lines = len(path.read_bytes().splitlines())
    path.write_bytes(path.read_bytes() + given)
    refused(copied, verb, "study", place=f"study/events.jsonl: line {lines + 1} {place}")
