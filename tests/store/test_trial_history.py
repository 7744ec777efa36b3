"""Events that an earlier release wrote are still read."""

from __future__ import annotations

from typing import Any

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
