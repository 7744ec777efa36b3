"""The checkpoint that the value of a trial belongs to: decided here alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from search.errors import StudyFileError
from search.layout import TrialFolder
from search.plain.yaml import read_yaml


def value_checkpoint(folder: TrialFolder) -> Path:
    """The checkpoint of the validation that the value of a trial is from, be it kept or not.

    It is what `objective.value` of the trial's own configuration says; the best where that says
    nothing.
    """
    try:
        objective = read_yaml(folder.config).get("objective")
    except StudyFileError:
        objective = None
    value = objective.get("value") if isinstance(objective, Mapping) else None
    return folder.last_ckpt if value == "last" else folder.best_ckpt


def kept_checkpoint(folder: TrialFolder) -> Path | None:
    """`value_checkpoint` where it is kept, else None."""
    path = value_checkpoint(folder)
    return path if path.exists() else None
