"""Population based training with the real command: branches, kills, and what is shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Project

EPOCHS, POPULATION, TRIALS = 4, 5, 8

# two groups, a schedule and momentum: what a checkpoint brings along, and what it must not
MODULE = """
import json

import torch
import tiny


class Scheduled(tiny.Tiny):
    def __init__(self, lr: float = 0.1, width: int = 4, decay: float = 0.0, gamma: float = 0.5,
                 pause: float = 0.0):
        super().__init__(lr=lr, width=width, pause=pause)
        self.decay, self.gamma = decay, gamma

    def configure_optimizers(self):
        groups = [
            {"params": self.layers[0].parameters()},
            {"params": self.layers[2].parameters(), "lr": self.lr / 2},
        ]
        optimizer = torch.optim.SGD(groups, lr=self.lr, weight_decay=self.decay, momentum=0.9)
        return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, 2, self.gamma)]

    def on_train_batch_start(self, batch, batch_idx):
        if batch_idx == 0:
            optimizer = self.optimizers().optimizer
            told = {
                "epoch": self.current_epoch,
                "rates": [group["lr"] for group in optimizer.param_groups],
                "decays": [group["weight_decay"] for group in optimizer.param_groups],
                "gamma": self.lr_schedulers().gamma,
                "momenta": len(optimizer.state),
                "weights": float(sum(each.sum() for each in self.parameters())),
            }
            print("EPOCH", json.dumps(told), flush=True)
"""


def study(project: Project, name: str = "study", **changes: Any) -> Path:
    """Write the study file; `changes` replace its sections."""
    (project.root / "scheduled.py").write_text(MODULE)
    init = {"pause": 0.005}
    sections: dict[str, Any] = {
        "model": {"class_path": "scheduled.Scheduled", "init_args": init},
        "trainer": {"max_epochs": EPOCHS, "accelerator": "cpu", "num_sanity_val_steps": 0},
        "space": {
            "model.lr": {"float": [1e-4, 1e-1], "log": True},
            "model.decay": {"float": [0.01, 0.1]},
            "model.gamma": {"float": [0.3, 0.9]},
            "model.width": {"int": [2, 8]},
        },
        "scheduler": {"name": "pbt", "population": POPULATION},
        "sampler": "random",
        "pruner": "none",
        "budget": {"trials": TRIALS},
    }
    return project.study(name, **(sections | changes))


def branches(project: Project, name: str = "study", trials: int = TRIALS) -> dict[int, Any]:
    """Where each trial began that began at the checkpoint of another."""
    begun = {n: project.events(n, name)[0] for n in range(trials)}
    return {n: event["branch"] for n, event in begun.items() if "branch" in event}


def printed(project: Project, number: int) -> dict[int, dict[str, Any]]:
    """What a trial had at the beginning of each epoch."""
    lines = (project.root / f"studies/study/trials/{number:04d}/log.txt").read_text().splitlines()
    told = [json.loads(line.partition(" ")[2]) for line in lines if line.startswith("EPOCH")]
    return {each["epoch"]: each for each in told}


@pytest.fixture(scope="module")
def reference(shared_project: Project) -> Project:
    """The study when nothing happens to it, with two workers."""
    result = shared_project.run("run", study(shared_project), "--workers", "2")
    assert result.returncode == 0, result.stderr
    return shared_project


def test_those_that_fall_behind_give_their_place_to_branches(reference: Project) -> None:
    states, curves = reference.states(), reference.curves()
    found = branches(reference)
    assert sorted(found) == [5, 6, 7]
    assert states.count("COMPLETE") == POPULATION
    assert {each["replaces"] for each in found.values()} == {
        number for number, state in enumerate(states) if state == "PRUNED"
    }
    for number, branch in found.items():
        assert min(curves[number]) == branch["step"] + 1
        assert max(curves[branch["replaces"]]) == branch["step"]
        assert curves[branch["source"]][branch["step"]] < curves[branch["replaces"]][branch["step"]]


def test_branch_goes_on_from_the_very_weights_with_its_own_hyperparameters(
    reference: Project,
) -> None:
    for number, branch in branches(reference).items():
        params, source = (reference.events(n)[0]["params"] for n in (number, branch["source"]))
        lr, width = "model.init_args.lr", "model.init_args.width"
        assert params[width] == source[width]
        assert params != source
        epoch = min(printed(reference, number))
        assert epoch == branch["epoch"]
        begun = printed(reference, number)[epoch]
        # what the source went on with itself
        went_on = printed(reference, branch["source"])[epoch]
        assert begun["weights"] == went_on["weights"]
        assert begun["momenta"] == 4
        assert begun["gamma"] == params["model.init_args.gamma"]
        assert begun["decays"] == [params["model.init_args.decay"]] * 2
        # as far along its schedule, from its own beginning
        expected = [rate * params[lr] / source[lr] for rate in went_on["rates"]]
        assert begun["rates"] == pytest.approx(expected, rel=1e-12)


def test_branch_has_the_value_of_its_own_epochs_and_their_number(reference: Project) -> None:
    curves = reference.curves()
    for number, branch in branches(reference).items():
        shown = json.loads(reference.run("show", "study", str(number), "--json").stdout)
        assert shown["branch"] == branch
        assert shown["epochs"] == len(curves[number])
        if shown["state"] == "COMPLETE":
            assert shown["value"] == min(curves[number].values())


def test_no_checkpoint_is_left_that_only_branches_needed(reference: Project) -> None:
    trials = reference.root / "studies/study/trials"
    names = {path.name for path in trials.rglob("*.ckpt")}
    assert names == {"best.ckpt", "last.ckpt"}


def test_show_why_and_report_tell_the_branch(reference: Project) -> None:
    number, branch = next(iter(branches(reference).items()))
    text = f"branched from trial {branch['source']} at epoch {branch['epoch']}"
    assert text in reference.run("show", "study", str(number)).stdout
    why = reference.run("why", "study", str(number)).stdout
    source, epoch = branch["source"], branch["epoch"]
    assert f"branched: begins at the checkpoint of trial {source} after epoch {epoch}" in why
    ended = reference.run("why", "study", str(branch["replaces"])).stdout
    assert "closed at epoch 1: left behind at epoch 1: " in ended
    assert f" is number 5 of 5; trial {number} goes on from trial {source}'s checkpoint" in ended
    assert reference.run("report", "study").returncode == 0
    assert text in (reference.root / "studies/study/report.html").read_text()


def test_show_tells_the_schedule_that_was_found(reference: Project) -> None:
    number = max(branches(reference))
    shown = json.loads(reference.run("show", "study", str(number), "--json").stdout)
    way = shown["lineage"]
    assert [each["trial"] for each in way][-2:] == [shown["branch"]["source"], number]
    assert way[0]["trial"] < POPULATION
    assert [each["first_epoch"] for each in way][1:] == [
        each["last_epoch"] + 1 for each in way[:-1]
    ]
    assert way[-1]["params"] == shown["params"]
    text = reference.run("show", "study", str(number)).stdout
    header = next(line for line in text.splitlines() if line.startswith("trial   epochs"))
    assert "lr" in header
    assert "width" not in header
    assert json.loads(reference.run("show", "study", "0", "--json").stdout)["lineage"] == []


def test_branch_is_not_trained_again_from_its_first_step(reference: Project) -> None:
    complete = [n for n in branches(reference) if reference.states()[n] == "COMPLETE"]
    number = complete[0]
    result = reference.run("export", "study", "folder", "--trial", str(number))
    assert result.returncode == 2
    assert "training from the first step would come to something else" in result.stderr
    assert not (reference.root / "folder").exists()
    result = reference.run("confirm", "study", "--top", "3")
    assert result.returncode == 2
    assert "Confirm a study without pbt" in result.stderr


def test_rebuilt_database_is_the_same(reference: Project) -> None:
    before = reference.states(), reference.curves()
    (reference.root / "studies/study/study.db").unlink()
    assert reference.run("rebuild", "study").returncode == 0
    assert (reference.states(), reference.curves()) == before


def test_one_worker_comes_to_the_same_as_two(reference: Project) -> None:
    assert reference.run("run", study(reference, "alone"), "-q").returncode == 0
    assert branches(reference, "alone") == branches(reference)
    assert reference.curves("alone") == reference.curves("study")


@pytest.mark.parametrize("reports", [3, 8, 12])
def test_study_that_is_killed_goes_on_as_if_nothing_had_happened(
    project: Project, reference: Project, wait_for: Callable[..., Any], reports: int
) -> None:
    process = project.start("run", study(project), "--workers", "2")

    def reported() -> bool:
        events = project.root.glob("studies/study/trials/*/events.jsonl")
        return sum(path.read_text().count('"reported"') for path in events) >= reports

    wait_for(reported, f"{reports} reports")
    process.kill()
    process.communicate(timeout=60)
    result = project.run("resume", "study", "--workers", "2")
    assert result.returncode == 0, result.stderr
    assert branches(project) == branches(reference)
    assert project.curves() == reference.curves()
    assert project.states() == reference.states()


def test_named_parameters_alone_change(project: Project) -> None:
    path = study(project, scheduler={"name": "pbt", "population": 4, "perturb": ["lr", "decay"]})
    assert project.run("run", path).returncode == 0
    found = branches(project)
    assert found
    for number, branch in found.items():
        params, source = (project.events(n)[0]["params"] for n in (number, branch["source"]))
        changed = {name.rpartition(".")[2] for name in params if params[name] != source[name]}
        assert changed <= {"lr", "decay"}


def test_parameter_that_a_checkpoint_does_not_fit_is_told_in_one_line(project: Project) -> None:
    path = study(project, scheduler={"name": "pbt", "population": 4, "perturb": ["width"]})
    project.run("run", path)
    number = project.states().index("FAIL")
    (end,) = [each for each in project.events(number) if each["event"] == "attempt_ended"]
    source = project.events(number)[0]["branch"]["source"]
    assert end["message"].startswith(
        f"trial {number} cannot go on from trial {source}'s checkpoint: "
    )
    assert "size mismatch for layers.0.weight" in end["message"]
    assert end["message"].endswith(
        "Name the parameters that may change under way: {name: pbt, perturb: [lr]}."
    )
    assert "\n" not in end["message"]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"scheduler": {"name": "pbt", "perturb": "lr"}}, "scheduler.perturb: must be a list"),
        (
            {"scheduler": {"name": "pbt", "perturb": ["rl"]}},
            "scheduler.perturb.0: rl is not searched. Did you mean lr?",
        ),
        (
            {"scheduler": {"name": "pbt", "perturb": [["lr"]]}},
            "scheduler.perturb.0: [lr] is not searched.",
        ),
        (
            {"scheduler": {"name": "pbt", "population": 4, "interval": EPOCHS}},
            "scheduler.interval: a trial is at its end before it comes to the first stop",
        ),
        ({"scheduler": {"name": "pbt", "min_resource": 1}}, "pbt has no such option"),
        ({"scheduler": "pbt"}, "Ask for more trials (--trials 60), or for a smaller population."),
        ({"audit": 0.1}, "Remove audit."),
        ({"trainer": {"max_time": "00:00:10:00"}}, "scheduler: pbt needs to know how far"),
    ],
)
def test_what_does_not_go_with_it_is_told_in_one_line(
    project: Project, changes: dict[str, Any], text: str
) -> None:
    result = project.run("run", study(project, **changes))
    assert result.returncode == 2
    assert text in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert not (project.root / "studies").exists()


def test_study_that_began_without_it_has_to_name_what_may_change(project: Project) -> None:
    plain = study(project, scheduler="none", budget={"trials": 1})
    assert project.run("run", plain).returncode == 0
    result = project.run("run", study(project))
    assert result.returncode == 2
    assert "Name those that may change: {name: pbt, perturb: [lr]}." in result.stderr
    named = {"name": "pbt", "population": POPULATION, "perturb": ["lr"]}
    result = project.run("run", study(project, scheduler=named))
    assert result.returncode == 0, result.stderr
    assert branches(project)


def test_branch_of_two_processes_goes_on_in_two(project: Project) -> None:
    trainer = {
        "max_epochs": 3,
        "accelerator": "cpu",
        "num_sanity_val_steps": 0,
        "devices": 2,
        "strategy": "ddp",
    }
    scheduler = {"name": "pbt", "population": 2}
    path = study(project, trainer=trainer, scheduler=scheduler, budget={"trials": 3})
    result = project.run("run", path)
    assert result.returncode == 0, result.stderr
    ((number, branch),) = branches(project, trials=3).items()
    assert project.states()[number] == "COMPLETE"
    begun = printed(project, number)[branch["epoch"]]
    assert begun["weights"] == printed(project, branch["source"])[branch["epoch"]]["weights"]
    assert begun["gamma"] == project.events(number)[0]["params"]["model.init_args.gamma"]


SCRIPT = """
import argparse

import pytorch_lightning as pl
from scheduled import Scheduled

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--decay", type=float, default=0.0)
arguments = parser.parse_args()
pl.seed_everything(1)
trainer = pl.Trainer(max_epochs=3, accelerator="cpu", logger=False, enable_progress_bar=False)
trainer.fit(Scheduled(lr=arguments.lr, decay=arguments.decay))
"""


def test_script_goes_on_from_the_checkpoint_of_another_trial(project: Project) -> None:
    (project.root / "train.py").write_text(SCRIPT)
    path = study(
        project,
        model=None,
        script="train.py",
        trainer={"max_epochs": 3},
        space={
            "--lr": {"float": [1e-4, 1e-1], "log": True},
            "--decay": {"float": [0.01, 0.1]},
        },
        scheduler={"name": "pbt", "population": 3},
        budget={"trials": 4},
    )
    result = project.run("run", path)
    assert result.returncode == 0, result.stderr
    ((number, branch),) = branches(project, trials=4).items()
    begun = printed(project, number)[branch["epoch"]]
    went_on = printed(project, branch["source"])[branch["epoch"]]
    assert begun["weights"] == went_on["weights"]
    assert begun["decays"] == [project.events(number)[0]["params"]["arguments.--decay"]] * 2


def test_fewer_trials_than_a_population_end_a_study_that_began(reference: Project) -> None:
    before = reference.states()
    result = reference.run("run", "study.yaml", "--trials", "3")
    assert result.returncode == 0, result.stderr
    assert reference.states() == before


def test_child_takes_over_what_began_by_itself_and_branches_in_turn(reference: Project) -> None:
    study(reference, "child", budget={"trials": 12})
    result = reference.run("extend", "study", "child.yaml")
    assert result.returncode == 0, result.stderr
    assert "left behind: began at the checkpoint of another: trials 5, 6, 7" in result.stdout
    result = reference.run("resume", "child")
    assert result.returncode == 0, result.stderr
    begun = [reference.events(number, "child")[0] for number in range(12)]
    assert [number for number, each in enumerate(begun) if "branch" in each][:1] == [10]
    # shapes of the model change with it, as the parent found out
    width = "model.init_args.width"
    for each in begun[10:]:
        assert each["params"][width] == begun[each["branch"]["source"]]["params"][width]


def test_child_that_searches_more_has_to_name_what_may_change(reference: Project) -> None:
    space = {
        "model.lr": {"float": [1e-4, 1e-1], "log": True},
        "model.decay": {"float": [0.01, 0.1]},
        "model.gamma": {"float": [0.3, 0.9]},
        "model.width": {"int": [2, 8]},
        "model.pause": {"float": [0.0, 0.01]},
    }
    study(reference, "wider", space=space, model={"class_path": "scheduled.Scheduled"})
    result = reference.run("extend", "study", "wider.yaml")
    assert result.returncode == 2
    assert result.stderr == (
        "scheduler: study did not find out which parameters of the child change the shape of the "
        "model. Name those that may change: {name: pbt, perturb: [lr]}.\n"
    )
    assert not (reference.root / "studies/wider").exists()
