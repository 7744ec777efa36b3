"""What is left to do in the loggers of a trial whose process died before it could close its runs.

Another process does it; this one writes down how the trial ended.
"""

from __future__ import annotations

import json
import math

from search.layout import TrialFolder
from search.plain.whole_files import write_whole
from search.store.records import StudyAttributes, TrialRecord
from search.study_file.outcome_constraints import RESOURCES

CLOSE = "close"
# a tracking server that does not answer must not keep a slot
CLOSE_S = 60.0


def leave_ending(study: StudyAttributes, trial: TrialRecord) -> bool:
    """Write how a trial ended; returns whether it has runs to close."""
    folder = TrialFolder(trial.folder)
    if not folder.logs.is_dir():
        return False
    ending = {
        "cause": trial.cause,
        "values": _values(study, trial),
        "effective_batch": trial.effective_batch,
    }
    try:
        write_whole(folder.ending, json.dumps(ending))
    except OSError:
        return False  # a disk that is full; the trial has its end in its events
    return True


def _values(study: StudyAttributes, trial: TrialRecord) -> dict[str, float]:
    """The last report, and what was measured where that is an objective."""
    names = [each.metric for each in study.objectives if each.metric in RESOURCES]
    known: dict[str, float | None] = {name: getattr(trial, name) for name in names}
    if trial.curve:
        known[study.reported] = trial.curve[max(trial.curve)]
    return {k: v for k, v in known.items() if v is not None and math.isfinite(v)}
