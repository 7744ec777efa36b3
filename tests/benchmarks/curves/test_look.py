"""How much early epochs tell, of curves that keep their order or turn it round."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.curves.look import correlations, places_of_best
from benchmarks.curves.tables import Parameter, Table

_EPOCHS = 27


def made(*, turns: bool) -> Table:
    """Ten configurations, the first the best in the end; all curves fall, or all cross half-way."""
    ends = np.arange(1.0, 11.0)
    begins = ends[::-1] if turns else ends
    share = np.linspace(0.0, 1.0, _EPOCHS)
    curves = begins[:, None] * (1 - share) + ends[:, None] * share
    return Table(
        "made",
        "last",
        {"lr": Parameter(tuple(range(10)))},
        np.arange(10)[:, None],
        curves[None],
        np.ones(10),
    )


@pytest.mark.parametrize(("turns", "early"), [(False, 1.0), (True, -1.0)])
def test_early_values_agree_with_the_end_or_contradict_it(turns: bool, early: float) -> None:
    found = correlations(made(turns=turns), 0)
    assert found == pytest.approx([early, early, early, 1.0])


@pytest.mark.parametrize(("turns", "early"), [(False, 0.3), (True, 0.8)])
def test_best_configurations_are_in_front_or_behind_early(turns: bool, early: float) -> None:
    found = places_of_best(made(turns=turns), 0)
    assert found == pytest.approx([early, early, early, 0.3])
