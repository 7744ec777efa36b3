"""A study that its budget stops: told with figures, exit 0, and gone on with by raising it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from conftest import Project
from faults.in_process import command_line
from faults.without_training import Untrained

import search
from search.messages import INTERRUPTED, Ended, Exited, Message, Stop

Run = Callable[..., tuple[int, str]]


class Obedient(Untrained):
    """An executor whose attempts say one thing at a time, and end when they are told to stop."""

    def poll(self, timeout_s: float) -> list[tuple[str, Message]]:
        messages, self._messages = self._messages[:1], self._messages[1:]
        return messages

    def send(self, attempt: str, message: Message) -> None:
        if isinstance(message, Stop):
            self._messages = [(attempt, Ended(INTERRUPTED)), (attempt, Exited(attempt, 0))]


@pytest.fixture
def command(
    project: Project, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Run:
    """The command line, for studies whose trials report two epochs that nobody has trained."""
    monkeypatch.chdir(project.root)
    monkeypatch.setattr("search.engine.place.LocalExecutor", Obedient)
    return command_line(capfd)


def trained(project: Project) -> int:
    """The epochs that all attempts have reported."""
    return sum(
        path.read_text().count('"reported"')
        for path in project.root.glob("studies/study/trials/*/events.jsonl")
    )


def test_study_trains_as_many_epochs_as_its_budget_has_and_goes_on_when_it_is_raised(
    project: Project,
) -> None:
    reference = project.study("reference", budget={"trials": 3})
    assert project.run("run", reference, "--quiet").returncode == 0
    path = project.study(budget={"trials": 3, "epochs": 4})
    result = project.run("run", path)
    assert (result.returncode, result.stderr) == (0, "")
    assert "study study: minimize val_loss, 3 trials, 0 of 4 epochs, 1 worker" in result.stdout
    assert (
        "study study stopped by its budget, 4 of 4 epochs: 1 of 3 trials (1 done" in result.stdout
    )
    assert "go on:  search resume study --total-epochs MORE\n" in result.stdout
    assert project.states() == ["COMPLETE", "WAITING"]
    assert trained(project) == 4

    result = project.run("resume", "study", "--total-epochs", "8")
    assert (result.returncode, result.stderr) == (0, "")
    assert "1 of 3 trials done, 4 of 8 epochs" in result.stdout
    assert "(attempt 2, from epoch 1)" in result.stdout
    assert project.states() == ["COMPLETE", "COMPLETE", "WAITING"]
    assert trained(project) == 8

    # the last epoch ends the last trial: the study is finished, and not stopped
    result = project.run("resume", "study", "--total-epochs", "9")
    assert "study study finished: 3 of 3 trials" in result.stdout
    assert project.curves() == project.curves("reference")


def test_spent_budget_is_told_by_each_start_and_by_whatever_looks(
    project: Project, command: Run
) -> None:
    project.study(budget={"trials": 5, "epochs": 3, "no_improvement": 9})
    run = command("run", "study.yaml")
    assert run[0] == 0
    assert "stopped by its budget, 3 of 3 epochs: 1 of 5 trials" in run[1]
    line = "study 3 of 3 epochs, 0 of 9 trials without a new best\n"
    for look in ("status", "rebuild", "status"):
        code, output = command(look, "study")
        assert code == 0
        assert look == "rebuild" or output.endswith(line)
    (told,) = json.loads(command("status", "--json")[1])
    assert (told["state"], told["asked"]) == ("finished", 5)
    rules = {"epochs": 3, "cost_s": None, "target": None, "no_improvement": 9}
    rules["no_gain"] = None
    assert told["budget"] == rules
    assert (told["spent"]["epochs"], told["spent"]["since_best"]) == (3, 0)
    exported = json.loads(command("export", "study", "--format", "json")[1])
    assert (exported["budget"], exported["trials"][0]["epochs"]) == (rules, 2)

    code, output = command("resume", "study")
    assert code == 0
    assert "stopped by its budget, 3 of 3 epochs: 1 of 5 trials" in output
    assert "go on:  search resume study --total-epochs MORE\n" in output
    assert trained(project) == 3
    # what was asked for last holds for the next resume
    assert command("resume", "study", "--total-epochs", "5", "-q") == (0, "")
    assert "5 of 5 epochs" in command("resume", "study")[1]
    # as the total of trials does, the rules of a run are those of its study file
    assert (
        "from now on: budget.epochs: was 3, is 7"
        in command("run", "study.yaml", "--set", "budget.epochs=7")[1]
    )
    assert trained(project) == 7


def test_budget_without_a_finished_trial_exits_with_one(project: Project, command: Run) -> None:
    project.study(budget={"trials": 5, "epochs": 1})
    assert command("run", "study.yaml", "-q") == (
        1,
        "study: no trial was finished within the budget: 1 of 1 epochs. Give it more: "
        "`search resume study --total-epochs MORE`.\n",
    )
    assert project.states() == ["WAITING"]
    # the first epoch is trained again, and counted again
    assert command("resume", "study", "--total-epochs", "4", "-q") == (0, "")
    assert project.states() == ["COMPLETE", "WAITING"]


@pytest.mark.parametrize(
    ("direction", "option", "trials", "figure"),
    [
        # each trial is better than the one before: 0.5, 0.33, 0.25
        ("minimize", ("--target", "0.3"), 3, "best 0.25, target 0.3"),
        ("minimize", ("--no-improvement", "2"), 20, None),
        ("maximize", ("--no-improvement", "2"), 3, "2 of 2 trials without a new best"),
        ("maximize", ("--target", "0.5"), 1, "best 0.5, target 0.5"),
    ],
)
def test_best_value_stops_a_study(
    project: Project,
    command: Run,
    direction: str,
    option: tuple[str, str],
    trials: int,
    figure: str | None,
) -> None:
    project.study(objective={"metric": "val_loss", "direction": direction}, budget={"trials": 20})
    code, output = command("run", "study.yaml", "--workers", "1", *option)
    assert code == 0
    assert f"stopped by its budget, {figure}: {trials} of 20 trials" in output or figure is None
    assert project.states() == ["COMPLETE"] * trials


def test_cost_is_the_time_of_all_attempts(project: Project, command: Run) -> None:
    project.study(budget={"trials": 500, "cost": "0.02s"})
    code, output = command("run", "study.yaml")
    assert code == 0
    assert "0.0 s of 0.0 s paid: " in output
    assert 0 < len(project.states()) < 500


def test_several_objectives_have_no_best_value(project: Project, command: Run) -> None:
    project.study(objective=None, objectives=[{"metric": "val_loss"}, {"metric": "val_score"}])
    for option in ("--target", "--no-improvement"):
        assert command("run", "study.yaml", option, "1") == (
            2,
            f"{option}: several objectives have no best value. Leave it out, or limit the study "
            "with --total-epochs or --cost.\n",
        )
    assert not (project.root / "studies").exists()


def test_budget_in_python(project: Project, command: Run) -> None:
    project.study(objective={"metric": "val_loss", "direction": "maximize"})
    study = search.Study("study.yaml", budget={"trials": 20, "no_improvement": 3})
    assert len(study.run(quiet=True).trials) == 4
    assert len(study.run(no_improvement=5, quiet=True).trials) == 6
    assert study.record.stopping.no_improvement == 5


def test_child_study_pays_nothing_for_the_trials_that_it_takes_over(
    project: Project, command: Run
) -> None:
    space = {"model.init_args.lr": {"float": [1e-4, 1.0], "log": True}}
    project.study(budget={"trials": 3})
    assert command("run", "study.yaml", "-q") == (0, "")
    project.study("child", space=space, budget={"trials": 9, "epochs": 5})
    assert command("extend", "study", "child.yaml", "--name", "child")[0] == 0
    (told,) = json.loads(command("status", "child", "--json")[1])
    spent: dict[str, Any] = told["spent"]
    assert told["budget"]["epochs"] == 5
    assert (spent["epochs"], spent["cost_s"], spent["best"]) == (0, 0.0, 0.25)
    assert "stopped by its budget, 5 of 5 epochs: 5 of 9 trials" in command("resume", "child")[1]
