"""A study and its trials as trees for JSON, the same for status, export and events."""

from __future__ import annotations

from search.plain.strict_json import field_values
from search.store.audit_figures import audit_figures
from search.store.records import StudyRecord, TrialRecord
from search.store.study_state import spent_by


def trial_tree(trial: TrialRecord) -> dict[str, object]:
    """Every field of a trial's record, and its duration."""
    return {**field_values(trial), "duration_s": trial.duration_s}


def study_tree(record: StudyRecord) -> dict[str, object]:
    """A study without its trials."""
    return {
        "folder": record.folder,
        "storage": record.storage,
        "metric": record.metric,
        "direction": record.direction,
        "objectives": record.objectives,
        "outcome_constraints": record.outcome_constraints,
        "asked": record.n_trials,
        "budget": record.stopping,
        "spent": spent_by(record),
        "audit": audit_figures(record),
        "warm_start": record.warm_start.figures(),
        "front": [trial.number for trial in record.front],
    }
