"""Imports go down only; the control plane knows no torch, the training plane no database."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import search

ROOT = Path(search.__path__[0])
BELOW = {
    "errors": set(),
    "messages": set(),
    "study": {"errors"},
    "engine": {"errors", "messages", "study"},
    "trial": {"errors", "messages", "study"},
    "view": {"engine", "study", "errors"},
    "report": {"engine", "study", "errors"},
    "commands": {"engine", "study", "errors", "view", "report"},
    "api": {"engine", "study", "errors", "trial", "view", "report", "commands"},
    "verbs": {"commands"},
    "usage": {"errors", "study"},
    "cli": {"errors", "usage", "verbs"},
    "entry": {"cli"},
    "__main__": {"entry"},
    "__init__": {"api", "errors", "study"},
}
# who may import a library that has few owners
OWNERS = {
    "optuna": {"engine", "report", "trial"},
    "optuna_integration": {"trial"},
    "sqlalchemy": {"engine"},
    "torch": {"trial"},
    "pytorch_lightning": {"trial"},
    "lightning": {"trial"},
    "jsonargparse": {"trial"},
    "plotly": {"report", "api"},
    "pandas": {"report", "api"},
    "IPython": {"view"},
    "optuna_dashboard": {"engine"},
    "jinja2": {"report"},
    "rich": {"view"},
    "typer": {"cli", "verbs"},
    "pydantic": {"study"},
}


def room(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imports() -> Iterator[tuple[Path, str]]:
    """Each of our files with each module that it imports, wherever the import stands."""
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                yield from ((path, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                names = [f"{node.module}.{alias.name}" for alias in node.names]
                yield from (
                    (path, name if node.module == "search" else node.module) for name in names
                )


def test_rooms_import_only_those_below() -> None:
    wrong = []
    for path, module in imports():
        parts = module.split(".")
        if parts[0] == "search" and len(parts) > 1:
            here = room(path)
            if here not in ("models", "data") and parts[1] != here and parts[1] not in BELOW[here]:
                wrong.append(f"{path.relative_to(ROOT)} imports {module}")
    assert not wrong


def test_libraries_stay_with_their_owners() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {module}"
        for path, module in imports()
        if (owners := OWNERS.get(module.split(".")[0])) is not None
        and room(path) not in (*owners, "models", "data")
    ]
    assert not wrong


@pytest.mark.parametrize(
    "module",
    [
        "search.cli",
        "search.commands.run",
        "search.commands.inspect",
        "search.engine.run",
        "search.api",
    ],
)
def test_control_plane_never_imports_torch(module: str) -> None:
    code = f"import {module}, sys; print([m for m in sys.modules if m in ('torch', 'lightning')])"
    output = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert output == "[]\n"


@pytest.mark.parametrize("module", ["search.cli", "search.commands.inspect"])
def test_quick_commands_import_nothing_slow(module: str) -> None:
    slow = ("optuna", "pydantic", "psutil")
    code = f"import {module}, sys; print([name for name in {slow} if name in sys.modules])"
    output = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert output == "[]\n"


def test_files_stay_small() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in ROOT.rglob("*.py")
        if (lines := len(path.read_text().splitlines())) > 400
    }
    assert not long
