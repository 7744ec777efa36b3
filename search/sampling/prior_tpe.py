"""TPE that begins where a user believes the optimum to be, and believes it less with each trial.

As piBO (https://arxiv.org/abs/2204.11051) does it with any acquisition function: it is multiplied
by the density of the prior, to a power that falls with the number of trials, so that a wrong belief
costs some trials and is overcome.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from optuna.samplers import TPESampler

from search.sampling.prior_density import log_density
from search.space.distributions import Space

# a prior counts as it is after so many trials, more before and less after
_WEIGHT = 5


class PriorTPESampler(TPESampler):
    """Optuna's TPE, whose acquisition function counts the priors of a space.

    Args:
        space: the searched paths.
        number: the trials before the one that is sampled.
        options: of the TPE.
    """

    def __init__(self, space: Space, number: int, **options: Any) -> None:
        super().__init__(**options)
        self._space = space
        self._power = _WEIGHT / max(1, number)

    # (optuna 5.0) its one hook between the candidates and the choice among them is private
    def _compute_acquisition_func(
        self, samples: dict[str, np.ndarray], mpe_below: Any, mpe_above: Any
    ) -> np.ndarray:
        acquisition = super()._compute_acquisition_func(samples, mpe_below, mpe_above)
        return acquisition + self._power * log_density(self._space, samples)
