"""Scripts as strangers write them: each is searched, killed in the middle, pruned, exported and
replayed.

One study of three trials a script: the first undisturbed, the second of the same values and killed
in the middle, the third hopeless.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conftest import Project

from search.plain.yaml import dump_yaml, read_yaml

pytestmark = pytest.mark.real

PROJECTS = Path(__file__).parent.parent / "projects/scripts"
STUDIES = (
    "argparse_kwargs/study",
    "argparse_kwargs/ranks",
    "click_command/study",
    "default_checkpoint/study",
    "fire_function/study",
    "folds/study",
    "folds/second",
    "hydra_app/study",
    "hydra_app/chdir",
    "hydra_app/ranks",
    "hydra_compose/study",
    "jsonargparse_function/study",
    "logged_hyperparams/study",
    "lr_find/study",
    "manual_optimization/study",
    "no_guard/study",
    "older_namespace/study",
    "options_module/study",
    "own_callbacks/study",
    "own_checkpoint/study",
    "package_module/study",
    "swallows_exceptions/study",
    "trainer_subclass/study",
    "two_fits/study",
    "two_fits/first",
    "typer_app/study",
)
REFERENCE, KILLED, HOPELESS = range(3)


@dataclass(frozen=True)
class Studied:
    """A script whose study is over.

    project: its folder, with the study `study` in it.
    output: what the run printed.
    before: the files of the folder before the run.
    """

    project: Project
    output: str
    before: dict[Path, bytes]

    def log(self, number: int) -> str:
        """What the attempts of a trial printed."""
        return (self.project.root / f"studies/study/trials/{number:04d}/log.txt").read_text()


@pytest.fixture(scope="module", params=STUDIES)
def studied(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Studied:
    """Run the study of a script, and kill its second trial once."""
    folder, _, name = request.param.partition("/")
    root = tmp_path_factory.mktemp(folder) / "project"
    shutil.copytree(PROJECTS / folder, root)
    shutil.copy(PROJECTS / "nets.py", root)
    tree = with_trials(read_yaml(root / f"{name}.yaml"))
    project = Project(root)
    (root / "study.yaml").write_text(dump_yaml(tree))
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    process = project.start("run", "study.yaml")
    kill_in_the_middle(project, process, KILLED)
    output, errors = process.communicate(timeout=240)
    assert process.returncode == 0, errors + output
    return Studied(project, output, before)


def with_trials(tree: dict[str, Any]) -> dict[str, Any]:
    """The study file with three trials, of which the last is hopeless."""
    good, hopeless = tree["enqueue"]
    return {
        **tree,
        "baseline": False,
        "enqueue": [good, {**good}, hopeless],
        "pruner": {"name": "threshold", "upper": 0.4, "n_warmup_steps": 6},
        "budget": {"trials": 3},
    }


def kill_in_the_middle(project: Project, process: subprocess.Popen[str], number: int) -> None:
    """Kill the attempt of a trial that has some epochs behind it."""
    while not _reports(project, number) >= 3:
        if process.poll() is not None:
            pytest.fail("".join(process.communicate()))
        time.sleep(0.002)
    # the next report waits for its verdict, so that the trial cannot end meanwhile
    process.send_signal(signal.SIGSTOP)
    (pid,) = [e["pid"] for e in project.events(number) if e["event"] == "attempt_started"]
    os.kill(pid, signal.SIGKILL)
    process.send_signal(signal.SIGCONT)


def _reports(project: Project, number: int) -> int:
    path = project.root / f"studies/study/trials/{number:04d}/events.jsonl"
    try:
        return path.read_text().count('"reported"')
    except FileNotFoundError:
        return 0


def test_trials_end_as_they_must(studied: Studied) -> None:
    assert studied.project.states() == ["COMPLETE", "COMPLETE", "PRUNED"]
    changed = [path for path, text in studied.before.items() if path.read_bytes() != text]
    assert changed == []


def test_killed_trial_goes_on_to_the_same_curve(studied: Studied) -> None:
    project = studied.project
    causes = [e["cause"] for e in project.events(KILLED) if e["event"] == "attempt_ended"]
    assert causes == ["killed", "done"]
    assert "(attempt 2, from epoch " in studied.output
    curves = project.curves()
    assert curves[KILLED] == curves[REFERENCE]
    assert len(curves[REFERENCE]) >= 10


def test_hopeless_trial_is_pruned(studied: Studied) -> None:
    assert len(studied.project.curves()[HOPELESS]) < 10


def test_export_replays_to_the_very_value_and_leaves_nothing_elsewhere(studied: Studied) -> None:
    project = studied.project
    exported = project.run("export", "study", "best")
    assert exported.returncode == 0, exported.stderr
    before = set(project.root.iterdir())
    replayed = project.run("replay", "best")
    assert replayed.returncode == 0, replayed.stderr
    assert "difference  0\n" in replayed.stdout
    # what the script itself keeps in a place of its own stays the script's
    assert set(project.root.iterdir()) == before


def test_each_trial_keeps_what_hydra_writes_and_leaves_nothing_elsewhere(studied: Studied) -> None:
    project = studied.project
    written = {path.parent.parent for path in project.root.rglob(".hydra/overrides.yaml")}
    if "hydra" not in (project.root / "study.yaml").read_text():
        assert written == set()
        return
    trials = project.root / "studies/study/trials"
    assert written <= {trials / f"{number:04d}/hydra" for number in range(3)}
    strays = {"outputs", "multirun", "lightning_logs", "checkpoints"}
    assert strays.isdisjoint(path.name for path in project.root.iterdir())


def test_launcher_of_hydras_script_trains_without_this_tool(studied: Studied) -> None:
    root = studied.project.root
    tree = read_yaml(root / "study.yaml")
    if "hydra" not in tree or not {"trainer", "seed_everything"} & tree.keys():
        return
    (root / "forbidden").mkdir()
    (root / "forbidden/search.py").write_text("raise ImportError('search is not installed')")
    (root / "done.txt").unlink(missing_ok=True)
    before = set(root.rglob("done.txt"))
    plain = subprocess.run(
        ["sh", "best/train.sh"],
        cwd=root,
        env={
            **studied.project.environment(),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(root / "forbidden"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert plain.returncode == 0, plain.stderr
    assert set(root.rglob("done.txt")) - before != set()
    # of all ranks
    assert len(list(root.glob("outputs/*/*"))) == 1
