"""The outcome of an attempt that ran, by all that is known of it; where memory ran out, its trial
gets a smaller batch."""

from __future__ import annotations

from search.engine.attempt_end import Outcome, ProcessEnd, outcome_of
from search.engine.batch_sizes import BatchPlan
from search.engine.ledger import Ledger
from search.engine.running_attempts import Running
from search.engine.smaller_batch import retry_smaller
from search.messages import OOM, Exited, Leaving


def settled_outcome(
    running: Running,
    end: Leaving | Exited,
    *,
    is_stopping: bool,
    ledger: Ledger,
    batches: BatchPlan,
) -> Outcome:
    """The outcome of an attempt that has ended.

    Args:
        end: the message by which it did.
        is_stopping: the coordinator had asked it to end.
        ledger: learns which batches are too large.
        batches: where a smaller one is written.
    """
    outcome = outcome_of(
        ProcessEnd(
            said=running.last_words,
            status=end.status,
            ordered=running.ended_as,
            why=running.why,
            is_stopping=is_stopping or running.slot_closes,
            # nothing was killed of one that leaves by itself
            memory_ran_out=isinstance(end, Exited) and end.memory_ran_out,
            lost=end.lost if isinstance(end, Exited) else None,
        )
    )
    if outcome.cause != OOM or running.task != "fit":
        return outcome
    retry = retry_smaller(outcome, running.started, running.folder, batches)
    if retry.limit is not None and batches.is_probed:
        key = batches.key(ledger.params(running.number))
        ledger.common.lower_micro_batch(key, retry.limit)
    return retry.outcome
