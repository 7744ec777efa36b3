"""The words that an argument may be, read from the source of what takes it without running it.

Found are comparisons, `in`, dictionaries that it is looked up in, and match statements; in the
methods of the class, and in the functions that it is handed to.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import FunctionType
from typing import Any

from search.trial.building.import_guard import NAMESPACES

_MAX_DEPTH = 3
_LIBRARIES = (*NAMESPACES, "lightning", "torch", "torchvision", "builtins")
# a word is the same word in other letters
_SPELLINGS = ("lower", "upper", "strip", "casefold", "title", "capitalize")


@dataclass(frozen=True)
class _Scope:
    """A function in which an argument is known as `name`, the `owner` of its `self`, and the
    dictionaries that are written in it."""

    node: ast.AST
    name: str | None
    owner: Any
    names: Mapping[str, Any]
    depth: int


def text_choices(named: Any, name: str) -> tuple[str, ...]:
    """The texts that `name`, an argument of what a class_path names, is compared with."""
    found: dict[str, None] = {}
    for scope in _scopes(named, name):
        found |= dict.fromkeys(_texts(scope, name))
    return tuple(found)


def _scopes(named: Any, name: str) -> Iterator[_Scope]:
    """The function that takes the argument and, of a class, all methods that are the user's."""
    if not inspect.isclass(named):
        if not callable(named):
            return
        yield from _scope(named, name, getattr(named, "__self__", None), 0)
        return
    for cls in named.__mro__:
        if cls.__module__.partition(".")[0] in _LIBRARIES:
            continue
        for method in vars(cls).values():
            if isinstance(method, FunctionType):
                takes = name in inspect.signature(method).parameters
                yield from _scope(method, name if takes else None, named, 0)


def _scope(function: Any, name: str | None, owner: Any, depth: int) -> Iterator[_Scope]:
    try:
        node = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    except (OSError, TypeError, SyntaxError, IndexError):
        return
    local = {
        target.id: each.value
        for each in ast.walk(node)
        if isinstance(each, ast.Assign)
        for target in each.targets
        if isinstance(target, ast.Name)
    }
    inner = inspect.unwrap(getattr(function, "__func__", function))
    yield _Scope(node, name, owner, {**getattr(inner, "__globals__", {}), **local}, depth)


def _texts(scope: _Scope, name: str) -> Iterator[str]:
    def is_it(node: Any) -> bool:
        return _is_argument(node, scope.name, name)

    for node in ast.walk(scope.node):
        if isinstance(node, ast.Compare):
            yield from _compared(node, is_it, scope)
        elif isinstance(node, ast.Match) and is_it(node.subject):
            yield from _matched(node)
        elif isinstance(node, ast.Subscript) and is_it(node.slice):
            yield from _words_in(node.value, scope)
        elif isinstance(node, ast.Call):
            looks_up = isinstance(node.func, ast.Attribute) and node.func.attr == "get"
            if looks_up and node.args and is_it(node.args[0]):
                yield from _words_in(node.func.value, scope)  # type: ignore[attr-defined]
            yield from _handed_on(node, is_it, scope)


def _is_argument(node: Any, local: str | None, name: str) -> bool:
    """Whether an expression is the argument: itself, kept in `self` or in the hyperparameters."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return node.func.attr in _SPELLINGS and _is_argument(node.func.value, local, name)
    if isinstance(node, ast.Name):
        return node.id == local
    if isinstance(node, ast.Attribute):
        return node.attr == name and ast.unparse(node.value) in ("self", "self.hparams", "hparams")
    return (
        isinstance(node, ast.Subscript)
        and isinstance(node.slice, ast.Constant)
        and node.slice.value == name
        and ast.unparse(node.value).endswith("hparams")
    )


def _compared(node: ast.Compare, is_it: Callable[[Any], bool], scope: _Scope) -> Iterator[str]:
    sides = [node.left, *node.comparators]
    for left, operator, right in zip(sides, node.ops, sides[1:], strict=False):
        if isinstance(operator, ast.Eq | ast.NotEq) and (is_it(left) or is_it(right)):
            other = right if is_it(left) else left
            if isinstance(other, ast.Constant) and isinstance(other.value, str):
                yield other.value
        elif isinstance(operator, ast.In | ast.NotIn) and is_it(left):
            yield from _words_in(right, scope)


def _matched(node: ast.Match) -> Iterator[str]:
    for case in node.cases:
        for pattern in ast.walk(case.pattern):
            value = pattern.value if isinstance(pattern, ast.MatchValue) else None
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                yield value.value


def _words_in(node: Any, scope: _Scope) -> Iterator[str]:
    """The texts of a collection, or the keys of a dictionary: written there, named there, kept in
    the class, or handed to what makes one of it."""
    if isinstance(node, ast.Name) and node.id in scope.names:
        node = scope.names[node.id]
    elif isinstance(node, ast.Attribute) and ast.unparse(node.value) in ("self", "cls"):
        node = getattr(scope.owner, node.attr, None)
    if isinstance(node, ast.Call) and node.args:
        node = node.args[0]
    if isinstance(node, ast.Dict):
        node = node.keys
    elif isinstance(node, ast.Tuple | ast.List | ast.Set):
        node = node.elts
    if not isinstance(node, Mapping | list | tuple | set | frozenset):
        return
    for each in node:
        pair = isinstance(each, ast.Tuple | ast.List) and each.elts
        first = each.elts[0] if pair else each
        value = first.value if isinstance(first, ast.Constant) else first
        if isinstance(value, str):
            yield value


def _handed_on(node: ast.Call, is_it: Callable[[Any], bool], scope: _Scope) -> Iterator[str]:
    """What a function of the user's does with the argument that it is handed."""
    function = _called(node.func, scope)
    if function is None or scope.depth >= _MAX_DEPTH:
        return
    names = list(inspect.signature(function).parameters)
    if isinstance(node.func, ast.Attribute) and "self" in names[:1]:
        names = names[1:]
    given = dict(zip(names, node.args, strict=False))
    given |= {each.arg: each.value for each in node.keywords if each.arg is not None}
    for parameter, value in given.items():
        if is_it(value):
            for inner in _scope(function, parameter, scope.owner, scope.depth + 1):
                yield from _texts(inner, parameter)


def _called(node: ast.expr, scope: _Scope) -> Any:
    """The user's own function, or constructor, that is called; None for any other."""
    found: Any = None
    if isinstance(node, ast.Name):
        found = scope.names.get(node.id)
    elif isinstance(node, ast.Attribute) and ast.unparse(node.value) in ("self", "cls"):
        found = inspect.unwrap(getattr(scope.owner, node.attr, None) or (lambda: None))
    if inspect.isclass(found):
        found = vars(found).get("__init__")
    module = getattr(found, "__module__", None) or "builtins"
    is_users = module.partition(".")[0] not in _LIBRARIES
    return found if isinstance(found, FunctionType) and is_users else None
