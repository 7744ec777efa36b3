"""What a new trial costs through this tool, and through Optuna alone; by hand:
`pytest -m benchmark -s`."""

from __future__ import annotations

import os
import shutil
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from statistics import median

import optuna
import pytest
from benchmarks.made_study import make_study

from search.engine.attempt_end import Outcome
from search.engine.opening import open_ledger, plan
from search.layout import StudyFolder
from search.messages import DONE
from search.study_file.load import load_study_file

pytestmark = [
    pytest.mark.benchmark,
    pytest.mark.timeout(3600),
    pytest.mark.filterwarnings("ignore"),
]

SAMPLERS: dict[str, Callable[[], optuna.samplers.BaseSampler]] = {
    "random": lambda: optuna.samplers.RandomSampler(seed=0),
    "qmc": lambda: optuna.samplers.QMCSampler(seed=0, scramble=True),
    "tpe": lambda: optuna.samplers.TPESampler(seed=0, constant_liar=True),
    "nsgaii": lambda: optuna.samplers.NSGAIISampler(seed=0),
    "cmaes": lambda: optuna.samplers.CmaEsSampler(seed=0),
    "gp": lambda: optuna.samplers.GPSampler(seed=0),
}
TRIALS = (10, 100, 1_000)
ASKS = 7
DISTRIBUTIONS = {
    "model.init_args.lr": optuna.distributions.FloatDistribution(0.001, 0.1, log=True),
    "model.init_args.width": optuna.distributions.IntDistribution(2, 64),
}


def asked(ask: Callable[[], Callable[[float], object]]) -> float:
    """Seconds of this process for a new trial, the median.

    Args:
        ask: makes a trial; returns what ends it with a value.
    """
    seconds = []
    for turn in range(ASKS):
        # the disk and other processes are not meant
        began = time.process_time()
        end = ask()
        seconds.append(time.process_time() - began)
        end(1.0 + turn)
    return median(seconds)


def through_the_tool(folder: StudyFolder) -> float:
    """Seconds with all that a new trial is: its event, its rows in the database, its sampling."""
    ledger = open_ledger(plan(folder, load_study_file(folder.study_file), None), None)

    def ask() -> Callable[[float], object]:
        number = ledger.sample()
        ledger.begin_attempt(number, os.getpid())
        return lambda value: ledger.end_attempt(number, Outcome(DONE, value))

    try:
        return asked(ask)
    finally:
        ledger.close()


def through_optuna(study: optuna.Study) -> float:
    """Seconds of `study.ask`."""

    def ask() -> Callable[[float], object]:
        trial = study.ask(DISTRIBUTIONS)
        return lambda value: study.tell(trial, value)

    return asked(ask)


def in_memory(stored: optuna.Study, sampler: optuna.samplers.BaseSampler) -> optuna.Study:
    study = optuna.create_study(sampler=sampler)
    study.add_trials(stored.trials)
    return study


@pytest.mark.parametrize("name", SAMPLERS)
def test_what_a_new_trial_costs(tmp_path: Path, name: str) -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore")
    print(f"\n{name:>8} {'trials':>7} {'ours':>9} {'in memory':>10} {'SQLite':>9}  ms, ratios")
    for trials in TRIALS:
        folder = StudyFolder(tmp_path / f"{name}{trials}")
        make_study(folder.root, trials=trials, reports=3, sampler=name)
        # of the first opening, which is not meant, the database is there
        open_ledger(plan(folder, load_study_file(folder.study_file), None), None).close()
        copy = tmp_path / f"{name}{trials}.db"
        shutil.copy(folder.db, copy)
        stored = optuna.load_study(
            study_name=folder.name, storage=f"sqlite:///{copy}", sampler=SAMPLERS[name]()
        )
        memory = through_optuna(in_memory(stored, SAMPLERS[name]()))
        database = through_optuna(stored)
        ours = through_the_tool(folder)
        print(
            f"{'':>8} {trials:7,} {1e3 * ours:9.1f} {1e3 * memory:10.1f} {1e3 * database:9.1f}"
            f"  {ours / memory:.2f}, {ours / database:.2f}"
        )
        # what the tool adds to any sampler is a small constant: an event, a few rows
        assert ours < 1.5 * memory + 0.02
