"""The study in memory and in its database at once."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any, TypeVar

import sqlalchemy
from optuna.storages import InMemoryStorage, RDBStorage
from optuna.trial import FrozenTrial, Trial, TrialState

from search.errors import StorageError
from search.store.attributes import NONSENSE
from search.store.database.connection import cannot_be_written, says_nonsense
from search.store.database.lock_wait import REFUSALS, Patience, endless, patiently
from search.store.database.url import shown_url

# the one statement that is written at every report; through Optuna's object mapper it takes twelve
# times as long, on a core that a trial could use (DECISIONS.md)
_REPORT = sqlalchemy.text(
    "INSERT INTO trial_intermediate_values "
    "(trial_id, step, intermediate_value, intermediate_value_type) "
    "VALUES (:trial_id, :step, :value, :kind) ON CONFLICT (trial_id, step) DO UPDATE SET "
    "intermediate_value = excluded.intermediate_value, "
    "intermediate_value_type = excluded.intermediate_value_type"
)
# through the object mapper every trial is read to count them
_NEWEST = sqlalchemy.text("SELECT max(trial_id) FROM trials")
_COUNT = sqlalchemy.text("SELECT count(*) FROM trials WHERE study_id = :study_id")
_REOPEN = sqlalchemy.text("UPDATE trials SET state = 'RUNNING' WHERE trial_id = :trial_id")
_KNOWS_REPORT = ("sqlite", "postgresql")
T = TypeVar("T")


class WriteThroughStorage(InMemoryStorage):
    """One study in memory, written through to its database.

    Samplers and pruners read all trials at every step; from the database that costs milliseconds a
    report, from here microseconds. Correct because one process owns the study. A new trial is
    staged in memory until `publish` writes it with all its parameters in one transaction.

    Args:
        patience: called while the database is locked by another program; see `patiently`.
    """

    def __init__(self, database: RDBStorage, study_name: str, patience: Patience = endless) -> None:
        super().__init__()
        self.database = database
        self._patience = patience
        try:
            self._database_study = self._write(lambda: database.get_study_id_from_name(study_name))
        except KeyError as error:
            raise StorageError(
                f"{shown_url(database.url)}: has no study {study_name}. Make it again from the "
                f"events of the trials: `search rebuild {study_name}`."
            ) from error
        # ids of this storage to ids of the database; a staged trial has none yet
        self._database_trials: dict[int, int] = {}
        # the newest trial of the whole database when only this process had added to the study
        self._newest: int | None = None
        try:
            self._load(study_name)
        except NONSENSE as error:
            raise says_nonsense(database.url, study_name, error) from error

    def _load(self, study_name: str) -> None:
        directions = self.database.get_study_directions(self._database_study)
        self.study_id = super().create_new_study(directions, study_name)
        for key, value in self.database.get_study_user_attrs(self._database_study).items():
            super().set_study_user_attr(self.study_id, key, value)
        for key, value in self.database.get_study_system_attrs(self._database_study).items():
            super().set_study_system_attr(self.study_id, key, value)
        trials = self._write(lambda: self.database.get_all_trials(self._database_study))
        for trial in sorted(trials, key=lambda trial: trial.number):
            if trial.state == TrialState.COMPLETE and not trial.values:
                self._reopen(trial)
            trial_id = super().create_new_trial(self.study_id, trial)
            self._database_trials[trial_id] = trial._trial_id

    def _reopen(self, trial: FrozenTrial) -> None:
        """Let a trial that is complete without a value be ended anew, as what its events say.

        No sampler takes such a trial, and Optuna changes none that is finished.
        """
        trial.state = TrialState.RUNNING

        def write() -> None:
            with self.database.engine.begin() as connection:
                connection.execute(_REOPEN, {"trial_id": trial._trial_id})

        self._write(write)

    def refuse_other_writers(self, trial: Trial) -> None:
        """Make sure that a staged trial will have the same number in the database.

        Raises:
            StorageError: another tool added a trial to the study since it was opened.
        """
        newest = self._write(lambda: self._number(_NEWEST))
        if newest == self._newest:
            return
        if self.is_published(trial):
            # another tool enqueued it; who else added one is seen at the next that is sampled
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
        added = self._write(lambda: self.database.create_new_trial(self._database_study, trial))
        self._database_trials[trial_id] = added
        if self._newest == added - 1:
            self._newest = added

    def _number(self, query: sqlalchemy.TextClause) -> int | None:
        with self.database.engine.connect() as connection:
            found: int | None = connection.execute(
                query, {"study_id": self._database_study}
            ).scalar()
        return found

    def is_published(self, trial: Trial) -> bool:
        """Whether a trial is in the database."""
        return trial._trial_id in self._database_trials

    def empty(self, trial: Trial) -> None:
        """Take back what was sampled for a staged trial, which keeps its number."""
        emptied = copy.copy(self._get_trial(trial._trial_id))
        emptied.params, emptied.distributions, emptied.system_attrs = {}, {}, {}
        self._set_trial(trial._trial_id, emptied)

    def _write(self, operation: Callable[[], T]) -> T:
        try:
            return patiently(operation, self._patience)
        except REFUSALS as error:
            raise cannot_be_written(self.database.url, error) from error

    def create_new_study(
        self, directions: Any, study_name: str | None = None
    ) -> int:  # pragma: no cover
        raise NotImplementedError("this storage holds the one study that it was opened with")

    def set_study_user_attr(self, study_id: int, key: str, value: Any) -> None:
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

    def set_trial_state_values(self, trial_id: int, state: TrialState, values: Any = None) -> bool:
        changed = super().set_trial_state_values(trial_id, state, values)
        if changed and (target := self._database_trials.get(trial_id)) is not None:
            self._write(lambda: self.database.set_trial_state_values(target, state, values))
        return changed

    def set_trial_intermediate_value(
        self, trial_id: int, step: int, intermediate_value: float
    ) -> None:
        super().set_trial_intermediate_value(trial_id, step, intermediate_value)
        if (target := self._database_trials.get(trial_id)) is None:
            return
        if self.database.engine.dialect.name in _KNOWS_REPORT:
            self._write(lambda: self._write_report(target, step, intermediate_value))
        else:
            self._write(
                lambda: self.database.set_trial_intermediate_value(target, step, intermediate_value)
            )

    def _write_report(self, target: int, step: int, value: float) -> None:
        kind = "FINITE"
        if math.isnan(value):
            kind = "NAN"
        elif math.isinf(value):
            kind = "INF_POS" if value > 0 else "INF_NEG"
        row = {
            "trial_id": target,
            "step": step,
            "value": value if kind == "FINITE" else None,
            "kind": kind,
        }
        with self.database.engine.begin() as connection:
            connection.execute(_REPORT, row)

    def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> None:
        super().set_trial_user_attr(trial_id, key, value)
        if (target := self._database_trials.get(trial_id)) is not None:
            self._write(lambda: self.database.set_trial_user_attr(target, key, value))

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        super().set_trial_system_attr(trial_id, key, value)
        target = self._database_trials.get(trial_id)
        if target is not None and not is_private(key):
            self._write(lambda: self.database.set_trial_system_attr(target, key, value))


_PREFIX = "cma:"


def is_private(attribute: str) -> bool:
    """Whether an attribute of a trial is a state of CMA-ES that stays in memory."""
    return attribute.startswith(_PREFIX)
