"""Imports go down only; the control plane knows no torch, the training plane no database."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import search

ROOT = Path(search.__path__[0])
# each room imports only from the ranks before its own, and no other room of its rank
RANKS = (
    ("errors", "messages", "layout"),
    ("agent_messages", "file_messages", "answers"),
    ("wire",),
    ("plain",),
    ("executors", "space"),
    ("study_file", "proposal"),
    ("store",),
    ("sampling", "report"),
    ("engine",),
    ("results",),
    ("view",),
    ("commands",),
    ("api", "usage"),
    ("cli",),
    ("entry",),
    ("__main__",),
)
RANK = {room: rank for rank, rooms in enumerate(RANKS) for room in rooms}
# the training plane: what runs in another process than all the rest
BELOW_TRIAL = {
    "errors",
    "messages",
    "answers",
    "wire",
    "layout",
    "plain",
    "space",
    "study_file",
    "proposal",
}
# rooms of `trial`, each importing only from those before it; files beside them from all
TRIAL_RANKS = ("process", "checkpoints", "building", "fitting", "options", "inspection", "tasks")
# the one way from Python into the training plane: the model of a finished trial
INTO_TRIAL = {("api/result.py", "search.trial.building.loading")}
# files named alike on purpose: by verb, by figure, by task
FAMILIES = ("commands", "figures", "tasks")
# who may import a library that has few owners
OWNERS = {
    "optuna": {"store", "sampling", "engine", "report", "results", "trial"},
    "optuna_integration": {"trial"},
    "sqlalchemy": {"store"},
    "torch": {"trial"},
    "pytorch_lightning": {"trial"},
    "lightning": {"trial"},
    "jsonargparse": {"trial"},
    "plotly": {"report", "api"},
    "pandas": {"report", "api"},
    "IPython": {"view"},
    "optuna_dashboard": {"results"},
    "jinja2": {"report"},
    "rich": {"view"},
    "typer": {"cli", "commands"},
    "pydantic": {"study_file"},
    "ray": {"executors"},
    "msgspec": {"messages", "answers", "wire", "executors", "trial", "store", "engine"},
}


def room(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def module_of(path: Path) -> str:
    return ".".join(("search", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(
        ".__init__"
    )


@cache
def files() -> dict[str, Path]:
    return {module_of(path): path for path in ROOT.rglob("*.py")}


@cache
def syntax_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@cache
def imports() -> list[tuple[Path, str]]:
    """Each of our files with each module that it imports, wherever and whatever for."""
    return list(_imports(files()))


def _imports(ours: dict[str, Path]) -> Iterator[tuple[Path, str]]:
    for path in ours.values():
        for node in ast.walk(syntax_of(path)):
            if isinstance(node, ast.Import):
                yield from ((path, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                names = [f"{node.module}.{alias.name}" for alias in node.names]
                yield from ((path, name if name in ours else node.module) for name in names)


def own_imports() -> Iterator[tuple[Path, str, str]]:
    """Imports between rooms: file, module, and the room of that module."""
    for path, module in imports():
        parts = module.split(".")
        if parts[0] == "search" and len(parts) > 1 and room(path) not in ("models", "data"):
            yield path, module, parts[1]


def test_rooms_import_only_those_below() -> None:
    wrong = []
    for path, module, there in own_imports():
        here = room(path)
        if here in (there, "__init__"):
            continue
        if here == "trial":
            is_below = there in BELOW_TRIAL
        elif there == "trial":
            is_below = (str(path.relative_to(ROOT)), module) in INTO_TRIAL
        else:
            is_below = RANK[there] < RANK[here]
        if not is_below:
            wrong.append(f"{path.relative_to(ROOT)} imports {module}")
    assert not wrong


def test_rooms_of_the_trial_import_only_those_below() -> None:
    wrong = []
    for path, module, there in own_imports():
        here = path.relative_to(ROOT).parts
        parts = module.split(".")
        if not here[0] == there == "trial" or here[1] not in TRIAL_RANKS:
            continue
        if parts[2] not in TRIAL_RANKS[: TRIAL_RANKS.index(here[1]) + 1]:
            wrong.append(f"{path.relative_to(ROOT)} imports {module}")
    assert not wrong


def test_no_files_import_each_other() -> None:
    ours = files()
    below: dict[str, set[str]] = {module: set() for module in ours}
    for path, module in imports():
        if module in ours and module != module_of(path):
            below[module_of(path)].add(module)
    # what imports nothing that is left is taken away, until only circles are left
    while free := {module for module, imported in below.items() if not imported & below.keys()}:
        below = {module: imported for module, imported in below.items() if module not in free}
    assert not below


def test_a_file_name_stands_once() -> None:
    places: dict[str, list[str]] = {}
    for path in files().values():
        is_family = any(family in path.parts for family in FAMILIES)
        if path.name not in ("__init__.py", "__main__.py") and not is_family:
            places.setdefault(path.name, []).append(str(path.relative_to(ROOT)))
    assert not [twice for twice in places.values() if len(twice) > 1]


def test_a_public_name_stands_once() -> None:
    """A search for a function or a class finds the one; entries of programs are all called main."""
    places: dict[str, list[str]] = {}
    for path in files().values():
        if any(family in path.parts for family in FAMILIES):
            continue
        for node in syntax_of(path).body:
            is_public = isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name[0] != "_"
            if is_public and node.name != "main":
                places.setdefault(node.name, []).append(str(path.relative_to(ROOT)))
    assert not {name: where for name, where in places.items() if len(where) > 1}


def test_every_room_is_installed() -> None:
    settings = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text())
    rooms = {module_of(path) for path in ROOT.rglob("__init__.py")}
    outside = {"search.models", "search.data", "search.studies"}
    assert set(settings["tool"]["setuptools"]["packages"]) == rooms | outside


def test_libraries_stay_with_their_owners() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {module}"
        for path, module in imports()
        if (owners := OWNERS.get(module.split(".")[0])) is not None
        and room(path) not in (*owners, "models", "data")
    ]
    assert not wrong


def test_ray_is_imported_by_its_engine_alone() -> None:
    users = {path.name for path, module in imports() if module.split(".")[0] == "ray"}
    assert users == {"ray_actor.py", "ray_driver.py", "ray_group.py", "ray_relay.py"}


def test_control_plane_never_imports_torch() -> None:
    modules = "search.cli, search.engine.run, search.api.study"
    code = f"import {modules}, sys; print([m for m in sys.modules if m in ('torch', 'lightning')])"
    output = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert output == "[]\n"


@pytest.mark.parametrize("arguments", [["--help"], ["status"], ["report", "--help"]])
def test_quick_commands_import_nothing_slow(arguments: list[str], tmp_path: Path) -> None:
    # pydantic is not among them: Typer reads the arguments of a verb with it
    slow = ("optuna", "psutil", "sqlalchemy", "plotly")
    code = (
        "import sys; from search.cli import main; "
        f"sys.argv = ['search', *{arguments}]; code = main(); "
        f"sys.exit(code or str([name for name in {slow} if name in sys.modules]))"
    )
    loaded = subprocess.run(
        [sys.executable, "-P", "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    ).stderr
    assert loaded == "[]\n"


def test_files_stay_small() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in ROOT.rglob("*.py")
        if (lines := len(path.read_text().splitlines())) > 400
    }
    assert not long
