"""The checkpoint that the value of a trial belongs to: decided here alone."""

from __future__ import annotations

from pathlib import Path

from search.errors import StudyFileError
from search.layout import TrialFolder
from search.study_file.trial_config import read_trial_config


def value_checkpoint(folder: TrialFolder) -> Path:
    """The checkpoint of the validation that the value of a trial is from, be it kept or not.

    It is what `objective.value` of the trial's own configuration says; the best where that says
    nothing.
    """
    try:
        value = read_trial_config(folder.config).objective.value
    except StudyFileError:
        value = "best"
    return folder.last_ckpt if value == "last" else folder.best_ckpt


def kept_checkpoint(folder: TrialFolder) -> Path | None:
    """`value_checkpoint` where it is kept, else None."""
    path = value_checkpoint(folder)
    return path if path.exists() else None
