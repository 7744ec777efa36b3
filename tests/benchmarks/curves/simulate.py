"""A study on recorded curves, in the time of its own epochs instead of seconds.

Sampler, pruner, scheduler, the order in which trials start, and how samplers see what is paused
are the tool's own, as a study file asks for them. Only processes, files and clock are not there:
each worker trains an epoch of its trial in the time that the table says, and reports at its end.
"""

from __future__ import annotations

import heapq
import math
import warnings
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import optuna
from benchmarks.curves.tables import Table
from optuna.exceptions import ExperimentalWarning
from optuna.storages import InMemoryStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from search.engine.batch_sizes import BatchPlan
from search.engine.judgement import Pruning, Verdicts
from search.engine.ledger import Ledger
from search.engine.next_trials import NextTrials
from search.engine.pausing import Pausing
from search.engine.running_attempts import Running
from search.sampling.audit import Audit
from search.sampling.candidates import stage
from search.sampling.one_direction import sampled_study
from search.sampling.study_settings import pruner_of, sampling_of, scheduler_of
from search.store.database.write_through import WriteThroughStorage
from search.store.events.trial_history import TrialHistory
from search.store.recorded_study import attributes_of
from search.study_file.curve_steps import EPOCHS, Steps
from search.study_file.load import parse_study_tree
from search.study_file.schema import StudyFile

_ROOM = "model.init_args"
_METRIC = "val_loss"
_STEPS = Steps(EPOCHS)


@dataclass
class Trained:
    """A trial as far as it was trained.

    point: the row of its configuration in the table.
    steps: the epochs trained, each of them once.
    state: one of Optuna's; WAITING where it is paused.
    """

    number: int
    point: int
    steps: int = 0
    state: str = "RUNNING"


@dataclass
class Run:
    """A simulated study.

    finals: the value of each configuration that is trained to its end, to be minimized.
    trials: by number.
    answers: (epochs spent, clock, value) whenever the best complete trial, which is what the
        study would answer, has changed.
    full_since_best: complete trials after the best one.
    epochs: spent by all trials together.
    clock: when the last of them ended, in epochs of the median configuration.
    """

    finals: np.ndarray
    trials: list[Trained] = field(default_factory=list)
    answers: list[tuple[int, float, float]] = field(default_factory=list)
    full_since_best: int = 0
    epochs: int = 0
    clock: float = 0.0

    @property
    def best(self) -> float:
        """The best value of a complete trial; infinite without any."""
        return self.answers[-1][2] if self.answers else math.inf

    @property
    def stopped(self) -> list[Trained]:
        """The trials that a verdict ended, or let wait for good."""
        return [each for each in self.trials if each.state in ("PRUNED", "WAITING")]

    @property
    def wrongly_stopped(self) -> int:
        """How many of them would have been better than the best at their end."""
        return sum(bool(self.finals[each.point] < self.best) for each in self.stopped)

    def answer_at(self, epochs: float) -> float:
        """The best value of a complete trial once so many epochs were spent."""
        known = [value for spent, _, value in self.answers if spent <= epochs]
        return known[-1] if known else math.inf


def study_file_of(table: Table, strategy: Mapping[str, Any], seed: int) -> StudyFile:
    """The study file of a search on a table.

    Args:
        strategy: its sections: sampler, pruner, scheduler, whatever else one may have.
    """
    space: dict[str, Any] = {}
    for name, parameter in table.parameters.items():
        values = list(parameter.values)
        tree: dict[str, Any] = {"choice": values}
        if parameter.is_ordered:
            tree = {"int": [0, len(values) - 1]}
        if parameter.when:
            tree["when"] = {
                f"{_ROOM}.{parent}": [_shown(table, parent, each) for each in accepted]
                for parent, accepted in parameter.when
            }
        space[f"{_ROOM}.{name}"] = tree
    tree = {
        "model": {"class_path": "recorded.Model"},
        "trainer": {"max_epochs": table.epochs},
        "objective": {"metric": _METRIC, "direction": "minimize", "value": table.value},
        "space": space,
        "seed": seed,
        **strategy,
    }
    return parse_study_tree(tree, source=table.name, default_name=table.name)


def simulate(
    table: Table,
    strategy: Mapping[str, Any],
    *,
    seed: int,
    workers: int = 1,
    trials: int | None = None,
    epochs: int | None = None,
) -> Run:
    """Search a table.

    Args:
        strategy: as for `study_file_of`.
        seed: of the search; the trials of even ones have the first training seed.
        workers: trials that are trained at a time.
        trials: their total; None is no limit.
        epochs: the study ends once so many are spent; None is no limit.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        study = _Study(table, study_file_of(table, strategy, seed), seed % len(table.curves))
        return study.run(workers, trials, epochs)


class _Storage(InMemoryStorage):
    """A study in memory, without a database to write it to."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.study_id = self.create_new_study([StudyDirection.MINIMIZE], name)


@dataclass(frozen=True)
class _Fit:
    """An attempt as `NextTrials` looks at it."""

    number: int
    task: str = "fit"


class _Ledger:
    """As much of `Ledger` as needs no file: samples, judges, and knows who waits."""

    def __init__(self, table: Table, study_file: StudyFile, run: Run) -> None:
        self._table = table
        self._run = run
        self._rows = {tuple(point): row for row, point in enumerate(table.points.tolist())}
        self._histories: list[TrialHistory] = []
        storage = _Storage(study_file.name)
        self._storage = cast(WriteThroughStorage, storage)
        self._sampling = sampling_of(study_file)
        attributes = attributes_of(study_file, None, _STEPS)
        pruner = pruner_of(study_file, _STEPS)
        # how often stopping was wrong is known here without any audit
        nobody = Audit()
        self.pausing = Pausing(
            lambda first: scheduler_of(study_file, _STEPS, first), self._histories, 1, nobody
        )
        self._study = sampled_study(
            study_file.name,
            self._storage,
            attributes,
            pruner,
            is_bounded=self._sampling.is_bounded,
            paused=self.pausing if self.pausing.is_needed else None,
        )
        pruning = Pruning(self._study, self._storage, attributes, pruner)
        self._verdicts = Verdicts(pruning, self.pausing, nobody)

    @property
    def created(self) -> int:
        return len(self._histories)

    def waiting(self) -> list[int]:
        """None is ever interrupted."""
        return []

    def is_audited(self, number: int) -> bool:
        return self._histories[number].audited is not None

    def choose(self, *, is_idle: bool) -> int | None:
        return self.pausing.choose(is_idle=is_idle)

    def sample(self) -> int:
        trial = stage(self._study, self._storage, self._sampling, {})
        self._histories.append(TrialHistory(trial.number, trial.params))
        self.pausing.note_begin(trial.number)
        self._run.trials.append(Trained(trial.number, self._row(trial.params)))
        return trial.number

    def begin(self, number: int) -> None:
        """Let a trial run, from its start or from where it was paused."""
        self.pausing.begin_chosen(number)
        self._histories[number].paused_at = None
        self._set_state(number, "RUNNING")

    def report(self, number: int, step: int, value: float) -> bool:
        """Note the value of an epoch; tells whether its trial goes on."""
        history = self._histories[number]
        judgement = self._verdicts.judge(history, lambda: self._frozen(number), step, value)
        history.curve[step] = value
        self._storage.set_trial_intermediate_value(self._trial_id(number), step, value)
        if not math.isfinite(value):
            self._end(number, "FAIL", None)
        elif judgement.prune:
            self._end(number, "PRUNED", value)
        elif step == self._table.epochs:
            self._end(number, "COMPLETE", float(self._run.finals[self._run.trials[number].point]))
        elif judgement.pause:
            history.paused_at = step
            self._set_state(number, "WAITING")
            self.pausing.note_end(number)
        else:
            return True
        return False

    def _end(self, number: int, state: str, value: float | None) -> None:
        values = None if value is None else [value]
        self._histories[number].values = values
        self._set_state(number, state)
        self._storage.set_trial_state_values(self._trial_id(number), TrialState[state], values)
        self.pausing.note_end(number)

    def _set_state(self, number: int, state: str) -> None:
        # to Optuna a paused one runs, as in the ledger
        self._run.trials[number].state = self._histories[number].state = state

    def _row(self, params: Mapping[str, Any]) -> int:
        """The row of a configuration in the table."""
        place = []
        for name, parameter in self._table.parameters.items():
            value = params.get(f"{_ROOM}.{name}")
            if value is None:
                place.append(-1)
            elif parameter.is_ordered:
                place.append(int(value))
            else:
                place.append(parameter.values.index(value))
        return self._rows[tuple(place)]

    def _frozen(self, number: int) -> FrozenTrial:
        return self._storage.get_trial(self._trial_id(number))

    def _trial_id(self, number: int) -> int:
        return self._storage.get_trial_id_from_study_id_trial_number(self._storage.study_id, number)


class _Study:
    """One loop in the place of the coordinator's."""

    def __init__(self, table: Table, study_file: StudyFile, training_seed: int) -> None:
        self._curves = table.curves[training_seed]
        self._costs = table.costs
        self._run = Run(table.finals(training_seed))
        self._no_gain = study_file.budget.no_gain
        self._ledger = _Ledger(table, study_file, self._run)
        # when its next report is due, in which order it was begun, its number
        self._busy: list[tuple[float, int, int]] = []
        self._begun = 0

    def run(self, workers: int, trials: int | None, epochs: int | None) -> Run:
        # nothing is probed
        batches = cast(BatchPlan, None)
        following = NextTrials(cast(Ledger, self._ledger), batches, trials, self._close)
        while epochs is None or self._run.epochs < epochs:
            if len(self._busy) < workers and self._gains_nothing():
                break
            self._fill(following, workers)
            if not self._busy:
                break
            self._run.clock, order, number = heapq.heappop(self._busy)
            if self._train(number):
                self._expect(number, order)
        return self._run

    def _gains_nothing(self) -> bool:
        """Tell whether `budget: {no_gain: ...}` ends the study."""
        if self._no_gain is None or self._run.full_since_best < self._no_gain:
            return False
        gain = self._ledger.pausing.gain()
        return gain is not None and gain.is_noise

    def _close(self, number: int, message: str) -> None:
        """Recorded curves go on from nobody else's checkpoint: no scheduler ends a trial so."""
        raise AssertionError(f"trial {number}: {message}")

    def _fill(self, following: NextTrials, workers: int) -> None:
        """Give each free worker a trial."""
        while len(self._busy) < workers and following.is_open:
            running = [_Fit(number) for _, _, number in self._busy]
            number = following.next(cast(Collection[Running], running))
            if number is None:
                return
            self._ledger.begin(number)
            self._begun += 1
            self._expect(number, self._begun)

    def _expect(self, number: int, order: int) -> None:
        """Let the next report of a trial come when its epoch is over."""
        cost = float(self._costs[self._run.trials[number].point])
        heapq.heappush(self._busy, (self._run.clock + cost, order, number))

    def _train(self, number: int) -> bool:
        """Train an epoch of a trial and report it; tells whether the trial goes on."""
        run, trained = self._run, self._run.trials[number]
        value = float(self._curves[trained.point, trained.steps])
        trained.steps += 1
        run.epochs += 1
        goes_on = self._ledger.report(number, trained.steps, value)
        if trained.state == "COMPLETE":
            run.full_since_best += 1
            if run.finals[trained.point] < run.best:
                run.answers.append((run.epochs, run.clock, float(run.finals[trained.point])))
                run.full_since_best = 0
        return goes_on


def _shown(table: Table, name: str, value: Any) -> Any:
    """The value of a hyperparameter as samplers see it."""
    parameter = table.parameters[name]
    return parameter.values.index(value) if parameter.is_ordered else value
