"""Means over seeds: intervals and tests against numbers worked out by hand or by others."""

from __future__ import annotations

import math

import pytest
from scipy.stats import t as student

from search.results.comparison import compare_finalists, spread_of


def test_interval_is_students() -> None:
    spread = spread_of([1.0, 2.0, 3.0, 4.0, 5.0])
    # quantile 2.7764 of t with 4 degrees of freedom, deviation sqrt(2.5)
    half = 2.7764451051977987 * math.sqrt(2.5 / 5)
    assert spread.mean == 3.0
    assert spread.deviation == pytest.approx(math.sqrt(2.5))
    assert (spread.low, spread.high) == (pytest.approx(3 - half), pytest.approx(3 + half))


def test_one_value_has_a_mean_and_no_interval() -> None:
    spread = spread_of([2.0])
    assert spread.mean == 2.0
    assert math.isnan(spread.low)
    assert math.isnan(spread_of([]).mean)


def test_two_finalists_are_compared_by_welch() -> None:
    # variances 0.0875/3 and 0.29/3: statistic 1.025 / sqrt(0.3775/12), 4.6594 degrees of freedom
    (comparison,) = compare_finalists({3: [1.1, 1.3, 0.9, 1.2], 8: [2.1, 1.9, 2.6, 2.0]})
    assert (comparison.best, comparison.other) == (3, 8)
    expected = 2 * student.sf(1.025 / math.sqrt(0.3775 / 12), 4.6594)
    assert comparison.p == pytest.approx(expected, rel=1e-4)
    assert comparison.is_told_apart


def test_every_pair_counts_as_tested() -> None:
    """The same two finalists are harder to tell apart beside a third."""
    near = {3: [1.0, 1.2, 1.4], 8: [1.5, 1.7, 1.9]}
    (alone,) = compare_finalists(near)
    beside, third = compare_finalists({**near, 9: [1.6, 1.8, 2.0]})
    assert alone.is_told_apart
    assert not beside.is_told_apart
    assert beside.p == pytest.approx(2 * alone.p)
    assert third.p <= beside.p


def test_seeds_that_change_nothing() -> None:
    same, other = compare_finalists({1: [1.0, 1.0], 2: [1.0, 1.0], 3: [2.0, 2.0]})
    assert same.p == 1.0
    assert other.p == 0.0


def test_a_finalist_with_one_value_is_not_compared() -> None:
    (comparison,) = compare_finalists({1: [1.0, 1.1], 2: [3.0]})
    assert math.isnan(comparison.p)
    assert not comparison.is_told_apart
