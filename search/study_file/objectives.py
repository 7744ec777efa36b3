"""One objective or several: what a study file says of them, and what its attempts are told.

The objective that decides which checkpoint a trial keeps is the first whose metric is logged; in a
study file of one objective it is that one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from search.plain.tree import as_list, as_mapping
from search.plain.wording import did_you_mean
from search.plain.yaml import shown
from search.study_file.objective import DIRECTIONS
from search.study_file.outcome_constraints import PARAMETERS, RESOURCES, parse_constraint
from search.study_file.stopping_rules import OF_ONE_OBJECTIVE
from search.study_file.trial_config import Watched

if TYPE_CHECKING:
    from search.study_file.schema import StudyFile

# samplers of Optuna (5.0) that refuse a study of several objectives
_ONE_OBJECTIVE_ONLY = ("cmaes",)
# lets the rest of a study file be checked while its objectives are wrong
_ANY = {"metric": "value"}


def settle_objectives(given: dict[str, Any]) -> list[str]:
    """Set `objective` of a study file's tree where it lists several, and its pruner where none
    could work; returns one line a problem."""
    if "objectives" not in given:
        return []
    listed = given["objectives"]
    if "objective" in given:
        return ["objectives: stands beside objective. Keep one of the two."]
    if listed == []:
        given["objective"] = _ANY
        return ["objectives: must name an objective, got none. Add {metric: val_loss}."]
    if len(as_list(listed)) == 1:
        given["objective"] = given.pop("objectives")[0]
        return []
    entries = [each for each in as_list(listed) if isinstance(each, dict)]
    logged = [each for each in entries if each.get("metric") not in RESOURCES]
    given["objective"] = _sound(logged[0]) if logged else _ANY
    if entries and not logged:
        return ["objectives: must name a metric that the module logs, got none. Add one to them."]
    return [*_value_problems(listed, given["objective"]["metric"]), *_settle_judges(given)]


def objective_problems(study_file: StudyFile) -> Iterator[str]:
    """One line for each thing in which objectives, pruner, sampler and checkpoints disagree."""
    several, primary = study_file.objectives, study_file.objective
    if primary.metric in RESOURCES:
        yield (
            f"objective.metric: {primary.metric} is measured, and no checkpoint can be chosen by "
            "it. Name a metric that the module logs, or list both under objectives."
        )
    seen: set[str] = set()
    for index, each in enumerate(several):
        if each.metric in seen:
            yield f"objectives.{index}.metric: {each.metric} is there twice. Remove one."
        seen.add(each.metric)
    yield from _prune_on_problems(study_file)
    if several and study_file.sampler.name in _ONE_OBJECTIVE_ONLY:
        yield (
            f"sampler: {study_file.sampler.name} takes one objective, got {len(several)}. "
            "Use tpe, nsgaii or gp."
        )
    if several and study_file.keep.top is not None:
        yield "keep.top: several objectives put trials in no order. Remove it."
    if several and study_file.warm_start:
        yield (
            "warm_start: several objectives put trials in no order. Remove it, and write what is "
            "to be tried under enqueue."
        )
    for rule in OF_ONE_OBJECTIVE if several else ():
        if getattr(study_file.budget, rule) is not None:
            yield f"budget.{rule}: several objectives have no best value. Remove it."


def reported_metric(study_file: StudyFile) -> str:
    """The metric of the curves: that of pruning, else of the objective that keeps checkpoints."""
    return study_file.prune_on or study_file.objective.metric


def watched_of(study_file: StudyFile) -> Watched:
    """The metrics and resources that each attempt of the study looks at."""
    places = {
        each.metric: f"objectives.{index}.metric"
        for index, each in enumerate(study_file.objectives)
    } or {study_file.objective.metric: "objective.metric"}
    constraints = [parse_constraint(text) for text in study_file.outcome_constraints]
    for index, constraint in enumerate(constraints):
        places.setdefault(constraint.name, f"outcome_constraints.{index}")
    return Watched(
        reported=reported_metric(study_file),
        metrics={name: place for name, place in places.items() if name not in RESOURCES},
        limits=tuple(each for each in constraints if each.name == PARAMETERS),
        resources=tuple(each.metric for each in study_file.objectives if each.metric in RESOURCES),
    )


def _sound(entry: Mapping[str, object]) -> dict[str, Any]:
    """An objective without what is wrong in it, which is told at its own place."""
    sound = {key: value for key, value in entry.items() if key in ("metric", "direction", "value")}
    metric = sound.get("metric")
    if not isinstance(metric, str) or not metric:
        return _ANY
    if sound.get("direction") not in DIRECTIONS:
        sound.pop("direction", None)
    if sound.get("value") not in ("best", "last"):
        sound.pop("value", None)
    return sound


def _value_problems(listed: object, primary: str) -> Iterator[str]:
    """A line for each objective that says which validation counts and keeps no checkpoint."""
    for index, each in enumerate(map(as_mapping, as_list(listed))):
        if "value" in each and each.get("metric") != primary:
            yield (
                f"objectives.{index}.value: the checkpoint of a trial belongs to {primary}. "
                "Say it there."
            )


def _settle_judges(given: dict[str, Any]) -> list[str]:
    """Several objectives have no pruner of their own accord; a line for each judge that is named
    beside them, where nothing says by which it judges."""
    if given.get("prune_on") is not None:
        return []
    problems = []
    metric = given["objective"]["metric"]
    for section, judged in (("pruner", "pruned"), ("scheduler", "paused")):
        tree = given.get(section, "none")
        name = tree.get("name") if isinstance(tree, dict) else tree
        if name not in ("none", None):
            problems.append(
                f"{section}: several objectives are {judged} by one that is named. "
                f"Add prune_on: {metric}, or remove {section}."
            )
    given["pruner"] = "none"
    return problems


def _prune_on_problems(study_file: StudyFile) -> Iterator[str]:
    name = study_file.prune_on
    logged = [each.metric for each in study_file.judged if each.metric not in RESOURCES]
    if name is None or name in logged:
        return
    remedy = did_you_mean(name, logged)
    yield f"prune_on: must be an objective that the module logs, got {shown(name)}. {remedy}"
