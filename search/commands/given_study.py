"""The study that `run` and `check` are given: a study file, or a script and what the command line
says of it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from search.commands.locate import find_file, is_name_of_study
from search.commands.named_script import named_script, refuse_missing, study_name_of
from search.errors import UserError
from search.layout import STUDIES_DIR
from search.study_file.cluster_sections import lay_engine_over
from search.study_file.load import load_study_file, parse_study_tree
from search.study_file.overrides import apply_overrides, lay_over_objective
from search.study_file.schema import StudyFile

_EXAMPLE_METRIC = "--metric val_loss"
_EXAMPLE_SPACE = "--space '--lr={float: [1e-4, 1e-1], log: true}'"


@dataclass(frozen=True)
class OnCommandLine:
    """What a command line says beside the study file or the script that it names.

    set_values: `PATH=VALUE` laid over the study file.
    space_values: `PATH=DISTRIBUTION` laid over its space.
    metric: the objective instead of the file's.
    direction: minimize or maximize.
    name: the name of the study instead of the file's.
    studies: the folder that holds the study folders.
    engine: of the cluster, laid over the study file's section `on`.
    """

    set_values: Sequence[str] = ()
    space_values: Sequence[str] = ()
    metric: str | None = None
    direction: str | None = None
    name: str | None = None
    studies: Path = STUDIES_DIR
    engine: str | None = None


@dataclass(frozen=True)
class GivenStudy:
    """A study that is to be run or checked.

    study_file: read, with what the command line says laid over it.
    source: the study file or the script, as messages call it.
    folder: the folder that the user's code is imported from.
    note: a line where the user may have meant another file.
    """

    study_file: StudyFile
    source: str
    folder: Path
    note: str | None = None


def given_study(word: str | None, module: str | None, said: OnCommandLine) -> GivenStudy:
    """The study that a command names.

    Args:
        word: a study file, the name of a shipped study, a script, or nothing.
        module: a script, as `python -m` takes it.

    Raises:
        UserError: there is none, or a script lacks its objective or its space.
        StudyFileError: every problem of it, one line each.
    """
    script = named_script(word, module)
    if script is not None:
        return _of_script(script, said)
    found = find_file(word)
    study_file = load_study_file(
        found.path,
        set_values=said.set_values,
        space_values=said.space_values,
        metric=said.metric,
        direction=said.direction,
        name=said.name,
        engine=said.engine,
    )
    return GivenStudy(study_file, str(found.path), found.path.parent, found.note)


def _of_script(script: dict[str, str], said: OnCommandLine) -> GivenStudy:
    refuse_missing(script)
    source = script.get("path") or f"-m {script['module']}"
    name = said.name or study_name_of(script)
    _refuse_incomplete(source, name, said)
    tree = apply_overrides({"script": script}, said.set_values, said.space_values)
    lay_over_objective(tree, said.metric, said.direction)
    if said.engine is not None:
        lay_engine_over(tree, said.engine)
    study_file = parse_study_tree({**tree, "name": name}, source=source, default_name=name)
    return GivenStudy(study_file, source, Path(script.get("path", "")).parent)


def _refuse_incomplete(source: str, name: str, said: OnCommandLine) -> None:
    """Refuse a script without what only its user knows.

    Raises:
        UserError: it lacks its objective or its space.
    """
    has_objective = any(each.startswith("objective") for each in said.set_values)
    lacking = []
    if said.metric is None and not has_objective:
        lacking.append(_EXAMPLE_METRIC)
    if not said.space_values:
        lacking.append(_EXAMPLE_SPACE)
    if not lacking:
        return
    remedy = f"or propose a study file: `search init {shlex.quote(source)}`"
    if source.startswith("-m "):
        remedy = f"or propose a study file: `search init {source}`"
    if is_name_of_study(name, said.studies):
        remedy = f"or go on with the study {name}: `search resume {name}`"
    raise UserError(f"{source}: needs {' and '.join(lacking)}. Add that, {remedy}.")
