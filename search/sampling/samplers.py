"""Samplers by name.

A sampler is made anew for every trial, seeded by the study's seed and the number of trials, so
that a study that was interrupted samples the same values as one that was not, and never repeats
the random values it began with. The first trials of a sampler that learns are spread over the space
instead, see `search.sampling.start_points`.
"""

from __future__ import annotations

import inspect
import secrets
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from random import Random
from typing import Any

import numpy as np
import optuna
from optuna import samplers
from optuna.exceptions import ExperimentalWarning

from search.errors import UserError
from search.plain.wording import did_you_mean
from search.sampling.bounded_trials import LEAST
from search.sampling.cmaes import PrivateCmaEsSampler
from search.sampling.prior_density import has_priors, point_at
from search.sampling.prior_tpe import PriorTPESampler
from search.sampling.source_weights import SourceModels, own_trials
from search.sampling.start_points import start_point
from search.sampling.warm_tpe import WarmTPESampler
from search.space.distributions import Params, Space
from search.space.points import Points

_SAMPLERS: Mapping[str, Callable[..., samplers.BaseSampler]] = {
    "tpe": samplers.TPESampler,
    "gp": samplers.GPSampler,
    "random": samplers.RandomSampler,
    "grid": samplers.GridSampler,
    "qmc": samplers.QMCSampler,
    "cmaes": samplers.CmaEsSampler,
    "nsgaii": samplers.NSGAIISampler,
    "bruteforce": samplers.BruteForceSampler,
}
_DEFAULTS: Mapping[str, Mapping[str, object]] = {
    # keeps parallel workers from trying the same place twice
    "tpe": {"constant_liar": True},
    "qmc": {"scramble": True},
}
# given by the tool, or callables that a study file cannot hold
_NOT_GIVEN = frozenset(
    {
        "seed",
        "search_space",
        "independent_sampler",
        "source_trials",
        "gamma",
        "weights",
        "constraints_func",
        "child_generation_strategy",
        "elite_population_selection_strategy",
        "after_trial_strategy",
        "mutation",
        "crossover",
        "wrapped_pruner",
        "warn_independent_sampling",
    }
)
_LONGEST_LIST = 1_000_000
# those that draw at random until they have seen so many trials; Optuna's own default
_STARTS_SPREAD = ("tpe", "gp")
_START_TRIALS = 10
_TAKE_PRIORS = ("tpe", "random")


@dataclass(frozen=True)
class Sampling:
    """The sampling of a study.

    name: the sampler.
    options: those that the study file gives it.
    points: the valid points of the space.
    seed: the study's.
    secret: marks what this process stored for CMA-ES; see `search.sampling.cmaes`.
    models: the earlier studies that TPE learns from; None where there are none.
    """

    name: str
    options: Mapping[str, Any]
    points: Points
    seed: int
    secret: str = field(default_factory=lambda: secrets.token_hex(16))
    models: SourceModels | None = None

    @property
    def space(self) -> Space:
        return self.points.space

    def sampler(
        self,
        number: int,
        turn: int = 0,
        fixed: Params | None = None,
        weights: Sequence[float] = (),
    ) -> samplers.BaseSampler:
        """The sampler for the trial that will be the `number`-th.

        Args:
            turn: how many of its candidates for that trial were not valid.
            fixed: values of the trial that are not to be sampled.
            weights: of the earlier studies, see `weights`.

        Raises:
            UserError: an option is unknown or has a value that the sampler refuses.
        """
        sampler = self._make(number, turn, weights)
        # half of the first trials are spread over the space, however much is known already
        is_known = any(weights) and number % 2 == 1
        start = {} if is_known else self._start_point(number, turn)
        fixed = {**start, **(fixed or {})}
        if not fixed:
            return sampler
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            return samplers.PartialFixedSampler(fixed, sampler)

    def weights(self, study: optuna.Study) -> tuple[float, ...]:
        """The weight that each earlier study has for the next trial; none without any.

        Args:
            study: the one that is sampled for.
        """
        if self.models is None:
            return ()
        trials = study.get_trials(deepcopy=False)
        return self.models.weights(own_trials(trials, study.direction.name.lower()))

    def check(self) -> None:
        """Make sure that the sampler takes its options.

        Raises:
            UserError: it does not.
        """
        self._make(0, 0)

    def prepare(self) -> None:
        """Import the modules that the first trial needs, where there is time for it."""
        self._start_point(0, 0)

    def _make(self, number: int, turn: int, weights: Sequence[float] = ()) -> samplers.BaseSampler:
        check_options("sampler", self.name, self.options, _SAMPLERS[self.name])
        if self.name == "gp":
            self._refuse_long_lists()
        self._refuse_priors()
        entropy = [self.seed, number, turn] if turn else [self.seed, number]
        seed = int(np.random.SeedSequence(entropy).generate_state(1)[0])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            try:
                return self._seeded(seed, number, weights)
            except (TypeError, ValueError) as error:
                line = refused_options("sampler", self.name, error)
                raise UserError(line) from error

    def _seeded(self, seed: int, number: int, weights: Sequence[float]) -> samplers.BaseSampler:
        options = {**_DEFAULTS.get(self.name, {}), **self.options}
        if self.name == "grid":
            # every point is given to it: Optuna's grid knows neither conditions nor enqueued points
            return samplers.RandomSampler(seed=seed)
        if self.name in ("qmc", "cmaes"):
            options["independent_sampler"] = samplers.RandomSampler(seed=seed)
            options["warn_independent_sampling"] = False
        if self.name == "qmc":
            # its sequence belongs to the study, only what is outside the sequence to the trial
            return samplers.QMCSampler(**options, seed=self.seed)
        if self.name == "cmaes":
            return PrivateCmaEsSampler(**options, secret=self.secret, seed=seed)
        if self.models is not None and any(weights):
            # it knows something before the first trial
            options["n_startup_trials"] = 0
            return WarmTPESampler(self.space, number, self.models, weights, **options, seed=seed)
        if self.name == "tpe" and has_priors(self.space):
            return PriorTPESampler(self.space, number, **options, seed=seed)
        return _SAMPLERS[self.name](**options, seed=seed)

    def _start_point(self, number: int, turn: int) -> Params:
        """The point of one of the first trials of a sampler that knows nothing before it has seen
        some, and of every trial that is drawn from priors; nothing for the others, which the
        sampler samples itself."""
        if self.name == "random" and has_priors(self.space):
            stream = np.random.default_rng([self.seed, number, turn])
            return point_at(self.points.ordered, stream.random(len(self.space) + 1).tolist())
        count = self.options.get("n_startup_trials", _START_TRIALS)
        if self.name not in _STARTS_SPREAD or not isinstance(count, int) or number >= count:
            return {}
        return start_point(self.points, self.seed, number + count * turn)

    @property
    def combinations(self) -> int | None:
        """The number of different trials, for the samplers that try each once; else None."""
        if not self.is_listed:
            return None
        counts = self._counts()
        return prod(counts.values()) if self.points.is_plain else len(self.valid_points)

    @property
    def is_listed(self) -> bool:
        """Tell whether the sampler tries every valid point once."""
        return self.name in ("grid", "bruteforce")

    @property
    def is_bounded(self) -> bool:
        """Tell whether the sampler does with a selection of a long study's trials; the others need
        all of them, or look at none, as does a TPE that is to count to more than are shown."""
        count = self.options.get("n_startup_trials", _START_TRIALS)
        return self.name == "tpe" and isinstance(count, int) and count <= LEAST

    @cached_property
    def valid_points(self) -> list[Params]:
        """Every valid point, in the order in which they are tried.

        Raises:
            UserError: they cannot be listed.
        """
        self._counts()
        try:
            points = self.points.valid_points()
        except ValueError as error:
            raise UserError(f"space: {error}") from error
        Random(self.seed).shuffle(points)
        return points

    def _counts(self) -> dict[str, int]:
        """The number of values of each path, all of which are tried."""
        counts: dict[str, int] = {}
        for path, distribution in self.space.items():
            count = distribution.count
            if count is None:
                raise UserError(
                    f"space.{path}: {self.name} needs a list of values, got a range without "
                    "steps. Give it a step, or use choice."
                )
            self._refuse_long(path, count)
            counts[path] = count
        return counts

    def _refuse_priors(self) -> None:
        """Make sure that a sampler can use the priors, where there are any.

        Raises:
            UserError: it cannot.
        """
        if self.name in _TAKE_PRIORS:
            return
        for path, distribution in self.space.items():
            if distribution.prior is not None:
                raise UserError(
                    f"space.{path}: {self.name} cannot use a prior. Use sampler: tpe or random, or "
                    "leave prior out."
                )

    def _refuse_long_lists(self) -> None:
        """Make sure that a sampler which lists whole numbers and steps can do so.

        Raises:
            UserError: there are too many of them.
        """
        for path, distribution in self.space.items():
            self._refuse_long(path, distribution.count or 0)

    def _refuse_long(self, path: str, count: int) -> None:
        if count > _LONGEST_LIST:
            raise UserError(
                f"space.{path}: {self.name} lists every value, at most {_LONGEST_LIST:,}, got "
                f"{count:,}. Make it a float without a step, or use sampler: tpe."
            )


def refused_options(kind: str, name: str, error: Exception) -> str:
    """The message for a sampler or pruner that does not take the values of its options."""
    reason = " ".join(str(error).split()).rstrip(".")
    return f"{kind}: {name} refuses its options: {reason}. Give it others."


def independent_paths(sampling: Sampling) -> tuple[str, ...]:
    """The conditional paths that a sampler which looks at all values jointly samples alone."""
    joint = ("gp", "qmc", "cmaes", "nsgaii")
    return sampling.points.conditional if sampling.name in joint else ()


def check_options(
    kind: str, name: str, options: Mapping[str, object], cls: Callable[..., object]
) -> None:
    """Raise UserError for an option that `cls` does not take.

    Args:
        kind: the section of the study file, sampler or pruner.
    """
    known = [key for key in inspect.signature(cls).parameters if key not in _NOT_GIVEN]
    for key in options:
        if key not in known:
            remedy = did_you_mean(key, known)
            raise UserError(f"{kind}.{key}: {name} has no such option. {remedy}")
