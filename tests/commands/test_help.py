"""Usage: help for every verb, and mistakes on the command line itself."""

from __future__ import annotations

from importlib.metadata import version

import pytest
from conftest import Project

VERBS = (
    "init",
    "check",
    "run",
    "resume",
    "extend",
    "status",
    "nodes",
    "show",
    "best",
    "report",
    "export",
    "test",
    "replay",
    "confirm",
    "dashboard",
    "du",
    "clean",
)


def test_search_alone_says_what_a_newcomer_needs(project: Project) -> None:
    result = project.run()
    assert (result.returncode, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[0] == "search finds good hyperparameters for a PyTorch Lightning model."
    assert 8 < len(lines) < 20
    assert max(map(len, lines)) <= 90
    for line in (
        "  search init my_module:MyModel",
        "  search check",
        "  search report [STUDY] --open",
    ):
        assert any(each.startswith(line) for each in lines)
    result = project.run("--version")
    assert (result.returncode, result.stdout) == (
        0,
        f"lightning-search {version('lightning-search')}\n",
    )


def test_help_lists_every_verb(project: Project) -> None:
    result = project.run("--help")
    assert result.returncode == 0
    for verb in VERBS:
        assert f"\n  {verb} " in result.stdout


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_without_cut_lines(project: Project, verb: str) -> None:
    result = project.run(verb, "--help")
    assert result.returncode == 0
    assert result.stdout.startswith(f"Usage: search {verb} ")
    assert "..." not in result.stdout.replace("[ARGS]...", "").replace("8h ...", "")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["rnu"], "rnu: there is no such command. Did you mean run?\n"),
        (["run", "--trials", "0"], "--trials: must be a whole number from 1, got 0. Write --trials 1.\n"),
        (["run", "--trails", "3"], "--trails: search run has no such option. Did you mean --trials?\n"),
        (["run", "--trials"], "--trials: needs a value, got none. See search run --help.\n"),
        (["run", "--quiet=3"], "--quiet: takes no value. Write --quiet alone.\n"),
        (["du", "a", "b"], "search du --help.\n"),
        (["replay", "x", "--tolerance", "a"], "--tolerance: must be a number from 0.0, got a. Write --tolerance 1e-06.\n"),
        (["run", "--trials", "many"], "--trials: must be a whole number from 1, got many. Write --trials 1.\n"),
        (["show"], "show: must be STUDY N, got nothing. Write `search show STUDY 17`.\n"),
        (["run", "nothing.yaml"], "nothing.yaml: no such file. Check the path.\n"),
        (["run", "--workers", "none"], "--workers: must be a number from 1 or auto, got none. Write --workers 2.\n"),
        (["run", "--timeout", "soon"], "--timeout: must be a duration above 0, got soon. Write 90s, 30m, 8h or 2d.\n"),
        (["run", "--total-epochs", "0"], "--total-epochs: must be a whole number from 1, got 0. Write --total-epochs 1.\n"),
        (["run", "--cost", "free"], "--cost: must be a duration above 0, got free. Write 90s, 30m, 8h or 2d.\n"),
        (["run", "--target", "nan"], "--target: must be a finite number, got nan. Write --target 0.1.\n"),
        (["run", "--no-improvement", "some"], "--no-improvement: must be a whole number from 1, got some. Write --no-improvement 1.\n"),
        (["run", "--no-gain", "0"], "--no-gain: must be a whole number from 1, got 0. Write --no-gain 1.\n"),
        (["run", "--set", "trainer"], "--set: must be PATH=VALUE, got trainer. Write trainer.max_epochs=20.\n"),
        (["run", "--storage", "nonsense"], "--storage: not a database URL. Write it as postgresql+psycopg://user@host/database.\n"),
        (["report"], "studies: holds no study yet. Start one with `search run`.\n"),
    ],
)  # fmt: skip
def test_mistake_on_the_command_line_is_one_line_and_exit_2(
    project: Project, arguments: list[str], line: str
) -> None:
    result = project.run(*arguments)
    assert result.returncode == 2
    assert line in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (project.root / "studies").exists()


def test_status_without_a_study_says_how_to_start_one(project: Project) -> None:
    result = project.run("status")
    assert result.returncode == 0
    assert result.stdout == "No study here yet. Start one with: search run --trials 50\n"
