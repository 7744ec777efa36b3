"""Names of a script's options in its source: an option that nothing names is read by nothing.

Compared are two values of an option, with the other options at one point of theirs; an option that
only another's value makes count, such as the momentum of one optimizer, changes nothing there. So
its name is looked for. Anything that has it counts, but the definition of the option itself. So
does any code that gets all options as a whole, and where nobody knows who gets them, each counts.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from search.trial.building.script_process import modules_of_script
from search.trial.inspection.function_scopes import (
    FUNCTIONS,
    Function,
    defaults_of,
    named_parameters,
)
from search.trial.inspection.handed_on import Wholes
from search.trial.inspection.known_calls import PARSES

# to the last brace of a line: one may lie in another
_INTERPOLATION = re.compile(r"\$\{.*\}")


def script_files() -> frozenset[Path]:
    """The files of the script that this process has run, and of its modules."""
    modules = [sys.modules["__main__"], *modules_of_script().values()]
    names = (getattr(each, "__file__", None) for each in modules)
    return frozenset(Path(each) for each in names if each is not None)


def may_be_read(option: str, files: Iterable[Path], configs: Iterable[str] | None = None) -> bool:
    """Tell whether any code may read an option.

    Args:
        option: as a study file spells it, such as `--lr`, or a path of Hydra's.
        configs: texts of Hydra's configuration; None where they are not known, or Hydra reads
            nothing.
    """
    trees = [_tree(each) for each in files]
    known = [tree for tree in trees if tree is not None]
    if len(known) < len(trees):
        return True
    if option.startswith("-"):
        return _may_option_be_read(option.partition("/")[0], known)
    # a place on a command line may be called as its user likes
    return configs is None or _may_value_be_read(option, known, configs)


def _may_option_be_read(word: str, trees: list[ast.Module]) -> bool:
    definitions = [call for tree in trees for call in _definitions(tree, word)]
    functions = [node for tree in trees for node in ast.walk(tree) if isinstance(node, FUNCTIONS)]
    made_with = list(_parameters_made_with(functions, definitions))
    names = {_name(word), *made_with}
    for call in definitions:
        names.update(_name(text) for text in _own_texts(call))
    if _is_named(trees, names, definitions):
        return True
    decorated = [each for each in functions if _is_decorated_with(each, definitions)]
    if made_with or decorated:
        given = decorated
    elif definitions:
        if not any(_is_called(tree, PARSES) for tree in trees):
            return True
        given = []
    else:
        # the parameters of any function may be options, as Fire has them
        named = {each.arg for function in functions for each in named_parameters(function.args)}
        if named.isdisjoint(names):
            return True
        given = functions
    rests = [(each, each.args.kwarg.arg) for each in given if each.args.kwarg is not None]
    return Wholes(trees, rests).are_handed_on()


def _may_value_be_read(path: str, trees: list[ast.Module], configs: Iterable[str]) -> bool:
    """Tell whether code may read a value of Hydra's configuration, or the configuration itself."""
    # a group is all that lies in it
    parts = re.split(r"[./@]", path.lstrip("+~"))
    # a section may be taken whole
    if any(not _interpolated(each).isdisjoint(parts) for each in configs):
        return True
    if _is_named(trees, {parts[-1]}, []):
        return True
    functions = [node for tree in trees for node in ast.walk(tree) if isinstance(node, FUNCTIONS)]
    given = [
        (each, each.args.args[0].arg)
        for each in functions
        if each.args.args and any("main" in ast.unparse(one) for one in each.decorator_list)
    ]
    above = parts if "/" in path else parts[:-1]
    return not given or Wholes(trees, given, above).are_handed_on()


@lru_cache(maxsize=256)
def _tree(path: Path) -> ast.Module | None:
    """The syntax of a file; None where it has no source."""
    try:
        return ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return None


def _definitions(tree: ast.Module, word: str) -> Iterator[ast.Call]:
    """The calls that define an option; argparse lets its name be cut short."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and any(
            text.startswith(word) for text in _texts(node.args) if text.startswith("-")
        ):
            yield node


def _own_texts(call: ast.Call) -> Iterator[str]:
    """The names that a call gives an option, its `dest` among them."""
    yield from _texts(call.args)
    yield from _texts(each.value for each in call.keywords if each.arg == "dest")


def _parameters_made_with(
    functions: Iterable[Function], definitions: list[ast.Call]
) -> Iterator[str]:
    """The parameters whose default or annotation defines an option, as typer has them."""
    for function in functions:
        arguments = function.args
        defaults = dict(defaults_of(arguments))
        for each in named_parameters(arguments):
            made_with = [node for node in (defaults.get(each), each.annotation) if node is not None]
            if _have_any(made_with, definitions):
                yield each.arg


def _is_decorated_with(function: Function, definitions: list[ast.Call]) -> bool:
    """Recognize a function that gets an option from its decorator, as click has them."""
    return _have_any(function.decorator_list, definitions)


def _have_any(trees: Iterable[ast.AST], calls: Iterable[ast.Call]) -> bool:
    wanted = {id(each) for each in calls}
    return any(id(node) in wanted for tree in trees for node in ast.walk(tree))


def _is_called(tree: ast.Module, names: Iterable[str]) -> bool:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in names:
                return True
    return False


def _is_named(trees: Iterable[ast.Module], names: set[str], definitions: list[ast.Call]) -> bool:
    skipped = {id(node) for call in definitions for node in ast.walk(call)}
    return any(_names_one(node, names, skipped) for tree in trees for node in ast.walk(tree))


def _names_one(node: ast.AST, names: set[str], skipped: set[int]) -> bool:
    if id(node) in skipped:
        return False
    match node:
        case ast.Name(id=name, ctx=ast.Load()) | ast.Attribute(attr=name):
            return name in names
        case ast.keyword(arg=str(name)):
            return name in names
        case ast.Constant(value=str(text)):
            if _name(text) in names:
                return True
            return bool(names & _interpolated(text))
    return False


def _interpolated(text: str) -> set[str]:
    """The last parts of paths in whose place Hydra may put values of its configuration."""
    found = [each for part in _INTERPOLATION.findall(text) for each in re.findall(r"[\w.]+", part)]
    return {each.rpartition(".")[2] for each in found}


def _texts(nodes: Iterable[ast.expr]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _name(text: str) -> str:
    """The attribute that an option becomes."""
    return text.rpartition(".")[2].lstrip("-").replace("-", "_")
