"""The earlier studies that a study file names, read once: when the new study is made."""

from __future__ import annotations

from pathlib import Path

from search.errors import StudyFileError, UserError
from search.layout import StudyFolder
from search.sampling.copied_trials import copied_from
from search.store.earlier_study import read_earlier
from search.store.earlier_trials import EarlierStudy
from search.store.warm_start import WarmSource, WarmStart
from search.study_file.schema import StudyFile


def read_sources(
    study_file: StudyFile, folder: StudyFolder, source: str, beside: Path
) -> tuple[WarmSource, ...]:
    """The trials of the earlier studies, as far as they are points of this one's space.

    Args:
        folder: of the study that is to be made.
        source: the study file, as messages call it.
        beside: the study file's folder, where paths may begin as well as in the working folder.

    Raises:
        StudyFileError: a line for each study that cannot be learnt from.
    """
    place = f"{source}: warm_start"
    problems: list[str] = []
    found: list[WarmSource] = []
    words: dict[str, str] = {}
    for word in study_file.warm_start:
        try:
            study = read_earlier(word, folder, (Path.cwd(), beside), place)
            found.append(_taken(word, study, study_file, place))
        except UserError as error:
            problems.append(str(error))
            continue
        if (same := words.setdefault(study.address, word)) != word:
            problems.append(f"{place}: {word}: is the study that {same} names. Keep one.")
    if problems:
        raise StudyFileError(problems)
    return tuple(found)


def _taken(word: str, study: EarlierStudy, study_file: StudyFile, place: str) -> WarmSource:
    if not study.trials:
        raise UserError(
            f"{place}: {word}: has no finished trial to learn from. Leave it out, or let it run."
        )
    taken = copied_from(word, study, study_file.points)
    if not taken.trials:
        names = list(dict.fromkeys(name for each in study.trials for name in each.params))
        raise UserError(
            f"{place}: {word}: has no value of what is searched here; it searches "
            f"{', '.join(names[:5])}. Leave it out, or widen the ranges."
        )
    return taken


def first_text(warm_start: WarmStart, sampler: str) -> str:
    """The line that a new study tells of the earlier ones that it learns from."""
    first = {0: "the best are tried anyway", 1: "the best configuration is tried early"}
    count = len(warm_start.points)
    best = first.get(count, f"{count} of the best configurations are tried early")
    more = "" if sampler == "tpe" else f", and {sampler} learns nothing else from them"
    return f"warm start: {warm_start.text}; {best}{more}"
