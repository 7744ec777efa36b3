"""What is said of best trials at an end of what was searched."""

from __future__ import annotations

import pytest

from search.report.data import StudyData
from search.report.edges import edge_advice
from search.space.distributions import Categorical, FloatRange, IntRange
from tests.report.records import study, trial

SIZES = Categorical((2, 3, 4, 8, 16, 32))


def advice(distribution, best, others, *, count=20):
    """Of a study whose better half has the values `best` in turn, and the rest `others`."""
    trials = [
        trial(n, value=0.1 + n, params={"p": (best if n < count // 2 else others)[n % len(best)]})
        for n in range(count)
    ]
    data = StudyData(study(*trials, space={"p": distribution}))
    return edge_advice(data, data.dimensions[0])


@pytest.mark.parametrize(
    ("distribution", "best", "text"),
    [
        (FloatRange(1e-4, 1e-1, log=True), 0.1, "best at the upper end: widen the range"),
        (FloatRange(1e-4, 1e-1, log=True), 1e-4, "best at the lower end: widen the range"),
        (IntRange(16, 256, log=True), 256, "best at the upper end: widen the range"),
        (IntRange(2, 8), 8, "the best 10 all have 8, the upper end: widen the range"),
        (
            SIZES,
            32,
            "the best 10 all have 32, the largest of 2, 3, 4, 8, 16, 32: add larger ones",
        ),
        (SIZES, 2, "the best 10 all have 2, the smallest of 2, 3, 4, 8, 16, 32: add smaller ones"),
        (
            Categorical((0.5, 0.1, 0.3)),
            0.1,
            "the best 10 all have 0.1, the smallest of 0.1, 0.3, 0.5: add smaller ones",
        ),
        # the grid is 1, 4, 7: the end of the range is not on it
        (IntRange(1, 9, step=3), 7, "the best 10 all have 7, the upper end: widen the range"),
        (FloatRange(2.0, 60.0, step=2.5), 59.5, "best at the upper end: widen the range"),
    ],
)
def test_end_is_told_with_what_to_do(distribution, best, text):
    assert advice(distribution, [best], [best]) == text


@pytest.mark.parametrize(
    ("distribution", "best"),
    [
        (Categorical(("adam", "sgd", "lion")), "lion"),
        (Categorical((False, True)), True),
        (Categorical((None, 8, 16)), 16),
        (Categorical((1, 2), subtrees=({"a": 1}, {"b": 2})), 2),
        (FloatRange(0.0, 0.6), 0.0),
        (FloatRange(0.0, 1.0), 1.0),
        (FloatRange(0.1, 1.0), 1.0),
        (IntRange(1, 3), 1),
        (IntRange(0, 4), 0),
        (IntRange(1, 256, log=True), 1),
        (Categorical((1, 2, 4)), 1),
        (FloatRange(0.0, 1.0, step=0.25), 1.0),
        (SIZES, 8),
        (FloatRange(1e-4, 1e-1, log=True), 1e-2),
    ],
)
def test_nothing_is_told_without_an_order_beyond_a_natural_end_or_in_the_middle(distribution, best):
    assert advice(distribution, [best], [best]) is None


def test_few_values_need_all_of_the_best_at_the_end():
    assert advice(SIZES, [32, 16], [2, 2]) is None
    assert advice(SIZES, [32], [2], count=8) is None
