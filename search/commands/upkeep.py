"""`search rebuild`, `search du` and `search clean`."""

from __future__ import annotations

from pathlib import Path

from search.commands.locate import find_study
from search.engine.rebuild import rebuild


def rebuild_command(study: str, studies: Path, storage: str | None) -> None:
    """Make the database of a study again from its events files."""
    folder = find_study(study, studies)
    done = rebuild(folder, storage)
    trials = f"{done.trials} trial{'' if done.trials == 1 else 's'}"
    if done.agreed:
        print(f"{folder.name}: the database and the events of {trials} agree, nothing to do")
        return
    print(f"{folder.name}: {trials} restored from the events")
    if done.before is not None:
        print(f"the database before: {done.before}")
