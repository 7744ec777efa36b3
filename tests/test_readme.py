"""The README's commands are typed here as they stand, only with fewer trials."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Project

from search.study.file import parse_study_tree
from search.study.shipped import shipped_studies
from search.study.yaml_loader import parse_yaml

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
CI = (ROOT / ".ci/run").read_text() + (ROOT / "scripts/check").read_text()


def commands() -> list[str]:
    """Every line after a `$` in a console block, without its comment."""
    blocks = re.findall(r"```console\n(.*?)```", README, re.DOTALL)
    lines = [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ ")]
    return [re.sub(r"\s{2,}#.*", "", line) for line in lines]


# fewer trials, finalists and seeds; everything else as it stands
FEWER = {
    "--trials 50": "--trials 4",
    "--trials 100": "--trials 4",
    "autoencoder 17": "autoencoder 1",
    "--top 3": "--top 2",
    "--seeds 5": "--seeds 2",
}
# with a project, a database or an end of its own, below and in their own tests
ELSEWHERE = ("--storage", "--config config.yaml --cli", "dashboard")


def with_fewer(line: str) -> str:
    for many, few in FEWER.items():
        line = line.replace(many, few)
    return line


@pytest.mark.timeout(900)
def test_commands_of_the_readme_work_in_their_order(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROWSER", "true")  # what `--open` opens is looked at in tests/browser
    shutil.copytree(ROOT / "studies", project.root / "studies")
    typed = [line for line in commands() if line.startswith(("search ", "python best/"))]
    for line in (line for line in typed if not any(word in line for word in ELSEWHERE)):
        command, *arguments = shlex.split(with_fewer(line))
        if command == "search":
            result = project.run(*arguments)
        else:
            result = subprocess.run(
                [sys.executable, *arguments],
                cwd=project.root,
                env=project.environment(),
                capture_output=True,
                text=True,
                check=False,
            )
        assert result.returncode == 0, f"{line}\n{result.stderr}"
    assert len(project.states("autoencoder")) == 4
    assert len(project.states("narrow")) == 4
    assert project.states("autoencoder-confirm") == ["COMPLETE"] * 4
    assert (project.root / "studies/autoencoder/report.html").is_file()
    assert (project.root / "best/best.ckpt").is_file()


def test_study_file_of_a_cli_project_is_proposed_as_the_readme_says(project: Project) -> None:
    shutil.copytree(ROOT / "tests/projects/lightning_cli", project.root, dirs_exist_ok=True)
    (project.root / "study.yaml").unlink()
    (line,) = [line for line in commands() if "--config config.yaml --cli" in line]
    result = project.run(*shlex.split(line)[1:])
    assert result.returncode == 0, result.stderr
    result = project.run("run", "study.yaml", "--trials", "1", "--set", "trainer.max_epochs=1")
    assert result.returncode == 0, result.stderr


def test_script_of_the_readme_runs(project: Project) -> None:
    (script,) = re.findall(r"```python\n(import search\n.*?)```", README, re.DOTALL)
    path = project.root / "script.py"
    path.write_text(script.replace("trials=50", "trials=2").replace('": 20}', '": 2}'))
    result = subprocess.run(
        [sys.executable, path],
        cwd=project.root,
        env=project.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert "model.init_args.latent_size" in result.stdout


def test_set_up_commands_are_those_of_the_ci() -> None:
    main, tests = commands()[:2]
    assert main.endswith("pip install . && .venv/bin/search run --trials 50")
    make, install, run = tests.split(" && ")
    for step in (make, install):
        assert step.replace(".venv", ".ci-venv") in CI.replace("--quiet ", "")
    assert run.removeprefix(".venv/bin/") in CI


def block(word: str) -> str:
    """The block of YAML that begins with `word`."""
    blocks = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    return next(text for text in blocks if text.startswith(word))


def test_study_file_of_the_readme_is_valid_and_the_shipped_one() -> None:
    shown = parse_study_tree(
        parse_yaml(block("model:"), "README.md"), source="README.md", default_name="autoencoder"
    )
    shipped = parse_yaml(shipped_studies()["autoencoder"].read_text(), "shipped")
    assert shown == parse_study_tree(shipped, source="shipped", default_name="autoencoder")


def test_objectives_of_the_readme_are_valid() -> None:
    rest = parse_yaml(block("model:"), "README.md")
    del rest["objective"]
    tree = parse_yaml(block("objectives:"), "README.md")
    study_file = parse_study_tree(rest | tree, source="README.md", default_name="readme")
    assert len(study_file.objectives) == 2


def test_space_of_the_readme_is_valid() -> None:
    rest = {"model": {"class_path": "nets.Net"}, "objective": {"metric": "val_loss"}}
    tree = parse_yaml(block("space:"), "README.md")
    study_file = parse_study_tree(rest | tree, source="README.md", default_name="readme")
    assert "model.init_args.encoder[mlp].init_args.width" in study_file.space


@pytest.mark.parametrize("line", block("logger:").splitlines())
def test_loggers_of_the_readme_are_valid(line: str) -> None:
    rest = parse_yaml(block("model:"), "README.md")
    parse_study_tree(
        rest | parse_yaml(line, "README.md"), source="README.md", default_name="readme"
    )


@pytest.mark.parametrize("target", re.findall(r"\]\(([^)#]+)\)", README))
def test_links_of_the_readme_lead_somewhere(target: str) -> None:
    assert (ROOT / target).is_file()
