"""Trials that go wrong: each ends with its cause, and the study goes on or says why not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from conftest import Project, plain

MODES = "model.init_args.mode"

CUT = '''
import os, signal
import pytorch_lightning as pl
from pathlib import Path
from tiny import Tiny


class Cut(Tiny):
    """A trial whose first attempt is killed in its second epoch."""

    def on_train_epoch_start(self):
        killed = Path(self.trainer.default_root_dir) / "killed"
        is_trial = "trials" in killed.parts  # not the look before the study
        if is_trial and self.current_epoch == 1 and not killed.exists():
            killed.touch()
            os.kill(os.getpid(), signal.SIGKILL)


class Stop(pl.Callback):
    def on_fit_start(self, trainer, pl_module):
        trainer.should_stop = True
'''


def mixed(project: Project, mode: str, **changes: Any) -> Any:
    """A grid of one good and one bad trial."""
    return project.study(
        model={"class_path": "tiny.Tiny", "init_args": {"when": 1}},
        sampler="grid",
        space={MODES: {"choice": ["fine", mode]}},
        budget={"trials": 2},
        **changes,
    )


def failed(project: Project) -> dict[str, Any]:
    """The one trial that failed, as `search show --json` tells it."""
    number = project.states().index("FAIL")
    trial: dict[str, Any] = json.loads(project.run("show", str(number), "--json").stdout)
    return trial


@pytest.mark.parametrize(
    ("mode", "cause", "message"),
    [
        ("raise", "error", "RuntimeError: the layer is on fire"),
        ("nan", "diverged", "the objective metric became nan at epoch 2"),
        ("oom", "oom", "OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 GiB"),
        ("exit", "error", "its process ended with status 7"),
        ("kill", "killed", "killed by SIGKILL"),
    ],
)
def test_failing_trial_ends_with_its_cause_and_the_study_goes_on(
    project: Project, mode: str, cause: str, message: str
) -> None:
    result = project.run("run", mixed(project, mode))
    assert result.returncode == 0, result.stderr
    assert sorted(project.states()) == ["COMPLETE", "FAIL"]
    trial = failed(project)
    assert trial["cause"] == cause
    assert trial["message"] == message
    assert message in result.stdout
    assert f"{trial['folder']}/log.txt" in result.stdout
    assert "Traceback" not in result.stdout + result.stderr


def test_trial_killed_again_and_again_gets_three_attempts(project: Project) -> None:
    assert project.run("run", mixed(project, "kill"), "--quiet").returncode == 0
    # the first attempt got through an epoch; after it three in a row got nowhere
    causes = [attempt["cause"] for attempt in failed(project)["attempts"]]
    assert causes == ["killed"] * 4


def test_hung_trial_is_ended_by_the_trial_timeout(project: Project) -> None:
    result = project.run("run", mixed(project, "hang"), "--trial-timeout", "4s")
    assert result.returncode == 0, result.stderr
    trial = failed(project)
    assert trial["cause"] == "hung"
    assert trial["message"] == "no end within 4 s"
    log = (project.root / trial["folder"] / "log.txt").read_text()
    assert 'tiny.py", line' in log.partition("(most recent call first)")[2]


def test_five_failures_in_a_row_end_the_study_with_one_traceback(project: Project) -> None:
    path = project.study(
        model={"class_path": "tiny.Tiny", "init_args": {"mode": "raise", "when": 1}},
        budget={"trials": 20},
    )
    result = project.run("run", path)
    assert result.returncode == 1
    assert project.states() == ["FAIL"] * 5
    assert result.stderr.count("Traceback") == 1
    assert "RuntimeError: the layer is on fire" in result.stderr
    assert (
        "5 trials in a row ended with the cause error: RuntimeError: the layer is on fire"
        in result.stderr
    )
    assert "studies/study/trials/0004/log.txt" in result.stderr


def test_study_of_failures_alone_exits_with_one(project: Project) -> None:
    path = project.study(
        model={"class_path": "tiny.Tiny", "init_args": {"mode": "raise", "when": 1}},
        budget={"trials": 2},
    )
    result = project.run("run", path)
    assert result.returncode == 1
    assert result.stderr == "study: every trial failed. See `search show study 0`.\n"
    report = project.run("report")
    assert report.returncode == 0, report.stderr


def test_trial_in_which_no_validation_ran_fails_with_the_reason(project: Project) -> None:
    (project.root / "cut.py").write_text(CUT)
    path = project.study(
        model={"class_path": "cut.Cut"},
        trainer={"accelerator": "cpu", "num_sanity_val_steps": 0, "max_epochs": 2},
        space={
            "trainer.check_val_every_n_epoch": {"choice": [1, 10]},
            "trainer.max_epochs": {"choice": [0, 2]},
            "trainer.limit_val_batches": {"choice": [0, 1]},
        },
        constraints=[
            "trainer.check_val_every_n_epoch // 10 + (1 - trainer.limit_val_batches) "
            "+ (2 - trainer.max_epochs) // 2 <= 1"
        ],
        sampler="grid",
        budget={"trials": 4},
    )
    result = project.run("run", path)
    assert result.returncode == 0, result.stderr
    found = {}
    for number in range(4):
        trial = json.loads(project.run("show", str(number), "--json").stdout)
        every, batches, epochs = (value for _, value in sorted(trial["params"].items()))
        found[every, batches, epochs] = (trial["state"], trial["message"])
        # each was killed once and went on
        assert [each["cause"] for each in trial["attempts"]][:-1] == ["killed"] * (epochs > 0)
    none = "objective.metric: val_loss has no value, because no validation ran: "
    no_epoch = ("FAIL", f"{none}trainer.max_epochs is 0. Raise it.")
    no_batch = ("FAIL", f"{none}trainer.limit_val_batches is 0. Raise it.")
    beyond = (
        "FAIL",
        f"{none}the fit ended after 2 epochs, and trainer.check_val_every_n_epoch is 10. "
        "Lower it, or train for longer.",
    )
    assert found == {
        (1, 1, 0): no_epoch,
        (1, 0, 2): no_batch,
        (10, 1, 2): beyond,
        (1, 1, 2): ("COMPLETE", None),
    }


def test_fit_that_a_callback_stops_before_a_validation_is_refused(project: Project) -> None:
    (project.root / "cut.py").write_text(CUT)
    trainer = {"accelerator": "cpu", "max_epochs": 2, "callbacks": [{"class_path": "cut.Stop"}]}
    path = project.study(trainer=trainer)
    result = project.run("run", path)
    assert result.returncode == 2
    assert result.stderr == (
        f"{path}: objective.metric: val_loss has no value, because no validation ran: the fit "
        "ended after 0 steps. Look at max_steps, max_time, val_check_interval, and the callbacks "
        "that stop it.\n"
    )


def test_failed_trial_is_shown_with_its_cause(project: Project) -> None:
    assert project.run("run", mixed(project, "raise"), "--quiet").returncode == 0
    number = project.states().index("FAIL")
    text = plain(project.run("show", str(number)).stdout)
    assert text.startswith(f"study, trial {number} fail (error)\n")
    assert "RuntimeError: the layer is on fire" in text


def test_failure_at_once_is_found_before_any_trial(project: Project) -> None:
    path = project.study(model={"class_path": "tiny.Tiny", "init_args": {"mode": "raise"}})
    result = project.run("run", path)
    assert result.returncode == 2
    assert (
        f"{path}: the model or its data fails before any trial: "
        "RuntimeError: the layer is on fire" in result.stderr
    )
    assert not (project.root / "studies/study").exists()


def test_start_that_fails_keeps_what_the_user_has_in_the_study_folder(project: Project) -> None:
    (project.root / "studies/study").mkdir(parents=True)
    path = project.study("studies/study/mine", objective={"metric": "val_los"})
    (path.parent / "notes.md").write_text("mine")
    (path.parent / "server.log").write_text("mine, too\n")
    before = path.read_bytes()
    assert project.run("run", path, "--name", "study").returncode == 2
    assert path.read_bytes() == before
    left = {each.name for each in path.parent.iterdir()}
    assert left == {"mine.yaml", "notes.md", "server.log"}


def test_metric_that_is_never_logged_is_refused_with_those_that_are(project: Project) -> None:
    path = project.study(objective={"metric": "val_los"})
    result = project.run("run", path)
    assert result.returncode == 2
    assert result.stderr == (
        f"{path}: objective.metric: val_los is not logged at a validation; "
        "logged are val_loss, val_score. Did you mean val_loss?\n"
    )
    assert not (project.root / "studies/study").exists()
