"""The attempts at a trial, as its events tell them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import NoneType
from typing import Any

from search.messages import INTERRUPTED, KILLED, LOST
from search.store.attributes import checked
from search.store.events.event_file import Event
from search.store.records import AttemptRecord


@dataclass(frozen=True)
class Attempt:
    """An attempt as the ledger judges it."""

    record: AttemptRecord
    # the last step that the trial had reported when the attempt began
    first_step: int
    # the attempt ran out of memory before training began, as another one might
    may_recur: bool = False
    # it wrote a checkpoint further on than any before
    got_on: bool = False

    @property
    def is_idle(self) -> bool:
        """The attempt ended without any doing of the trial's."""
        return (self.record.cause == KILLED or self.may_recur) and not self.got_on

    @property
    def is_lost(self) -> bool:
        """The attempt went with its machine before it had saved anything."""
        return self.record.cause == LOST and not self.got_on


def begun_attempt(event: Event, *, number: Any, pid: Any, boot_id: Any, node: Any = "") -> Attempt:
    """The attempt that an event begins."""
    record = AttemptRecord(
        number=checked(number, int),
        pid=checked(pid, int),
        boot_id=checked(boot_id, str),
        started=datetime.fromisoformat(event["time"]),
        node=checked(node, str),
    )
    return Attempt(record, first_step=checked(event["step"], int))


def end_last(attempts: list[Attempt], event: Event) -> None:
    """End the attempt that runs, if one does."""
    if not attempts or attempts[-1].record.ended is not None:
        if event["cause"] == INTERRUPTED:
            return
        # it failed before its own process began, in the probe
        attempts.append(begun_attempt(event, number=len(attempts) + 1, pid=0, boot_id=""))
    record = replace(
        attempts[-1].record,
        # of one that was cut off nobody wrote when
        ended=datetime.fromisoformat(event.get("seen") or event["time"]),
        cause=checked(event["cause"], str),
        message=checked(event["message"], str, NoneType),
    )
    attempts[-1] = replace(
        attempts[-1], record=record, may_recur=checked(event.get("may_recur", False), bool)
    )


def recalled_attempt(tree: Mapping[str, Any]) -> Attempt:
    """An attempt as earlier releases took it back from the database."""
    begun = begun_attempt(
        {"time": tree["started"], "step": tree["first_step"]},
        number=tree["number"],
        pid=tree["pid"],
        boot_id=tree["boot_id"],
    )
    if tree["ended"] is None:
        return begun
    ended = [begun]
    end_last(ended, {**tree, "time": tree["ended"]})
    return ended[0]
