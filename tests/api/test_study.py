"""A study from a script: one that a user would write, run by a real interpreter."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import TINY, Project

CLASSES = f"""{TINY}

class Lines(pl.LightningDataModule):
    def __init__(self, slope: float = 2.0):
        super().__init__()
        self.slope = slope

    def train_dataloader(self):
        x = torch.linspace(-1, 1, 32).unsqueeze(1)
        return DataLoader(TensorDataset(x, self.slope * x), batch_size=8)

    val_dataloader = train_dataloader
"""
MAKE = """
import json, sys
import search

study = search.Study(
    model=Tiny,
    model_args={"width": 3, "pause": PAUSE},
    data=Lines,
    data_args={"slope": 3.0},
    trainer={"max_epochs": 3, "accelerator": "cpu"},
    space={"model.lr": search.Log(1e-3, 1e-1), "model.width": search.Int(2, 6)},
    metric="val_loss",
    pruner="none",
    name="scripted",
)
"""
LOOK = """
    study.run(trials=3, workers=2)
    model = study.best.load_model()
    trainer = pl.Trainer(accelerator="cpu", logger=False, enable_progress_bar=False)
    (again,) = trainer.validate(model, Lines(3.0), verbose=False)
    frame = study.trials_dataframe()
    print(json.dumps({
        "is_of_this_class": isinstance(model, Tiny),
        "width": model.hparams.width,
        "validated": again["val_loss"],
        "value": study.best.value,
        "params": study.best.params,
        "number": study.best.number,
        "checkpoint": str(study.best.checkpoint),
        "config": study.best.load_config(),
        "columns": list(frame.columns),
        "numbers": frame["number"].tolist(),
        "widths": frame["params_model.init_args.width"].tolist(),
        "figure": json.loads(study.plot("history").to_json())["data"][0]["name"],
        "report": str(study.report()),
        "html": study._repr_html_(),
        "states": [trial.state for trial in study.trials],
    }))
"""


def python(
    project: Project, name: str, text: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a script of the user's, written first if `text` is given."""
    if text is not None:
        (project.root / name).write_text(text)
    return subprocess.run(
        [sys.executable, name],
        cwd=project.root,
        env=project.environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


def script(body: str, guard: str = 'if __name__ == "__main__":', pause: float = 0.0) -> str:
    return f"{CLASSES}{MAKE.replace('PAUSE', str(pause))}\n{guard}\n{body}"


@pytest.fixture(scope="module")
def scripted(shared_project: Project) -> dict[str, Any]:
    """What a script with its own classes sees of the study that it ran."""
    result = python(shared_project, "my_script.py", script(LOOK))
    assert result.returncode == 0, result.stderr
    assert "study scripted finished: 3 of 3 trials" in result.stdout
    seen: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return seen


def test_classes_of_the_script_train_in_the_trials(scripted: dict[str, Any]) -> None:
    assert scripted["states"] == ["COMPLETE"] * 3
    assert scripted["config"]["model"]["class_path"] == "my_script.Tiny"
    assert scripted["config"]["data"] == {
        "class_path": "my_script.Lines",
        "init_args": {"slope": 3.0},
    }
    assert "objective" not in scripted["config"]


def test_best_model_is_of_the_scripts_class_and_has_the_value(scripted: dict[str, Any]) -> None:
    assert scripted["is_of_this_class"]
    assert scripted["width"] == scripted["params"]["model.init_args.width"]
    assert scripted["validated"] == pytest.approx(scripted["value"], rel=1e-5)
    assert scripted["checkpoint"].endswith(f"trials/000{scripted['number']}/best.ckpt")


def test_dataframe_has_the_columns_of_optuna(scripted: dict[str, Any]) -> None:
    assert scripted["columns"] == [
        "number",
        "value",
        "datetime_start",
        "datetime_complete",
        "duration",
        "params_model.init_args.lr",
        "params_model.init_args.width",
        "user_attrs_cause",
        "user_attrs_message",
        "user_attrs_micro_batch",
        "user_attrs_accumulation",
        "user_attrs_effective_batch",
        "state",
    ]
    assert scripted["numbers"] == [0, 1, 2]
    assert scripted["params"]["model.init_args.width"] in scripted["widths"]


def test_figure_report_and_rich_output(scripted: dict[str, Any], shared_project: Project) -> None:
    assert scripted["figure"] == "complete"
    assert (shared_project.root / scripted["report"]).read_text().startswith("<!")
    assert "3 of 3 trials finished: 3 done, 0 pruned, 0 failed" in scripted["html"]


def test_command_line_goes_on_with_the_study_of_a_script(
    scripted: dict[str, Any], shared_project: Project
) -> None:
    best = shared_project.run("best", "-s", "scripted", "--json")
    assert json.loads(best.stdout)["value"] == scripted["value"]
    more = shared_project.run("resume", "scripted", "--trials", "4", "--quiet")
    assert more.returncode == 0, more.stderr
    assert shared_project.states("scripted") == ["COMPLETE"] * 4


def test_study_of_a_file_runs_without_torch_in_the_script(project: Project) -> None:
    project.study(budget={"trials": 5})
    result = python(
        project,
        "from_file.py",
        """
import json, sys
import search

if __name__ == "__main__":
    study = search.Study(
        "study.yaml",
        trainer={"max_epochs": 1},
        space={"model.lr": search.Float(0.01, 0.02)},
        sampler="random",
        name="narrow",
    )
    assert study.run(trials=1, quiet=True) is study
    print("torch" in sys.modules, study.best.curve == {1: study.best.value})
    print(study.best.params["model.init_args.lr"] <= 0.02, list(study.folder.parts))
    study.run(trials=1)
    print(type(study.best.load_model()).__module__)
""",
    )
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[:3] == [
        "False True",
        "True ['studies', 'narrow']",
        "study narrow: minimize val_loss, 1 of 1 trials done, 1 worker",
    ]
    assert lines[-1] == "tiny"
    config = (project.root / "studies/narrow/study.yaml").read_text()
    assert "accelerator: cpu" in config
    assert "max_epochs: 1" in config


def test_script_without_a_guard_gets_one_line_and_no_study(project: Project) -> None:
    result = python(project, "bare.py", script("study.run(trials=3, quiet=True)", guard=""))
    assert result.returncode == 1
    line = len((project.root / "bare.py").read_text().splitlines())
    assert result.stderr.splitlines()[-1] == (
        "search.errors.StudyFileError: Study: model.class_path: importing bare fails at bare.py, "
        f"line {line}: it runs a study, and so would each trial that imports it. "
        "Put that under `if __name__ == '__main__':`."
    )
    assert not (project.root / "studies").exists()


def test_interrupt_saves_and_is_a_keyboard_interrupt(
    project: Project, wait_for: Callable[..., Any]
) -> None:
    body = """
    try:
        study.run(trials=2, quiet=len(sys.argv) > 1)
    except KeyboardInterrupt:
        print("saved", study.trials[0].state, len(study.trials[0].curve))
"""
    (project.root / "slow.py").write_text(script(body, pause=0.2))
    process = subprocess.Popen(
        [sys.executable, "slow.py"],
        cwd=project.root,
        env=project.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    project.started.append(process)
    wait_for(lambda: project.epochs(study="scripted") >= 1, "a first report")
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert "study scripted interrupted, everything is saved" in output
    word, state, steps = output.splitlines()[-1].split()
    assert (word, state) == ("saved", "WAITING")
    again = python(project, "slow.py")
    assert again.returncode == 0, again.stderr
    assert f"trial    0  started (attempt 2, from epoch {steps})" in again.stdout
    assert project.states("scripted") == ["COMPLETE", "COMPLETE"]


@pytest.mark.real
def test_names_are_read_when_they_are_used() -> None:
    code = """
import search, sys
print([name for name in ("torch", "optuna", "pydantic") if name in sys.modules])
assert all(getattr(search, name) for name in dir(search))
print("torch" in sys.modules)
"""
    output = subprocess.run(
        [sys.executable, "-P", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path("/"),
    ).stdout
    assert output == "[]\nFalse\n"
