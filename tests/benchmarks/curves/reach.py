"""Prints the least regret that is possible with several workers at a third of plain's epochs, and
how often it is less than plain's.

    cd tests && python -m benchmarks.curves.reach --split judging --seeds 20

The epochs of a trial come one after the other, and meanwhile the other workers spend those of the
study too. So even who knows the best configuration before the first epoch has no answer until it
is trained to its end, and with many workers a third of the epochs may be spent by then. Runs no
strategy but plain and looks at ends alone, so that tables to be judged on may be looked at as well.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import numpy as np
from benchmarks.curves.figures import PLAIN, SHARES, THIRD, Cell, regret
from benchmarks.curves.judge import simulated
from benchmarks.curves.tables import SPLIT, Table, load

# what the other workers train meanwhile, as quantiles of the cost of an epoch: the median
# configuration, and the slowest one, which leaves so much that nothing at all could be better
_OTHERS = (0.5, 1.0)


def least_regret(
    table: Table, training_seed: int, *, workers: int, epochs: float, other: float
) -> float:
    """The regret of the best configuration that is trained to its end, if it starts first, once
    `epochs` are spent by all workers together.

    Args:
        other: the cost of an epoch of what the other workers train all the time.
    """
    finals = table.finals(training_seed)
    ends_at = table.epochs * table.costs
    spent = table.epochs + (workers - 1) * np.floor(ends_at / other)
    return regret(float(finals[spent <= epochs].min(initial=np.inf)), finals)


def _row(name: str, seeds: int, workers: int) -> str:
    table = load(name)
    others = np.quantile(table.costs, _OTHERS).tolist()
    rows = []
    for seed in range(seeds):
        (plain,) = simulated([Cell(PLAIN, name, seed, workers)])
        epochs = SHARES[THIRD] * plain.epochs
        least = [
            least_regret(
                table, seed % len(table.curves), workers=workers, epochs=epochs, other=other
            )
            for other in others
        ]
        rows.append([epochs / (workers * table.epochs), plain.regrets[THIRD], *least])
    return _shown(name, np.array(rows))


def _shown(name: str, rows: np.ndarray) -> str:
    trainings, plain = rows[:, 0], rows[:, 1]
    figures = [f"{trainings.mean():.2f}", f"{plain.mean():.3f}"]
    for least in rows[:, 2:].T:
        figures += [f"{least.mean():.3f}", f"{100 * (least < plain).mean():.0f} %"]
    return f"| {' | '.join([name, *figures])} |"


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description="Show what is possible with several workers.")
    parser.add_argument("--split", choices=SPLIT, default="tuning")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--workers", type=int, default=8)
    given = parser.parse_args(arguments)
    print(
        "| table | full trainings of a worker | plain | least, others of median cost | better "
        "| least, others slowest | better |"
    )
    print("|---|---|---|---|---|---|---|")
    for name in SPLIT[given.split]:
        print(_row(name, given.seeds, given.workers), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
