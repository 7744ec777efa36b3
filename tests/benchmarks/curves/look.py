"""Prints how much the early epochs of each recorded table tell of its end.

    cd tests && python -m benchmarks.curves.look

Looks at curves alone and runs no strategy, so that tables to be judged on may be looked at as well.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from benchmarks.curves.tables import SPLIT, Table, load, recorded
from scipy import stats

_SHARES = (1 / 27, 1 / 9, 1 / 3, 2 / 3)
_BEST = 5


def correlations(table: Table, training_seed: int) -> list[float]:
    """Spearman's correlation of the values after each of `_SHARES` of the epochs with those in the
    end, over configurations."""
    finals = table.finals(training_seed)
    is_finite = np.isfinite(finals)
    return [
        float(stats.spearmanr(values[is_finite], finals[is_finite])[0])
        for values in _early(table, training_seed)
    ]


def places_of_best(table: Table, training_seed: int) -> list[float]:
    """The mean place of the best configurations after each of `_SHARES` of the epochs, from 0, the
    first, to 1, the last."""
    finals = table.finals(training_seed)
    best = np.argsort(finals)[:_BEST]
    return [
        float(stats.rankdata(values)[best].mean() / len(finals))
        for values in _early(table, training_seed)
    ]


def _early(table: Table, training_seed: int) -> list[np.ndarray]:
    """The values of all configurations after each of `_SHARES` of the epochs."""
    curves = np.nan_to_num(table.curves[training_seed], nan=np.inf)
    if table.value == "best":
        curves = np.minimum.accumulate(curves, axis=1)
    return [curves[:, max(1, round(share * table.epochs)) - 1] for share in _SHARES]


def _row(split: str, table: Table) -> str:
    seeds = range(len(table.curves))
    finals = [table.finals(seed) for seed in seeds]
    diverged = np.mean([~np.isfinite(each) for each in finals])
    agreement = float(stats.spearmanr(finals[0], finals[1])[0])
    figures = [
        _mean([correlations(table, seed) for seed in seeds]),
        _mean([places_of_best(table, seed) for seed in seeds]),
    ]
    shape = [str(len(table.points)), str(table.epochs), f"{100 * diverged:.0f} %"]
    cells = [table.name, split, table.value, *shape, *figures, f"{agreement:.2f}"]
    return f"| {' | '.join(cells)} |"


def _mean(rows: Sequence[Sequence[float]]) -> str:
    return " ".join(f"{each:.2f}" for each in np.mean(rows, axis=0))


def main() -> None:
    shares = ", ".join(f"{each:.2f}" for each in _SHARES)
    print(
        f"| table | for | value | configurations | epochs | diverged | correlation at {shares} "
        f"| place of the best {_BEST} | agreement of the seeds |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for split, names in SPLIT.items():
        for name in names:
            if name in recorded():
                print(_row(split, load(name)))


if __name__ == "__main__":
    main()
