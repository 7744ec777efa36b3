"""The data of all figures: axes, trials with a usable value, the share of each parameter."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from plotly import graph_objects as go

from search.report.dimensions import Dimension, inferred
from search.report.importance_shares import Importance, dashboard_importances, param_importances
from search.report.sample import even_sample
from search.report.value_axis import ValueAxis, value_axis
from search.space.short_names import short_names
from search.store.records import StudyRecord, TrialRecord

# of more, the intervals hardly narrow, and the trees take seconds
_MAX_ASSESSED = 2_000


@dataclass(frozen=True)
class Plot:
    """A figure and what it shows, in plain text, not HTML."""

    finding: str
    """The sentence that the figure shows; without one, the reason why there is none."""
    figure: go.Figure | None = None
    note: str = ""
    """The way to read the figure."""


@dataclass(frozen=True)
class Point:
    """A trial at the value that it showed."""

    trial: TrialRecord
    value: float
    """Its own; of one that did not complete, the last finite one that it reported."""

    @property
    def is_pruned(self) -> bool:
        return self.trial.state == "PRUNED"


class StudyData:
    """A study as the figures need it; costly parts are computed once, when first asked for."""

    def __init__(self, record: StudyRecord) -> None:
        self.record = record

    @property
    def metric(self) -> str:
        return self.record.metric

    @property
    def is_minimized(self) -> bool:
        return self.record.direction == "minimize"

    @cached_property
    def scored(self) -> tuple[TrialRecord, ...]:
        """Complete, feasible trials with a finite value, by number."""
        return tuple(sorted(self.ranked, key=lambda trial: trial.number))

    @cached_property
    def ranked(self) -> tuple[TrialRecord, ...]:
        """`scored`, best first."""
        return tuple(trial for trial in self.record.ranked if is_finite(trial.value))

    @property
    def best(self) -> TrialRecord | None:
        """The best complete trial, one with a finite value where there is any; None of several
        objectives."""
        if self.record.is_multi_objective:
            return None
        return self.ranked[0] if self.ranked else self.record.best

    @cached_property
    def dimensions(self) -> tuple[Dimension, ...]:
        """One for each path of the space, then those that only trials name."""
        space = dict(self.record.space)
        trials = self.record.trials
        for path in sorted({path for trial in trials for path in trial.params} - space.keys()):
            space[path] = inferred(t.params[path] for t in trials if path in t.params)
        labels = short_names(space)
        return tuple(Dimension(path, labels[path], dist) for path, dist in space.items())

    @cached_property
    def importances(self) -> dict[str, Importance]:
        """Path -> share of the variation that it explains; empty with too little data."""
        axis = self.axis if self.scored else None
        return param_importances(self.assessed, self.dimensions, axis)

    @cached_property
    def assessed(self) -> list[TrialRecord]:
        """The scored trials that the importances are of."""
        return even_sample(self.scored, _MAX_ASSESSED)

    @cached_property
    def dashboard_importances(self) -> dict[str, float]:
        """The shares that optuna-dashboard shows; empty where there are no `importances`."""
        if not self.importances:
            return {}
        return dashboard_importances(self.record.trials, self.dimensions, self.record.direction)

    def by_share(self, dimensions: Iterable[Dimension]) -> tuple[Dimension, ...]:
        """Those with the largest shares first, as far as shares are known; a choice of what to
        show first, not a statement, as intervals may overlap."""

        def share(dimension: Dimension) -> float:
            known = self.importances.get(dimension.path)
            return known.share if known else 0.0

        return tuple(sorted(dimensions, key=lambda dimension: -share(dimension)))

    def shown(self, count: int, total: int) -> str:
        """A sentence for a figure that has no room for all parameters."""
        if not self.importances:
            return f"The first {count} of {total} parameters are shown."
        return f"Of {total} parameters the {count} that explain most are shown."

    @cached_property
    def varied(self) -> tuple[Dimension, ...]:
        """Dimensions in which the scored trials differ, in the order of `by_share`."""
        varied = [
            dim
            for dim in self.dimensions
            if len({dim.scaled_in(t.params) for t in self.scored} - {None}) > 1
        ]
        return self.by_share(varied)

    @cached_property
    def axis(self) -> ValueAxis:
        """The axis of the scored trials' values; needs at least one."""
        return value_axis(self.metric, self.record.direction, [score(t) for t in self.scored])


def is_finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def score(trial: TrialRecord) -> float:
    """The value of a trial that has one."""
    if trial.value is None:
        raise ValueError(f"trial {trial.number} has no value")
    return trial.value


def points_of(trials: Iterable[TrialRecord]) -> list[Point]:
    """The trials that showed a finite value, by number."""
    points = []
    for trial in sorted(trials, key=lambda trial: trial.number):
        curve = finite_curve(trial)
        if trial.state != "COMPLETE" and curve:
            points.append(Point(trial, curve[-1][1]))
        elif trial.state == "COMPLETE" and is_finite(trial.value):
            points.append(Point(trial, score(trial)))
    return points


def finite_curve(trial: TrialRecord) -> list[tuple[int, float]]:
    """Steps and values of the curve, those that are not finite left out."""
    return [(step, value) for step, value in sorted(trial.curve.items()) if math.isfinite(value)]
