"""Comparing a study's database with its events files."""

from __future__ import annotations

from search.layout import StudyFolder
from search.store.database.agreement import own_differences
from search.store.rebuild import recorded_as_optuna


def disagreements(folder: StudyFolder) -> list[str]:
    """One line for each thing in which the database differs from the events files."""
    return own_differences(folder.db, recorded_as_optuna(folder))
