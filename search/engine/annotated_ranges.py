"""Ranges that a study file leaves to the annotations of the user's classes.

The classes are imported by an attempt, once, before the study exists; what it found is stored in
`study.yaml` like any other range, so a resumed study asks nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from search.answers import AnnotatedRanges
from search.errors import StudyFileError
from search.layout import StudyFolder
from search.space.distributions import Hinted
from search.space.paths import ALL_HINTED
from search.study_file.load import load_study_file, parse_study_tree
from search.study_file.schema import StudyFile

_EXAMPLE = "Annotated[float, search.Log(1e-5, 1e-1)]"


def with_ranges(
    study_file: StudyFile,
    source: str,
    folder: StudyFolder | None,
    ask_classes: Callable[[Mapping[str, object]], AnnotatedRanges],
) -> StudyFile:
    """The study file with every range, those of an existing study or those of the annotations.

    Args:
        source: the study file's name, for messages.
        folder: of the study, which may exist already; None where there is to be none.
        ask_classes: asks for the annotations of the classes of a configuration.

    Raises:
        StudyFileError: a class cannot be imported or has no annotation.
    """
    if folder is not None and folder.study_file.is_file():
        stored = load_study_file(folder.study_file).space
        ranges: Mapping[str, object] = {path: each.to_tree() for path, each in stored.items()}
    else:
        ranges = ask_classes(study_file.sections).ranges
    return _filled(study_file, source, ranges)


def _filled(study_file: StudyFile, source: str, ranges: Mapping[str, object]) -> StudyFile:
    tree = study_file.to_tree()
    problems = []
    space: dict[str, Any] = {}
    for path, distribution in study_file.space.items():
        if path == ALL_HINTED:
            space = {**ranges, **space}
        elif not isinstance(distribution, Hinted):
            space[path] = tree["space"][path]
        elif path in ranges:
            space[path] = ranges[path]
        else:
            problems.append(
                f"{source}: space.{path}: is auto, and no annotation says its range. "
                f"Annotate the argument with {_EXAMPLE}, or write the range here."
            )
    if not space and not problems:
        problems.append(
            f"{source}: space: is missing, and no argument is annotated with a range. "
            "Add space: {model.init_args.lr: {float: [1e-4, 1e-1], log: true}}, or annotate one "
            f"with {_EXAMPLE}."
        )
    if problems:
        raise StudyFileError(problems)
    return parse_study_tree({**tree, "space": space}, source=source, default_name=study_file.name)
