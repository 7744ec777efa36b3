"""Source code as syntax trees."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterable


def syntax_of(owner: Callable[..., object]) -> ast.stmt | None:
    """The definition of a class or a function; None where its source is not there."""
    try:
        return ast.parse(textwrap.dedent(inspect.getsource(owner))).body[0]
    except (OSError, TypeError, SyntaxError, IndexError):
        return None


def arguments_of(call: ast.Call, names: Iterable[str]) -> dict[str, ast.expr]:
    """The arguments of a call by the names of the parameters that take them."""
    given = dict(zip(names, call.args, strict=False))
    return given | {each.arg: each.value for each in call.keywords if each.arg is not None}
