"""What the events of a trial add up to, those of an earlier release among them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from search.store.events.trial_history import after

TIME = "2026-01-01T00:00:00+00:00"
ATTEMPT = {
    "number": 1,
    "pid": 7,
    "boot_id": "b",
    "started": TIME,
    "ended": TIME,
    "cause": "done",
    "message": None,
    "first_step": 0,
}


def test_trial_that_was_recalled_from_the_database_is_read() -> None:
    events: list[dict[str, Any]] = [
        {"event": "sampled", "number": 0, "params": {"lr": 0.1}, "attributes": {}},
        {"event": "reported", "step": 1, "epoch": 1, "value": 0.5},
        {
            "event": "recalled",
            "state": "COMPLETE",
            "attempts": [ATTEMPT],
            "sizes": {"micro_batch": 8},
            "resources": {"parameters": 9},
            "attributes": {"note": "inf"},
            "values": [0.5],
            "metrics": {},
            "ended": TIME,
        },
    ]
    history = None
    for event in events:
        history = after(history, {"time": TIME, **event})
    assert history is not None
    assert (history.state, history.values, history.curve) == ("COMPLETE", [0.5], {1: 0.5})
    assert history.attributes == {"note": float("inf")}
    (attempt,) = history.attempts
    assert (attempt.record.cause, attempt.record.pid, attempt.first_step) == ("done", 7, 0)
    assert history.sizes == {"micro_batch": 8}


def attempt_started(number: int) -> dict[str, Any]:
    return {"event": "attempt_started", "attempt": number, "pid": 7, "boot_id": "b", "step": 0}


def reported(step: int, epoch: int) -> dict[str, Any]:
    return {"event": "reported", "step": step, "epoch": epoch, "value": 0.5}


SAMPLED = {"event": "sampled", "number": 0, "params": {"lr": 0.1}}
KILLED = {"event": "attempt_ended", "cause": "killed", "state": "WAITING", "value": None}
KILLED |= {"message": None}


@pytest.mark.parametrize(
    ("attempts", "epochs"),
    [
        ([[(1, 1), (2, 2), (3, 3)]], 3),
        # the third is trained again, and paid again
        ([[(1, 1), (2, 2), (3, 3)], [(3, 3), (4, 4)]], 5),
        # from the beginning
        ([[(1, 1), (2, 2)], [(1, 1), (2, 2), (3, 3)]], 5),
        ([[(1, 1), (2, 2)], [], [(3, 3)]], 3),
        # two validations an epoch
        ([[(1, 1), (2, 1), (3, 2), (4, 2)]], 2),
        # one in two epochs; the fifth is paid with the sixth
        ([[(1, 2), (2, 4)], [(3, 6)]], 6),
        ([[(1, 2), (2, 4), (3, 6)], [(3, 6), (4, 8)]], 10),
    ],
)
def test_epochs_are_counted_over_attempts(
    attempts: list[list[tuple[int, int]]], epochs: int
) -> None:
    events = [SAMPLED]
    for number, reports in enumerate(attempts, 1):
        events += [attempt_started(number), *(reported(*each) for each in reports), KILLED]
    history = None
    for event in events:
        history = after(history, {"time": TIME, **event})
    assert history is not None
    assert history.epochs == epochs
    assert history.record(Path(), {}).epochs == epochs


def test_attempt_that_was_cut_off_ended_with_its_last_sign_of_life() -> None:
    seen, morning = "2026-01-01T01:00:00+00:00", "2026-01-01T09:00:00+00:00"
    events: list[dict[str, Any]] = [
        {"time": TIME, **SAMPLED},
        {"time": TIME, **attempt_started(1)},
        {"time": seen, **reported(1, 1)},
    ]
    history = None
    for event in events:
        history = after(history, event)
    assert history is not None
    assert history.seen == seen
    after(history, {"time": morning, **KILLED, "seen": history.seen})
    (attempt,) = history.attempts
    assert attempt.record.ended is not None
    assert attempt.record.ended.isoformat() == seen
