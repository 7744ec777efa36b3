"""TPE that also counts what earlier studies say of its candidates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from search.sampling.prior_tpe import PriorTPESampler
from search.sampling.source_weights import SourceModels
from search.space.distributions import Space


class WarmTPESampler(PriorTPESampler):
    """A TPE to whose acquisition function earlier studies add their own ratios of densities.

    Args:
        models: the earlier studies.
        weights: of each of them.
    """

    def __init__(
        self,
        space: Space,
        number: int,
        models: SourceModels,
        weights: Sequence[float],
        **options: Any,
    ) -> None:
        super().__init__(space, number, **options)
        self._models = models
        self._weights = weights

    # (optuna 5.0) as in `PriorTPESampler`
    def _compute_acquisition_func(
        self, samples: dict[str, np.ndarray], mpe_below: Any, mpe_above: Any
    ) -> np.ndarray:
        acquisition: np.ndarray = super()._compute_acquisition_func(samples, mpe_below, mpe_above)
        acquisition += self._models.term(samples, self._weights)
        return acquisition
