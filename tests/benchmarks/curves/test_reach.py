"""The least regret that is possible, of a table that is made up."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.curves.figures import regret
from benchmarks.curves.reach import least_regret
from benchmarks.curves.simulate import simulate
from benchmarks.curves.tables import Parameter, Table

_EPOCHS = 9


def made(costs: np.ndarray) -> Table:
    """Five configurations, the first the best."""
    ends = np.arange(1.0, 6.0)
    return Table(
        "made",
        "last",
        {"lr": Parameter(tuple(range(5)))},
        np.arange(5)[:, None],
        np.repeat(ends[:, None], _EPOCHS, axis=1)[None],
        costs,
    )


@pytest.mark.parametrize("workers", [1, 4])
def test_nothing_is_complete_until_each_worker_has_had_a_full_training(
    workers: int,
) -> None:
    table = made(np.ones(5))
    found = [
        least_regret(table, 0, workers=workers, epochs=epochs, other=1.0)
        for epochs in (workers * _EPOCHS - 1, workers * _EPOCHS)
    ]
    assert found == [1.0, 0.0]


def test_fast_configuration_is_complete_before_the_best_one() -> None:
    table = made(np.array([1.0, 0.5, 1.0, 1.0, 1.0]))
    assert least_regret(table, 0, workers=4, epochs=30, other=1.0) == 0.5
    assert least_regret(table, 0, workers=4, epochs=36, other=1.0) == 0.0


def test_slow_others_leave_more_epochs() -> None:
    table = made(np.ones(5))
    assert least_regret(table, 0, workers=4, epochs=21, other=2.0) == 0.0


@pytest.mark.parametrize("seed", range(4))
def test_no_study_is_better(seed: int) -> None:
    costs = np.array([2.0, 1.0, 0.5, 1.0, 1.0])
    table, strategy = made(costs), {"sampler": "random", "pruner": "none"}
    run = simulate(table, strategy, seed=seed, workers=3, epochs=60)
    for epochs in range(1, 61):
        least = least_regret(table, 0, workers=3, epochs=epochs, other=costs.max())
        assert regret(run.answer_at(epochs), run.finals) >= least
