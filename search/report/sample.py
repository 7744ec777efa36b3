"""The trials of a large study that a figure draws: the best, the latest, and some of the others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from search.store.records import TrialRecord

Item = TypeVar("Item")

# so many marks show all that a figure can, and a browser scrolls past them without a jerk
MAX_MARKS = 1_000


def sample(
    trials: Iterable[TrialRecord], ranked: Iterable[TrialRecord], count: int = MAX_MARKS
) -> list[TrialRecord]:
    """So many of the trials at most, by number: a third the best, a third the latest, and an even
    selection of the others.

    Args:
        ranked: the best first; those that are none of the trials do not count.
    """
    found = {trial.number: trial for trial in trials}
    numbers = sorted(found)
    if len(numbers) <= count:
        return [found[number] for number in numbers]
    best = [trial.number for trial in ranked if trial.number in found][: count // 3]
    others = sorted(found.keys() - set(best))
    split = len(others) - count // 3
    middle, latest = others[:split], others[split:]
    kept = {*best, *latest, *even_sample(middle, count - len(best) - len(latest))}
    return [found[number] for number in numbers if number in kept]


def sample_note(drawn: int, total: int, what: str = "trials") -> str:
    """The sentence of a figure that does not draw everything; empty where it does."""
    if drawn >= total:
        return ""
    return (
        f" {drawn:,} of {total:,} {what} are drawn: the best, the latest and an even selection of "
        "the others."
    )


def even_sample(items: Sequence[Item], count: int) -> list[Item]:
    """So many of the items, spread over all of them; all where they are no more."""
    if len(items) <= count:
        return list(items)
    return [items[place * len(items) // count] for place in range(count)]
