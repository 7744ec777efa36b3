"""Why a pruner of Optuna's (5.0) ended a trial, in a sentence with its figures.

Pruners say yes or no; what they compared is computed here again, at the moment of the verdict.
Their options are read where they keep them, under names of their own: a test meets each pruner.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import optuna
from optuna import pruners
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from search.plain.formats import format_count, format_number
from search.study_file.curve_steps import Steps, step_text

_RUNG = "completed_rung_"


def why_pruned(
    pruner: pruners.BasePruner, study: optuna.Study, trial: FrozenTrial, steps: Steps | None
) -> str:
    """The reason why a trial is pruned at its last step.

    Args:
        study: as the pruner saw it.
        trial: with the report that was judged.
        steps: the unit of its steps.
    """
    at = max(trial.intermediate_values)
    value = f"{format_number(trial.intermediate_values[at])} at {step_text(steps, at)}"
    options = vars(pruner)
    match pruner:
        case pruners.PercentilePruner():
            return _against_others(study, trial, at, float(options["_percentile"]), steps)
        case pruners.ThresholdPruner():
            return f"{value} is outside of {_bounds(options)}"
        case pruners.PatientPruner():
            patience = format_count(options["_patience"], "report")
            reason = f"nothing better within {patience} after the one that was best so far"
            wrapped = options["_wrapped_pruner"]
            return (
                reason
                if wrapped is None
                else f"{reason}; {why_pruned(wrapped, study, trial, steps)}"
            )
        case pruners.WilcoxonPruner():
            return (
                f"worse than trial {study.best_trial.number}, the best so far, over the steps that "
                "both have (signed-rank test)"
            )
        case pruners.SuccessiveHalvingPruner() | pruners.HyperbandPruner():
            return _at_rung(study, trial, value, int(options["_reduction_factor"]))
    return f"{value} is not good enough"


def _against_others(
    study: optuna.Study, trial: FrozenTrial, at: int, percentile: float, steps: Steps | None
) -> str:
    own = np.array(list(trial.intermediate_values.values()), dtype=float)
    if np.all(np.isnan(own)):
        return f"no number up to {step_text(steps, at)}"
    maximizes = study.direction == StudyDirection.MAXIMIZE
    best = float(np.nanmax(own) if maximizes else np.nanmin(own))
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    others = [t.intermediate_values[at] for t in complete if at in t.intermediate_values]
    limit = float(np.nanpercentile(others, 100 - percentile if maximizes else percentile))
    which = "the median" if percentile == 50 else f"the best {percentile:g} %"
    return (
        f"{format_number(best)}, its best up to {step_text(steps, at)}, is "
        f"{'below' if maximizes else 'above'} {which} there, {format_number(limit)}, of "
        f"{format_count(len(others), 'trial')}"
    )


def _bounds(options: dict[str, Any]) -> str:
    lower, upper = options["_lower"], options["_upper"]
    if math.isinf(lower):
        return f"at most {format_number(upper)}"
    if math.isinf(upper):
        return f"at least {format_number(lower)}"
    return f"{format_number(lower)} to {format_number(upper)}"


def _at_rung(study: optuna.Study, trial: FrozenTrial, value: str, factor: int) -> str:
    """The place of a trial at the last rung that it reached."""
    rungs = [key for key in trial.system_attrs if key.startswith(_RUNG)]
    if not rungs or math.isnan(trial.intermediate_values[max(trial.intermediate_values)]):
        return f"{value} is no number"
    rung = max(rungs, key=lambda key: int(key.removeprefix(_RUNG)))
    sign = -1 if study.direction == StudyDirection.MAXIMIZE else 1
    # of several brackets, which successive halving compares one by one, all are told
    others = [
        each.system_attrs[rung]
        for each in study.get_trials(deepcopy=False)
        if rung in each.system_attrs and each.number != trial.number
    ]
    better = sum(sign * each < sign * trial.system_attrs[rung] for each in others)
    place = f"number {better + 1} of {len(others) + 1} at its rung"
    return f"{value} is {place}; one of {factor} goes on"
