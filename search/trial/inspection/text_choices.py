"""The words that an argument may be, read from the source of what takes it without running it.

Found are comparisons, `in`, dictionaries that it is looked up in, and match statements; in the
methods of the class, and in the functions that it is handed to.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import FunctionType
from typing import Any

from search.trial.building.import_guard import NAMESPACES
from search.trial.inspection.source import arguments_of, syntax_of

_MAX_DEPTH = 3
_LIBRARIES = (*NAMESPACES, "lightning", "torch", "torchvision", "builtins")
# a word is the same word in other letters
_SPELLINGS = ("lower", "upper", "strip", "casefold", "title", "capitalize")


@dataclass(frozen=True)
class _Scope:
    """A function in which an argument is looked for."""

    node: ast.AST
    # the argument's name there; None where it is known through `self` alone
    name: str | None
    # the class of its `self`
    owner: object
    # global and local names, each with its value or its syntax
    names: Mapping[str, Any]
    # calls between it and the function that takes the argument
    depth: int


def text_choices(named: object, name: str) -> tuple[str, ...]:
    """The texts that `name`, an argument of what a class_path names, is compared with."""
    found: dict[str, None] = {}
    for scope in _scopes(named, name):
        found |= dict.fromkeys(_texts(scope, name))
    return tuple(found)


def _scopes(named: object, name: str) -> Iterator[_Scope]:
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


def _scope(
    function: Callable[..., object], name: str | None, owner: object, depth: int
) -> Iterator[_Scope]:
    node = syntax_of(function)
    if node is None:
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
    def is_it(node: ast.AST) -> bool:
        return _is_argument(node, scope.name, name)

    for node in ast.walk(scope.node):
        match node:
            case ast.Compare():
                yield from _compared(node, is_it, scope)
            case ast.Match(subject=subject) if is_it(subject):
                yield from _matched(node)
            case ast.Subscript(slice=key, value=owner) if is_it(key):
                yield from _words_in(owner, scope)
            case ast.Call():
                yield from _looked_up(node, is_it, scope)
                yield from _handed_on(node, is_it, scope)


def _is_argument(node: ast.AST, local: str | None, name: str) -> bool:
    """Recognize the argument: itself, kept in `self` or in the hyperparameters."""
    match node:
        case ast.Call(func=ast.Attribute(attr=method, value=owner)):
            return method in _SPELLINGS and _is_argument(owner, local, name)
        case ast.Name(id=found):
            return found == local
        case ast.Attribute(attr=found, value=owner):
            return found == name and ast.unparse(owner) in ("self", "self.hparams", "hparams")
        case ast.Subscript(slice=ast.Constant(value=found), value=owner):
            return found == name and ast.unparse(owner).endswith("hparams")
    return False


def _compared(node: ast.Compare, is_it: Callable[[ast.AST], bool], scope: _Scope) -> Iterator[str]:
    sides = [node.left, *node.comparators]
    for left, operator, right in zip(sides, node.ops, sides[1:], strict=False):
        match operator:
            case ast.Eq() | ast.NotEq() if is_it(left) or is_it(right):
                yield from _word(right if is_it(left) else left)
            case ast.In() | ast.NotIn() if is_it(left):
                yield from _words_in(right, scope)


def _matched(node: ast.Match) -> Iterator[str]:
    for case in node.cases:
        for pattern in ast.walk(case.pattern):
            if isinstance(pattern, ast.MatchValue):
                yield from _word(pattern.value)


def _words_in(node: object, scope: _Scope) -> Iterator[str]:
    """The texts of a collection, or the keys of a dictionary: written there, named there, kept in
    the class, or handed to what makes one of it."""
    match node:
        case ast.Name(id=name) if name in scope.names:
            node = scope.names[name]
        case ast.Attribute(attr=name, value=owner) if ast.unparse(owner) in ("self", "cls"):
            node = getattr(scope.owner, name, None)
    match node:
        case ast.Call(args=[first, *_]):
            node = first
    match node:
        case ast.Dict(keys=each):
            members: Iterable[object] = each
        case ast.Tuple(elts=each) | ast.List(elts=each) | ast.Set(elts=each):
            members = each
        case Mapping() | list() | tuple() | set() | frozenset():
            members = node
        case _:
            return
    for member in members:
        match member:
            # a pair, as a dictionary is made of
            case ast.Tuple(elts=[first, *_]) | ast.List(elts=[first, *_]):
                yield from _word(first)
            case _:
                yield from _word(member)


def _word(node: object) -> Iterator[str]:
    match node:
        case ast.Constant(value=str(text)) | str(text):
            yield text


def _looked_up(node: ast.Call, is_it: Callable[[ast.AST], bool], scope: _Scope) -> Iterator[str]:
    """The keys of a dictionary whose `get` is given the argument."""
    match node:
        case ast.Call(func=ast.Attribute(attr="get", value=owner), args=[key, *_]):
            if is_it(key):
                yield from _words_in(owner, scope)


def _handed_on(node: ast.Call, is_it: Callable[[ast.AST], bool], scope: _Scope) -> Iterator[str]:
    """The texts in a function of the user's that is handed the argument."""
    function = _called(node.func, scope)
    if function is None or scope.depth >= _MAX_DEPTH:
        return
    names = list(inspect.signature(function).parameters)
    if isinstance(node.func, ast.Attribute) and "self" in names[:1]:
        names = names[1:]
    for parameter, value in arguments_of(node, names).items():
        if is_it(value):
            for inner in _scope(function, parameter, scope.owner, scope.depth + 1):
                yield from _texts(inner, parameter)


def _called(node: ast.expr, scope: _Scope) -> FunctionType | None:
    """The user's own function, or constructor, that is called; None for any other."""
    found: Any = None
    match node:
        case ast.Name(id=name):
            found = scope.names.get(name)
        case ast.Attribute(attr=name, value=owner) if ast.unparse(owner) in ("self", "cls"):
            found = inspect.unwrap(getattr(scope.owner, name, None) or (lambda: None))
    if inspect.isclass(found):
        found = vars(found).get("__init__")
    module = getattr(found, "__module__", None) or "builtins"
    is_users = module.partition(".")[0] not in _LIBRARIES
    return found if isinstance(found, FunctionType) and is_users else None
