"""Studies made up for the tests of the report: no training, no database."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from search.space.distributions import Categorical, FloatRange, IntRange
from search.store.records import AttemptRecord, ObjectiveRecord, StudyRecord, TrialRecord

START = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
FOLDER = Path("studies/autoencoder")
LR = "model.init_args.lr"
LATENT = "model.init_args.latent_size"
ACCUMULATE = "trainer.accumulate_grad_batches"
SPACE = {
    LR: FloatRange(1e-4, 1e-1, log=True),
    LATENT: IntRange(2, 64, log=True),
    ACCUMULATE: Categorical((1, 2, 4, 8)),
}


def trial(number=0, state="COMPLETE", value=0.05, **fields):
    """One trial with parameters in the space; any field can be given."""
    cause = {"COMPLETE": "done", "PRUNED": "pruned", "FAIL": "error"}.get(state)
    given = {
        "params": {LR: 0.001 * (number + 1), LATENT: 2 + number % 60, ACCUMULATE: 2},
        "curve": {} if value is None else {1: value * 2, 2: value},
        "folder": FOLDER / "trials" / f"{number:04d}",
        "cause": cause,
    }
    return TrialRecord(number=number, state=state, value=value, **(given | fields))


def study(*trials, metric="val_loss", direction="minimize", objectives=(), **fields):
    """A study of the given trials over the usual space."""
    objectives = objectives or (ObjectiveRecord(metric, direction),)
    given = {
        "name": "autoencoder",
        "folder": FOLDER,
        "storage": "sqlite:///studies/autoencoder/study.db",
        "objectives": objectives,
        "reported": objectives[0].metric,
        "space": SPACE,
        "n_trials": 50,
    }
    return StudyRecord(trials=tuple(trials), **(given | fields))


def realistic(count=50, *, epochs=20, seed=0, workers=2):
    """A study as it comes out of a real run: learning curves, pruning, failures, two workers."""
    rng = random.Random(seed)
    clocks = [0.0] * workers
    best_lr = 0.006
    finished: list[TrialRecord] = []
    for number in range(count):
        spread = max(0.35, 1.6 - 2.4 * number / count)
        lr = min(0.1, max(1e-4, best_lr * 10 ** rng.gauss(0, spread)))
        params = {
            LR: lr,
            LATENT: round(2 ** rng.uniform(1, 6)),
            ACCUMULATE: rng.choice((1, 2, 4, 8)),
        }
        worker = min(range(workers), key=clocks.__getitem__)
        done = _trained(number, params, finished, epochs=epochs, rng=rng)
        taken = 0.6 + 0.45 * len(done.curve) * rng.uniform(0.85, 1.2)
        begin = clocks[worker] + 0.15
        clocks[worker] = begin + taken
        finished.append(_timed(done, begin, taken))
    return study(*finished, n_trials=count)


def _trained(number, params, earlier, *, epochs, rng):
    off = math.log10(params[LR] / 0.006)
    floor = 0.012 + 0.09 / params[LATENT] + 0.011 * off**2 + 0.0015 * params[ACCUMULATE]
    floor *= rng.uniform(0.96, 1.05)
    speed = 0.35 / (1 + 0.5 * abs(off)) / params[ACCUMULATE] ** 0.3
    curve: dict[int, float] = {}
    usual = {"micro_batch": 64, "accumulation": params[ACCUMULATE]}
    usual["effective_batch"] = 64 * params[ACCUMULATE]
    if params[LR] > 0.06:
        message = "val_loss became nan at validation 3: lower model.init_args.lr"
        curve = {1: 0.21, 2: 4.7, 3: float("nan")}
        return trial(
            number,
            "FAIL",
            None,
            params=params,
            curve=curve,
            cause="diverged",
            message=message,
            **usual,
        )
    if number in (11, 33):
        cause = "oom" if number == 11 else "killed"
        message = "ran out of memory at batch 64" if number == 11 else "ended by signal 9"
        return trial(
            number,
            "FAIL",
            None,
            params=params,
            curve={1: 0.17, 2: 0.15},
            cause=cause,
            message=message,
            **usual,
        )
    for step in range(1, epochs + 1):
        noise = rng.gauss(0, 0.0012)
        curve[step] = floor + (0.23 - floor) * math.exp(-speed * step) + noise
        others = sorted(t.curve[step] for t in earlier if step in t.curve)
        is_poor = len(others) > 5 and curve[step] > others[len(others) * 2 // 3]
        if step > 4 and is_poor and step < epochs:
            return trial(
                number,
                "PRUNED",
                curve[step],
                params=params,
                curve=curve,
                message=f"pruned at validation {step}",
                **usual,
            )
    return trial(number, value=min(curve.values()), params=params, curve=curve, **usual)


def _timed(done, begin_s, taken_s):
    started = START + timedelta(seconds=begin_s)
    # the study was stopped after two minutes and went on the next morning
    if begin_s > 100:
        started += timedelta(hours=14)
    ended = started + timedelta(seconds=taken_s)
    attempts = [
        AttemptRecord(1, 4000 + done.number, "b00t", started, ended, done.cause, done.message)
    ]
    if done.number == 20:
        half = started + timedelta(seconds=taken_s / 2)
        attempts = [
            replace(attempts[0], ended=half, cause="interrupted", message="stopped by Ctrl-C"),
            replace(attempts[0], number=2, started=half),
        ]
    return replace(done, started=started, ended=ended, attempts=tuple(attempts))
