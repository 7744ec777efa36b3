"""One task in an attempt of its own, outside of any study: what only torch can find out about a
trial that is finished."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from search.engine.answers import Answered, answer_of
from search.engine.signals import SignalWatch
from search.errors import UserError
from search.executors.local import LocalExecutor
from search.executors.protocol import Slot
from search.executors.slots import cores
from search.layout import TrialFolder
from search.messages import Described, Tested
from search.plain.tree import class_paths
from search.plain.whole_files import write_whole
from search.plain.yaml import dump_yaml

Answer = TypeVar("Answer", Described, Tested)


def run_errand(
    task: str,
    kind: type[Answer],
    config: Mapping[str, Any],
    checkpoint: Path,
    *,
    place: str,
    sys_path: list[str],
) -> Answer:
    """Carry out `task` on a configuration and its checkpoint; returns what the attempt answers.

    Nothing is written where the trial is.

    Args:
        kind: the message that answers.
        place: what the configuration belongs to, for messages.
        sys_path: folders that come first on the attempt's import path.

    Raises:
        UserError: the user's own code or configuration fails, in one line.
        Interrupted: a signal came.
    """
    folder = TrialFolder(Path(tempfile.mkdtemp(prefix=f"search-{task}-")))
    write_whole(folder.config, dump_yaml(dict(config)))
    folder.best_ckpt.symlink_to(checkpoint.absolute())
    with SignalWatch() as signals:
        executor = LocalExecutor(
            list(class_paths(config)),
            sys_path,
            threads=cores(),
            server_log=folder.root / "server.log",
        )
        try:
            executor.start(task, task, folder, Slot(cores()))
            answered = answer_of(executor, kind, signals.check)
            signals.check()
            answer = _or_told(answered, f"{place}: the {task}", folder.log)
        finally:
            executor.close()
    shutil.rmtree(folder.root, ignore_errors=True)
    if answer.problem is not None:
        raise UserError(f"{place}: {answer.problem}")
    return answer


def _or_told(answered: Answered[Answer], what: str, log: Path) -> Answer:
    """The answer; without one the log of what failed is what its message points to."""
    if answered.answer is not None:
        return answered.answer
    said = answered.said
    why = f"failed: {said.message}" if said else f"ended with status {answered.status}"
    raise UserError(f"{what} {why}. Its log: {log}")
