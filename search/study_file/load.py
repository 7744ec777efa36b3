"""Reading a study file: its bases, short forms and overrides, and every check."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from search.errors import StorageError, StudyFileError
from search.layout import StudyFolder
from search.plain.yaml import read_yaml
from search.space.distributions import AUTO
from search.space.paths import ALL_HINTED, normalise_space, path_problems
from search.space.prior_centers import with_centers
from search.study_file.base import with_base
from search.study_file.cluster_sections import lay_engine_over
from search.study_file.lightning1_spellings import old_spellings
from search.study_file.nodes_of_a_trial import lay_nodes_over
from search.study_file.objectives import objective_problems, settle_objectives
from search.study_file.overrides import apply_overrides, lay_over_objective
from search.study_file.problems import lines_of
from search.study_file.rules import rule_problems
from search.study_file.schema import CliStudyFile, ScriptStudyFile, StudyFile
from search.study_file.script_keys import take_misplaced, unannotated
from search.study_file.short_forms import spell_out

_OWN_KEYS = frozenset({"base", *StudyFile.model_fields})


def load_study_file(
    path: Path,
    *,
    set_values: Sequence[str] = (),
    space_values: Sequence[str] = (),
    metric: str | None = None,
    direction: str | None = None,
    name: str | None = None,
    engine: str | None = None,
) -> StudyFile:
    """Read and check a study file.

    Args:
        set_values: `PATH=VALUE` laid over the file before it is checked.
        space_values: `PATH=DISTRIBUTION` laid over its space.
        metric: the objective instead of the file's.
        direction: minimize or maximize, instead of the file's.
        name: the name of the study instead of the file's.
        engine: of a cluster, with what the file's section `on` says of it.

    Raises:
        StudyFileError: every problem found, one line each.
    """
    tree = apply_overrides(read_study_tree(path), set_values, space_values)
    lay_over_objective(tree, metric, direction)
    if name is not None:
        tree["name"] = name
    if engine is not None:
        lay_engine_over(tree, engine)
    return parse_study_tree(tree, source=str(path), default_name=path.stem)


def load_kept(folder: StudyFolder) -> StudyFile:
    """Read and check the study file that a study keeps.

    Raises:
        StorageError: it is missing.
        StudyFileError: every problem found, one line each.
    """
    if not folder.study_file.is_file():
        raise StorageError(f"{folder.study_file}: is missing. Restore it from a copy.")
    return load_study_file(folder.study_file)


def read_study_tree(path: Path) -> dict[str, object]:
    """The plain data of a study file with what its `base` gives.

    Raises:
        StudyFileError: it or a base cannot be read.
    """
    return whole_tree(read_yaml(path), path)


def whole_tree(tree: Mapping[str, object], path: Path) -> dict[str, Any]:
    """The tree of the study file at `path` with what its base gives.

    Raises:
        StudyFileError: a base cannot be used.
    """
    return with_base(tree, path, _OWN_KEYS)


def parse_study_tree(tree: Mapping[str, object], *, source: str, default_name: str) -> StudyFile:
    """The study file in a tree of plain data.

    Raises:
        StudyFileError: every problem found, one line each, beginning with `source`.
    """
    given, problems = _full_tree(tree, default_name)
    study_file, lines = _validated(given)
    problems += lines
    problems += _path_lines(given)
    # rules are expressions over a space and sections that are right
    if study_file is not None and not problems and not study_file.is_hinted:
        problems += rule_problems(study_file)
    if problems or study_file is None:
        raise StudyFileError([f"{source}: {problem}" for problem in problems])
    return study_file


def _full_tree(
    tree: Mapping[str, object], default_name: str
) -> tuple[dict[str, object], list[str]]:
    """The tree with short forms and short paths spelt out, and a line for each problem met."""
    given: dict[str, Any] = {"name": default_name, "trainer": {}}
    given |= {key: value for key, value in tree.items() if value is not None}
    problems = list(old_spellings(given["trainer"])) if isinstance(given["trainer"], dict) else []
    given, unclear = spell_out(given)
    problems += [*unclear, *take_misplaced(given)]
    if given.get("space", AUTO) == AUTO:
        given["space"] = {ALL_HINTED: AUTO}
    if isinstance(given["space"], dict):
        given["space"], doubled = normalise_space(given["space"], given)
        problems += doubled
        given["space"], centerless = with_centers(given["space"], given)
        problems += centerless
        problems += unannotated(given)
    problems += settle_objectives(given)
    lay_nodes_over(given)
    return given, problems


def _validated(given: Mapping[str, object]) -> tuple[StudyFile | None, list[str]]:
    """The study file, None where its schema refuses the tree, and a line for each problem."""
    kind = _kind(given)
    try:
        study_file = kind.model_validate(given)
    except ValidationError as error:
        return None, list(lines_of(error, kind))
    return study_file, list(objective_problems(study_file))


def _kind(given: Mapping[str, object]) -> type[StudyFile]:
    if "script" in given:
        return ScriptStudyFile
    return CliStudyFile if "cli" in given else StudyFile


def _path_lines(given: Mapping[str, object]) -> Iterator[str]:
    if isinstance(given["space"], dict):
        yield from path_problems(given["space"], given, own_keys=_OWN_KEYS)
