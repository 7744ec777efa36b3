"""Short names for the paths of a space, for tables and figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from search.plain.tree import ARGUMENT_KEYS, parts_of


def short_names(paths: Iterable[str]) -> dict[str, str]:
    """Map each path to its shortest suffix that no other path shares.

    `model.init_args.lr` becomes `lr`; where two paths end in `lr`, `model.lr` and `data.lr`.
    """
    remaining = {path: _parts(path) for path in paths}
    names: dict[str, str] = {}
    length = 1
    # a longer suffix each time, of the paths whose suffix so far is another's too
    while remaining:
        candidates = {path: ".".join(parts[-length:]) for path, parts in remaining.items()}
        counts = Counter(candidates.values())
        for path, name in candidates.items():
            if counts[name] == 1 or length >= len(remaining[path]):
                names[path] = name if counts[name] == 1 else path
        remaining = {path: parts for path, parts in remaining.items() if path not in names}
        length += 1
    return names


def _parts(path: str) -> list[str]:
    return [word for part in parts_of(path) if part not in ARGUMENT_KEYS for word in _words(part)]


def _words(part: str) -> list[str]:
    """An option without its opposite, and below the choice that has it."""
    if not part.startswith("-"):
        return [part]
    choice, bracket, option = part.rpartition("].")
    name = option.partition("/")[0]
    return [f"{choice}]", name] if bracket else [name]
