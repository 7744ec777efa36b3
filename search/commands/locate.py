"""Which study a user means by a name, a folder, or nothing at all."""

from __future__ import annotations

from pathlib import Path

from search.engine.places import check_readable
from search.engine.reading import is_study, read_study, studies_in
from search.engine.records import StudyRecord
from search.errors import UserError, printable
from search.study.layout import StudyFolder
from search.study.suggestions import did_you_mean


def find_study(name: str | None, studies: Path) -> StudyFolder:
    """The folder of an existing study.

    Args:
        name: a study's name or the path of its folder; None means the only one there is.
        studies: the folder that holds the study folders.

    Raises:
        UserError: there is no such study, or more than one to choose from.
        StorageError: it is another user's.
    """
    known = studies_in(studies)
    names = [folder.name for folder in known]
    if name is None:
        if len(known) == 1:
            return known[0]
        if not known:
            raise UserError(f"{studies}: holds no study yet. Start one with `search run`.")
        raise UserError(f"--study: several to choose from. Name one of {', '.join(names)}.")
    for folder in (StudyFolder(studies / name), StudyFolder(Path(name))):
        if name and is_study(folder):
            return StudyFolder(folder.root.resolve() if not folder.root.name else folder.root)
        if name:
            check_readable(folder.root)
    remedy = did_you_mean(Path(name).name, names) if names else "Start one with `search run`."
    raise UserError(f"{printable(name, 100)}: no such study in {studies}. {remedy}")


def load_study(name: str | None, studies: Path, storage: str | None) -> StudyRecord:
    """The record of an existing study.

    Raises:
        UserError: as `find_study` and `read_study`.
    """
    return read_study(find_study(name, studies), storage)
