"""A script that goes wrong before, at or after its fit: one line that names the place."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from conftest import Project

PROJECTS = Path(__file__).parents[1] / "projects/scripts"
HEAD = """\
import argparse, sys
from lightning.pytorch import Trainer, seed_everything
from nets import Net, Points

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=1e-3)
args = parser.parse_args()
trainer = Trainer(max_epochs=2, accelerator="cpu")
"""
FIT = "trainer.fit(Net(args.lr), datamodule=Points())\n"
RAISES = """
class Broken(Net):
    def __init__(self, lr):
        raise ValueError("3 heads do not divide 8")

trainer.fit(Broken(args.lr), datamodule=Points())
"""
REMEDY = "Correct arguments and space, so that it trains."


def run_script(project: Project, text: str, **changes: Any) -> tuple[int, str, str]:
    """Run one trial of a script; returns the exit code and what is printed."""
    shutil.copy(PROJECTS / "nets.py", project.root)
    (project.root / "train.py").write_text(text)
    sections = {"script": "train.py", "space": {"--lr": {"float": [1e-3, 1e-1], "log": True}}}
    path = project.study(**{"model": None, "trainer": None, **sections, **changes})
    result = project.run("run", path.name, "--trials", "1")
    return result.returncode, result.stdout, result.stderr


@pytest.mark.parametrize(
    ("text", "changes", "told"),
    [
        pytest.param(
            HEAD + 'print("nothing to do for", sys.argv[1])',
            {},
            "script: train.py never reaches Trainer.fit, after it said: nothing to do for --lr. "
            + REMEDY,
            id="no fit",
        ),
        pytest.param(
            HEAD + FIT,
            {"arguments": {"--rate": 3}},
            "script: train.py ends with status 2 before Trainer.fit, after it said: train.py: "
            f"error: unrecognized arguments: --rate 3. {REMEDY}",
            id="wrong argument",
        ),
        pytest.param(
            HEAD + 'sys.exit("no data: run prepare.py first")',
            {},
            "script: train.py ends with status 1 before Trainer.fit, after it said: no data: run "
            f"prepare.py first. {REMEDY}",
            id="ends with words",
        ),
        pytest.param(
            HEAD + FIT + FIT,
            {"fit": 3},
            "fit: 3 is asked for, and train.py has 2 fits. Name one of those.",
            id="too few fits",
        ),
        pytest.param(
            HEAD + FIT,
            {"script": "nowhere.py"},
            "script: no such file, got nowhere.py. Write the path from where you run this.",
            id="no file",
        ),
        pytest.param(
            HEAD + FIT,
            {"script": {"module": "package.train"}},
            "script: there is no module package.train to run. Write module: my_package.train.",
            id="no module",
        ),
        pytest.param(
            HEAD + FIT,
            {"objective": {"metric": "val_accuracy"}},
            "objective.metric: val_accuracy is not logged at a validation; logged are train_loss, "
            "val_loss. Name one of these, or log it.",
            id="metric that is not logged",
        ),
    ],
)
def test_script_that_cannot_be_a_trial_is_told_in_one_line(
    project: Project, text: str, changes: dict[str, Any], told: str
) -> None:
    code, _, errors = run_script(project, text, **changes)
    assert (code, errors) == (2, f"study.yaml: {told}\n")
    assert not (project.root / "studies").exists()


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (HEAD + RAISES, "ValueError: 3 heads do not divide 8 (train.py, line 12)"),
        ("import nothing_of_that_name", "ModuleNotFoundError: No module named"),
        ("def f(:\n    pass", "SyntaxError: invalid syntax (train.py, line 1)."),
    ],
)
def test_script_that_raises_before_its_fit_is_named_with_its_line(
    project: Project, text: str, error: str
) -> None:
    code, _, errors = run_script(project, text)
    assert code == 2
    assert errors.startswith(f"study.yaml: script: train.py fails before any trial: {error}")
    assert not (project.root / "studies").exists()


@pytest.mark.parametrize(
    ("end", "error"),
    [
        ("raise RuntimeError('no display')", "RuntimeError: no display (train.py, line 10)"),
        ("sys.exit(3)", "SystemExit: 3 (train.py, line 10)"),
    ],
)
def test_trial_keeps_its_value_where_the_script_fails_after_its_fit(
    project: Project, end: str, error: str
) -> None:
    code, output, errors = run_script(project, HEAD + FIT + end)
    assert code == 0, errors
    assert (
        "script: train.py fails after its fit of one batch, and a trial keeps its value then: "
        f"{error}\n"
    ) in output
    told = f"the script failed after its fit, whose value counts: {error}"
    assert f"\n            {told}\n" in output
    assert project.states() == ["COMPLETE"]
    assert told in project.run("show", "study", "0").stdout


def test_words_and_logs_after_the_fit_are_the_trials(project: Project) -> None:
    after = (
        'trainer.logger.log_metrics({"after": 2.5}, step=9)\n'
        "trainer.test(Net(args.lr), datamodule=Points())\n"
        'print("the end of", parser.prog)\n'
        "sys.exit(0)"
    )
    code, output, errors = run_script(project, HEAD + FIT + after)
    assert code == 0, errors
    assert "fails" not in output
    trial = project.root / "studies/study/trials/0000"
    assert (trial / "log.txt").read_text().endswith("the end of train.py\n")
    header, *rows = (trial / "logs/metrics.csv").read_text().splitlines()
    assert {"after", "test_loss", "val_loss"} <= set(header.split(","))
    assert any(row.startswith("2.5,") for row in rows)
    message = next(e for e in project.events(0) if e["event"] == "attempt_ended")["message"]
    assert message is None


def test_script_of_two_fits_says_which_one_counts(project: Project) -> None:
    # a Trainer that has reached its max_epochs would train no second time
    another = 'trainer = Trainer(max_epochs=2, accelerator="cpu")\n'
    code, output, errors = run_script(project, HEAD + FIT + another + FIT)
    assert code == 0, errors
    told = "script: train.py has 2 fits, and the last one counts. Write fit: 1 for the first.\n"
    assert told in output
