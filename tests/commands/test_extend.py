"""`search extend`: a child study with the trials that still fit."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import TINY, Project, plain
from database_state import disagreements

from search.cli import app, guarded
from search.engine.attempt_end import Outcome
from search.engine.opening import open_ledger, plan
from search.layout import StudyFolder
from search.store.reading import read_study
from search.store.rebuild import rebuild
from search.study_file.load import load_study_file

LR, WIDTH, MODE = (f"model.init_args.{name}" for name in ("lr", "width", "mode"))
TREE: dict[str, Any] = {
    "model": {"class_path": "tiny.Tiny", "init_args": {"pause": 0}},
    "trainer": {"max_epochs": 3, "accelerator": "cpu"},
    "objective": {"metric": "val_loss"},
    "space": {LR: {"float": [0.0, 1.0]}, WIDTH: {"choice": [2, 4, 8]}},
    "sampler": "random",
    "pruner": "none",
    "budget": {"trials": 50},
    "seed": 3,
}
ENDS = ("done", "pruned", "error", "done", "done", "interrupted")
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose study has complete, pruned, failed and waiting trials, with checkpoints."""
    root = tmp_path_factory.mktemp("project")
    (root / "tiny.py").write_text(TINY)
    (root / "study.yaml").write_text(yaml.safe_dump(TREE))
    folder = StudyFolder(root / "studies" / "study")
    ledger = open_ledger(plan(folder, load_study_file(root / "study.yaml"), None), n_trials=6)
    for cause in ENDS:
        number = ledger.sample()
        ledger.begin_attempt(number, pid=0)
        ledger.set_sizes(number, {"micro_batch": 8, "accumulation": 1, "effective_batch": 8})
        for step in (1, 2):
            ledger.report(number, step, step, ledger.params(number)[LR] / step)
        value = ledger.params(number)[LR] / 2 if cause == "done" else None
        ledger.end_attempt(number, Outcome(cause, value))
        place = folder.trial(number)
        place.config.write_text(f"seed_everything: {number}\n")
        if cause == "done":
            place.best_ckpt.write_text(f"weights {number}")
    ledger.close()
    return root


@pytest.fixture
def root(parent: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    shutil.copytree(parent, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    yield tmp_path / "copy"


@pytest.fixture
def search(root: Path, capfd: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: str) -> tuple[int, str, str]:
        code = guarded(lambda: app([*arguments], standalone_mode=False))
        output, errors = capfd.readouterr()
        return code, output, errors

    return run


def child(root: Path, **changes: Any) -> str:
    """Write the child's study file; `changes` replace whole sections."""
    tree = copy.deepcopy(TREE) | changes
    (root / "child.yaml").write_text(yaml.safe_dump(tree))
    return "child.yaml"


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_trials_inside_the_new_space_are_taken_over_whole(root: Path, search: Run) -> None:
    old = read_study(StudyFolder(root / "studies/study")).trials
    before = contents(root / "studies/study")
    ended = [t for t in old if t.state in ("COMPLETE", "PRUNED")]
    fits = [t for t in ended if t.params[WIDTH] in (2, 8)]
    behind = [str(t.number) for t in ended if t not in fits]
    assert fits and behind  # the seed makes some fit and some not
    path = child(root, space={WIDTH: {"int": [2, 8], "step": 6}, LR: {"float": [-1.0, 1.0]}})
    code, output, errors = search("extend", "study", path, "--name", "wide")
    assert (code, errors) == (0, "")
    lines = output.splitlines()
    assert lines[0] == f"wide: {len(fits)} of 6 trials of study fit and are taken over"
    plural = "" if len(behind) == 1 else "s"
    assert sorted(lines[1:-1]) == [
        "left behind: failed: trial 2",
        f"left behind: {WIDTH} is outside {{int: [2, 8], step: 6}}: trial{plural} "
        + ", ".join(behind),
        "left behind: not finished: trial 5",
    ]
    assert lines[-1] == "go on with: search resume wide"
    assert contents(root / "studies/study") == before
    assert sorted(p.name for p in (root / "studies").iterdir()) == ["study", "wide"]

    wide = StudyFolder(root / "studies/wide")
    new = read_study(wide)
    assert (new.n_trials, new.finished) == (50, len(fits))
    for number, (mine, theirs) in enumerate(zip(new.trials, fits, strict=True)):
        assert mine.number == number
        assert mine.taken_from == f"study, trial {theirs.number}"
        for name in ("state", "value", "params", "curve", "cause", "duration_s", "micro_batch"):
            assert getattr(mine, name) == getattr(theirs, name), name
        folder, source = wide.trial(number), StudyFolder(root / "studies/study")
        assert folder.config.read_text() == source.trial(theirs.number).config.read_text()
        assert folder.best_ckpt.is_file() == (theirs.state == "COMPLETE")
    _, shown, _ = search("show", "0", "-s", "wide")
    assert f"taken from study, trial {fits[0].number}\n" in plain(shown)
    _, best, _ = search("best", "-s", "wide", "--json")
    assert Path(json.loads(best)["checkpoint"]).read_text().startswith("weights")


def test_database_of_a_child_is_what_its_events_say(root: Path, search: Run) -> None:
    child(root)
    assert search("extend", "study", "child.yaml")[0] == 0
    folder = StudyFolder(root / "studies/child")
    assert disagreements(folder) == []
    before = read_study(folder)
    folder.db.unlink()
    assert rebuild(folder, None).trials == 4
    assert repr(read_study(folder)) == repr(before)


def test_checkpoints_of_a_child_outlive_the_parent(root: Path, search: Run) -> None:
    child(root)
    search("extend", "study", "child.yaml")
    shutil.rmtree(root / "studies/study")
    _, best, _ = search("best", "--json")
    assert Path(json.loads(best)["checkpoint"]).read_text().startswith("weights")


def test_new_path_takes_the_value_that_the_parent_had(root: Path, search: Run) -> None:
    child(root, space={**TREE["space"], "model.init_args.pause": {"float": [0.0, 0.5]}})
    assert search("extend", "study", "child.yaml")[0] == 0
    trials = read_study(StudyFolder(root / "studies/child")).trials
    assert [trial.params["model.init_args.pause"] for trial in trials] == [0.0] * 4


def test_new_path_with_a_default_needs_to_be_told_what_it_was(root: Path, search: Run) -> None:
    child(root, space={**TREE["space"], MODE: {"choice": ["fine", "nan"]}})
    code, output, errors = search("extend", "study", "child.yaml")
    assert (code, output) == (2, "")
    assert errors == (
        f"studies/study/study.yaml: {MODE}: is searched now, and the study file of study does not "
        f"say what it was. Say it with --was {MODE}=VALUE.\n"
    )
    assert search("extend", "study", "child.yaml", "--was", "model.mode=fine")[0] == 0
    trials = read_study(StudyFolder(root / "studies/child")).trials
    assert [trial.params[MODE] for trial in trials] == ["fine"] * 4


@pytest.mark.parametrize("was", ["model.pause=1", f"{LR}=1", "trainer.max_epochs=9"])
def test_what_the_parent_says_cannot_be_told_otherwise(root: Path, search: Run, was: str) -> None:
    more = {"model.init_args.pause": {"float": [0.0, 0.5]}} if "pause" in was else {}
    child(root, space={**TREE["space"], **more})
    code, _, errors = search("extend", "study", "child.yaml", "--was", was)
    assert code == 2
    assert errors.startswith("--was ") and errors.endswith("which this is not. Leave it out.\n")
    assert not (root / "studies/child").exists()


def test_path_that_is_fixed_now_takes_the_trials_that_had_its_value(
    root: Path, search: Run
) -> None:
    old = read_study(StudyFolder(root / "studies/study")).trials
    value = old[0].params[WIDTH]
    path = child(root, space={LR: TREE["space"][LR]})
    code, _, errors = search("extend", "study", path)
    assert (code, errors.count("\n")) == (2, 1)
    assert errors.endswith(f"Say it with --set {WIDTH}=VALUE.\n")
    code, output, _ = search("extend", "study", path, "--set", f"{WIDTH}={value}")
    assert code == 0
    assert f"left behind: {WIDTH} is not {value}: trial" in output
    trials = read_study(StudyFolder(root / "studies/child")).trials
    assert [t.params for t in trials] == [
        {LR: t.params[LR]}
        for t in old
        if t.state in ("COMPLETE", "PRUNED") and t.params[WIDTH] == value
    ]


def test_child_with_enough_trials_says_how_to_get_more(root: Path, search: Run) -> None:
    child(root, budget={"trials": 3})
    _, output, _ = search("extend", "study", "child.yaml")
    assert output.splitlines()[-1] == "go on with: search resume child --trials 7"


REFUSED: dict[str, tuple[dict[str, Any], list[str], str]] = {
    "another training": (
        {
            "trainer": {"max_epochs": 4, "accelerator": "cpu"},
            "objective": {"metric": "val_score", "direction": "maximize"},
            "seed": 4,
        },
        [
            "studies/study/study.yaml: trainer.max_epochs: was 3, is 4.",
            "studies/study/study.yaml: objective.metric: was val_loss, is val_score.",
            "studies/study/study.yaml: objective.direction: was minimize, is maximize.",
            "studies/study/study.yaml: seed: was 3, is 4.",
            "studies/study: none of its trials fits where this differs. Undo the change, or start "
            "a new study with `search run STUDY_FILE --name NAME`.",
        ],
        "child",
    ),
    "another optimizer": (
        {"optimizer": {"class_path": "torch.optim.SGD", "init_args": {"lr": 0.1}}},
        [
            "studies/study/study.yaml: optimizer: was not set, is {class_path: torch.optim.SGD, "
            "init_args: {lr: 0.1}}.",
            "studies/study: none of its trials fits where this differs. Undo the change, or start "
            "a new study with `search run STUDY_FILE --name NAME`.",
        ],
        "child",
    ),
    "a constraint that all violate": (
        {"constraints": ["model.lr > 0.98"]},
        [
            "studies/study: violates model.lr > 0.98: trials 0, 1, 3, 4.",
            "studies/study: failed: trial 2.",
            "studies/study: not finished: trial 5.",
            "studies/study: has no trial that fits. Start a new study with "
            "`search run STUDY_FILE --name NAME`.",
        ],
        "child",
    ),
    "another range": (
        {"space": {**TREE["space"], LR: {"float": [2.0, 3.0]}}},
        [
            f"studies/study: {LR} is outside {{float: [2.0, 3.0]}}: trials 0, 1, 3, 4.",
            "studies/study: failed: trial 2.",
            "studies/study: not finished: trial 5.",
            "studies/study: has no trial that fits. Start a new study with "
            "`search run STUDY_FILE --name NAME`.",
        ],
        "child",
    ),
    "grid": (
        {"sampler": "grid", "space": {WIDTH: {"choice": [2, 4]}}},
        [
            "sampler: grid would repeat the trials that are taken over. Use bruteforce, which "
            "tries each combination once as well."
        ],
        "child",
    ),
    "option": (
        {"pruner": {"name": "median", "warmup": 2}},
        ["pruner.warmup: median has no such option. Did you mean n_warmup_steps?"],
        "child",
    ),
    "its own name": (
        {},
        ["studies/study: exists already. Name the child study with --name."],
        "study",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_child_that_cannot_be_is_refused_and_nothing_is_written(
    root: Path, search: Run, case: str
) -> None:
    changes, lines, name = REFUSED[case]
    child(root, **changes)
    before = contents(root)
    code, output, errors = search("extend", "study", "child.yaml", "--name", name)
    assert (code, output) == (2, "")
    assert errors.splitlines() == lines
    assert contents(root) == before


def test_what_was_cut_off_while_it_was_made_is_made_anew(root: Path, search: Run) -> None:
    left = root / "studies/.child.extending"
    (left / "trials/0000").mkdir(parents=True)
    (left / "trials/0000/events.jsonl").write_text('{"event": "sampl')
    child(root)
    assert search("extend", "study", "child.yaml")[0] == 0
    assert sorted(p.name for p in (root / "studies").iterdir()) == ["child", "study"]


@pytest.mark.timeout(300)
def test_child_of_a_trained_study_goes_on_with_new_trials(project: Project) -> None:
    project.study()
    assert project.run("run", "study.yaml", "--trials", "2").returncode == 0
    wider = "model.lr={float: [1e-3, 1.0], log: true}"
    assert project.run("run", "study.yaml", "--space", wider).returncode == 2
    made = project.run("extend", "study", "study.yaml", "--space", wider, "--name", "wide")
    assert made.stderr == ""
    assert made.stdout == (
        "wide: 2 of 2 trials of study fit and are taken over\ngo on with: search resume wide\n"
    )
    result = project.run("resume", "wide")
    assert result.returncode == 0, result.stderr
    assert project.states("wide") == ["COMPLETE"] * 3
    curves = project.curves()
    assert {number: project.curves("wide")[number] for number in curves} == curves
    best = json.loads(project.run("best", "-s", "wide", "--json").stdout)
    assert Path(project.root, best["checkpoint"]).is_file()
    assert disagreements(StudyFolder(project.root / "studies/wide")) == []
