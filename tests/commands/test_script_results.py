"""What comes out of a study of a script: exported, trained by its own command line, replayed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from conftest import Project

# its own seed stands before everything that is random
SEEDED = """
import argparse

import lightning.pytorch as pl
import torch
from torch.utils.data import DataLoader, TensorDataset


class Net(pl.LightningModule):
    def __init__(self, width, lr):
        super().__init__()
        self.save_hyperparameters()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(4, width), torch.nn.Dropout(0.1), torch.nn.Linear(width, 1))

    def training_step(self, batch, batch_idx):
        return torch.nn.functional.mse_loss(self.layers(batch[0]), batch[1])

    def validation_step(self, batch, batch_idx):
        self.log("val_loss", torch.nn.functional.mse_loss(self.layers(batch[0]), batch[1]))

    def test_step(self, batch, batch_idx):
        self.log("test_loss", torch.nn.functional.mse_loss(self.layers(batch[0]), batch[1]))

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=self.hparams.lr)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--width", type=int, default=8)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--note", default="")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    pl.seed_everything(given.seed)
    x = torch.randn(96, 4)
    data = TensorDataset(x, x.sum(1, keepdim=True))
    train = DataLoader(data, batch_size=16, shuffle=True)
    held = DataLoader(data, batch_size=32)
    trainer = pl.Trainer(max_epochs=given.epochs, accelerator="cpu", logger=False)
    trainer.fit(Net(given.width, given.lr), train, held)
    print("last", float(trainer.callback_metrics["val_loss"]))
    trainer.test(dataloaders=held)


if __name__ == "__main__":
    main()
"""
UNSEEDED = SEEDED.replace("    pl.seed_everything(given.seed)\n", "")
# its seed is nobody's but its own
STUBBORN = SEEDED.replace("pl.seed_everything(given.seed)", "torch.manual_seed(given.seed)")
LOOK = """
import sys
import search
import torch

study = search.Study("seeded.yaml")
torch.manual_seed(3)
before, main = torch.get_rng_state(), sys.modules["__main__"]
model = study.best.load_model()
kept = torch.load(study.best.checkpoint, weights_only=True)["state_dict"]
assert all(torch.equal(value, kept[name]) for name, value in model.state_dict().items())
assert torch.equal(torch.get_rng_state(), before) and sys.modules["__main__"] is main
print(type(model).__name__, sys.argv, model.hparams.width)
"""
SPACE = {"--lr": {"float": [1e-3, 1e-1], "log": True}}


def study(project: Project, name: str, **changes: object) -> Path:
    """Write a study file of the script of a name."""
    tree: dict[str, object] = {
        "script": f"{name}.py",
        "objective": {"metric": "val_loss", "value": "last"},
        "space": SPACE,
        "pruner": "none",
        "budget": {"trials": 2},
    }
    path = project.root / f"{name}.yaml"
    path.write_text(yaml.safe_dump(tree | changes))
    return path


@pytest.fixture(scope="module")
def finished(shared_project: Project) -> Project:
    """A project with two studies of scripts, one of which seeds nothing."""
    (shared_project.root / "seeded.py").write_text(SEEDED)
    (shared_project.root / "unseeded.py").write_text(UNSEEDED)
    seeded = study(shared_project, "seeded", arguments={"--width": 6, "--note": "two words"})
    assert shared_project.run("run", seeded).returncode == 0
    space = {**SPACE, "trainer.accumulate_grad_batches": {"choice": [2, 3]}}
    unseeded = study(shared_project, "unseeded", space=space)
    assert shared_project.run("run", unseeded).returncode == 0
    return shared_project


def value_of(project: Project, name: str) -> float:
    """The value of the best trial, as `search best` has it."""
    body = yaml.safe_load(project.run("best", name, "--json").stdout)
    return float(body["value"])


def trained(project: Project, folder: str) -> float:
    """The value that the command of an exported folder comes to, without this tool."""
    forbidden = project.root / "forbidden"
    forbidden.mkdir(exist_ok=True)
    (forbidden / "search.py").write_text("raise ImportError('search is not installed')")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    plain = subprocess.run(
        ["sh", f"{folder}/train.sh"],
        cwd=project.root,
        env={**project.environment(), "PATH": path, "PYTHONPATH": str(forbidden)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert plain.returncode == 0, plain.stderr
    return float(plain.stdout.partition("last ")[2].split()[0])


@pytest.mark.real
@pytest.mark.parametrize("name", ["seeded", "unseeded"])
def test_export_and_replay_of_a_script_come_to_the_very_value(finished: Project, name: str) -> None:
    exported = finished.run("export", name, f"best_{name}")
    assert exported.returncode == 0, exported.stderr
    assert exported.stdout.endswith(f"train it again: sh best_{name}/train.sh\n")
    value = value_of(finished, name)
    assert trained(finished, f"best_{name}") == value
    replayed = finished.run("replay", f"best_{name}")
    assert replayed.returncode == 0, replayed.stderr
    assert f"val_loss now   {value!r}\ndifference  0\n" in replayed.stdout


@pytest.mark.real
def test_command_of_a_script_that_seeds_itself_is_its_own_alone(finished: Project) -> None:
    assert finished.run("export", "seeded", "own").returncode == 0
    names = {path.name for path in (finished.root / "own").iterdir()}
    assert {"train.sh", "best.ckpt", "trial.json", "REPRODUCE.md"} <= names
    assert "launch.py" not in names
    last = (finished.root / "own" / "train.sh").read_text().splitlines()[-1]
    assert last.startswith("exec python seeded.py --note 'two words' --width 6 --lr 0.0")


@pytest.mark.real
def test_what_no_command_line_can_say_is_in_a_launcher(finished: Project) -> None:
    assert finished.run("export", "unseeded", "launched", "--trial", "0").returncode == 0
    text = (finished.root / "launched" / "train.sh").read_text()
    assert "# launch.py runs the script, and seeds with 42 before the script draws" in text
    assert "lays accumulate_grad_batches=" in text
    assert 'exec python "$(dirname "$0")/launch.py" unseeded.py --lr 0.0' in text


def test_replay_says_which_file_of_a_script_is_missing(finished: Project) -> None:
    assert finished.run("export", "seeded", "damaged").returncode == 0
    (finished.root / "damaged" / "train.sh").unlink()
    refused = finished.run("replay", "damaged")
    assert refused.returncode == 2
    again = "Export the trial again: `search export FOLDER`."
    assert refused.stderr == f"damaged/train.sh: is missing. {again}\n"


@pytest.mark.real
def test_test_of_a_script_is_its_own_with_the_weights_of_the_checkpoint(finished: Project) -> None:
    tested = finished.run("test", "seeded", "--json")
    assert tested.returncode == 0, tested.stderr
    # the script tests on what it validates on
    metrics = yaml.safe_load(tested.stdout)["metrics"]
    assert metrics["test_loss"] == pytest.approx(value_of(finished, "seeded"), rel=1e-6)


@pytest.mark.real
def test_confirm_gives_a_script_other_seeds(finished: Project) -> None:
    confirmed = finished.run("confirm", "seeded", "--top", "1", "--seeds", "2", "--json")
    assert confirmed.returncode == 0, confirmed.stderr
    (finalist,) = yaml.safe_load(confirmed.stdout)["finalists"]
    # the script calls seed_everything with a seed of its own, and draws otherwise all the same
    assert len(set(finalist["values"])) == 2
    assert value_of(finished, "seeded") not in finalist["values"]
    exported = finished.run("export", "seeded-confirm", "confirmed")
    assert exported.returncode == 0, exported.stderr
    assert trained(finished, "confirmed") == value_of(finished, "seeded-confirm")


@pytest.mark.real
def test_confirm_needs_the_argument_of_a_seed_that_nothing_else_sets(finished: Project) -> None:
    (finished.root / "stubborn.py").write_text(STUBBORN)
    path = study(finished, "stubborn", budget={"trials": 1})
    assert finished.run("run", path).returncode == 0
    asked = ["confirm", "stubborn", "--top", "1", "--seeds", "2", "--json"]
    refused = finished.run(*asked)
    assert refused.returncode == 2
    assert refused.stderr == (
        "stubborn: stubborn.py draws the same whatever the seed: it seeds itself, and not with "
        "seed_everything. Name its argument: --seed-argument --seed.\n"
    )
    confirmed = finished.run(*asked, "--seed-argument", "--seed")
    assert confirmed.returncode == 0, confirmed.stderr
    (finalist,) = yaml.safe_load(confirmed.stdout)["finalists"]
    assert len(set(finalist["values"])) == 2


@pytest.mark.real
def test_model_of_a_script_is_loaded_and_the_process_stays_as_it_was(finished: Project) -> None:
    (finished.root / "look.py").write_text(LOOK)
    looked = finished.python("look.py")
    assert looked.returncode == 0, looked.stderr
    assert looked.stdout.splitlines()[-1] == "Net ['look.py'] 6"


def test_trial_of_a_script_shows_its_command_line(finished: Project) -> None:
    shown = finished.run("show", "seeded", "0")
    (runs,) = [line for line in shown.stdout.splitlines() if line.startswith("runs ")]
    assert "python seeded.py --note 'two words' --width 6 --lr 0.0" in runs


@pytest.mark.parametrize("words", [["--lr=0.01"], ["--lr", "0.01"]])
def test_values_of_options_are_enqueued_as_they_are_typed(
    finished: Project, words: list[str]
) -> None:
    enqueued = finished.run("enqueue", "unseeded", *words)
    assert enqueued.returncode == 0, enqueued.stderr
    assert enqueued.stdout.startswith("unseeded: enqueued arguments.--lr=0.01\n")
    refused = finished.run("enqueue", "unseeded", "--rl=0.01")
    assert refused.returncode == 2
    assert "is not searched. Did you mean" in refused.stderr
