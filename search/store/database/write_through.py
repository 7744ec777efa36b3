"""The study in memory, written through to its database."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, TypeVar

import sqlalchemy
from optuna.storages import InMemoryStorage, RDBStorage
from optuna.trial import Trial, TrialState
from sqlalchemy import Connection

from search.errors import StorageError
from search.store.database.connection import cannot_be_written, close_database
from search.store.database.lock_wait import REFUSALS, BeforeRetry, keep_trying, retry_while_locked
from search.store.database.optuna_rows import trial_ids
from search.store.database.trial_statements import (
    SYSTEM_ATTRIBUTES,
    USER_ATTRIBUTES,
    insert_trial,
    write_attribute,
    write_report,
    write_state,
)
from search.store.database.url import shown_url
from search.store.events.optuna_trials import OptunaStudy

# through the object mapper every trial is read to count them
_NEWEST = sqlalchemy.text("SELECT max(trial_id) FROM trials")
_COUNT = sqlalchemy.text("SELECT count(*) FROM trials WHERE study_id = :study_id")
# begins the name of an attribute of a trial that stays in memory: a state of CMA-ES
PRIVATE_PREFIX = "cma:"
T = TypeVar("T")


def is_private(attribute: str) -> bool:
    """Whether an attribute of a trial stays in memory."""
    return attribute.startswith(PRIVATE_PREFIX)


class WriteThroughStorage(InMemoryStorage):
    """One study in memory, written through to its database.

    Samplers and pruners read all trials at every step; from the database that costs milliseconds a
    report, from here microseconds. Correct because one process owns the study. A new trial is
    staged in memory until `publish` writes it with all its parameters in one transaction.

    Args:
        database: agrees with `study`.
        before_retry: called while the database is locked by another program; as for
            `retry_while_locked`.
    """

    def __init__(
        self, database: RDBStorage, study: OptunaStudy, before_retry: BeforeRetry = keep_trying
    ) -> None:
        super().__init__()
        self.database = database
        self._before_retry = before_retry
        self._database_study = self._write(lambda: database.get_study_id_from_name(study.name))
        # ids of this storage to ids of the database; a staged trial has none yet
        self._database_trials: dict[int, int] = {}
        # the newest trial of the whole database when only this process had added to the study
        self._newest: int | None = None
        self.study_id = super().create_new_study(study.directions, study.name)
        for key, value in study.user_attributes.items():
            super().set_study_user_attr(self.study_id, key, value)
        for key, value in study.system_attributes.items():
            super().set_study_system_attr(self.study_id, key, value)
        ids = self._write(lambda: trial_ids(database.engine, study.name))
        for trial in study.trials:
            trial_id = super().create_new_trial(self.study_id, trial)
            self._database_trials[trial_id] = ids[trial.number]

    def close(self) -> None:
        """Close the connections to the database."""
        close_database(self.database)

    def refuse_other_writers(self, trial: Trial) -> None:
        """Make sure that a staged trial will have the same number in the database.

        Raises:
            StorageError: another tool added a trial to the study since it was opened.
        """
        newest = self._write(lambda: self._number(_NEWEST))
        if newest == self._newest:
            return
        count = self._write(lambda: self._number(_COUNT))
        if count != trial.number:
            raise StorageError(
                f"{shown_url(self.database.url)}: another tool added a trial to the study while it "
                "runs. Nothing is lost: run the same command again, and add trials to a running "
                "study with `search enqueue`."
            )
        self._newest = newest

    def publish(self, trial_id: int) -> None:
        """Write a staged trial; from now on every change of it is written at once."""
        if trial_id in self._database_trials:
            return
        trial = self.get_trial(trial_id)
        trial.system_attrs = {k: v for k, v in trial.system_attrs.items() if not is_private(k)}

        def add() -> int:
            with self.database.engine.begin() as connection:
                return insert_trial(connection, self._database_study, trial)

        added = self._write(add)
        self._database_trials[trial_id] = added
        if self._newest == added - 1:
            self._newest = added

    def _number(self, query: sqlalchemy.TextClause) -> int | None:
        with self.database.engine.connect() as connection:
            found: int | None = connection.execute(
                query, {"study_id": self._database_study}
            ).scalar()
        return found

    def empty(self, trial: Trial) -> None:
        """Take back what was sampled for a staged trial, which keeps its number."""
        emptied = copy.copy(self._get_trial(trial._trial_id))
        emptied.params, emptied.distributions, emptied.system_attrs = {}, {}, {}
        self._set_trial(trial._trial_id, emptied)

    def _write(self, operation: Callable[[], T]) -> T:
        try:
            return retry_while_locked(operation, self._before_retry)
        except REFUSALS as error:
            raise cannot_be_written(self.database.url, error) from error

    def create_new_study(
        self, directions: object, study_name: str | None = None
    ) -> int:  # pragma: no cover
        raise NotImplementedError("this storage holds the one study that it was opened with")

    def set_study_user_attr(self, study_id: int, key: str, value: object) -> None:
        super().set_study_user_attr(study_id, key, value)
        self._write(lambda: self.database.set_study_user_attr(self._database_study, key, value))

    def set_study_system_attr(self, study_id: int, key: str, value: Any) -> None:
        super().set_study_system_attr(study_id, key, value)
        self._write(lambda: self.database.set_study_system_attr(self._database_study, key, value))

    def set_trial_param(
        self, trial_id: int, param_name: str, param_value_internal: float, distribution: Any
    ) -> None:
        super().set_trial_param(trial_id, param_name, param_value_internal, distribution)
        if (target := self._database_trials.get(trial_id)) is not None:
            self._write(
                lambda: self.database.set_trial_param(
                    target, param_name, param_value_internal, distribution
                )
            )

    def claim(self, trial_id: int) -> None:
        """Take up a trial that waits, in memory: the database follows with its next attempt."""
        super().set_trial_state_values(trial_id, TrialState.RUNNING)

    def set_trial_state_values(self, trial_id: int, state: TrialState, values: Any = None) -> bool:
        replaces = self._get_trial(trial_id).values is not None
        changed = super().set_trial_state_values(trial_id, state, values)
        # one that was claimed runs here already, and waits in the database
        if changed or state == TrialState.RUNNING:
            trial = self._get_trial(trial_id)
            self._write_trial(
                trial_id, lambda to, target: write_state(to, target, trial, replaces=replaces)
            )
        return changed

    def set_trial_intermediate_value(
        self, trial_id: int, step: int, intermediate_value: float
    ) -> None:
        replaces = step in self._get_trial(trial_id).intermediate_values
        super().set_trial_intermediate_value(trial_id, step, intermediate_value)
        self._write_trial(
            trial_id,
            lambda to, target: write_report(
                to, target, step, intermediate_value, replaces=replaces
            ),
        )

    def set_trial_user_attr(self, trial_id: int, key: str, value: object) -> None:
        super().set_trial_user_attr(trial_id, key, value)
        self._write_trial(
            trial_id, lambda to, target: write_attribute(to, USER_ATTRIBUTES, target, key, value)
        )

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        super().set_trial_system_attr(trial_id, key, value)
        if not is_private(key):
            self._write_trial(
                trial_id,
                lambda to, target: write_attribute(to, SYSTEM_ATTRIBUTES, target, key, value),
            )

    def _write_trial(self, trial_id: int, change: Callable[[Connection, int], None]) -> None:
        """Write a change of a trial, unless it is staged still.

        Args:
            change: given the transaction and the key of the trial in the database.
        """
        target = self._database_trials.get(trial_id)
        if target is None:
            return

        def write() -> None:
            with self.database.engine.begin() as connection:
                change(connection, target)

        self._write(write)
