"""`search extend`."""

from __future__ import annotations

from typing import Annotated

import typer

from search.commands.options import Name, SetValues, SpaceValues, StudiesDir
from search.layout import STUDIES_DIR, StudyFolder


def extend(
    study: Annotated[str, typer.Argument(help="Name or folder of the study to take from.")],
    study_file: Annotated[
        str, typer.Argument(help="Study file of the child study, or name of a shipped one.")
    ],
    name: Name = None,
    set_: SetValues = None,
    space: SpaceValues = None,
    was: Annotated[
        list[str] | None,
        typer.Option("--was", help="PATH=VALUE of what is searched now and was a default before."),
    ] = None,
    studies: StudiesDir = STUDIES_DIR,
) -> None:
    """Make a child study of a changed space, with the trials that still fit."""
    from search.commands.locate import find_file, find_study
    from search.results.extend import extend as make_child
    from search.space.paths import full_path
    from search.study_file.load import load_study_file
    from search.study_file.overrides import parse_assignment

    path = find_file(study_file).path
    loaded = load_study_file(path, set_values=set_ or (), space_values=space or (), name=name)
    tree = loaded.to_tree()
    assignments = (parse_assignment("--was", text) for text in was or ())
    before = {full_path(place, tree): value for place, value in assignments}
    parent = find_study(study, studies)
    child = StudyFolder(studies / loaded.name)
    extension = make_child(parent, child, loaded, before, source=str(path))
    taken = len(extension.taken)
    left = sum(map(len, extension.left.values()))
    print(f"{child.name}: {taken} of {taken + left} trials of {parent.name} fit and are taken over")
    for line in extension.lines:
        print(f"left behind: {line}")
    trials = loaded.budget.trials
    total = f" --trials {taken + trials}" if trials is not None and trials <= taken else ""
    where = "" if studies == STUDIES_DIR else f" --studies {studies}"
    print(f"go on with: search resume {child.name}{total}{where}")
