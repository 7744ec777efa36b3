"""The figures behind a pruner's verdict, for each pruner of Optuna's."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Sequence

import optuna
import pytest
from optuna import pruners
from optuna.exceptions import ExperimentalWarning
from optuna.trial import TrialState, create_trial

from search.sampling.prune_reasons import why_pruned
from search.study_file.curve_steps import EPOCHS, Steps

CURVES = [[0.5, 0.4, 0.3], [0.7, 0.6, 0.5], [0.6, 0.5, 0.4]]


def reason(
    pruner: pruners.BasePruner,
    curve: Sequence[float],
    *,
    others: Sequence[Sequence[float]] = CURVES,
    direction: str = "minimize",
) -> str:
    """The reason for a trial of that curve, which the pruner must really end at its last step."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        study = optuna.create_study(direction=direction, pruner=pruner)
    for other in others:
        if isinstance(pruner, pruners.SuccessiveHalvingPruner | pruners.HyperbandPruner):
            judged = study.ask()
            for step, value in enumerate(other, 1):
                judged.report(value, step)
                judged.should_prune()
            study.tell(judged, other[-1])
        else:
            values = dict(enumerate(other, 1))
            state = TrialState.COMPLETE
            study.add_trial(create_trial(state=state, value=other[-1], intermediate_values=values))
    trial = study.ask()
    for step, value in enumerate(curve, 1):
        trial.report(value, step)
    assert trial.should_prune()
    frozen = copy.deepcopy(study.trials[-1])
    return why_pruned(pruner, study, frozen, Steps(EPOCHS))


def test_median_is_told_with_what_it_compares() -> None:
    pruner = pruners.MedianPruner(n_startup_trials=0)
    assert reason(pruner, [0.9, 0.8]) == (
        "0.8, its best up to epoch 2, is above the median there, 0.5, of 3 trials"
    )


def test_median_of_a_maximum() -> None:
    pruner = pruners.MedianPruner(n_startup_trials=0)
    assert reason(pruner, [0.1, 0.2], direction="maximize") == (
        "0.2, its best up to epoch 2, is below the median there, 0.5, of 3 trials"
    )


def test_percentile_names_the_part_that_goes_on() -> None:
    pruner = pruners.PercentilePruner(25.0, n_startup_trials=0)
    assert reason(pruner, [0.9, 0.8]) == (
        "0.8, its best up to epoch 2, is above the best 25 % there, 0.45, of 3 trials"
    )


@pytest.mark.parametrize(
    ("limits", "text"),
    [
        ({"upper": 0.5}, "0.8 at epoch 1 is outside of at most 0.5"),
        ({"lower": 0.9}, "0.8 at epoch 1 is outside of at least 0.9"),
        ({"lower": 0.1, "upper": 0.5}, "0.8 at epoch 1 is outside of 0.1 to 0.5"),
    ],
)
def test_threshold_names_its_bounds(limits: dict[str, float], text: str) -> None:
    assert reason(pruners.ThresholdPruner(**limits), [0.8]) == text


def test_patience_is_told_with_the_reason_of_what_it_wraps() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        alone = pruners.PatientPruner(None, patience=1)
        wrapping = pruners.PatientPruner(pruners.MedianPruner(n_startup_trials=0), patience=1)
    curve = [0.8, 0.9, 0.95]
    begin = "nothing better within 1 report after the one that was best so far"
    assert reason(alone, curve) == begin
    assert reason(wrapping, curve).startswith(f"{begin}; 0.8, its best up to epoch 3, is above")


@pytest.mark.parametrize("name", ["SuccessiveHalvingPruner", "HyperbandPruner"])
def test_halving_tells_the_place_at_the_rung(name: str) -> None:
    options = {"max_resource": 1} if name == "HyperbandPruner" else {}
    pruner = getattr(pruners, name)(min_resource=1, reduction_factor=2, **options)
    others = [[0.5], [0.7], [0.6]]
    assert reason(pruner, [0.65], others=others) == (
        "0.65 at epoch 1 is number 3 of 4 at its rung; one of 2 goes on"
    )


def test_wilcoxon_names_the_trial_that_is_better() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        pruner = pruners.WilcoxonPruner(p_threshold=0.2)
    best = [0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1]
    curve = [each + 0.05 * place for place, each in enumerate(best, 1)]
    assert reason(pruner, curve, others=[best, [9.0] * 8]).startswith(
        "worse than trial 0, the best so far"
    )
