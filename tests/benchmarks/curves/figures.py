"""The figures of simulated studies: how near to the best of a table, after how many epochs.

Pure. Regret is (value - grid's best) / (grid's median - grid's best), at most 1, and 1 before there
is a complete trial.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from benchmarks.curves.simulate import Run

# the strategy that all are compared with
PLAIN = "plain"
# of the epochs that plain spends
SHARES = (1 / 6, 1 / 3, 1 / 2, 1.0)
THIRD, END = SHARES.index(1 / 3), SHARES.index(1.0)
# how much larger a regret must be to be another one
_TIE = 1e-9


@dataclass(frozen=True)
class Cell:
    """A study to be simulated."""

    strategy: str
    table: str
    seed: int
    workers: int

    @property
    def plain(self) -> Cell:
        """The one that it is compared with."""
        return Cell(PLAIN, self.table, self.seed, self.workers)


@dataclass(frozen=True)
class Result:
    """The figures of one study.

    epochs: those that it could spend.
    regrets: after each of `SHARES` of them.
    area: the mean regret over them.
    trials: those begun.
    stopped: trials that a verdict ended or let wait for good.
    wrongly_stopped: those of them that would have become better than the best.
    seconds: CPU time.
    """

    cell: Cell
    epochs: int
    regrets: tuple[float, ...]
    area: float
    trials: int
    stopped: int
    wrongly_stopped: int
    seconds: float = 0.0

    def to_tree(self) -> dict[str, Any]:
        """The result as a line of JSON has it."""
        tree = {**vars(self), **vars(self.cell), "regrets": list(self.regrets)}
        return {key: each for key, each in tree.items() if key != "cell"}

    @classmethod
    def from_tree(cls, tree: Mapping[str, Any]) -> Result:
        """The result of such a line."""
        cell = Cell(*(tree[key] for key in ("strategy", "table", "seed", "workers")))
        figures = {key: each for key, each in tree.items() if key not in vars(cell)}
        return cls(cell, **{**figures, "regrets": tuple(tree["regrets"])})


def result_of(cell: Cell, run: Run, epochs: int, seconds: float = 0.0) -> Result:
    """The figures of a study that could spend `epochs`."""
    return Result(
        cell,
        epochs,
        tuple(regret(run.answer_at(share * epochs), run.finals) for share in SHARES),
        area(run, epochs),
        len(run.trials),
        len(run.stopped),
        run.wrongly_stopped,
        seconds,
    )


def regret(value: float, finals: np.ndarray) -> float:
    """The regret of a value where a grid has these; those that diverge are not counted."""
    ends = finals[np.isfinite(finals)]
    best, median = ends.min(), np.median(ends)
    return float(min(1.0, (value - best) / (median - best)))


def area(run: Run, epochs: int) -> float:
    """The mean regret after each of so many epochs."""
    steps = range(1, epochs + 1)
    return float(np.mean([regret(run.answer_at(step), run.finals) for step in steps]))


@dataclass(frozen=True)
class Summary:
    """A strategy over seeds, and over tables perhaps, beside plain with as many workers.

    studies: how many.
    regrets: the mean after each of `SHARES`.
    better, worse: the share of studies after each of `SHARES` whose regret is smaller, or larger,
        than that of plain on the same table with the same seed.
    area: the mean.
    trials: the mean of those begun.
    stopped, wrongly_stopped: of all studies together.
    """

    studies: int
    regrets: tuple[float, ...]
    better: tuple[float, ...]
    worse: tuple[float, ...]
    area: float
    trials: float
    stopped: int
    wrongly_stopped: int


def summarize(results: Sequence[Result], plain: Mapping[Cell, Result]) -> Summary:
    """The summary of a strategy.

    Args:
        plain: the results of plain by their cells, one for each of `results`.
    """
    regrets = np.array([each.regrets for each in results])
    compared = np.array([plain[each.cell.plain].regrets for each in results])
    return Summary(
        len(results),
        _means(regrets),
        _means(regrets < compared - _TIE),
        _means(regrets > compared + _TIE),
        float(np.mean([each.area for each in results])),
        float(np.mean([each.trials for each in results])),
        sum(each.stopped for each in results),
        sum(each.wrongly_stopped for each in results),
    )


def _means(rows: np.ndarray) -> tuple[float, ...]:
    return tuple(float(each) for each in rows.mean(axis=0))


@dataclass(frozen=True)
class Acceptance:
    """What a strategy must show to become the default, over all tables that are judged on.

    regret: the mean regret at a third of the epochs, in relation to that of plain.
    better: the share of studies that are better than plain then.
    lost: by table, the mean final regret in relation to that of plain, less 1, where it is larger
        by more than a tenth.
    """

    regret: float
    better: float
    lost: Mapping[str, float]

    @property
    def is_met(self) -> bool:
        """At most half of plain's regret, better in 70 % of the studies, and worse than plain in
        the end in one task at most, by a quarter at most."""
        is_near = self.regret <= 0.5 and self.better >= 0.7
        return is_near and len(self.lost) <= 1 and all(each <= 0.25 for each in self.lost.values())


def acceptance_of(by_table: Mapping[str, tuple[Summary, Summary]]) -> Acceptance:
    """What a strategy shows.

    Args:
        by_table: its summary and that of plain.
    """
    pairs = by_table.values()
    ours, plains = (
        np.mean([each.regrets[THIRD] for each in summaries])
        for summaries in zip(*pairs, strict=True)
    )
    larger = {name: _larger(own, plain) for name, (own, plain) in by_table.items()}
    return Acceptance(
        float(ours / plains),
        float(np.mean([own.better[THIRD] for own, _ in pairs])),
        {name: each for name, each in larger.items() if each > 0.1},
    )


def _larger(own: Summary, plain: Summary) -> float:
    """By how much of plain's a final regret is larger."""
    ours, plains = own.regrets[END], plain.regrets[END]
    if ours <= plains + _TIE:
        return 0.0
    return ours / plains - 1 if plains > 0 else float("inf")
