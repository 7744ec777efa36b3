"""What a figure draws of a large study."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from report.records import study, trial

from search.report.all_figures import FIGURES
from search.report.data import StudyData
from search.report.sample import MAX_MARKS, even_sample, sample, sample_note

MANY = 3_000


def trials(count: int):
    return [trial(number, value=float((number * 7919) % count)) for number in range(count)]


def test_small_study_is_drawn_whole():
    few = trials(300)
    assert sample(few, few, 300) == few
    assert sample_note(300, 300) == ""


def test_best_and_latest_are_drawn_whole_and_the_others_evenly():
    many = trials(MANY)
    ranked = sorted(many, key=lambda each: each.value)
    numbers = [each.number for each in sample(many, ranked, 300)]
    assert len(numbers) == 300
    assert numbers == sorted(set(numbers))
    assert {each.number for each in ranked[:100]} <= set(numbers)
    assert set(range(MANY - 90, MANY)) <= set(numbers)
    gaps = [later - earlier for earlier, later in pairwise(numbers)]
    assert max(gaps) < 40


def test_sample_is_the_same_whatever_the_order_of_the_trials():
    many = trials(MANY)
    ranked = sorted(many, key=lambda each: each.value)
    assert sample(reversed(many), ranked, 100) == sample(many, ranked, 100)


def test_even_sample_of_few_is_all_of_them():
    assert even_sample([1, 2], 5) == [1, 2]
    assert even_sample(range(10), 5) == [0, 2, 4, 6, 8]


def test_figures_of_a_large_study_are_bounded_and_say_so():
    base = trial(0, value=0.5)
    many = [
        replace(
            base, number=number, value=float((number * 7919) % MANY), params={"a": number / MANY}
        )
        for number in range(MANY)
    ]
    data = StudyData(study(*many))
    for name in ("history", "slice", "parallel", "intermediate"):
        plot = FIGURES[name](data)
        if plot.figure is None:
            continue
        for trace in plot.figure.data:
            if trace.mode == "markers":
                assert len(trace.x) <= MAX_MARKS, name
        assert "of 3,000 trials are drawn: the best, the latest and an even" in plot.note, name
    assert (
        "over 2,000 of 3,000 complete trials, evenly selected" in FIGURES["importance"](data).note
    )
