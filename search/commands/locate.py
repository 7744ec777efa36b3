"""The study or study file that a user means by a name, a path, or nothing at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from filecmp import cmp
from pathlib import Path

from search.errors import UserError, printable
from search.layout import STUDIES_DIR, StudyFolder
from search.plain.wording import did_you_mean, nearest
from search.store.placement import check_readable
from search.store.reading import folders_in, is_study, read_study, studies_in
from search.store.records import StudyRecord
from search.study_file.shipped import DEFAULT, shipped_studies

# what `search init` writes
_HERE = "study.yaml"


@dataclass(frozen=True)
class FoundFile:
    """A study file, and a line where the user may have meant another; None where not."""

    path: Path
    note: str | None = None


def find_file(word: str | None) -> FoundFile:
    """The study file that a user means by a path, the name of a shipped study, or nothing.

    A word with a folder or an ending is a path, any other a name.

    Raises:
        UserError: it is neither, or both.
    """
    shipped = shipped_studies()
    if word is None:
        return _default_file(shipped[DEFAULT])
    path, is_name = Path(word), Path(word).name == word and not Path(word).suffix
    if not is_name:
        if _was_run(StudyFolder(path)):
            raise UserError(f"{path}: is the folder of a study. Go on with `search resume {path}`.")
        return FoundFile(path)
    if word not in shipped and not path.exists():
        raise UserError(_no_file(word, tuple(shipped)))
    if word not in shipped:
        return FoundFile(path)
    if path.is_file():
        raise UserError(f"{word}: is a shipped study and a file here. Write ./{word} for the file.")
    return FoundFile(shipped[word], _note_on_file_here(word, shipped[word]))


def _was_run(folder: StudyFolder) -> bool:
    """True for the folder of a study, False for a project with a study.yaml of its own."""
    return is_study(folder) and folder.events.exists()


def _default_file(default: Path) -> FoundFile:
    here = Path(_HERE)
    if not here.is_file():
        return FoundFile(default)
    if _was_run(StudyFolder(Path.cwd())):
        name = Path.cwd().name
        raise UserError(
            f"{here}: is what the study {name} keeps, for this is its folder. Leave the folder, "
            f"then go on with `search resume {name}`."
        )
    return FoundFile(here, f"{here}: the study file of this folder")


def _note_on_file_here(word: str, shipped: Path) -> str | None:
    """A line on a file here that is called like a shipped study; None where there is none."""
    for path in (Path(f"{word}.yaml"), STUDIES_DIR / f"{word}.yaml"):
        if path.is_file() and not cmp(path, shipped, shallow=False):
            return f"{word}: the shipped study; for the file here write {path}"
    return None


def _no_file(word: str, shipped: Sequence[str]) -> str:
    if is_study(StudyFolder(STUDIES_DIR / word)):
        return f"{word}: is a study here. Go on with it: `search resume {word}`."
    near = [path for path in (f"{word}.yaml", f"{word}.yml") if Path(path).is_file()]
    if near:
        return f"{word}: is no shipped study. For the file here write {near[0]}."
    meant = nearest(word, shipped)
    guess = "" if meant is None else f"Did you mean {meant}? "
    return f"{word}: no such file or shipped study. {guess}Shipped are {', '.join(shipped)}."


def find_study(name: str | None, studies: Path) -> StudyFolder:
    """The folder of an existing study.

    Args:
        name: a study's name or the path of its folder; None means the only one there is.
        studies: the folder that holds the study folders.

    Raises:
        UserError: there is no such study, more than one to choose from, or two that are called so.
        StorageError: it is another user's.
    """
    known = studies_in(studies)
    names = [folder.name for folder in known]
    if name is None:
        if len(known) == 1:
            return known[0]
        if not known:
            for folder in folders_in(studies):
                check_readable(folder.root)
            raise UserError(f"{studies}: holds no study yet. Start one with `search run`.")
        raise UserError(f"{studies}: holds several studies. Name one of {', '.join(names)}.")
    places = (StudyFolder(studies / name), StudyFolder(Path(name)))
    found = [folder for folder in places if name and is_study(folder)]
    if len(found) > 1 and _was_run(found[1]) and not found[0].root.samefile(found[1].root):
        raise UserError(
            f"{name}: is a study in {studies} and a study folder here. Write {studies / name} or "
            f"./{name}."
        )
    if found:
        root = found[0].root
        return StudyFolder(root if root.name else root.resolve())
    for folder in places if name else ():
        check_readable(folder.root)
    raise UserError(_no_study(name, names, studies))


def _no_study(name: str, names: Sequence[str], studies: Path) -> str:
    path = Path(name)
    if path.stem in names and path.is_file():
        return f"{printable(name, 100)}: is a file. Its study is {path.stem}: name that."
    remedy = did_you_mean(path.name, names) if names else "Start one with `search run`."
    return f"{printable(name, 100)}: no such study in {studies}. {remedy}"


def is_name_of_study(word: str, studies: Path) -> bool:
    """True for the name or the folder of an existing study."""
    return bool(word) and any(
        is_study(StudyFolder(place)) for place in (studies / word, Path(word))
    )


def load_study(name: str | None, studies: Path, storage: str | None = None) -> StudyRecord:
    """The record of an existing study.

    Args:
        storage: an address is accepted, and checked as one; nothing is read from a database.

    Raises:
        UserError: as `find_study` and `read_study`.
    """
    if storage is not None:
        # SQLAlchemy takes long to import
        from search.store.database.url import checked_url

        checked_url(storage, "--storage")
    return read_study(find_study(name, studies))
