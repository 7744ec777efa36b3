"""Rules of a study file beyond ranges: conditions, constraints, derived values, enqueued points.

Each is read and checked here, once the sections themselves are known to be right.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from search.plain.tree import ARGUMENTS, Tree, lookup_path, parts_of, read_path, write_path
from search.plain.wording import did_you_mean
from search.plain.yaml import shown
from search.space.distributions import (
    OPTION,
    Categorical,
    FloatRange,
    Params,
    Space,
    config_path,
)
from search.space.enqueued_points import first_point_problems
from search.space.expressions import Expression
from search.space.paths import EFFECTIVE, FINALIST
from search.space.points import DRAWS, Points, has_options, in_order
from search.space.spelling import Spelling
from search.study_file.cluster_sections import gpu_problems, job_problems
from search.study_file.effective_batch import effective_problems, follows_effective
from search.study_file.nodes_of_a_trial import node_problems
from search.study_file.objectives import watched_of
from search.study_file.stopping_rules import FORESEEING
from search.study_file.trial_config import LightningSections, LoggerChoice, TrialConfig

if TYPE_CHECKING:
    from search.study_file.schema import StudyFile

_SEED = "rules"


def rule_problems(study_file: StudyFile) -> list[str]:
    """A line for each rule of a study file that cannot hold."""
    problems = [*effective_problems(study_file), *_condition_problems(study_file.space)]
    problems += gpu_problems(study_file.resources, study_file.trainer, study_file.space)
    problems += job_problems(study_file.on, study_file.resources)
    problems += node_problems(study_file)
    problems += _stopping_problems(study_file)
    if not study_file.has_effective:
        problems += _probed_paths(study_file)
    if problems:
        return problems
    spell = Spelling(study_file.space, study_file.sections)
    constraints, problems = _read_constraints(study_file.constraints, spell)
    derive, more = _read_derived(study_file.derive, spell)
    points = Points(study_file.space, constraints, derive, study_file.sections)
    problems += more
    problems += _derived_problems(points, study_file.is_probed)
    problems += _found_constraints(study_file, points)
    problems += _unknown_paths(study_file, points)
    return problems or _emptiness(points) or list(first_point_problems(study_file.enqueue, points))


def _stopping_problems(study_file: StudyFile) -> Iterator[str]:
    scheduler = study_file.scheduler.name
    if study_file.budget.no_gain is not None and scheduler != FORESEEING:
        yield (
            f"budget.no_gain: scheduler: {FORESEEING} alone knows what is left to gain, got "
            f"{scheduler}. Write scheduler: {FORESEEING}, or budget: {{no_improvement: 20}}."
        )


def _probed_paths(study_file: StudyFile) -> Iterator[str]:
    for path in study_file.space:
        if study_file.is_probed(path):
            yield (
                f"space.{path}: is found by batch.auto_scale. "
                "Search it, or scale it; set batch.auto_scale: off to search it."
            )


def _condition_problems(space: Space) -> Iterator[str]:
    for path, distribution in space.items():
        if OPTION.search(path) and config_path(path) in space:
            yield f"space.{path}: is the same place as {config_path(path)}. Keep one of them."
        for parent, values in distribution.when:
            if parent not in space:
                remedy = did_you_mean(parent, list(space))
                yield f"space.{path}: when names {parent}, which is not searched. {remedy}"
                continue
            for value in values:
                if not space[parent].contains(value):
                    rule = f"{shown(value)} is no value of {parent}"
                    yield f"space.{path}: when: {rule}, which is {space[parent].in_words}."
            if isinstance(space[parent], FloatRange):
                yield (
                    f"space.{path}: when names {parent}, whose values are never quite the same. "
                    "Make it a choice, or drop the condition."
                )
    try:
        if all(parent in space for each in space.values() for parent, _ in each.when):
            in_order(space)
    except ValueError as error:
        yield f"space: when leads in a circle: {error}. Drop one of these conditions."


def _read_constraints(
    texts: Iterable[str], spell: Spelling
) -> tuple[tuple[Expression, ...], list[str]]:
    read, problems = [], []
    for index, text in enumerate(texts):
        try:
            expression = spell.expression(text)
        except ValueError as error:
            problems.append(f"constraints.{index}: {error}")
            continue
        read.append(expression)
        if not expression.is_condition:
            problems.append(
                f"constraints.{index}: must compare something, got {shown(text)}. "
                "Write model.a >= model.b."
            )
    return tuple(read), problems


def _read_derived(
    texts: Mapping[str, str], spell: Spelling
) -> tuple[dict[str, Expression], list[str]]:
    read, problems = {}, []
    for path, text in texts.items():
        try:
            read[spell(path)] = spell.expression(text)
        except ValueError as error:
            problems.append(f"derive.{path}: {error}")
    return read, problems


def _derived_problems(points: Points, is_probed: Callable[[str], bool]) -> Iterator[str]:
    for path in points.derive:
        if path in points.space:
            yield f"derive.{path}: is searched. Search it, or derive it."
        elif "." not in path or path.split(".")[0] not in points.sections:
            sections = ", ".join(points.sections)
            yield f"derive.{path}: is no path into {sections}. Write it as model.init_args.width."
        elif is_probed(path):
            yield f"derive.{path}: is found by batch.auto_scale. Set batch.auto_scale: off."
        elif not _has_place(points, path):
            yield f"derive.{path}: leads through a plain value. Derive that value itself."
        elif circle := _circle(points.derive, path, ()):
            yield f"derive.{path}: derives from itself: {' -> '.join(circle)}. Drop one of these."


def _found_constraints(study_file: StudyFile, points: Points) -> Iterator[str]:
    """A line for each constraint on what is only found once a trial was sampled."""
    for index, constraint in enumerate(points.constraints):
        for path in _all_paths(points.derive, constraint.paths):
            if follows_effective(study_file, path):
                yield (
                    f"constraints.{index}: {path} follows from {EFFECTIVE}, once a trial is "
                    f"sampled. Constrain {EFFECTIVE}."
                )
            elif study_file.is_probed(path):
                yield (
                    f"constraints.{index}: {path} is found by batch.auto_scale, once a trial is "
                    "sampled. Limit it with batch.max, or set batch.auto_scale: off."
                )


def _all_paths(derive: Mapping[str, Expression], paths: Iterable[str]) -> Iterator[str]:
    """The paths, and those that the derived ones among them derive from."""
    for path in dict.fromkeys(paths):
        yield path
        if path in derive and not _circle(derive, path, ()):
            yield from _all_paths(derive, derive[path].paths)


def _has_place(points: Points, path: str) -> bool:
    """Tell whether a value can be written at the path, whatever options are chosen."""
    parts = parts_of(config_path(path))
    for tree in _trees(points, path):
        for end in range(1, len(parts)):
            parent = read_path(tree, ".".join(parts[:end]))
            if parent is not None and not isinstance(parent, dict | list):
                return False
    return True


def _circle(derive: Mapping[str, Expression], path: str, way: tuple[str, ...]) -> tuple[str, ...]:
    """The way from a path back to itself, or to one before it; nothing where there is none."""
    if path in way:
        return (*way, path)
    parents = derive[path].paths if path in derive else ()
    circles = (_circle(derive, parent, (*way, path)) for parent in parents)
    return next((circle for circle in circles if circle), ())


def _unknown_paths(study_file: StudyFile, points: Points) -> Iterator[str]:
    rules = [(f"constraints.{i}", each) for i, each in enumerate(points.constraints)]
    rules += [(f"derive.{path}", each) for path, each in points.derive.items()]
    known = [*points.space, *points.derive]
    for place, expression in rules:
        for path in dict.fromkeys(expression.paths):
            if path in known or follows_effective(study_file, path):
                continue
            if not _is_set(points, path):
                yield f"{place}: {path} is neither searched nor set. {did_you_mean(path, known)}"


def _is_set(points: Points, path: str) -> bool:
    for tree in _trees(points, path):
        try:
            lookup_path(tree, config_path(path))
        except KeyError:
            continue
        return True
    return False


def _trees(points: Points, path: str) -> Iterator[Mapping[str, object]]:
    """The sections as the study file has them, and with each option that the path may lead into."""
    yield points.sections
    for choice, distribution in points.space.items():
        leads_inside = _leads_inside(config_path(path), config_path(choice))
        if not leads_inside or not isinstance(distribution, Categorical):
            continue
        for value in distribution.values if distribution.subtrees is not None else ():
            params = {**_options_in(choice), choice: value}
            if has_options(path, {**_options_in(path), **params}):
                yield points.sections_with(params)


def _leads_inside(path: str, choice: str) -> bool:
    # an option of a script may be several arguments at once
    if choice.startswith(f"{ARGUMENTS}."):
        return path.startswith(f"{ARGUMENTS}.")
    return path.startswith(f"{choice}.")


def _options_in(path: str) -> Params:
    return {path[: match.start()]: match[1] for match in OPTION.finditer(path)}


def _emptiness(points: Points) -> list[str]:
    """A line where the constraints leave nothing of the space."""
    if not (points.constraints or points.derive) or points.random_point({}, _SEED) is not None:
        return []
    reason = points.violation(points.low_ends({}))
    return [
        f"constraints: none of {DRAWS:,} random points of the space is valid; the one of all low "
        f"ends fails at {reason}. Loosen the constraints or widen the ranges."
    ]


def resolve_config(
    study_file: StudyFile, params: dict[str, Any], found: Mapping[str, object] | None = None
) -> Tree:
    """The sections of a LightningCLI configuration with `params`, and what derives from them, laid
    over them by path; where finalists are confirmed, the sections are those of the finalist.

    Args:
        found: values that are not sampled but found, by path.

    Raises:
        Incomputable: a derived value has none for these.
    """
    found = found or {}
    if study_file.finalists is None or FINALIST not in params:
        return replace(study_file.points, found=found).config(params)
    config = copy.deepcopy(study_file.finalists[params[FINALIST]])
    for path, value in {**params, **found}.items():
        if path != FINALIST:
            write_path(config, path, value)
    return config


def config_of(study_file: StudyFile, sections: Tree) -> TrialConfig:
    """The configuration of a trial with these sections, as the study file judges and logs it."""
    return TrialConfig(
        sections=LightningSections.from_tree(sections),
        objective=study_file.objective,
        watched=watched_of(study_file),
        logger=tuple(LoggerChoice(each.name, each.options) for each in study_file.logger),
    )
