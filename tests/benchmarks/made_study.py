"""A study folder of any size, written without training: only its events and its study file."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

STUDY = """\
name: NAME
model: {class_path: tiny.Tiny}
objective: {metric: val_loss}
space:
  model.init_args.lr: {float: [0.001, 0.1], log: true}
  model.init_args.width: {int: [2, 64]}
trainer: {max_epochs: 10, accelerator: cpu}
sampler: SAMPLER
pruner: none
"""
START = datetime(2026, 3, 2, tzinfo=UTC)


def make_study(root: Path, *, trials: int, reports: int, sampler: str = "random") -> None:
    """Write a study of complete trials, `reports` reports each."""
    root.mkdir(parents=True)
    (root / "study.yaml").write_text(STUDY.replace("NAME", root.name).replace("SAMPLER", sampler))
    steps = {"unit": "epochs", "epoch_samples": None, "at_epoch_ends": True}
    _write(root, [_event(0, "asked", trials=trials), _event(0, "steps", **steps)])
    chance = random.Random(trials)
    for number in range(trials):
        _write(root / "trials" / f"{number:04d}", _trial(number, reports, chance))


def _trial(number: int, reports: int, chance: random.Random) -> list[dict[str, Any]]:
    params = {
        "model.init_args.lr": chance.uniform(0.001, 0.1),
        "model.init_args.width": chance.randint(2, 64),
    }
    start, value = float(number), chance.random()
    events = [
        _event(start, "sampled", number=number, params=params, attributes={}),
        _event(start, "attempt_started", attempt=1, pid=1, boot_id="b" * 36, step=0),
        _event(start, "sizes", micro_batch=32, accumulation=1, effective_batch=32),
    ]
    for step in range(1, reports + 1):
        value *= chance.uniform(0.8, 1.0)
        events.append(_event(start, "reported", step=step, epoch=step, value=value))
    events.append(_event(start, "measured", parameters=9, epoch_time=0.1, peak_memory=1 << 20))
    ending = {"cause": "done", "state": "COMPLETE", "message": None, "step": reports}
    events.append(_event(start + 0.9, "attempt_ended", value=value, **ending))
    return events


def _event(seconds: float, kind: str, **details: Any) -> dict[str, Any]:
    time = START + timedelta(seconds=seconds)
    return {"time": time.isoformat(), "event": kind, **details}


def _write(folder: Path, events: list[dict[str, Any]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
