"""README and docs/: their commands are typed as they stand, only with fewer trials, their YAML is
parsed, their scripts run, and their links lead somewhere."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from conftest import Project
from faults.table import BEGIN, END

from search.plain.yaml import parse_yaml
from search.study_file.load import load_study_file, parse_study_tree
from search.study_file.shipped import shipped_studies

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
# in the order in which the README names them
NAMED = re.findall(r"\]\((docs/[\w-]+\.md)\)", README.read_text())
# and those that these name besides
FURTHER = [
    f"docs/{name}"
    for page in dict.fromkeys(NAMED)
    for name in re.findall(r"\]\(([\w-]+\.md)", (ROOT / page).read_text())
]
PAGES = [README, *(ROOT / name for name in dict.fromkeys((*NAMED, *FURTHER)))]
# a project of its own, typed by a test of its own
SCRIPTS = ROOT / "docs/scripts.md"
# on a cluster, by tests/clusters
CLUSTERS = ROOT / "docs/clusters.md"
OTHERS = [ROOT / name for name in ("CONTRIBUTING.md", "DECISIONS.md", "CHANGELOG.md")]
CI = (ROOT / ".ci/run").read_text() + (ROOT / "scripts/check").read_text()


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of one language."""
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(), re.DOTALL)


def commands(*pages: Path) -> list[str]:
    """Every line after a `$` in a console block, without its comment; each once."""
    text = "".join(block for page in pages for block in blocks(page, "console"))
    lines = [line[2:] for line in text.splitlines() if line.startswith("$ ")]
    return list(dict.fromkeys(re.sub(r"\s{2,}#.*", "", line) for line in lines))


# fewer trials, finalists and seeds; everything else as it stands
FEWER = {
    "--trials 50": "--trials 4",
    "--trials 1000": "--trials 4",
    "--workers 64": "--workers 2",
    "--trials 100": "--trials 4",
    "autoencoder 17": "autoencoder 1",
    "--top 3": "--top 2",
    "--seeds 5": "--seeds 2",
}
TYPED = ("search ", "python best/", "sh best-script/")
# with a project, a database or an end of its own: where it is tested
ELSEWHERE = {
    "--on ray": "tests/clusters/test_ray_studies.py",
    "--storage": "tests/store/test_postgresql.py",
    "--config config.yaml --cli": "tests/test_docs.py",
    "dashboard": "tests/commands/test_dashboard.py",
    "pip install": "tests/test_docs.py",
    "pytest -m long": "tests/faults/test_long_kills.py",
    "faults.table": "tests/faults/table.py",
}


def place_elsewhere(line: str) -> str | None:
    return next((place for word, place in ELSEWHERE.items() if word in line), None)


def with_fewer(line: str) -> str:
    for many, few in FEWER.items():
        line = line.replace(many, few)
    return line


def typed(project: Project, line: str) -> str:
    """The output of a command, as it stands but for the number of its trials."""
    assert line.startswith(TYPED), f"nothing types {line}"
    command, *arguments = shlex.split(with_fewer(line))
    if command == "search":
        result = project.run(*arguments)
    else:
        programs = {"python": sys.executable}
        # what is called python in it is the one of this test
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        result = subprocess.run(
            [programs.get(command, command), *arguments],
            cwd=project.root,
            env={**project.environment(), "PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
    assert result.returncode == 0, f"{line}\n{result.stderr}"
    return result.stdout


@pytest.mark.timeout(900)
def test_walk_of_a_script_works_in_its_order(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROWSER", "true")
    # the value comes back to the last digit
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    (project.root / "train.py").write_text(blocks(SCRIPTS, "python")[0])
    outputs = {line: typed(project, line) for line in commands(SCRIPTS)}
    assert project.states("study") == ["COMPLETE"] * 4
    assert project.states("train") == ["COMPLETE"] * 4
    assert "--epochs 8" in (project.root / "best-script/train.sh").read_text()
    assert outputs["search replay best-script/"].endswith("difference  0\n")


@pytest.mark.timeout(900)
def test_commands_work_in_their_order(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROWSER", "true")  # what `--open` opens is looked at in tests/browser
    shutil.copytree(ROOT / "studies", project.root / "studies")
    for line in commands(*(page for page in PAGES if page not in (SCRIPTS, CLUSTERS))):
        if place_elsewhere(line) is None:
            typed(project, line)
    assert len(project.states("autoencoder")) == 4
    assert len(project.states("narrow")) == 4
    assert project.states("autoencoder-confirm") == ["COMPLETE"] * 4
    assert (project.root / "studies/autoencoder/report.html").is_file()
    assert (project.root / "best/best.ckpt").is_file()


@pytest.mark.parametrize("place", sorted(set(ELSEWHERE.values())))
def test_commands_that_are_not_typed_here_have_their_place(place: str) -> None:
    assert (ROOT / place).is_file()


def test_study_file_of_a_cli_project_is_proposed_as_it_is_said(project: Project) -> None:
    shutil.copytree(ROOT / "tests/projects/lightning_cli", project.root, dirs_exist_ok=True)
    (project.root / "study.yaml").unlink()
    (line,) = [line for line in commands(*PAGES) if "--config config.yaml --cli" in line]
    result = project.run(*shlex.split(line)[1:])
    assert result.returncode == 0, result.stderr
    result = project.run("run", "study.yaml", "--trials", "1", "--set", "trainer.max_epochs=1")
    assert result.returncode == 0, result.stderr


PYTHON = [block for page in PAGES for block in blocks(page, "python")]


@pytest.mark.parametrize("code", PYTHON)
def test_python_is_python(code: str) -> None:
    compile(code, "docs", "exec")


# of a project of its own: that of the walk, or one that tests/api/test_own_code.py has
OF_PROJECTS = [*blocks(SCRIPTS, "python"), *(code for code in PYTHON if "my_package" in code)]


@pytest.mark.parametrize(
    "script", [code for code in PYTHON if "__main__" in code and code not in OF_PROJECTS]
)
def test_scripts_run(project: Project, script: str) -> None:
    path = project.root / "script.py"
    path.write_text(script.replace("trials=50", "trials=2").replace('": 20}', '": 2}'))
    result = project.python(path)
    assert result.returncode == 0, result.stderr
    assert "model.init_args.latent_size" in result.stdout


def test_set_up_commands_are_those_of_the_ci() -> None:
    main, tests = commands(README)[:2]
    assert main.endswith("pip install . && .venv/bin/search run --trials 50")
    make, install, run = tests.split(" && ")
    for step in (make, install):
        assert step.replace(".venv", ".ci-venv") in CI.replace("--quiet ", "")
    assert run.removeprefix(".venv/bin/") in CI


def test_extras_are_those_of_the_package() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    named = {
        name
        for page in PAGES
        for name in re.findall(r'pip install "\.\[(\w+)\]"', page.read_text())
    }
    assert named
    assert named <= set(extras)


def alternatives(block: str) -> list[str]:
    """The lines of a block that writes one section in several ways, else the block as it is."""
    lines = block.splitlines()
    sections = {line.partition(":")[0] for line in lines}
    return lines if len(lines) > 1 and len(sections) == 1 else [block]


YAML = [
    pytest.param(text, id=f"{page.stem}-{text.splitlines()[0][:40]}")
    for page in PAGES
    for block in blocks(page, "yaml")
    for text in alternatives(block)
]


@pytest.mark.parametrize("text", YAML)
def test_study_files_are_valid(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tree = parse_yaml(text, "docs")
    if "base" in tree:
        # laid over the configuration of a project
        shutil.copytree(ROOT / "tests/projects/lightning_cli", tmp_path, dirs_exist_ok=True)
        (tmp_path / "study.yaml").write_text(text)
        study_file = load_study_file(tmp_path / "study.yaml")
    else:
        rest: dict[str, Any] = {"model": {"class_path": "nets.Net"}, "space": {}}
        rest["space"] = {"model.lr": {"float": [1e-4, 1e-1], "log": True}}
        if "script" in tree:
            rest = {}
            script = tmp_path / tree["script"]
            script.parent.mkdir(exist_ok=True)
            script.touch()
        if "objectives" not in tree:
            rest["objective"] = {"metric": "val_loss"}
        study_file = parse_study_tree(rest | tree, source="docs", default_name="docs")
    assert len(study_file.space) >= len(tree.get("space", ()))


def test_whole_study_file_is_the_shipped_one() -> None:
    shown = blocks(ROOT / "docs/study-file.md", "yaml")[0]
    shipped = shipped_studies()["autoencoder"].read_text()
    first, second = (
        parse_study_tree(parse_yaml(text, "docs"), source="docs", default_name="autoencoder")
        for text in (shown, shipped)
    )
    assert first == second


def test_readme_stays_short() -> None:
    assert len(README.read_bytes()) <= 8192


def test_rows_of_the_readme_stand_in_the_whole_table() -> None:
    table = (ROOT / "docs/reliability.md").read_text()
    rows = README.read_text().partition(BEGIN)[2].partition(END)[0].splitlines()
    assert len(rows) == 6  # a blank, the head, three rows
    assert all(row in table for row in rows)


def test_every_page_is_reached_from_the_readme() -> None:
    assert set(PAGES) == {README, *(ROOT / "docs").glob("*.md")}


def anchors(page: Path) -> set[str]:
    """The headings of a page as GitHub makes anchors of them."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


LINKS = [
    pytest.param(page, target, id=f"{page.name}-{target}")
    for page in (*PAGES, *OTHERS)
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text())
    if not target.startswith("http")
]


@pytest.mark.parametrize(("page", "target"), LINKS)
def test_links_lead_somewhere(page: Path, target: str) -> None:
    name, _, anchor = target.partition("#")
    path = page.parent / name if name else page
    assert path.exists()
    assert not anchor or anchor in anchors(path)


def test_every_decision_stands_in_the_index() -> None:
    index, _, entries = (ROOT / "DECISIONS.md").read_text().partition("## By date")
    assert sorted(re.findall(r"^- \[(.*?)\]\(#", index, re.MULTILINE)) == sorted(
        re.findall(r"^### (.*)$", entries, re.MULTILINE)
    )


ARCHITECTURE = (ROOT / "docs/architecture.md").read_text()


def sources(folder: str) -> dict[Path, str]:
    return {path: path.read_text() for path in (ROOT / folder).rglob("*.py")}


@pytest.mark.parametrize("name", sorted(set(re.findall(r"([A-Za-z_.]+)\(\)", ARCHITECTURE))))
def test_functions_of_the_architecture_exist(name: str) -> None:
    owner, _, function = name.rpartition(".")
    wanted = [rf"^\s*(?:def|class) {function}\b", rf"^class {owner}\b" if owner else ""]
    assert any(
        all(re.search(pattern, text, re.MULTILINE) for pattern in wanted)
        for text in sources("search").values()
    )


NAMED_FILES = re.findall(r"[\w/]+\.py\b", ARCHITECTURE + (ROOT / "CONTRIBUTING.md").read_text())


@pytest.mark.parametrize("name", sorted(set(NAMED_FILES)))
def test_named_files_exist(name: str) -> None:
    paths = [path for folder in ("search", "tests") for path in sources(folder)]
    assert any(path.as_posix().endswith(f"/{name}") for path in paths)


@pytest.mark.parametrize("line", re.findall(r"^ .*\(\) +\S+\.py.*$", ARCHITECTURE, re.MULTILINE))
def test_functions_of_the_drawing_are_in_their_files(line: str) -> None:
    (found,) = re.findall(r"(\w+)\(\) +(\S+\.py)", line)
    name, file = found
    assert re.search(rf"(def|class) {name}\b", (ROOT / "search" / file).read_text())


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(test_\w+)`", ARCHITECTURE))))
def test_tests_of_the_architecture_exist(name: str) -> None:
    assert any(f"def {name}(" in text for text in sources("tests").values())
