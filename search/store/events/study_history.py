"""The history of a study: what its own events and those of its trials add up to.

Reads events files and nothing else.
"""

from __future__ import annotations

import contextlib
import os
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import NoneType
from typing import Any

from search.errors import StorageError
from search.layout import StudyFolder, TrialFolder
from search.messages import ERROR
from search.plain.collector import without_collector
from search.store.attributes import (
    NONSENSE,
    checked,
    corrupt_data_message,
    steps_in,
    study_attributes,
)
from search.store.events.attempts import Attempt
from search.store.events.event_file import Event, read_events
from search.store.events.history_cache import (
    add_to_cache,
    cached_entries,
    cached_history,
    stamp_of,
)
from search.store.events.trial_history import ATTRIBUTES, TrialHistory, after
from search.store.records import AttemptRecord, StudyAttributes
from search.store.warm_start import WarmStart, warm_start_in
from search.study_file.curve_steps import Steps
from search.study_file.stopping_rules import Gain, StoppingRules, rules_in

STUDY = "study"
ASKED = "asked"
STOPPING = "stopping"
STEPS = "steps"
MICRO_BATCH = "micro_batch"
THREADS = "threads"
FIRST_PAUSE = "first_pause"
NO_GAIN = "no_gain"
BASELINE = "baseline"
WARM_START = "warm_start"
RESHAPING = "reshaping"

# as the layout writes the number of a trial
_NUMBER = re.compile(r"\d{4}|[1-9]\d{4,8}", re.ASCII)
# a gap of more is not one that a user made
_MOST_LOST = 1000


@dataclass
class StudyHistory:
    """What happened to a study as a whole."""

    # the total of trials last asked for
    n_trials: int | None = None
    # the rules last asked for that stop it beside that total
    stopping: StoppingRules = field(default_factory=StoppingRules)
    # what the steps of its curves count
    steps: Steps | None = None
    # the facts of its study file, as JSON; None where an earlier release began it
    facts: dict[str, Any] | None = None
    # CPU threads of each of its trials; None before any was begun
    threads: int | None = None
    # steps that a trial is trained before it is first paused; None before that is known
    first_pause: int | None = None
    # what was left to gain when that was nothing but noise, in the study as it was last asked for
    gain: Gain | None = None
    # values of the configuration itself, which the first trial takes
    baseline: dict[str, Any] = field(default_factory=dict)
    # what was taken over of earlier studies
    warm_start: WarmStart = field(default_factory=WarmStart)
    # the paths that change the shape of the model; None where nobody had to know
    reshaping: list[str] | None = None
    # by cache key, the size that a probe found
    micro_batches: dict[str, int] = field(default_factory=dict)
    # the samplers' own notes
    attributes: dict[str, Any] = field(default_factory=dict)


def study_history(folder: StudyFolder) -> StudyHistory:
    """What the events of the study itself add up to.

    Raises:
        StorageError: the file is damaged.
    """
    history = StudyHistory()
    for line, event in enumerate(read_events(folder.events), 1):
        try:
            _apply(history, event)
        except NONSENSE as error:
            raise _damaged(folder, line, error) from error
    return history


def attributes_in(folder: StudyFolder, history: StudyHistory) -> StudyAttributes | None:
    """The facts of a study; None where an earlier release began it and only `study.yaml` has them.

    Raises:
        StorageError: the events say what no study writes.
    """
    if history.facts is None:
        return None
    try:
        return study_attributes(history.facts, history.n_trials, history.steps, history.stopping)
    except NONSENSE as error:
        raise StorageError(
            f"{folder.events}: {corrupt_data_message(error)}. Restore the file from a copy."
        ) from error


def trial_histories(folder: StudyFolder) -> list[TrialHistory]:
    """The history of every trial, by number.

    A folder that is gone leaves a failed trial, because a number is never used twice.

    Raises:
        StorageError: an events file is damaged.
    """
    found: dict[int, TrialHistory] = {}
    with without_collector():
        cached = cached_entries(folder)
        for number in _numbers_in(folder):
            history = cached_history(cached, folder, number) or trial_history(folder.trial(number))
            if history is not None:
                # whatever the file says, which a folder that was copied by hand brought along
                history.number = number
                found[number] = history
    count = max(found, default=-1) + 1
    if count > _MOST_LOST + 2 * len(found):
        raise StorageError(
            f"{folder.trials}: has {len(found)} trials and one with the number {count - 1}. "
            "Restore the folder from a copy."
        )
    return [found.get(number) or _lost(number) for number in range(count)]


def trial_history(folder: TrialFolder) -> TrialHistory | None:
    """What the events of a trial add up to; None where none tells of its sampling.

    Raises:
        StorageError: the file is damaged.
    """
    history: TrialHistory | None = None
    for line, event in enumerate(read_events(folder.events), 1):
        try:
            history = after(history, event)
        except NONSENSE as error:
            raise _damaged(folder, line, error) from error
    return history


def cache_history(folder: StudyFolder, number: int) -> None:
    """Add a trial that finished to the cache, as its events tell it."""
    stamp = stamp_of(folder, number)
    # damaged ones are told by whoever reads them
    with contextlib.suppress(StorageError):
        history = trial_history(folder.trial(number))
        if history is not None and history.is_finished and stamp is not None:
            history.number = number
            add_to_cache(folder, history, stamp)


def _apply(history: StudyHistory, event: Event) -> None:
    kind = event["event"]
    if kind == ASKED:
        history.n_trials = checked(event.get("trials"), int, NoneType)
        history.stopping = rules_in(checked(event.get(STOPPING, {}), dict))
        history.gain = None
    elif kind == STEPS:
        history.steps = steps_in(event)
    elif kind == STUDY:
        history.facts = checked(event["study"], dict)
    elif kind == THREADS:
        history.threads = checked(event["threads"], int)
    elif kind == FIRST_PAUSE:
        history.first_pause = checked(event["steps"], int)
    elif kind == NO_GAIN:
        history.gain = Gain(checked(event["most"], float), checked(event["noise"], float))
    elif kind == BASELINE:
        history.baseline = checked(event["params"], dict)
    elif kind == WARM_START:
        history.warm_start = warm_start_in(event)
    elif kind == RESHAPING:
        history.reshaping = [checked(path, str) for path in event["paths"]]
    elif kind == MICRO_BATCH:
        history.micro_batches[str(event.get("key"))] = int(event.get("size", 0))
    elif kind == ATTRIBUTES:
        history.attributes |= event.get("attributes", {})


def _numbers_in(folder: StudyFolder) -> list[int]:
    if not folder.trials.is_dir():
        return []
    with os.scandir(folder.trials) as entries:
        return sorted(int(entry.name) for entry in entries if _NUMBER.fullmatch(entry.name))


def _damaged(folder: StudyFolder | TrialFolder, line: int, error: Exception) -> StorageError:
    return StorageError(
        f"{folder.events}: line {line} {corrupt_data_message(error)}. Restore the file from a copy."
    )


def _lost(number: int) -> TrialHistory:
    never = datetime.fromtimestamp(0, UTC)
    message = "its events file is missing"
    record = AttemptRecord(1, 0, "", never, never, ERROR, message)
    return TrialHistory(number, params={}, state="FAIL", attempts=[Attempt(record, first_step=0)])
