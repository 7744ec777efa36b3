"""`search clean`."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import typer

from search.commands.options import Storage, StudiesDir, Study, StudyName, one_study
from search.layout import STUDIES_DIR


def clean(
    study: Study = None,
    option: StudyName = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List what would be removed, remove nothing.")
    ] = False,
    keep: Annotated[
        int | None,
        typer.Option(
            "--keep",
            min=1,
            help="Keep the checkpoints of that many best trials; else as keep says.",
        ),
    ] = None,
    storage: Storage = None,
    studies: StudiesDir = STUDIES_DIR,
) -> None:
    """Remove what no resume, no rebuild and no best trial needs."""
    from search.commands.locate import find_study
    from search.plain.formats import format_size
    from search.store import disk_usage

    folder = find_study(one_study(study, option), studies)
    cleaned = disk_usage.remove_unneeded(folder, keep=keep, dry_run=dry_run)
    if not cleaned.paths:
        print(f"{folder.name}: nothing is superfluous")
        return
    if dry_run:
        for path in cleaned.paths:
            print(path)
    kinds = Counter(disk_usage.kind_of(path.relative_to(folder.root)) for path in cleaned.paths)
    listed = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
    verb = "would be removed" if dry_run else "removed"
    print(f"{folder.name}: files {verb}: {listed}; {format_size(cleaned.freed_bytes)} of disk")
