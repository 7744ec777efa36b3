"""`search enqueue`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import typer

from search.commands.options import StudiesDir, StudyName
from search.errors import UserError
from search.layout import STUDIES_DIR


def enqueue(
    words: Annotated[
        list[str],
        typer.Argument(
            help="Name or folder of the study, and values of searched paths; the rest is sampled.",
            metavar="[STUDY] PATH=VALUE...",
        ),
    ],
    option: StudyName = None,
    studies: StudiesDir = STUDIES_DIR,
) -> None:
    """Let the next trial have these values; also while the study runs."""
    from search.commands.locate import find_study
    from search.plain.yaml import shown
    from search.space.enqueued_points import point_of
    from search.store import queue
    from search.store.lock import is_held
    from search.study_file.load import load_kept

    words = list(_joined(words))
    named = [word for word in words[:1] if "=" not in word and option in (None, word)]
    folder = find_study(named[0] if named else option, studies)
    given = _values(words[len(named) :])
    params, problem = point_of(load_kept(folder).points, given)
    if problem is not None:
        raise UserError(f"{folder.name}: {problem}")
    queue.enqueue(folder, params)
    taker = "the running study" if is_held(folder.lock) else f"`search resume {folder.name}`"
    point = "  ".join(f"{path}={shown(value)}" for path, value in params.items())
    print(f"{folder.name}: enqueued {point}")
    print(f"the next trial of {taker} has these values")


def _joined(words: Sequence[str]) -> Iterator[str]:
    """The words, `--lr 0.01` as `--lr=0.01`."""
    rest = iter(words)
    for word in rest:
        if word.startswith("-") and "=" not in word and (value := next(rest, None)) is not None:
            yield f"{word}={value}"
        else:
            yield word


def _values(words: Sequence[str]) -> dict[str, object]:
    """The value of each path, of PATH=VALUE."""
    from search.plain.yaml import parse_yaml, shown

    if not words:
        raise UserError("enqueue: names no value. Write model.init_args.lr=1e-3 behind the study.")
    given: dict[str, Any] = {}
    for word in words:
        path, equals, value = word.partition("=")
        path = path.strip()
        if not equals or not path:
            raise UserError(
                f"enqueue: must be PATH=VALUE, got {shown(word)}. Write model.init_args.lr=1e-3."
            )
        if path in given:
            raise UserError(f"enqueue: names {path} twice. Keep one of them.")
        given[path] = parse_yaml(value, f"enqueue {path}")
    return given
