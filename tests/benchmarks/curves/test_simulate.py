"""The simulator, on a table of a few curves that are made up."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from benchmarks.curves.simulate import Run, Trained, simulate
from benchmarks.curves.tables import FOLDER, Parameter, Table, grid, load, places, recorded

EPOCHS = 9
PARAMETERS = {
    "lr": Parameter((0.001, 0.01, 0.1, 1.0)),
    "schedule": Parameter(("constant", "late"), is_ordered=False),
    "drop": Parameter((0.1, 0.3), when=(("schedule", ("late",)),)),
}
RANDOM = {"sampler": "random", "pruner": "none"}
ASHA = {"sampler": "random", "scheduler": "asha"}


def made(**changes: Any) -> Table:
    """Curves that fall, in an order that never changes; those of the second training seed are
    larger by one."""
    points = grid(PARAMETERS)
    begin = 1.0 + np.arange(len(points))
    curves = begin[:, None] * np.linspace(1.0, 0.5, EPOCHS)
    given: dict[str, Any] = {
        "name": "made",
        "value": "last",
        "parameters": PARAMETERS,
        "points": np.array([places(PARAMETERS, each) for each in points]),
        "curves": np.stack([curves, curves + 1.0]),
        "costs": np.ones(len(points)),
    }
    return Table(**(given | changes))


def states(run: Run) -> list[str]:
    return [each.state for each in run.trials]


def test_total_of_trials_is_trained_to_the_end_where_nothing_stops_one() -> None:
    run = simulate(made(), RANDOM, seed=0, trials=7)
    assert states(run) == ["COMPLETE"] * 7
    assert [each.steps for each in run.trials] == [EPOCHS] * 7
    assert run.epochs == run.clock == 7 * EPOCHS
    assert (run.stopped, run.wrongly_stopped) == ([], 0)


def test_study_ends_with_the_epochs_that_it_may_spend() -> None:
    run = simulate(made(), ASHA, seed=0, workers=3, epochs=50)
    assert run.epochs == sum(each.steps for each in run.trials) == 50


def test_workers_share_the_clock_and_an_epoch_takes_what_the_table_says() -> None:
    costs = np.full(len(grid(PARAMETERS)), 3.0)
    run = simulate(made(costs=costs), RANDOM, seed=0, workers=4, trials=8)
    assert run.epochs == 8 * EPOCHS
    assert run.clock == 8 * EPOCHS * 3.0 / 4


def test_answer_is_the_best_complete_trial_so_far() -> None:
    run = simulate(made(), RANDOM, seed=1, trials=6)
    ends = [run.finals[each.point] for each in run.trials]
    for count in range(1, 7):
        assert run.answer_at(count * EPOCHS) == min(ends[:count])
    assert run.answer_at(EPOCHS - 1) == np.inf


def test_seed_decides_on_everything() -> None:
    first, again, other = (simulate(made(), ASHA, seed=each, epochs=90) for each in (2, 2, 4))
    assert (first.trials, first.answers) == (again.trials, again.answers)
    assert first.trials != other.trials


def test_odd_seeds_have_the_curves_of_the_second_training_seed() -> None:
    even, odd = (simulate(made(), RANDOM, seed=each, trials=1) for each in (0, 1))
    assert even.best == 0.5 * (1 + even.trials[0].point)
    assert odd.best == 1.0 + 0.5 * (1 + odd.trials[0].point)


@pytest.mark.parametrize(("value", "best"), [("last", 3.0), ("best", 1.0)])
def test_value_is_the_last_or_the_best_of_a_curve(value: str, best: float) -> None:
    curves = np.tile(np.array([2.0, 1.0, 3.0]), (2, len(grid(PARAMETERS)), 1))
    run = simulate(made(value=value, curves=curves), RANDOM, seed=0, trials=1)
    assert run.best == best


def test_median_pruner_ends_trials_early() -> None:
    run = simulate(made(), {"sampler": "random"}, seed=0, trials=30)
    assert {"COMPLETE", "PRUNED"} == set(states(run))
    assert run.epochs < 30 * EPOCHS


def test_scheduler_pauses_trials_and_goes_on_with_the_best() -> None:
    run = simulate(made(), ASHA, seed=0, workers=2, trials=30)
    paused = [each for each in run.trials if each.state == "WAITING"]
    complete = [each for each in run.trials if each.state == "COMPLETE"]
    assert {each.steps for each in paused} <= {1, 3}
    assert len(paused) + len(complete) == 30
    # the curves keep their order, so what waits is worse
    assert run.wrongly_stopped == 0
    assert run.best == run.finals[[each.point for each in run.trials]].min()


def test_total_of_trials_ends_with_one_that_is_complete() -> None:
    run = simulate(made(), ASHA, seed=0, trials=2)
    assert sorted(states(run)) == ["COMPLETE", "WAITING"]


def test_stopped_trial_that_would_have_become_the_best_was_wrongly_stopped() -> None:
    # what begins well ends badly
    turned = made()
    curves = np.concatenate([turned.curves[:, :, :3], turned.curves[:, ::-1, 3:]], axis=2)
    run = simulate(made(curves=curves), ASHA, seed=0, epochs=200)
    better = [each for each in run.stopped if run.finals[each.point] < run.best]
    assert run.wrongly_stopped == len(better) > 0


def test_trial_that_runs_when_the_study_ends_was_not_stopped() -> None:
    trials = [Trained(0, 0, 9, "COMPLETE"), Trained(1, 1, 2, "PRUNED"), Trained(2, 2, 1)]
    run = Run(np.array([0.5, 0.7, 0.1]), trials, [(9, 9.0, 0.5)])
    assert (len(run.stopped), run.wrongly_stopped) == (1, 0)


def test_training_that_diverges_fails_its_trial() -> None:
    table = made()
    curves = table.curves.copy()
    curves[:, :, 4:] = np.nan
    run = simulate(made(curves=curves), RANDOM, seed=0, trials=3)
    assert states(run) == ["FAIL"] * 3
    assert run.epochs == 15
    assert run.best == np.inf


@pytest.mark.parametrize("name", recorded())
def test_recorded_table_has_a_curve_of_each_point_of_its_space(name: str) -> None:
    table = load(name)
    points = [places(table.parameters, each) for each in grid(table.parameters)]
    assert table.points.tolist() == [list(each) for each in points]
    assert table.curves.shape == (2, len(points), table.epochs)
    assert np.isfinite(table.finals(0)).any()


def test_recorded_tables_are_small() -> None:
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 1_500_000
