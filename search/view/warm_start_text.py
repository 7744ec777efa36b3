"""What a study learns from, in one line."""

from __future__ import annotations

from search.store.records import StudyRecord


def warm_start_text(record: StudyRecord) -> str | None:
    """The earlier studies of a study, how many trials it has of each, and what they weigh now; None
    where it has none."""
    if not record.warm_start.sources:
        return None
    return record.warm_start.text_with(weights_now(record))


def weights_now(record: StudyRecord) -> tuple[float, ...]:
    """What each earlier study weighs now; none where there are none, or no weights."""
    if not record.warm_start.sources:
        return ()
    # imports Optuna, which takes long, and few studies need it
    from search.sampling.source_weights import present_weights

    return present_weights(record)
