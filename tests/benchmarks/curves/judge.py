"""Compares strategies on recorded tables, at the epochs that plain spends.

    cd tests && python -m benchmarks.curves.judge --out /tmp/tuning.jsonl
    cd tests && python -m benchmarks.curves.judge --strategies asha --workers 1 --seeds 5

Plain is Optuna's TPE with the median pruner: on each table and with each seed it trains 50 trials
with one worker. The epochs of these are what every study may spend, on as many trials as it likes;
each is compared with plain on as many workers. What is in the file of --out already is not
simulated again, so remove it when a strategy changes.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.curves.figures import (
    PLAIN,
    SHARES,
    THIRD,
    Acceptance,
    Cell,
    Result,
    Summary,
    acceptance_of,
    result_of,
    summarize,
)
from benchmarks.curves.simulate import simulate
from benchmarks.curves.tables import SPLIT, load

# sections of a study file
STRATEGIES: Mapping[str, Mapping[str, Any]] = {
    PLAIN: {},
    "random": {"sampler": "random", "pruner": "none"},
    "asha": {"scheduler": "asha"},
    "hyperband": {"scheduler": "hyperband"},
    "thaw": {"scheduler": "thaw"},
}
_TRIALS = 50
_ALL = "all"


def simulated(cells: Sequence[Cell]) -> list[Result]:
    """The results of studies on one table with one seed."""
    table, seed = load(cells[0].table), cells[0].seed
    epochs = simulate(table, STRATEGIES[PLAIN], seed=seed, trials=_TRIALS).epochs
    results = []
    for cell in cells:
        began = time.process_time()
        strategy = STRATEGIES[cell.strategy]
        run = simulate(table, strategy, seed=seed, workers=cell.workers, epochs=epochs)
        results.append(result_of(cell, run, epochs, time.process_time() - began))
    return results


def read(path: Path | None) -> list[Result]:
    """The results in a file; none where there is no file."""
    if path is None or not path.is_file():
        return []
    return [Result.from_tree(json.loads(line)) for line in path.read_text().splitlines()]


def all_results(cells: Sequence[Cell], path: Path | None, processes: int) -> list[Result]:
    """The results of all cells, those in the file and those that are simulated, which are added to
    it."""
    known = {each.cell: each for each in read(path)}
    jobs: dict[tuple[str, int], list[Cell]] = defaultdict(list)
    for cell in cells:
        if cell not in known:
            jobs[cell.table, cell.seed].append(cell)
    for done, results in enumerate(_simulated(list(jobs.values()), processes), 1):
        known |= {each.cell: each for each in results}
        if path is not None:
            lines = [json.dumps(each.to_tree()) + "\n" for each in results]
            with path.open("a") as file:
                file.writelines(lines)
        print(f"\r{done} of {len(jobs)}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return [known[cell] for cell in cells]


def _simulated(jobs: list[list[Cell]], processes: int) -> Iterator[list[Result]]:
    """The results of each job, in the order in which they end."""
    if not jobs:
        return
    # the processes have the cores to themselves
    os.environ["OMP_NUM_THREADS"] = "1"
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        yield from pool.imap_unordered(simulated, jobs)


def report(results: Sequence[Result]) -> str:
    """The figures as tables of Markdown, one for each number of workers, and what each strategy
    shows of what a default must."""
    plain = {each.cell: each for each in results if each.cell.strategy == PLAIN}
    parts = []
    for workers in sorted({each.cell.workers for each in results}):
        of_workers = [each for each in results if each.cell.workers == workers]
        parts += [f"## Workers: {workers}", *_tables(of_workers, plain)]
    return "\n\n".join(parts)


def _tables(results: Sequence[Result], plain: Mapping[Cell, Result]) -> list[str]:
    groups: dict[tuple[str, str], list[Result]] = defaultdict(list)
    for each in results:
        groups[each.cell.table, each.cell.strategy].append(each)
        groups[_ALL, each.cell.strategy].append(each)
    summaries = {key: summarize(group, plain) for key, group in groups.items()}
    strategies = list(dict.fromkeys(each.cell.strategy for each in results))
    tables = list(dict.fromkeys(each.cell.table for each in results))
    rows = [
        _row(table, strategy, summaries[table, strategy])
        for table in (*tables, _ALL)
        for strategy in strategies
    ]
    shown = []
    for strategy in strategies:
        if strategy != PLAIN:
            pairs = {each: (summaries[each, strategy], summaries[each, PLAIN]) for each in tables}
            shown.append(_line(strategy, acceptance_of(pairs)))
    return ["\n".join([*_HEAD, *rows]), "\n".join(shown)]


_HEAD = (
    "| table | strategy | regret at 1/6 | 1/3 | 1/2 | all | area | better, worse at 1/3 | at all |"
    " wrongly stopped | trials |",
    "|---|---|---|---|---|---|---|---|---|---|---|",
)


def _row(table: str, strategy: str, summary: Summary) -> str:
    regrets = [f"{each:.3f}" for each in summary.regrets]
    compared = [
        f"{100 * summary.better[place]:.0f} %, {100 * summary.worse[place]:.0f} %"
        for place in (THIRD, len(SHARES) - 1)
    ]
    stopped = f"{summary.wrongly_stopped} of {summary.stopped}"
    figures = [*regrets, f"{summary.area:.3f}", *compared, stopped, f"{summary.trials:.0f}"]
    return f"| {' | '.join([table, strategy, *figures])} |"


def _line(strategy: str, shown: Acceptance) -> str:
    lost = ", ".join(f"{name} by {100 * each:.0f} %" for name, each in shown.lost.items())
    verdict = "meets" if shown.is_met else "does not meet"
    return (
        f"- {strategy} {verdict} what a default must: regret at a third "
        f"{100 * shown.regret:.0f} % of plain's (at most 50 %), better than plain then in "
        f"{100 * shown.better:.0f} % of the studies (at least 70 %), worse in the end by more than "
        f"10 % in: {lost or 'no table'} (at most one, by at most 25 %)."
    )


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description="Compare strategies on recorded tables.")
    parser.add_argument("--split", choices=SPLIT, default="tuning")
    parser.add_argument("--strategies", nargs="+", choices=STRATEGIES, default=list(STRATEGIES))
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument(
        "--out", type=Path, help="file of results, to which those missing are added"
    )
    given = parser.parse_args(arguments)
    strategies = dict.fromkeys([PLAIN, *given.strategies])
    cells = [
        Cell(strategy, table, seed, workers)
        for table in SPLIT[given.split]
        for seed in range(given.seeds)
        for workers in given.workers
        for strategy in strategies
    ]
    print(report(all_results(cells, given.out, given.processes)))


if __name__ == "__main__":
    main(sys.argv[1:])
