"""The trial that starts in a slot that is free."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from search.engine.attempt_end import Outcome
from search.engine.batch_sizes import BatchPlan
from search.engine.ledger import Ledger
from search.engine.running_attempts import Running
from search.messages import INTERRUPTED


class NextTrials:
    """Trials that wait for a probe, were begun, begin at the checkpoint of another, were paused, or
    are new, in this order.

    Args:
        close: ends a paused trial whose place another one takes, with a message.
        total: trials of the study; None is no limit.
    """

    def __init__(
        self,
        ledger: Ledger,
        batches: BatchPlan,
        total: int | None,
        close: Callable[[int, str], None],
    ) -> None:
        self._ledger = ledger
        self._batches = batches
        self._total = total
        self._close = close
        # they have a number and wait for a probe to tell their micro-batch
        self._blocked: list[int] = []

    @property
    def is_open(self) -> bool:
        """False once there is no trial to start, now or later."""
        return bool(
            self._blocked or self._ledger.waiting() or self._ledger.pausing.paused or self._is_new
        )

    @property
    def _is_new(self) -> bool:
        return self._total is None or self._ledger.created < self._total

    def next(self, running: Iterable[Running]) -> int | None:
        """A trial that can start now, beside the attempts that run; None while there is none."""
        probing = {each.key for each in running if each.task == "probe"}
        for number in self._blocked:
            if self._batches.key(self._ledger.params(number)) not in probing:
                self._blocked.remove(number)
                return number
        if self._blocked:
            return None
        if waiting := self._ledger.waiting():
            self._ledger.claim(waiting[0])
            return waiting[0]
        if (branched := self._branch()) is not None:
            return branched
        # of what is audited the scheduler hears no more
        is_idle = all(
            each.task == "fit" and self._ledger.is_audited(each.number) for each in running
        )
        chosen = self._ledger.choose(is_idle=is_idle and not self._is_new)
        if chosen is None and self._is_new and self._ledger.pausing.wants_new:
            return self._ledger.sample()
        return chosen

    def _branch(self) -> int | None:
        """A new trial at the checkpoint of another, whose place in the study is free with that."""
        if not (self._is_new and self._ledger.pausing.branches):
            return None
        branched = self._ledger.branch()
        if branched is None:
            return None
        if self._ledger.pausing.holds(branched.replaced):
            self._close(branched.replaced, branched.why)
        return branched.history.number

    def block(self, number: int) -> None:
        """Let a trial wait for the probe of its group."""
        self._blocked.append(number)

    def unblock(self, number: int) -> None:
        """Let a trial begin next, whose probe has ended."""
        self._blocked.insert(0, number)

    def release(self) -> None:
        """Write of those that wait for a probe that they have not begun."""
        for number in self._blocked:
            self._ledger.end_attempt(number, Outcome(INTERRUPTED, message="not begun"))
        self._blocked.clear()
