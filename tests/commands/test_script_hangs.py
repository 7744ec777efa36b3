"""The limit of silence and a script that works on after its fit, with limits of a few seconds."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from conftest import Project

PROJECTS = Path(__file__).parents[1] / "projects/scripts"
TRAIN = """\
import argparse, time
from lightning.pytorch import Callback, Trainer
from nets import Net, Points

class Slow(Callback):
    def on_validation_end(self, trainer, pl_module):
        if trainer.current_epoch == 2:
            time.sleep(float(args.within))

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=1e-3)
parser.add_argument("--within", default=0)
args = parser.parse_args()
trainer = Trainer(max_epochs=4, accelerator="cpu", num_sanity_val_steps=0, callbacks=[Slow()])
trainer.fit(Net(args.lr), datamodule=Points())
time.sleep(9)
trainer.validate(datamodule=Points())
time.sleep(9)
"""
RUN = """\
import sys
from search.engine import watchdog
from search.entry import main

watchdog.SHORTEST_LIMIT_S, watchdog.FACTOR = 4.0, 0.0
sys.argv = ["search", "run", "study.yaml", "--trials", "1", "--workers", "1"]
sys.exit(main())
"""


def run(project: Project, **arguments: object) -> dict[str, Any]:
    """Run one trial with small limits; returns it as `search show` has it."""
    shutil.copy(PROJECTS / "nets.py", project.root)
    (project.root / "train.py").write_text(TRAIN)
    (project.root / "run.py").write_text(RUN)
    project.study(
        script="train.py",
        fit=1,
        arguments={f"--{name}": each for name, each in arguments.items()},
        space={"--lr": {"float": [1e-3, 1e-1]}},
        model=None,
        trainer=None,
    )
    project.python("run.py")
    shown: dict[str, Any] = json.loads(project.run("show", "study", "0", "--json").stdout)
    return shown


@pytest.mark.real
def test_script_may_work_for_any_time_after_its_fit_and_its_tests(project: Project) -> None:
    trial = run(project)
    assert (trial["state"], trial["cause"]) == ("COMPLETE", "done")


@pytest.mark.real
def test_fit_of_a_script_that_makes_no_more_steps_is_ended(project: Project) -> None:
    trial = run(project, within=120)
    assert (trial["state"], trial["cause"]) == ("FAIL", "hung")
    assert trial["message"].startswith("no step for ")
