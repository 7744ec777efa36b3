"""The check before any trial: what only an attempt with torch can find out about a study file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from msgspec import structs

from search.answers import Checked
from search.engine.ask import CHECK, TIME, ask
from search.errors import UserError
from search.executors.protocol import Executor
from search.messages import Slot
from search.space.distributions import Params
from search.space.paths import EFFECTIVE
from search.space.points import Points
from search.study_file.rules import config_of
from search.study_file.schema import ScriptStudyFile, StudyFile
from search.study_file.trial_config import LightningSections, TrialConfig, Variant

_SEED = "preflight"
_MIDDLE_SEED = "dry trial"
# from each of which the model is built
_MOST_CHOICES = 64


def preflight(
    executor: Executor, study_file: StudyFile, source: str, slot: Slot, tick: Callable[[], None]
) -> Checked:
    """Run the check in an attempt of its own, and time a trial of middle values in another, which
    may fail.

    Args:
        source: the study file's name, for messages.
        tick: called while waiting.

    Raises:
        UserError: as `ask`.
    """
    config = check_config(study_file)
    facts = ask(CHECK, config.to_tree(), place=source, executor=executor, slot=slot, tick=tick)
    if slot.threads == 1 and not facts.gpus_a_trial:
        return facts
    config = middle_config(settled(study_file, facts))
    try:
        timed = ask(TIME, config.to_tree(), place=source, executor=executor, slot=slot, tick=tick)
    except UserError as error:
        return structs.replace(facts, notes=(*facts.notes, str(error)), is_timed=False)
    return structs.replace(
        facts,
        step_s=timed.step_s,
        memory_bytes=timed.memory_bytes,
        gpu_memory_bytes=timed.gpu_memory_bytes,
        gpu_busy=timed.gpu_busy,
    )


def settled(study_file: StudyFile, facts: Checked) -> StudyFile:
    """The study file with what it leaves to the preflight: the number of a script's last fit."""
    if isinstance(study_file, ScriptStudyFile):
        return study_file.with_last_of(facts.fits)
    return study_file


def check_config(study_file: StudyFile) -> TrialConfig:
    """The configuration of a valid trial, and in `preflight` another for each far value."""
    points = study_file.points
    base = _base(points)
    config = config_of(study_file, points.config(base))
    return replace(config, preflight=tuple(_variants(points, base)))


def middle_config(study_file: StudyFile) -> TrialConfig:
    """The configuration of a valid trial, with the values in the middle of their ranges where
    those are one."""
    points = study_file.points
    middle = points.complete({}, lambda distribution: distribution.middle)
    params = points.valid_or_random(middle, {}, _MIDDLE_SEED) or middle
    return config_of(study_file, points.config(params))


def _base(points: Points) -> Params:
    """A valid point, of the low ends where those are one."""
    low_ends = points.low_ends({})
    return points.valid_or_random(low_ends, {}, _SEED) or low_ends


def _variants(points: Points, base: Params) -> Iterator[Variant]:
    """The sections of a valid point for each far value of each path, the rest as in `base` where
    that is valid; a value that no valid point has is left out."""
    for path, distribution in points.space.items():
        # changes no class, and its batches are counted afterwards
        if path == EFFECTIVE:
            continue
        for value in distribution.ends(_MOST_CHOICES):
            params = _with_value(points, base, path, value)
            if params is not None:
                yield Variant(path, value, LightningSections.from_tree(points.config(params)))


def _with_value(points: Points, base: Params, path: str, value: Any) -> Params | None:
    fixed = {**_parents(points, path), path: value}
    return points.valid_or_random(points.low_ends({**base, **fixed}), fixed, _SEED)


def _parents(points: Points, path: str) -> Params:
    """Values under which a conditional parameter exists."""
    parents: Params = {}
    for parent, values in points.space[path].when:
        parents |= {**_parents(points, parent), parent: values[0]}
    return parents
