"""Functions in a source: their parameters, and the names that each binds."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

Function = ast.FunctionDef | ast.AsyncFunctionDef
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def bound_in(arguments: ast.arguments, body: Iterable[ast.AST]) -> Iterator[str]:
    """The names that a function binds: its parameters, and what it assigns and defines."""
    yield from (each.arg for each in named_parameters(arguments))
    yield from (each.arg for each in (arguments.vararg, arguments.kwarg) if each is not None)
    shared: set[str] = set()
    assigned: set[str] = set()
    waiting = list(body)
    while waiting:
        node = waiting.pop()
        match node:
            case ast.Name(id=name, ctx=ast.Store()):
                assigned.add(name)
            case ast.Global(names=names) | ast.Nonlocal(names=names):
                shared.update(names)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                assigned.add(name)
                continue
            case ast.ClassDef() | ast.Lambda():
                continue
        waiting += ast.iter_child_nodes(node)
    yield from assigned - shared


def defaults_of(arguments: ast.arguments) -> Iterator[tuple[ast.arg, ast.expr]]:
    """The parameters that have a default, each with it."""
    positional = [*arguments.posonlyargs, *arguments.args]
    yield from zip(reversed(positional), reversed(arguments.defaults), strict=False)
    for each, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        if default is not None:
            yield each, default


def named_parameters(arguments: ast.arguments) -> list[ast.arg]:
    """The parameters that have a name of their own."""
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]


def is_around(function: ast.AST, inner: ast.AST) -> bool:
    """Recognize the defaults and decorators of a function, whose names are those around it."""
    decorators = function.decorator_list if isinstance(function, FUNCTIONS) else []
    return isinstance(inner, ast.arguments) or inner in decorators
