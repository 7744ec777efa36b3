"""Points near another: how population based training explores.

Each value of a range is multiplied by 0.8 or 1.2, or drawn anew: Jaderberg et al., Population Based
Training of Neural Networks, 2017 (arXiv:1711.09846), section 4.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from random import Random

from search.plain.equality import is_number
from search.space.distributions import Categorical, Distribution, Params, Scalar, is_same
from search.space.points import Points

_FACTORS = (0.8, 1.2)
_DRAWN_ANEW = 0.25
# of which each may break a constraint
_TURNS = 100


@dataclass(frozen=True)
class Exploration:
    """The way to a point near another.

    points: the valid ones.
    paths: those whose values change; of all others those of the other point stay.
    seed: the study's.
    """

    points: Points
    paths: Collection[str]
    seed: int

    def random(self, number: int) -> Random:
        """What is drawn for the trial of this number."""
        return Random(f"{self.seed}:pbt:{number}")

    def explore(self, params: Params, random: Random) -> Params:
        """A valid point near that of `params`; the same one where none was found."""
        for _ in range(_TURNS):
            found = self._near(params, random)
            if self.points.violation(found) is None:
                return found
        return dict(params)

    def _near(self, params: Params, random: Random) -> Params:
        near: Params = {}
        # a parameter comes after those that its conditions name
        for path, distribution in self.points.ordered.items():
            if not distribution.is_active(near):
                continue
            if path not in params:
                near[path] = distribution.draw(random)
            elif path in self.paths:
                near[path] = _perturbed(distribution, params[path], random)
            else:
                near[path] = params[path]
        return near


def may_change(distribution: Distribution) -> bool:
    """Tell whether values have neighbours: those of a choice of names stand for whole parts of a
    model, which a checkpoint brings along."""
    if isinstance(distribution, Categorical):
        return all(is_number(each) for each in distribution.values)
    return True


def _perturbed(distribution: Distribution, value: Scalar, random: Random) -> Scalar:
    if random.random() < _DRAWN_ANEW:
        return distribution.draw(random)
    if isinstance(distribution, Categorical):
        return _neighbour(distribution, value, random)
    assert isinstance(value, int | float)
    if value == 0:
        # which no factor changes
        return distribution.draw(random)
    factor = random.choice(_FACTORS)
    wanted = value * factor
    if (step := distribution.step) is not None:
        wanted = distribution.low + round((wanted - distribution.low) / step) * step
        if wanted == value:
            # the way is shorter than a step
            wanted += step if (factor > 1) == (value > 0) else -step
    highest = distribution.quantile(1.0)
    return distribution.coerce(min(highest, max(distribution.low, wanted)))


def _neighbour(choice: Categorical, value: Scalar, random: Random) -> Scalar:
    """The next number of a choice, above or below; of names, the same."""
    if not may_change(choice):
        return value
    ranked = sorted(choice.values, key=lambda each: float(each or 0))
    place = next(place for place, each in enumerate(ranked) if is_same(each, value))
    return ranked[min(len(ranked) - 1, max(0, place + random.choice((-1, 1))))]
