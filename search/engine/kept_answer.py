"""The answer of the preflight, kept in the study's folder while all that it depends on is the same.

It depends on the study file and the files that this names, on the user's code, on the files that
Hydra composes a configuration of, on the installed packages, on the import path and on the machine.
What a data module finds in a folder, or the environment, is not looked at: a trial reports what is
wrong with it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import stat
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from search.answers import Checked
from search.layout import StudyFolder
from search.plain.visible_gpus import visible_gpus
from search.plain.whole_files import write_whole
from search.study_file.schema import StudyFile
from search.wire import decode, encode

_METADATA = (".dist-info", ".egg-info")
# what has changed -> the reason to check again, where that is not told already
_REASONS = {
    "packages": "other packages are installed",
    "import path": "the import path is another",
    "machine": "the machine is another",
}


@dataclass(frozen=True)
class KeptAnswer:
    """The answer in a study's folder."""

    answer: Checked | None = None
    """None where there is none, or where it does not hold any more."""
    reason: str | None = None
    """Why it does not hold any more, where that is worth telling."""


def circumstances(
    study_file: StudyFile, sys_path: Sequence[Path], machine: object
) -> dict[str, str]:
    """A digest of each thing that an answer depends on, the user's code aside.

    Args:
        sys_path: folders that come first on the import path.
        machine: of `this_machine`.
    """
    tree = study_file.to_tree()
    import_path = [*map(str, sys_path), os.environ.get("PYTHONPATH", "")]
    return {
        "study file": _digest([tree, list(_named_files(tree))]),
        "packages": _digest([sys.version, sys.prefix, *_installed(sys.path)]),
        "import path": _digest(import_path),
        "machine": _digest([machine, visible_gpus(os.environ)]),
    }


def read_answer(folder: StudyFolder, now: Mapping[str, str]) -> KeptAnswer:
    """The answer that is kept; one that is damaged is none.

    Args:
        now: the present `circumstances`.
    """
    try:
        kept = json.loads(folder.preflight.read_bytes())
        answer = decode(json.dumps(kept["answer"]).encode())
        before, sources = dict(kept["circumstances"]), dict(kept["sources"])
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return KeptAnswer()
    if not isinstance(answer, Checked) or answer.problems or before.keys() != now.keys():
        return KeptAnswer()
    changed = [name for name in now if before[name] != now[name]]
    if changed:
        return KeptAnswer(reason=_REASONS.get(changed[0]))
    for source in answer.sources:
        if sources.get(source) != _digest_of_file(source):
            return KeptAnswer(reason=f"{_shown(source)} has changed")
    return KeptAnswer(answer)


def keep_answer(
    folder: StudyFolder, answer: Checked, now: Mapping[str, str], *, began: float
) -> None:
    """Keep an answer, unless it may not hold in the next run: the GPUs that are free are others
    then, and a source written since this run began may not be the one that was loaded.

    Args:
        now: the present `circumstances`.
        began: time of the start, in seconds since 1970.
    """
    if answer.gpus_a_trial or any(_written(source) >= began for source in answer.sources):
        folder.preflight.unlink(missing_ok=True)
        return
    kept = {
        "circumstances": dict(now),
        "sources": {source: _digest_of_file(source) for source in answer.sources},
        "answer": json.loads(encode(answer)),
    }
    write_whole(folder.preflight, json.dumps(kept) + "\n")


def _installed(places: Iterable[str]) -> Iterator[tuple[str, int]]:
    """The distributions on the import path, each with its version and the time of its install."""
    for place in dict.fromkeys(places):
        # an empty text, as a notebook has it, is where the user stands; an archive has no entries
        folder = Path(place)
        if not folder.is_dir():
            continue
        with os.scandir(folder) as entries:
            found = [each for each in entries if each.name.endswith(_METADATA)]
        for entry in sorted(found, key=lambda each: each.name):
            yield entry.name, entry.stat().st_mtime_ns


def _named_files(tree: object) -> Iterator[tuple[str, int, int]]:
    """Each file that a text in a tree names, with its size and the time when it was written."""
    match tree:
        case Mapping():
            for value in tree.values():
                yield from _named_files(value)
        case list() | tuple():
            for value in tree:
                yield from _named_files(value)
        case str():
            # most texts name nothing, and some cannot
            with contextlib.suppress(OSError, ValueError):
                status = Path(tree).stat()
                if stat.S_ISREG(status.st_mode):
                    yield tree, status.st_size, status.st_mtime_ns


def _written(source: str) -> float:
    try:
        return Path(source).stat().st_mtime
    except OSError:
        return math.inf


def _digest_of_file(source: str) -> str | None:
    """The digest of a file; of a folder, that of what it has for Hydra."""
    path = Path(source)
    try:
        if path.is_dir():
            found = (
                each.name for each in path.iterdir() if each.suffix == ".yaml" or each.is_dir()
            )
            return _digest(sorted(found))
        return hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
    except OSError:
        return None


def _digest(value: object) -> str:
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(errors="replace"), digest_size=16).hexdigest()


def _shown(source: str) -> str:
    path = Path(source)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else path.name
