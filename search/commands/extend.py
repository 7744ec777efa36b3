"""`search extend`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from search.commands.locate import find_file, find_study
from search.layout import STUDIES_DIR, StudyFolder
from search.results.extend import extend
from search.space.paths import full_path
from search.study_file.load import load_study_file
from search.study_file.overrides import parse_assignment


def extend_command(
    study: str,
    word: str,
    *,
    name: str | None,
    set_values: Sequence[str],
    space_values: Sequence[str],
    was_values: Sequence[str],
    studies: Path,
) -> None:
    """Make a child study with the trials that fit it, and say which and why."""
    path = find_file(word).path
    study_file = load_study_file(path, set_values=set_values, space_values=space_values, name=name)
    tree = study_file.to_tree()
    given = (parse_assignment("--was", text) for text in was_values)
    was = {full_path(path, tree): value for path, value in given}
    parent = find_study(study, studies)
    child = StudyFolder(studies / study_file.name)
    extension = extend(parent, child, study_file, was, source=str(path))
    taken, left = len(extension.taken), sum(map(len, extension.left.values()))
    print(f"{child.name}: {taken} of {taken + left} trials of {parent.name} fit and are taken over")
    for line in extension.lines:
        print(f"left behind: {line}")
    asked = study_file.budget.trials
    total = f" --trials {taken + asked}" if asked is not None and asked <= taken else ""
    where = "" if studies == STUDIES_DIR else f" --studies {studies}"
    print(f"go on with: search resume {child.name}{total}{where}")
