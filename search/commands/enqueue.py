"""`search enqueue`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from search.commands.locate import find_study
from search.errors import UserError
from search.plain.yaml import parse_yaml, shown
from search.space.enqueued_points import point_of
from search.store.lock import is_held
from search.store.queue import enqueue
from search.study_file.load import load_study_file
from search.study_file.rules import points_of


def enqueue_command(words: Sequence[str], option: str | None, studies: Path) -> None:
    """Let the next trial of a study have the given values, PATH=VALUE each; its name may be the
    first word where `option` does not give it.

    Raises:
        UserError: the values are no point of the study's space.
    """
    named = [word for word in words[:1] if "=" not in word and option in (None, word)]
    values = words[len(named) :]
    folder = find_study(named[0] if named else option, studies)
    if not values:
        raise UserError("enqueue: names no value. Write model.init_args.lr=1e-3 behind the study.")
    given: dict[str, Any] = {}
    for text in values:
        path, equals, value = text.partition("=")
        path = path.strip()
        if not equals or not path:
            raise UserError(
                f"enqueue: must be PATH=VALUE, got {shown(text)}. Write model.init_args.lr=1e-3."
            )
        if path in given:
            raise UserError(f"enqueue: names {path} twice. Keep one of them.")
        given[path] = parse_yaml(value, f"enqueue {path}")
    points = points_of(load_study_file(folder.study_file))
    params, problem = point_of(points, given)
    if problem is not None:
        raise UserError(f"{folder.name}: {problem}")
    enqueue(folder, params)
    taker = "the running study" if is_held(folder.lock) else f"`search resume {folder.name}`"
    point = "  ".join(f"{path}={shown(value)}" for path, value in params.items())
    print(f"{folder.name}: enqueued {point}")
    print(f"the next trial of {taker} has these values")
