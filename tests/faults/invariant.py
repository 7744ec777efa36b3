"""The one invariant: what must hold of a study after anything that was done to it."""

from __future__ import annotations

import os
import sqlite3
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

from conftest import Project, attempts_of
from database_state import disagreements

from search.layout import StudyFolder, TrialFolder
from search.store.events.event_file import read_events

SECRET = "planted-secret-0451"
RESUMABLE = ("WAITING", "RUNNING")


def check_invariant(
    project: Project,
    study: str = "study",
    *,
    asked: int | None = None,
    output: str = "",
    cut_off: bool = False,
) -> None:
    """Fail with what does not hold.

    Args:
        asked: how many trials must be finished; without it they may be under way still.
        output: what the command printed.
        cut_off: whether the coordinator could not finish what it was writing, so that the events
            may be ahead of the database until the next start.
    """
    folder = StudyFolder(project.root / "studies" / study)
    _no_orphans()
    _database_is_whole(folder)
    rows = project.query("SELECT number, state FROM trials ORDER BY number", study)
    assert [number for number, _ in rows] == list(range(len(rows))), "a number twice, or a gap"
    states = Counter(state for _, state in rows)
    finished = sum(count for state, count in states.items() if state not in RESUMABLE)
    resumable = sum(states[state] for state in RESUMABLE)
    assert finished + resumable == len(rows)
    if asked is not None:
        assert (finished, resumable) == (asked, 0), states
        assert states["RUNNING"] == 0
    for number, _ in rows:
        _trial_was_never_run_twice_at_once(folder.trial(number))
        _curve_has_no_gap(project, study, number)
    if not states["RUNNING"] and not cut_off:
        assert disagreements(folder) == []
    assert "Traceback" not in output
    assert SECRET not in output
    _no_secret_below(folder.root)


def _no_orphans() -> None:
    """Attempts die with their coordinator: at once, or when the kernel gets to it."""
    deadline = time.monotonic() + 5
    while (left := attempts_of(os.getpid())) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert left == [], "orphan processes"


def _database_is_whole(folder: StudyFolder) -> None:
    with closing(sqlite3.connect(folder.db, timeout=30)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def _trial_was_never_run_twice_at_once(folder: TrialFolder) -> None:
    """Starts and ends of attempts take turns; an end without a start is a death in a probe."""
    is_open = False
    for event in read_events(folder.events):
        if event["event"] == "attempt_started":
            assert not is_open, f"{folder.root}: two attempts at once"
            is_open = True
        elif event["event"] == "attempt_ended":
            is_open = False


def _curve_has_no_gap(project: Project, study: str, number: int) -> None:
    """Steps count up by one; an attempt that goes on begins at or before the next step."""
    curve = project.curves(study).get(number, {})
    assert sorted(curve) == list(range(1, len(curve) + 1)), f"trial {number}: {sorted(curve)}"
    # the start of an attempt may be lost with the file; the database knows what it reported
    last = within = 0
    events = StudyFolder(project.root / "studies" / study).trial(number).events
    for event in read_events(events):
        if event["event"] == "attempt_started":
            assert event["step"] <= len(curve)
            within = 0
        elif event["event"] == "reported":
            assert event["step"] <= last + 1, f"trial {number}: a step was left out"
            assert event["step"] > within, f"trial {number}: a step twice in one attempt"
            last, within = max(last, event["step"]), event["step"]


def _no_secret_below(root: Path) -> None:
    for path in root.rglob("*"):
        if path.is_file():
            assert SECRET.encode() not in path.read_bytes(), f"a secret is in {path}"
