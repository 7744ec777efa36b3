"""Prints where `budget: {no_gain: ...}` stops thaw on the tables for tuning, and what that costs.

    cd tests && python -m benchmarks.curves.stops --no-gain 3 4 --seeds 6

Epochs are in relation to those that plain spends on 50 trials; without the rule a study goes on to
half as many again. Regrets are means: at the stop, after all of plain's epochs, and at the end.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import numpy as np
from benchmarks.curves.figures import regret
from benchmarks.curves.simulate import simulate
from benchmarks.curves.tables import TUNING, load

_TRIALS = 50
_MOST = 1.5


def stopped(name: str, seed: int, limit: int) -> tuple[float, ...]:
    """Whether a study stopped, the epochs that it spent by then, and the regrets."""
    table = load(name)
    plain = simulate(table, {}, seed=seed, trials=_TRIALS).epochs
    thaw = {"scheduler": "thaw"}
    most = round(_MOST * plain)
    whole = simulate(table, thaw, seed=seed, epochs=most)
    run = simulate(table, {**thaw, "budget": {"no_gain": limit}}, seed=seed, epochs=most)
    regrets = [regret(each, run.finals) for each in (run.best, whole.answer_at(plain), whole.best)]
    return (float(run.epochs < most), run.epochs / plain, *regrets)


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description="Show where studies stop by themselves.")
    parser.add_argument("--no-gain", type=int, nargs="+", default=[4])
    parser.add_argument("--seeds", type=int, default=20)
    given = parser.parse_args(arguments)
    print("| no_gain | table | stopped | epochs | regret then | at plain's epochs | at the end |")
    print("|---|---|---|---|---|---|---|")
    for limit in given.no_gain:
        rows = {
            name: np.array([stopped(name, seed, limit) for seed in range(given.seeds)])
            for name in TUNING
        }
        for name, found in {**rows, "all": np.concatenate(list(rows.values()))}.items():
            share, *others = found.mean(axis=0)
            figures = " | ".join(f"{each:.3f}" for each in others)
            print(f"| {limit} | {name} | {100 * share:.0f} % | {figures} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
