"""The README's commands are typed here as they stand, only with fewer trials."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest
from conftest import Project

from search.study.file import parse_study_tree, shipped_study
from search.study.yaml_loader import parse_yaml

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
CI = (ROOT / ".ci/run").read_text()


def commands() -> list[str]:
    """Every line after a `$` in a console block, without its comment."""
    blocks = re.findall(r"```console\n(.*?)```", README, re.DOTALL)
    lines = [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ ")]
    return [re.sub(r"\s{2,}#.*", "", line) for line in lines]


@pytest.mark.timeout(600)
def test_commands_of_the_readme_work_in_their_order(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROWSER", "true")  # what `--open` opens is looked at in tests/browser
    shutil.copytree(ROOT / "studies", project.root / "studies")
    run = [line for line in commands() if line.startswith("search ") and "--storage" not in line]
    assert len(run) == 17
    for line in run:
        few = line.replace("--trials 50", "--trials 4").replace("show 17", "show 1")
        result = project.run(*shlex.split(few)[1:])
        assert result.returncode == 0, f"{few}\n{result.stderr}"
    assert len(project.states("autoencoder")) == 4
    assert len(project.states("narrow")) == 4
    assert (project.root / "studies/autoencoder/report.html").is_file()


def test_set_up_commands_are_those_of_the_ci() -> None:
    main, tests = commands()[:2]
    assert main.endswith("pip install . && .venv/bin/search run --trials 50")
    for step in tests.split(" && "):
        assert step.replace(".venv", ".ci-venv") in CI.replace("--quiet ", "")


def block(word: str) -> str:
    """The block of YAML that begins with `word`."""
    blocks = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    return next(text for text in blocks if text.startswith(word))


def test_study_file_of_the_readme_is_valid_and_the_shipped_one() -> None:
    shown = parse_study_tree(
        parse_yaml(block("model:"), "README.md"), source="README.md", default_name="autoencoder"
    )
    shipped = parse_yaml(shipped_study().read_text(), "shipped")
    assert shown == parse_study_tree(shipped, source="shipped", default_name="autoencoder")


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
