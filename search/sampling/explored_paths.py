"""The parameters that population based training changes, as a study file asks for them."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from search.errors import UserError
from search.plain.wording import did_you_mean
from search.plain.yaml import shown
from search.sampling.schedulers.exploration import Exploration, may_change
from search.sampling.schedulers.make import PBT, PERTURB
from search.space.short_names import short_names
from search.space.spelling import Spelling
from search.study_file.schema import StudyFile

# of a Trainer a checkpoint brings along where it was in its loops
_NOT_CHANGED = ("trainer", "seed_everything")
_LISTED = ("grid", "bruteforce")


def exploration_of(study_file: StudyFile, reshaping: Collection[str] = ()) -> Exploration | None:
    """How a study file's scheduler comes to new parameters; None where it does not.

    Args:
        reshaping: the paths whose values change the shape of the model, or its parts.

    Raises:
        UserError: one of its options, or another section, does not go with that.
    """
    if study_file.scheduler.name != PBT:
        return None
    if study_file.sampler.name in _LISTED:
        raise UserError(
            f"scheduler: pbt changes values, and sampler: {study_file.sampler.name} tries those of "
            "a list. Write sampler: tpe or sampler: random."
        )
    if study_file.audit:
        raise UserError(
            "scheduler: pbt gives the place of a trial that it ends to another, which an audit "
            "would keep from it. Remove audit."
        )
    given = study_file.scheduler.options.get(PERTURB)
    paths = _default(study_file, reshaping) if given is None else _named(study_file, given)
    if not paths:
        raise UserError(
            "scheduler: pbt finds no parameter that may change under way: each is one of the "
            "Trainer, a choice of names, or changes the shape of the model. Search a learning "
            "rate, or name parameters: {name: pbt, perturb: [lr]}."
        )
    return Exploration(study_file.points, paths, study_file.seed)


def needs_shapes(study_file: StudyFile) -> bool:
    """Tell whether the study file leaves it to the preflight which parameters may change."""
    return study_file.scheduler.name == PBT and PERTURB not in study_file.scheduler.options


def _default(study_file: StudyFile, reshaping: Collection[str]) -> list[str]:
    return [
        path
        for path, distribution in study_file.space.items()
        if path.partition(".")[0] not in _NOT_CHANGED
        and path not in reshaping
        and may_change(distribution)
    ]


def _named(study_file: StudyFile, given: object) -> list[str]:
    """The full paths of those that were named.

    Raises:
        UserError: what was given are no paths of the space.
    """
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise UserError(
            f"scheduler.{PERTURB}: must be a list of searched paths, got {shown(given)}. "
            "As in [lr, dropout]."
        )
    spell = Spelling(study_file.space, study_file.sections)
    by_name = {name: path for path, name in short_names(study_file.space).items()}
    paths = []
    for place, each in enumerate(given):
        # a list or a mapping can be looked up nowhere
        path = None
        if isinstance(each, str):
            path = by_name.get(each) or spell(each)
        if path not in study_file.space:
            remedy = did_you_mean(str(each), [*by_name])
            raise UserError(f"scheduler.{PERTURB}.{place}: {shown(each)} is not searched. {remedy}")
        paths.append(path)
    return paths
