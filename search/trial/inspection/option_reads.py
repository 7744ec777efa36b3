"""Names of a script's options in its source: an option that nothing names is read by nothing.

Compared are two values of an option, with the other options at one point of theirs; an option that
only another's value makes count, such as the momentum of one optimizer, changes nothing there. So
its name is looked for. Anything that has it counts, but the definition of the option itself.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from search.trial.building.script_process import modules_of_script

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def script_files() -> frozenset[Path]:
    """The files of the script that this process has run, and of its modules."""
    modules = [sys.modules["__main__"], *modules_of_script().values()]
    names = (getattr(each, "__file__", None) for each in modules)
    return frozenset(Path(each) for each in names if each is not None)


def is_named(option: str, files: Iterable[Path]) -> bool:
    """Tell whether any code may read an option.

    Args:
        option: as a study file spells it, such as `--lr`, or a path of Hydra's.
    """
    word = option.partition("/")[0]
    # a place on a command line may be called as its user likes
    if not word.startswith("-") and "hydra" not in sys.modules:
        return True
    trees = [_tree(each) for each in files]
    if any(tree is None for tree in trees):
        return True
    known = [tree for tree in trees if tree is not None]
    definitions = [call for tree in known for call in _definitions(tree, word)]
    names = {_name(word)}
    for call in definitions:
        names.update(_name(text) for text in _own_texts(call))
    for tree in known:
        names.update(_parameters_made_with(tree, definitions))
    skipped = {id(node) for call in definitions for node in ast.walk(call)}
    return any(_names_one(node, names, skipped) for tree in known for node in ast.walk(tree))


@lru_cache(maxsize=256)
def _tree(path: Path) -> ast.Module | None:
    """The syntax of a file; None where it has no source."""
    try:
        return ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return None


def _definitions(tree: ast.Module, word: str) -> Iterator[ast.Call]:
    """The calls that define an option; argparse lets its name be cut short."""
    if not word.startswith("-"):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and any(
            text.startswith(word) for text in _texts(node.args) if text.startswith("-")
        ):
            yield node


def _own_texts(call: ast.Call) -> Iterator[str]:
    """The names that a call gives an option, its `dest` among them."""
    yield from _texts(call.args)
    yield from _texts(each.value for each in call.keywords if each.arg == "dest")


def _parameters_made_with(tree: ast.Module, definitions: list[ast.Call]) -> Iterator[str]:
    """The parameters whose default or annotation defines an option, as typer has them."""
    defining = {id(each) for each in definitions}
    for function in ast.walk(tree):
        if not isinstance(function, _FUNCTIONS):
            continue
        arguments = function.args
        positional = [*arguments.posonlyargs, *arguments.args]
        defaults = dict(zip(reversed(positional), reversed(arguments.defaults), strict=False))
        defaults |= {
            each: default
            for each, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
            if default is not None
        }
        for each in (*positional, *arguments.kwonlyargs):
            made_with = [node for node in (defaults.get(each), each.annotation) if node is not None]
            if any(id(node) in defining for part in made_with for node in ast.walk(part)):
                yield each.arg


def _names_one(node: ast.AST, names: set[str], skipped: set[int]) -> bool:
    if id(node) in skipped:
        return False
    match node:
        case ast.Name(id=name, ctx=ast.Load()) | ast.Attribute(attr=name):
            return name in names
        case ast.keyword(arg=str(name)):
            return name in names
        case ast.Constant(value=str(text)):
            return _name(text.rpartition(".")[2]) in names
    return False


def _texts(nodes: Iterable[ast.expr]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _name(text: str) -> str:
    """The attribute that an option becomes."""
    return text.rpartition(".")[2].lstrip("-").replace("-", "_")
