"""The verdicts on a trial with their reasons, as its events tell them."""

from __future__ import annotations

from dataclasses import dataclass

from search.layout import TrialFolder
from search.store.audit_figures import spared_text
from search.store.events.event_file import Event, read_events
from search.store.events.trial_history import (
    ATTEMPT_ENDED,
    ATTEMPT_STARTED,
    CLOSED,
    REPORTED,
    SAMPLED,
)

PRUNED, PAUSED, AUDITED = "pruned", "paused", "audited"
WENT_ON, ENDED, CLOSED_AT_END = "went on", "ended", "closed"
BRANCHED = "branched"


@dataclass(frozen=True)
class VerdictRecord:
    """One thing that was decided on a trial."""

    verdict: str
    """One of the words above."""
    step: int
    """Last step of its curve by then; 0 before the first."""
    why: str | None
    """Reason in words; None where none was written, as by earlier releases."""
    time: str
    """ISO 8601."""


def verdicts_of(folder: TrialFolder) -> list[VerdictRecord]:
    """What was decided on a trial, in order; its last is how it ended, if it has.

    Raises:
        StorageError: its events are damaged.
    """
    found: list[VerdictRecord] = []
    step = 0
    for event in read_events(folder.events):
        if event["event"] == REPORTED:
            step = max(step, int(event["step"]))
        word, why = _decided(event)
        if word is not None:
            found.append(VerdictRecord(word, step, why, event["time"]))
    return found


def _decided(event: Event) -> tuple[str | None, str | None]:
    """The verdict that an event tells of, None where it tells of none, and its reason."""
    match event:
        case {"event": kind, "pruned": True} if kind == REPORTED:
            return PRUNED, event.get("why")
        case {"event": kind, "paused": True} if kind == REPORTED:
            return PAUSED, event.get("why")
        case {"event": kind, "branch": {"source": source, "epoch": epoch}} if kind == SAMPLED:
            return BRANCHED, f"begins at the checkpoint of trial {source} after epoch {epoch}"
        case {"event": kind, "audited": True} if kind == REPORTED:
            return AUDITED, spared_text(PRUNED, event.get("why"))
        case {"event": kind, "audited": True} if kind == ATTEMPT_STARTED:
            return AUDITED, spared_text(CLOSED_AT_END, event.get("why"))
        case {"event": kind, "why": str(why)} if kind == ATTEMPT_STARTED:
            return WENT_ON, why
        case {"event": kind, "message": str(message)} if kind == CLOSED:
            return CLOSED_AT_END, message
        case {"event": kind, "cause": str(cause)} if kind == ATTEMPT_ENDED:
            # a verdict of its own has told why
            is_told = cause in (PRUNED, PAUSED)
            return (None, None) if is_told else (ENDED, _end(cause, event.get("message")))
    return None, None


def _end(cause: str, message: str | None) -> str:
    return cause if message is None else f"{cause}: {message}"
