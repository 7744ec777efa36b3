"""Bringing events files and database to the same after a coordinator was cut off.

Each thing is written to its events file first and to the database then, so of the two the file is
ahead, by what was being written when the coordinator died. After a power cut it may lack the last
reports, which are not synced; those the database has.
"""

from __future__ import annotations

from collections.abc import Mapping

from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState

from search.engine.events import append_event, cut_torn_line
from search.engine.history import REPORTED, SAMPLED, TrialHistory, fold
from search.engine.replay import frozen_trial, study_history, told_attributes, trial_history
from search.engine.write_through import WriteThroughStorage
from search.study.layout import StudyFolder


def reconcile(
    folder: StudyFolder,
    storage: WriteThroughStorage,
    distributions: Mapping[str, BaseDistribution],
) -> None:
    """Write to the database what only the events of unfinished trials have, and the reverse.

    Raises:
        StorageError: an events file is damaged.
    """
    cut_torn_line(folder.events)
    for key, value in study_history(folder).attributes.items():
        if storage.get_study_system_attrs(storage.study_id).get(key) != value:
            storage.set_study_system_attr(storage.study_id, key, value)
    trials = storage.get_all_trials(storage.study_id, deepcopy=False)
    for trial in trials:
        is_enqueued = trial.state == TrialState.WAITING and not trial.params
        if not trial.state.is_finished() and not is_enqueued:
            _reconcile_trial(folder, storage, trial)
    _add_unpublished(folder, storage, distributions, len(trials))


def _reconcile_trial(folder: StudyFolder, storage: WriteThroughStorage, trial: FrozenTrial) -> None:
    events = folder.trial(trial.number).events
    cut_torn_line(events)
    history = trial_history(folder.trial(trial.number))
    if history is None:
        history = _begin_history(folder, trial)
    for step in sorted(trial.intermediate_values.keys() - history.curve.keys()):
        value = trial.intermediate_values[step]
        append_event(events, REPORTED, step=step, epoch=step, value=value)
    _update(storage, trial, history)


def _begin_history(folder: StudyFolder, trial: FrozenTrial) -> TrialHistory:
    """Another tool sampled the trial, so it has no events yet."""
    place = folder.trial(trial.number)
    place.root.mkdir(parents=True, exist_ok=True)
    event = append_event(
        place.events,
        SAMPLED,
        number=trial.number,
        params=trial.params,
        attributes=trial.system_attrs,
    )
    history = fold([event])
    assert history is not None
    return history


def _update(storage: WriteThroughStorage, trial: FrozenTrial, history: TrialHistory) -> None:
    trial_id = storage.get_trial_id_from_study_id_trial_number(storage.study_id, trial.number)
    for step, value in history.curve.items():
        if trial.intermediate_values.get(step) != value:
            storage.set_trial_intermediate_value(trial_id, step, value)
    for key, value in told_attributes(history).items():
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
    while (history := _unpublished(folder, number)) is not None:
        trial = frozen_trial(history, distributions)
        storage.publish(storage.create_new_trial(storage.study_id, trial))
        number += 1


def _unpublished(folder: StudyFolder, number: int) -> TrialHistory | None:
    cut_torn_line(folder.trial(number).events)
    return trial_history(folder.trial(number))
