"""Importance says no more than it knows."""

from __future__ import annotations

import math
import random
import re
from dataclasses import replace

import optuna
import pytest
from optuna.trial import create_trial

from search.report.all_figures import data_for, figure, plot_named
from search.report.data import StudyData
from search.report.importance_shares import Importance, groups
from search.report.summary import parameter_rows
from search.space.distributions import Categorical, FloatRange, IntRange
from search.store.records import ObjectiveRecord
from tests.report.records import LATENT, LR, realistic, study, trial

SIZE, NOISE = "model.init_args.size", "model.init_args.noise"
SPACE = {
    NOISE: FloatRange(0.0, 1.0),
    LR: FloatRange(1e-4, 1e-1, log=True),
    SIZE: Categorical((2, 4, 8, 16)),
}


def sampled(count, value, *, seed=0, space=SPACE, **fields):
    """A study of random trials whose values are `value(params)`."""
    rng = random.Random(seed)

    def pick(dist):
        if isinstance(dist, Categorical):
            return rng.choice(dist.values)
        if dist.log:
            return math.exp(rng.uniform(math.log(dist.low), math.log(dist.high)))
        return rng.uniform(dist.low, dist.high)

    drawn = [{path: pick(dist) for path, dist in space.items()} for _ in range(count)]
    trials = [trial(n, value=value(params), params=params) for n, params in enumerate(drawn)]
    return study(*trials, space=space, **fields)


def one_matters(params):
    return 0.1 + (math.log10(params[LR]) + 2.5) ** 2 + 0.01 * params[NOISE]


def finding(record):
    return plot_named(record, "importance").finding


def test_parameter_that_matters_is_named_with_its_interval():
    record = sampled(60, one_matters)
    known = StudyData(record).importances
    assert known[LR].low > 0.8
    assert known[NOISE].high < known[LR].low
    assert re.fullmatch(
        r"lr explains \d+ % \(\d+ to \d+ %\) of the variation in val_loss, more than any other",
        finding(record),
    )


def test_no_order_is_told_where_intervals_overlap():
    record = sampled(30, lambda params: 1 + (params[NOISE] * 7919 * params[LR]) % 1)
    assert finding(record) == (
        "No parameter can be said to matter most: the intervals of noise, lr and size overlap"
    )
    drawn = figure(record, "importance")
    # in the order of the study file, all in one colour
    labels = [text.partition("<br>")[0] for text in drawn.layout.yaxis.ticktext]
    assert labels == ["noise", "lr", "size"]
    assert len(set(drawn.data[0].marker.color)) == 1


def test_groups_are_apart_only_where_every_interval_is():
    known = {
        "a": Importance(0.6, 0.5, 0.7),
        "b": Importance(0.25, 0.1, 0.4),
        "c": Importance(0.1, 0.05, 0.2),
        "d": Importance(0.01, 0.0, 0.02),
    }
    assert groups(known) == [["a"], ["b", "c"], ["d"]]
    assert groups({}) == []


@pytest.mark.real
def test_intervals_hold_the_truth():
    # linear in two parameters: shares are those of the squared slopes
    space = {LR: FloatRange(0.0, 1.0), LATENT: FloatRange(0.0, 1.0), NOISE: FloatRange(0.0, 1.0)}
    truth = {LR: 0.8, LATENT: 0.2, NOISE: 0.0}
    held = []
    for seed in range(10):
        record = sampled(40, lambda p: 2 * p[LR] + p[LATENT], seed=seed, space=space)
        known = StudyData(record).importances
        held += [
            known[path].low <= share + 0.01 and share <= known[path].high
            for path, share in truth.items()
        ]
    assert sum(held) / len(held) >= 0.8


def test_neither_the_order_of_parameters_nor_that_of_trials_changes_anything():
    record = sampled(40, one_matters)
    expected = StudyData(record).importances
    turned = replace(record, space=dict(reversed(record.space.items())))
    assert StudyData(turned).importances == expected
    numbers = list(range(40))
    random.Random(1).shuffle(numbers)
    shuffled = [replace(t, number=n) for t, n in zip(record.trials, numbers, strict=True)]
    assert StudyData(replace(record, trials=tuple(shuffled))).importances == expected


def test_scales_are_those_of_the_axes():
    # halves with each decade: on a linear scale of lr nearly all of it happens in one hundredth
    record = sampled(60, lambda p: 10 ** (2 * math.log10(p[LR]) + p[NOISE]))
    known = StudyData(record).importances
    assert known[LR].share > 0.85
    note = plot_named(record, "importance").note
    assert "On log scales: val_loss and lr." in note


def test_choices_without_an_order_are_assessed_whatever_their_order_in_the_file():
    names = ("adam", "sgd", "lion", "rmsprop")
    worth = dict(zip(names, (0.1, 0.9, 0.12, 0.85), strict=True))
    shares = []
    for order in (names, names[::-1]):
        space = {"optimizer": Categorical(order), NOISE: FloatRange(0.0, 1.0)}
        drawn = [{"optimizer": names[n * 7 % 4], NOISE: n * 37 % 101 / 100} for n in range(48)]
        trials = [trial(n, value=worth[p["optimizer"]], params=p) for n, p in enumerate(drawn)]
        shares.append(StudyData(study(*trials, space=space)).importances["optimizer"])
    assert shares[0] == shares[1]
    assert shares[0].low > 0.9


@pytest.mark.parametrize(
    ("count", "text"),
    [(2, "so far 2 trials are complete."), (19, "so far 19 trials are complete.")],
)
def test_below_twenty_complete_trials_there_is_a_sentence(count, text):
    record = sampled(count, one_matters)
    assert finding(record) == (
        f"Importance needs at least 20 complete trials with different values; {text}"
    )
    assert not StudyData(record).importances
    assert {row.importance for row in parameter_rows(StudyData(record))} == {"–"}


def test_pruned_trials_do_not_count():
    record = sampled(19, one_matters)
    pruned = [trial(19 + n, "PRUNED", 0.5, params=record.trials[n].params) for n in range(9)]
    assert not StudyData(replace(record, trials=(*record.trials, *pruned))).importances


def test_figure_names_its_evaluator_and_gives_that_of_the_dashboard_beside_it():
    record = sampled(40, one_matters)
    plot = plot_named(record, "importance")
    assert [trace.name for trace in plot.figure.data[:2]] == [
        "fANOVA, 95 % interval",
        "optuna-dashboard, PED-ANOVA",
    ]
    assert "The two answer different questions" in plot.note
    assert list(plot.figure.data[0].error_x.array) != []
    assert len(plot.figure.data[1].x) == 3


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_the_dashboards_figure_is_what_the_dashboard_computes(direction):
    module = pytest.importorskip("optuna_dashboard._importance")
    cache = pytest.importorskip("optuna_dashboard._inmemory_cache").InMemoryCache()
    record = sampled(40, one_matters, direction=direction)
    distributions = {
        NOISE: optuna.distributions.FloatDistribution(0.0, 1.0),
        LR: optuna.distributions.FloatDistribution(1e-4, 1e-1, log=True),
        SIZE: optuna.distributions.CategoricalDistribution((2, 4, 8, 16)),
    }
    # the dashboard would answer from the other direction's study, which has the same number
    module.param_importance_cache.clear()
    stored = optuna.create_study(direction=direction)
    for each in record.trials:
        stored.add_trial(
            create_trial(value=each.value, params=each.params, distributions=distributions)
        )
    shown = module.get_param_importance_from_trials_cache(
        cache, stored._storage, stored._study_id, 0, stored.trials
    )
    ours = StudyData(record).dashboard_importances
    assert ours == pytest.approx({each["name"]: each["importance"] for each in shown})


def test_conditional_parameter_is_left_out_by_name_and_the_dashboard_still_shows_it():
    record = sampled(40, one_matters)
    momentum = "model.init_args.momentum"
    trials = [
        replace(each, params={**each.params, momentum: each.number / 40})
        if each.number % 3 == 0
        else each
        for each in record.trials
    ]
    record = replace(record, trials=tuple(trials), space={**SPACE, momentum: FloatRange(0.0, 1.0)})
    plot = plot_named(record, "importance")
    assert "So is momentum, which not every trial has." in plot.note
    assert momentum not in StudyData(record).importances
    assert momentum in StudyData(record).dashboard_importances
    assert plot.figure.layout.yaxis.ticktext[-1] == "momentum"


def test_the_switch_of_a_conditional_parameter_keeps_what_it_explains():
    space = {
        "optimizer": Categorical(("adam", "sgd")),
        NOISE: FloatRange(0.0, 1.0),
        "beta": FloatRange(0.0, 1.0, when=(("optimizer", ("adam",)),)),
    }
    trials = []
    for number in range(50):
        noise = number * 37 % 101 / 100
        adam = {"optimizer": "adam", NOISE: noise, "beta": number / 50}
        sgd = {"optimizer": "sgd", NOISE: noise}
        # most trials have a beta
        params, worth = (adam, 1.0) if number % 5 < 3 else (sgd, 5.0)
        trials.append(trial(number, value=worth + 0.1 * noise, params=params))
    record = study(*trials, space=space)
    known = StudyData(record).importances
    assert set(known) == {"optimizer", NOISE}
    assert known["optimizer"].low > 0.9
    assert "So is beta, which not every trial has." in plot_named(record, "importance").note


def test_each_of_several_objectives_has_its_own():
    base = sampled(40, one_matters)
    several = (ObjectiveRecord("val_loss", "minimize"), ObjectiveRecord("speed", "maximize"))
    trials = [replace(t, values=(t.value, 5 * t.params[NOISE])) for t in base.trials]
    record = replace(base, trials=tuple(trials), objectives=several)
    first, second = (data_for(record, "importance", index) for index in range(2))
    assert max(first.importances, key=lambda path: first.importances[path].share) == LR
    assert max(second.importances, key=lambda path: second.importances[path].share) == NOISE


def test_is_the_same_each_time():
    record = realistic(60)
    assert StudyData(record).importances == StudyData(record).importances
    assert figure(record, "importance") == figure(record, "importance")


def test_an_int_range_of_one_value_and_a_parameter_that_never_differs_are_left_out():
    record = sampled(30, one_matters)
    space = {**SPACE, "layers": IntRange(2, 2), "fixed": FloatRange(0.0, 1.0)}
    trials = [replace(t, params={**t.params, "layers": 2, "fixed": 0.5}) for t in record.trials]
    record = replace(record, space=space, trials=tuple(trials))
    assert set(StudyData(record).importances) == {LR, NOISE, SIZE}
    assert figure(record, "importance").data
