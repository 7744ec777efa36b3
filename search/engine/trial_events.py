"""The events of the trials of an open study: each is written to its file, added to the history, and
shown where Optuna's tools look."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from optuna.trial import FrozenTrial

from search.errors import StorageError
from search.layout import StudyFolder
from search.store.database.write_through import WriteThroughStorage
from search.store.events.event_file import append_event
from search.store.events.optuna_trials import user_attributes
from search.store.events.trial_history import TrialHistory, after


class TrialEvents:
    """Writes what happens to the trials of one study.

    Args:
        trials: by their numbers; changed with each event.
        storage: the study in memory and in its database.
    """

    def __init__(
        self, folder: StudyFolder, trials: Sequence[TrialHistory], storage: WriteThroughStorage
    ) -> None:
        self._folder = folder
        self._trials = trials
        self._storage = storage

    def append(self, number: int, event: str, *, sync: bool = True, **details: Any) -> None:
        """Append an event of a trial to the file that was begun when it was sampled.

        Raises:
            StorageError: the file is gone, and a new one would not tell the beginning.
        """
        events = self._folder.trial(number).events
        if not events.exists():
            raise StorageError(
                f"{events}: was moved or removed while the trial runs. Put it back, then run the "
                "same command again."
            )
        after(self._trials[number], append_event(events, event, sync=sync, **details))

    def show_attributes(self, number: int) -> None:
        """Write what the events have come to say of a trial where Optuna's tools look."""
        known = self.frozen(number).user_attrs
        for key, value in user_attributes(self._trials[number]).items():
            if known.get(key) != value:
                self._storage.set_trial_user_attr(self.trial_id(number), key, value)

    def frozen(self, number: int) -> FrozenTrial:
        """The trial as Optuna holds it in memory."""
        return self._storage.get_trial(self.trial_id(number))

    def trial_id(self, number: int) -> int:
        """The trial's identifier in Optuna's storage."""
        return self._storage.get_trial_id_from_study_id_trial_number(self._storage.study_id, number)
