"""The figures by which strategies are compared, of made-up studies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.curves import judge
from benchmarks.curves.figures import (
    END,
    PLAIN,
    SHARES,
    THIRD,
    Acceptance,
    Cell,
    Result,
    acceptance_of,
    area,
    regret,
    result_of,
    summarize,
)
from benchmarks.curves.simulate import Run, Trained

# best 1, median 3; what diverges is not counted
FINALS = np.array([1.0, 2.0, 3.0, 4.0, 5.0, np.inf])
CELL = Cell("asha", "cancer", 0, 1)


def result(cell: Cell, *regrets: float, **changes: Any) -> Result:
    given = {"area": 0.5, "trials": 10, "stopped": 4, "wrongly_stopped": 1}
    return Result(cell, 60, regrets, **(given | changes))


def studied(strategy: str, rows: list[tuple[float, ...]], table: str = "cancer") -> list[Result]:
    return [result(Cell(strategy, table, seed, 1), *row) for seed, row in enumerate(rows)]


@pytest.mark.parametrize(
    ("value", "expected"), [(1.0, 0.0), (2.0, 0.5), (3.0, 1.0), (4.0, 1.0), (np.inf, 1.0)]
)
def test_regret_is_a_part_of_the_way_from_the_median_to_the_best(
    value: float, expected: float
) -> None:
    assert regret(value, FINALS) == expected


def test_area_is_the_mean_regret_over_the_epochs() -> None:
    run = Run(FINALS, answers=[(5, 5.0, 2.0), (9, 9.0, 1.0)])
    # four epochs without an answer, four at a half, two at the best
    assert area(run, 10) == pytest.approx((4 * 1.0 + 4 * 0.5) / 10)


def test_result_holds_the_regrets_at_shares_of_the_epochs() -> None:
    trials = [Trained(0, 1, 9, "COMPLETE"), Trained(1, 0, 1, "PRUNED"), Trained(2, 4, 1, "WAITING")]
    run = Run(FINALS, trials, [(20, 20.0, 3.0), (30, 30.0, 2.0)])
    found = result_of(CELL, run, 60)
    assert found.regrets == (1.0, 1.0, 0.5, 0.5)
    assert (found.trials, found.stopped, found.wrongly_stopped) == (3, 2, 1)


def test_result_is_the_same_once_it_is_read_back() -> None:
    found = result(CELL, 0.9, 0.5, 0.25, 0.1)
    assert Result.from_tree(json.loads(json.dumps(found.to_tree()))) == found


def test_seeds_are_compared_one_by_one_and_a_tie_is_neither_better_nor_worse() -> None:
    plains = studied(PLAIN, [(1.0, 0.5, 0.5, 0.2), (1.0, 0.5, 0.5, 0.2), (1.0, 0.5, 0.5, 0.2)])
    ours = studied("asha", [(1.0, 0.1, 0.1, 0.2), (1.0, 0.6, 0.1, 0.0), (1.0, 0.2, 0.1, 0.1)])
    found = summarize(ours, {each.cell: each for each in plains})
    assert found.regrets[THIRD] == pytest.approx(0.3)
    assert (found.better[THIRD], found.worse[THIRD]) == pytest.approx((2 / 3, 1 / 3))
    assert (found.better[END], found.worse[END]) == pytest.approx((2 / 3, 0.0))
    assert (found.studies, found.stopped, found.wrongly_stopped) == (3, 12, 3)


def accepted(ours: dict[str, tuple[float, float]]) -> Acceptance:
    """By tables, regrets at a third and in the end; those of plain are .4 and .1."""
    plains = {name: studied(PLAIN, [(1.0, 0.4, 0.4, 0.1)], name) for name in ours}
    known = {each.cell: each for group in plains.values() for each in group}
    pairs = {}
    for name, (third, end) in ours.items():
        own = studied("asha", [(1.0, third, third, end)], name)
        pairs[name] = (summarize(own, known), summarize(plains[name], known))
    return acceptance_of(pairs)


@pytest.mark.parametrize(
    ("ours", "is_met"),
    [
        ({"wine": (0.1, 0.1), "pluck": (0.2, 0.1)}, True),
        ({"wine": (0.3, 0.1), "pluck": (0.3, 0.1)}, False),
        # better than plain on one table of two
        ({"wine": (0.0, 0.1), "pluck": (0.4, 0.1)}, False),
        ({"wine": (0.1, 0.12), "pluck": (0.1, 0.109)}, True),
        ({"wine": (0.1, 0.13), "pluck": (0.1, 0.1)}, False),
        ({"wine": (0.1, 0.12), "pluck": (0.1, 0.12)}, False),
    ],
)
def test_default_must_be_near_early_often_better_and_hardly_ever_worse(
    ours: dict[str, tuple[float, float]], is_met: bool
) -> None:
    assert accepted(ours).is_met == is_met


def test_tables_that_are_lost_are_named_with_how_much() -> None:
    found = accepted({"wine": (0.1, 0.12), "pluck": (0.1, 0.1)})
    assert found.regret == pytest.approx(0.25)
    assert found.lost == {"wine": pytest.approx(0.2)}


def test_shares_are_those_of_the_epochs_of_plain() -> None:
    assert SHARES == (1 / 6, 1 / 3, 1 / 2, 1.0)
    [plain] = judge.simulated([Cell(PLAIN, "cancer", 0, 1)])
    assert plain.trials == 50


def test_results_in_the_file_are_not_simulated_again(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    cell = Cell("asha", "cancer", 0, 2)
    [first] = judge.all_results([cell], path, 1)
    assert judge.read(path) == [first]
    path.write_text(json.dumps({**first.to_tree(), "area": 0.75}) + "\n")
    [again] = judge.all_results([cell], path, 1)
    assert again.area == 0.75


def test_report_is_a_table_for_each_number_of_workers() -> None:
    plains = studied(PLAIN, [(1.0, 0.4, 0.3, 0.1)])
    ours = studied("asha", [(0.5, 0.1, 0.1, 0.11)])
    lines = judge.report(plains + ours).splitlines()
    assert lines[0] == "## Workers: 1"
    row = "| cancer | asha | 0.500 | 0.100 | 0.100 | 0.110 | 0.500 | 100 %, 0 % | 0 %, 100 % | "
    assert f"{row}1 of 4 | 10 |" in lines
    assert lines[-1] == (
        "- asha meets what a default must: regret at a third 25 % of plain's (at most 50 %), "
        "better than plain then in 100 % of the studies (at least 70 %), worse in the end by more "
        "than 10 % in: no table (at most one, by at most 25 %)."
    )
