"""A study as its events tell it, with the facts of its study file."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from search.errors import StorageError, UserError
from search.layout import StudyFolder
from search.store.attributes import attributes_to_json
from search.store.events.event_file import append_event
from search.store.events.study_history import (
    ASKED,
    STEPS,
    STOPPING,
    STUDY,
    StudyHistory,
    attributes_in,
    study_history,
    trial_histories,
)
from search.store.events.trial_history import TrialHistory
from search.store.records import ObjectiveRecord, StudyAttributes
from search.study_file.curve_steps import Steps
from search.study_file.objectives import reported_metric
from search.study_file.stopping_rules import StoppingRules

if TYPE_CHECKING:
    from search.study_file.schema import StudyFile


@dataclass(frozen=True)
class RecordedStudy:
    """A study and its trials, read from their events."""

    folder: StudyFolder
    attributes: StudyAttributes
    history: StudyHistory
    # by number
    trials: list[TrialHistory]


def recorded_study(folder: StudyFolder) -> RecordedStudy:
    """Read a study.

    Raises:
        StorageError: an events file is damaged, or the study file is needed and is none.
    """
    history = study_history(folder)
    attributes = attributes_in(folder, history) or _attributes_in_file(folder, history)
    return RecordedStudy(folder, attributes, history, trial_histories(folder))


def attributes_of(
    study_file: StudyFile,
    n_trials: int | None,
    steps: Steps | None = None,
    stopping: StoppingRules | None = None,
) -> StudyAttributes:
    """The facts of a study, out of its study file.

    Args:
        stopping: the rules that were asked for; None for those of the study file.
    """
    scheduler = study_file.scheduler.name
    objectives = (ObjectiveRecord(each.metric, each.direction) for each in study_file.judged)
    return StudyAttributes(
        objectives=tuple(objectives),
        reported=reported_metric(study_file),
        outcome_constraints=tuple(study_file.outcome_constraints),
        n_trials=n_trials,
        stopping=study_file.budget.stopping if stopping is None else stopping,
        space=study_file.space,
        settings={
            "sampler": study_file.sampler.name,
            "pruner": study_file.pruner.name,
            **({} if scheduler == "none" else {"scheduler": scheduler}),
            "seed": study_file.seed,
        },
        steps=steps,
    )


def write_facts(folder: StudyFolder, attributes: StudyAttributes, known: StudyHistory) -> None:
    """Write to the events of a study what they do not say of it yet.

    Args:
        known: what they say; changed alike.

    Raises:
        OSError: the file cannot be written.
    """
    facts = _facts_of(attributes)
    if known.facts != facts:
        append_event(folder.events, STUDY, study=facts)
        known.facts = facts
    asked = (attributes.n_trials, attributes.stopping)
    if asked != (known.n_trials, known.stopping):
        details: dict[str, Any] = {"trials": attributes.n_trials}
        if attributes.stopping.names:
            details[STOPPING] = attributes.stopping.to_tree()
        append_event(folder.events, ASKED, **details)
        known.n_trials, known.stopping = asked
        known.gain = None
    if attributes.steps is not None and known.steps != attributes.steps:
        append_event(folder.events, STEPS, **asdict(attributes.steps))
        known.steps = attributes.steps


def _facts_of(attributes: StudyAttributes) -> dict[str, object]:
    """The facts that have no event of their own, as they are read back."""
    tree = attributes_to_json(attributes)
    facts: dict[str, Any] = json.loads(json.dumps(tree))
    return {key: value for key, value in facts.items() if key not in (ASKED, STEPS, STOPPING)}


def _attributes_in_file(folder: StudyFolder, history: StudyHistory) -> StudyAttributes:
    """The facts of a study that an earlier release began, whose events do not have them."""
    # the study of this release needs none of it, and it takes as long as all the rest
    from search.study_file.load import load_kept

    try:
        study_file = load_kept(folder)
    except UserError as error:
        raise StorageError(str(error)) from error
    return attributes_of(study_file, history.n_trials, history.steps, history.stopping)
