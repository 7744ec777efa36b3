"""What a new study takes over of an earlier one: ranks instead of values, and what it searches too.

Values of another study are of another metric, model or data and say nothing here; which of its
trials were better than which may hold here as well.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

from search.space.distributions import Distribution, IntRange, Params, Space
from search.space.points import Points
from search.space.short_names import short_names
from search.space.spelling import Spelling
from search.store.earlier_trials import EarlierStudy, EarlierTrial
from search.store.warm_start import WarmPoint, WarmSource, WarmStart, WarmTrial
from search.study_file.objective import sign_of

# trials that are copied of a study: the best, and as many that are spread over the others
_BEST = 100
_OTHERS = 100
# configurations of a study that are tried early, and those of all together
_POINTS_EACH = 3
_POINTS = 6
_SEED = "warm start"


def copied_from(name: str, study: EarlierStudy, points: Points) -> WarmSource:
    """The trials of an earlier study as a new one keeps them; none where no searched value of
    theirs is one here.

    Args:
        name: as the study file calls the study.
        points: of the new study.
    """
    paths = _Paths(points)
    ranked = ranked_trials(study)
    trials = []
    for rank, trial in ranked:
        params = kept_params(
            {paths(key): each for key, each in trial.params.items()}, points.ordered
        )
        if params:
            trials.append(WarmTrial(trial.number, params, rank))
    return WarmSource(name, len(ranked), tuple(_spread(trials)))


def copied_again(source: WarmSource, points: Points) -> WarmSource:
    """What was copied for one study, as another of a changed space keeps it."""
    kept = ((each, kept_params(each.params, points.ordered)) for each in source.trials)
    trials = tuple(replace(each, params=params) for each, params in kept if params)
    return replace(source, trials=trials)


def kept_params(params: Mapping[Any, object], ordered: Space) -> Params:
    """Of a point of another space what lies in this one.

    Args:
        ordered: each parameter after those that its conditions name.
    """
    kept: Params = {}
    for path, distribution in ordered.items():
        if path in params and distribution.is_active(kept):
            value = _whole(distribution, params[path])
            if distribution.contains(value):
                kept[path] = distribution.coerce(value)  # type: ignore[arg-type]
    return kept


def warm_start_of(
    sources: Sequence[WarmSource], points: Points, own: Params, known: Sequence[Params]
) -> WarmStart:
    """Copied trials with the best of their configurations, to be tried early.

    Args:
        own: the configuration's own values, which fill what an earlier trial did not have.
        known: points that are tried anyway, whole or in part.
    """
    tried = [*known]
    of_sources = [_best_points(each, points, own) for each in sources]
    found: list[WarmPoint] = []
    # the best of each source, then the second of each
    for candidates in of_sources * _POINTS_EACH:
        if len(found) == _POINTS:
            break
        for point in candidates:
            if not any(point.params.items() <= each.items() for each in tried):
                found.append(point)
                tried.append(point.params)
                break
    return WarmStart(tuple(sources), tuple(found))


def _best_points(source: WarmSource, points: Points, own: Params) -> Iterator[WarmPoint]:
    """The configurations of a source, the best first."""
    for trial in source.trials:
        if params := _completed(trial.params, points, own):
            yield WarmPoint(f"{source.name}, trial {trial.number}", params)


def _completed(params: Params, points: Points, own: Params) -> Params:
    """The values of an earlier trial with the configuration's own where it had none; without those
    where no valid point has both, and nothing where none has the values themselves."""
    filled: Params = {}
    for path, distribution in points.ordered.items():
        value = params.get(path, own.get(path))
        if (path in params or path in own) and distribution.is_active(filled):
            filled[path] = value
    for candidate in (filled, params):
        if points.random_point(candidate, _SEED) is not None:
            return candidate
    return {}


def ranked_trials(study: EarlierStudy) -> list[tuple[float, EarlierTrial]]:
    """Rank and trial, the best first: complete ones by value, then pruned ones by how far they
    came and their value there. Those of equal worth have one rank."""
    sign = sign_of(study.direction)
    keys = [(_key(each, sign), each) for each in study.trials]
    valued = [(key, each) for key, each in keys if key is not None]
    valued.sort(key=lambda pair: (pair[0], pair[1].number))
    last = max(1, len(valued) - 1)
    ranked: list[tuple[float, EarlierTrial]] = []
    for _, group in groupby(valued, key=lambda pair: pair[0]):
        equal = [each for _, each in group]
        middle = len(ranked) + (len(equal) - 1) / 2
        ranked += [(middle / last, each) for each in equal]
    return ranked


def _key(trial: EarlierTrial, sign: float) -> tuple[float, ...] | None:
    """What orders the trials, the smallest first; None where nothing is known of one."""
    if trial.value is not None:
        return None if math.isnan(trial.value) else (0, _worth(trial.value, sign))
    if not trial.curve:
        return None
    step, value = max(trial.curve.items())
    return (1, -step, _worth(value, sign))


def _worth(value: float, sign: float) -> float:
    """The value, the smaller the better; the worst where training diverged, to whichever side."""
    return sign * value if math.isfinite(value) else math.inf


def _spread(trials: Sequence[WarmTrial]) -> list[WarmTrial]:
    """The best of the trials, and some that are evenly spread over the others."""
    others = trials[_BEST:]
    if len(others) <= _OTHERS:
        return list(trials)
    last = len(others) - 1
    return [*trials[:_BEST], *(others[last * at // (_OTHERS - 1)] for at in range(_OTHERS))]


def _whole(distribution: Distribution, value: object) -> object:
    """A whole number that another tool keeps as 64.0, as a range of whole numbers has it."""
    if isinstance(value, float) and isinstance(distribution, IntRange) and value.is_integer():
        return int(value)
    return value


class _Paths:
    """The searched path that the name of a parameter means in another study: the path itself,
    another spelling of it, or its last words, such as `lr`; None where it means none."""

    def __init__(self, points: Points) -> None:
        self._space = points.space
        self._spell = Spelling(points.space, points.sections)
        self._short: dict[str, str] = {}
        for path, name in short_names(points.space).items():
            self._short.setdefault(_plain(name), path)

    def __call__(self, name: str) -> str | None:
        if name in self._space:
            return name
        spelt = self._spell(name)
        return spelt if spelt in self._space else self._short.get(_plain(name))


def _plain(name: str) -> str:
    """`--batch-size` as `batch_size`."""
    return name.lstrip("-").replace("-", "_")
