"""`search rebuild`, `search du` and `search clean`."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

from search.commands.locate import find_study
from search.plain.formats import format_size
from search.store.disk_usage import clean, kind_of, usage
from search.store.reading import studies_in
from search.view import disk_table


def rebuild_command(study: str | None, studies: Path, storage: str | None) -> None:
    """Make the database of a study again from its events files."""
    from search.store.rebuild import rebuild

    folder = find_study(study, studies)
    done = rebuild(folder, storage)
    trials = f"{done.trials} trial{'' if done.trials == 1 else 's'}"
    if done.agreed:
        print(f"{folder.name}: the database and the events of {trials} agree, nothing to do")
        return
    print(f"{folder.name}: {trials} restored from the events")
    if done.before is not None:
        print(f"the database before: {done.before}")


def du_command(study: str | None, studies: Path, *, json: bool) -> None:
    """Print what one study or every study takes on disk."""
    folders = [find_study(study, studies)] if study is not None else studies_in(studies)
    taken = usage(folders)
    if json:
        print(disk_table.usage_json(taken))
    else:
        disk_table.print_usage(taken, sys.stdout)


def clean_command(
    study: str | None, studies: Path, storage: str | None, *, keep: int | None, dry_run: bool
) -> None:
    """Remove what a study does not need any more, or list it."""
    folder = find_study(study, studies)
    cleaned = clean(folder, storage, keep=keep, dry_run=dry_run)
    if not cleaned.paths:
        print(f"{folder.name}: nothing is superfluous")
        return
    if dry_run:
        for path in cleaned.paths:
            print(path)
    kinds = Counter(kind_of(path.relative_to(folder.root)) for path in cleaned.paths)
    listed = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
    verb = "would be removed" if dry_run else "removed"
    print(f"{folder.name}: files {verb}: {listed}; {format_size(cleaned.freed_bytes)} of disk")
