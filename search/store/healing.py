"""Bringing events files and database to the same after a coordinator was cut off.

Each thing is written to its events file first and to the database then, so of the two the file is
ahead, by what was being written when the coordinator died. A power cut may take the last reports
from it, which are not synced, and a failing disk more; what it lacks is recalled from the database.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState

from search.errors import StorageError
from search.layout import StudyFolder
from search.plain.whole_files import make_folder
from search.store.attributes import (
    ASKED,
    DERIVED,
    ENQUEUED,
    METRICS,
    MICRO_BATCH,
    MICRO_BATCHES,
    RESOURCES_USED,
    SIZES,
    STEPS,
    STUDY,
    TAKEN_FROM,
)
from search.store.database.write_through import WriteThroughStorage
from search.store.events.event_file import append_event
from search.store.events.optuna_trials import (
    attributes_of_trial,
    frozen_trial,
    study_history,
    trial_history,
)
from search.store.events.trial_history import (
    ATTRIBUTES,
    FINISHED,
    RECALLED,
    REPORTED,
    SAMPLED,
    Attempts,
    TrialHistory,
    attempts_of,
    fold,
)

_SAMPLED_WITH = (DERIVED, ENQUEUED, TAKEN_FROM)


def reconcile(
    folder: StudyFolder,
    storage: WriteThroughStorage,
    distributions: Mapping[str, BaseDistribution],
) -> None:
    """Write to the database what only the events have, and the reverse.

    Raises:
        StorageError: an events file is damaged.
    """
    _reconcile_study(folder, storage)
    trials = storage.get_all_trials(storage.study_id, deepcopy=False)
    for trial in trials:
        is_enqueued = trial.state == TrialState.WAITING and not trial.params
        if trial.state.is_finished():
            _recall_end(folder, trial)
        elif not is_enqueued:
            _reconcile_trial(folder, storage, trial)
    _add_unpublished(folder, storage, distributions, len(trials))


def _reconcile_study(folder: StudyFolder, storage: WriteThroughStorage) -> None:
    """The study's own events; what a file that was removed lacks is recalled."""
    told = study_history(folder)
    stored = storage.get_study_system_attrs(storage.study_id)
    for key, value in told.attributes.items():
        if stored.get(key) != value:
            storage.set_study_system_attr(storage.study_id, key, value)
    if lost := {key: value for key, value in stored.items() if key not in told.attributes}:
        append_event(folder.events, ATTRIBUTES, attributes=lost)
    attributes = storage.get_study_user_attrs(storage.study_id)
    for key, size in attributes.get(MICRO_BATCHES, {}).items():
        if key not in told.micro_batches:
            append_event(folder.events, MICRO_BATCH, key=key, size=size)
    asked = attributes[STUDY].get(ASKED)
    if told.asked is None and asked is not None:
        append_event(folder.events, ASKED, trials=asked)
    steps = attributes[STUDY].get(STEPS)
    if told.steps is None and steps is not None:
        append_event(folder.events, STEPS, **steps)


def _reconcile_trial(folder: StudyFolder, storage: WriteThroughStorage, trial: FrozenTrial) -> None:
    events = folder.trial(trial.number).events
    history = trial_history(folder.trial(trial.number))
    if history is None:
        history = _begin_history(folder, trial)
    if _has_lost_its_end(history, trial):
        _recall(events, history, trial)
        history = trial_history(folder.trial(trial.number))
        assert history is not None
    _update(storage, trial, history)


def _recall_end(folder: StudyFolder, trial: FrozenTrial) -> None:
    """A finished trial changes no more, but a failing disk may have cut its end from its events."""
    events = folder.trial(trial.number).events
    if not events.exists():
        return
    try:
        history = trial_history(folder.trial(trial.number))
    except StorageError:
        return  # the study can go on without it; `search rebuild`, which cannot, names the line
    history = history or _begin_history(folder, trial)
    if history.state not in FINISHED:
        _recall(events, history, trial)


def _begin_history(folder: StudyFolder, trial: FrozenTrial) -> TrialHistory:
    """Another tool sampled the trial, so it has no events yet; or they are gone."""
    place = folder.trial(trial.number)
    make_folder(place.root)
    told = {key: trial.user_attrs[key] for key in _SAMPLED_WITH if key in trial.user_attrs}
    event = append_event(
        place.events,
        SAMPLED,
        number=trial.number,
        params=trial.params,
        attributes=trial.system_attrs,
        **told,
    )
    history = fold([event])
    assert history is not None
    return history


def _has_lost_its_end(history: TrialHistory, trial: FrozenTrial) -> bool:
    """Whether the database has anything that the file has not, though it was there first."""
    told, attempts = attributes_of_trial(history), attempts_of(trial)
    return (
        not trial.intermediate_values.keys() <= history.curve.keys()
        or not trial.system_attrs.keys() <= history.attributes.keys()
        or any(key in trial.user_attrs and key not in told for key in (SIZES, RESOURCES_USED))
        or _starts_and_ends(attempts) > _starts_and_ends(history.attempts)
    )


def _starts_and_ends(attempts: Attempts) -> int:
    return len(attempts) + sum(attempt["ended"] is not None for attempt in attempts)


def _recall(events: Path, history: TrialHistory, trial: FrozenTrial) -> None:
    """Write what the database knows of a trial, so that the events tell it again."""
    for step, value in sorted(trial.intermediate_values.items()):
        if history.curve.get(step) != value:
            append_event(events, REPORTED, sync=False, step=step, epoch=step, value=value)
    append_event(
        events,
        RECALLED,
        state=trial.state.name,
        attempts=attempts_of(trial),
        sizes=trial.user_attrs.get(SIZES, {}),
        resources=trial.user_attrs.get(RESOURCES_USED, {}),
        attributes=trial.system_attrs,
        **(_end_of(trial) if trial.state.is_finished() else {}),
    )


def _end_of(trial: FrozenTrial) -> dict[str, Any]:
    ended = [attempt["ended"] for attempt in attempts_of(trial) if attempt["ended"]]
    return {
        "values": trial.values,
        "metrics": trial.user_attrs.get(METRICS, {}),
        "ended": ended[-1] if ended else None,
    }


def _update(storage: WriteThroughStorage, trial: FrozenTrial, history: TrialHistory) -> None:
    trial_id = storage.get_trial_id_from_study_id_trial_number(storage.study_id, trial.number)
    for step, value in history.curve.items():
        if trial.intermediate_values.get(step) != value:
            storage.set_trial_intermediate_value(trial_id, step, value)
    for key, value in attributes_of_trial(history).items():
        if trial.user_attrs.get(key) != value:
            storage.set_trial_user_attr(trial_id, key, value)
    for key, value in history.attributes.items():
        if trial.system_attrs.get(key) != value:
            storage.set_trial_system_attr(trial_id, key, value)
    if history.state != trial.state.name:
        storage.set_trial_state_values(trial_id, TrialState[history.state], history.values)


def _add_unpublished(
    folder: StudyFolder,
    storage: WriteThroughStorage,
    distributions: Mapping[str, BaseDistribution],
    number: int,
) -> None:
    """Trials whose sampling was written, but not yet to the database."""
    while (history := trial_history(folder.trial(number))) is not None:
        trial = frozen_trial(history, distributions)
        storage.publish(storage.create_new_trial(storage.study_id, trial))
        number += 1
