"""The check before any trial: what only an attempt with torch can find out about a study file."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from search.engine.answers import answer_of
from search.engine.trial_config import logger_section
from search.errors import Interrupted, StudyFailed, StudyFileError, UserError
from search.executors.protocol import Executor, Slot
from search.layout import TrialFolder
from search.messages import INTERRUPTED, KILLED, Checked
from search.plain.whole_files import write_whole
from search.plain.yaml import dump_yaml
from search.space.distributions import Params
from search.space.points import Points
from search.study_file.objectives import watched_config
from search.study_file.schema import StudyFile

_ATTEMPT = "preflight"
MAX_ATTEMPTS = 3
# from each of which the model is built
_MOST_CHOICES = 64


def preflight(
    executor: Executor, study_file: StudyFile, source: str, slot: Slot, tick: Callable[[], None]
) -> Checked:
    """Run the check in an attempt of its own.

    Args:
        source: the study file's name, for messages.
        tick: called while waiting.

    Raises:
        StudyFileError: the study file cannot be run; one line a problem.
    """
    folder = TrialFolder(Path(tempfile.mkdtemp(prefix="search-preflight-")))
    try:
        facts = _facts(executor, study_file, folder, slot, tick)
    except (Interrupted, StudyFailed):
        _remove(folder)
        raise
    if facts.problems:
        # the log of a failed check is what its message points to
        raise StudyFileError([f"{source}: {problem}" for problem in facts.problems])
    _remove(folder)
    return facts


def _facts(
    executor: Executor,
    study_file: StudyFile,
    folder: TrialFolder,
    slot: Slot,
    tick: Callable[[], None],
) -> Checked:
    write_whole(folder.config, dump_yaml(check_config(study_file)))
    status = 0
    for attempt in range(1, MAX_ATTEMPTS + 1):
        executor.start(f"{_ATTEMPT}-{attempt}", "check", folder, slot)
        answered = answer_of(executor, Checked, tick)
        said, status = answered.said, answered.status
        if said is not None and said.cause not in (INTERRUPTED, KILLED):
            raise UserError(f"the check before the first trial failed: {said.message}")
        if answered.answer is not None:
            return answered.answer
    raise UserError(
        f"the check before the first trial was killed {MAX_ATTEMPTS} times (status {status}). "
        f"Its output: {folder.log}"
    )


def check_config(study_file: StudyFile) -> dict[str, Any]:
    """The configuration of a valid trial, and in `preflight` another for each far value."""
    points = study_file.points
    base = _base(points)
    return points.config(base) | {
        **watched_config(study_file),
        "logger": logger_section(study_file),
        "preflight": list(_variants(points, base)),
    }


def _remove(folder: TrialFolder) -> None:
    shutil.rmtree(folder.root, ignore_errors=True)


def _base(points: Points) -> Params:
    """A valid point, of the low ends where those are one."""
    params = points.low_ends({})
    if points.violation(params) is not None:
        params = points.random_point({}, _ATTEMPT) or params
    return params


def _variants(points: Points, base: Params) -> Iterator[dict[str, Any]]:
    """The sections of a valid point for each far value of each path, the rest as in `base` where
    that is valid; a value that no valid point has is left out."""
    for path, distribution in points.space.items():
        for value in distribution.ends(_MOST_CHOICES):
            params = _with_value(points, base, path, value)
            if params is not None:
                yield {"path": path, "value": value, "sections": points.config(params)}


def _with_value(points: Points, base: Params, path: str, value: Any) -> Params | None:
    fixed = {**_parents(points, path), path: value}
    params = points.low_ends({**base, **fixed})
    if points.violation(params) is None:
        return params
    return points.random_point(fixed, _ATTEMPT)


def _parents(points: Points, path: str) -> Params:
    """Values under which a conditional parameter exists."""
    parents: Params = {}
    for parent, values in points.space[path].when:
        parents |= {**_parents(points, parent), parent: values[0]}
    return parents
