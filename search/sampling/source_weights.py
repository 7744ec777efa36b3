"""How much a study trusts the earlier ones that it learns from, and what they say of a point.

piBO (Hvarfner et al. 2022, https://arxiv.org/abs/2204.11051) lets a belief weigh less with each
trial. How far an earlier study is right here is seen in the study's own trials: by how well it
ranks them, as RGPE weighs its models (Feurer et al. 2018, https://arxiv.org/abs/1802.02219).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from optuna.trial import FrozenTrial

from search.sampling.copied_trials import ranked_trials
from search.sampling.source_density import SourceDensity
from search.space.distributions import Space
from search.store.earlier_trials import EarlierStudy, finished_frozen, finished_records
from search.store.records import StudyRecord
from search.store.warm_start import WarmStart

# earlier studies count by half after so many trials of the study's own
_HALF = 10
# before so many of those they are believed
_BELIEVED = 5
# the latest that are compared, so that the time for a trial does not grow
_COMPARED = 200


class SourceModels:
    """The earlier studies of a study.

    Args:
        space: of the study that learns.
    """

    def __init__(self, warm_start: WarmStart, space: Space) -> None:
        self._models = [SourceDensity(each, space) for each in warm_start.sources]

    def weights(self, own: EarlierStudy) -> tuple[float, ...]:
        """The weight of each earlier study, from 0 to 1, all together at most 1.

        Kendall's rank correlation between what it predicts and what the study found, but nothing
        below 0, times `10 / (10 + n)` after n trials. Several share what the best of them is
        worth by their correlations.

        Args:
            own: the study's own trials that finished.
        """
        ranked = ranked_trials(own)
        correlations = [1.0 for _ in self._models]
        if len(ranked) >= _BELIEVED:
            latest = sorted(ranked, key=lambda each: each[1].number)[-_COMPARED:]
            points = [dict(trial.params) for _, trial in latest]
            goodness = np.array([-rank for rank, _ in latest])
            correlations = [
                max(0.0, rank_correlation(model.log_ratios(points), goodness))
                for model in self._models
            ]
        total = sum(correlations)
        if total == 0:
            return tuple(0.0 for _ in self._models)
        together = max(correlations) * _HALF / (_HALF + len(ranked))
        return tuple(together * each / total for each in correlations)

    def term(self, samples: Mapping[str, np.ndarray], weights: Sequence[float]) -> np.ndarray:
        """What the earlier studies add to an acquisition function at some points, `(points,)`."""
        total = np.zeros(next(iter(samples.values())).shape)
        for model, weight in zip(self._models, weights, strict=True):
            if weight > 0:
                total += weight * model.log_ratio(samples)
        return total


def own_trials(trials: Sequence[FrozenTrial], direction: str) -> EarlierStudy:
    """A study's own trials that finished, as it compares them with earlier studies."""
    return EarlierStudy(direction, finished_frozen(trials))


def present_weights(record: StudyRecord) -> tuple[float, ...]:
    """The weight that each earlier study has for the next trial of a study; none where its sampler
    takes their best points alone."""
    if record.settings.get("sampler") != "tpe":
        return ()
    models = SourceModels(record.warm_start, record.space)
    return models.weights(EarlierStudy(record.direction, finished_records(record.trials)))


def rank_correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Kendall's tau-b of two rankings of the same things, `(things,)` each; 0 where one of them
    tells nothing apart."""
    signs = [np.sign(each[:, None] - each[None, :]) for each in (one, other)]
    apart = [float(np.abs(each).sum()) for each in signs]
    if not all(apart):
        return 0.0
    return float((signs[0] * signs[1]).sum()) / float(np.sqrt(apart[0] * apart[1]))
