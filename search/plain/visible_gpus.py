"""The GPUs that a process may use, by CUDA_VISIBLE_DEVICES: whoever started the study, a cluster's
scheduler perhaps, has given it those and no others.
"""

from __future__ import annotations

from collections.abc import Mapping

VISIBLE = "CUDA_VISIBLE_DEVICES"
_PREFIXES = ("GPU-", "MIG-")


def visible_gpus(environment: Mapping[str, str]) -> tuple[str, ...] | None:
    """The entries of the variable, in its order, as CUDA reads them; None where it is not set.

    An entry is a number, or the id of a GPU or of a part of one, which may be shortened. The list
    ends before the first entry that is of another kind; one that comes twice makes it empty.
    """
    text = environment.get(VISIBLE)
    if text is None:
        return None
    entries: list[str] = []
    for entry in (each.strip() for each in text.split(",")):
        if not _is_entry(entry) or (entries and _kind(entry) != _kind(entries[0])):
            break
        entries.append(entry)
    return tuple(entries) if len(set(entries)) == len(entries) else ()


def _is_entry(entry: str) -> bool:
    return (entry.isascii() and entry.isdigit()) or entry.startswith(_PREFIXES)


def _kind(entry: str) -> str:
    return entry[:4] if entry.startswith(_PREFIXES) else ""
