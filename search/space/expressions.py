"""Small expressions over parameters, for constraints and derived values.

Python's grammar is borrowed to read them; nothing is ever handed to Python to run. What is not on
the list below does not exist, and numbers, text and nesting are limited, so that an expression from
anybody costs microseconds and can do nothing but compute a value.
"""

from __future__ import annotations

import ast
import math
import operator
import re
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from search.plain.yaml import shown

MAX_CHARACTERS = 300
_MAX_NODES = 80
_MAX_DEPTH = 20
_MAX_NUMBER = 2.0**63
# texts are left as they are; a path may have numbers, keywords and names of options in it, none of
# which Python's grammar would read
_TOKEN = re.compile(
    r"'[^'\n]*'|\"[^\"\n]*\""
    r"|(?<![\w.])(?P<path>[A-Za-z_]\w*(?:\[[\w-]+\])?(?:\.\w+(?:\[[\w-]+\])?)+)"
)
_STAND_IN = re.compile(r"_path(\d+)_")

_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_ORDER: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "min": min,
    "max": max,
    "abs": abs,
    "round": round,
    "int": int,
}
_KNOWN_NODES = (
    *(ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.UAdd, ast.BinOp),
    *(ast.Compare, ast.Eq, ast.NotEq, ast.In, ast.NotIn, ast.IfExp, ast.Constant, ast.Name),
    *(ast.Load, ast.Tuple, ast.List, ast.Call),
    *_ARITHMETIC,
    *_ORDER,
)
_ALLOWED = "Use numbers, texts, paths, comparisons, and/or/not, arithmetic, min, max, abs, round."


class Missing(Exception):
    """A path of the expression has no value in this trial."""


class Incomputable(ValueError):
    """The expression has no value for these parameters; the message says why."""


@dataclass(frozen=True)
class Expression:
    """An expression that was read.

    text: as the user wrote it.
    node: its syntax tree, with a stand-in for each path.
    paths: the paths by their full spelling; the n-th is that of the n-th stand-in.
    """

    text: str
    node: ast.expr
    paths: tuple[str, ...]

    @property
    def is_condition(self) -> bool:
        """Tell whether its value is true or false."""
        return isinstance(self.node, ast.Compare | ast.BoolOp) or (
            isinstance(self.node, ast.UnaryOp) and isinstance(self.node.op, ast.Not)
        )

    def value(self, lookup: Callable[[str], Any]) -> Any:
        """The value of the expression.

        Args:
            lookup: gives the value of a path; raises `Missing` for one that has none.

        Raises:
            Missing: from `lookup`.
            Incomputable: it cannot be computed.
        """
        return _Evaluation(self.paths, lookup).of(self.node)


def parse_expression(text: Any, full: Callable[[str], str]) -> Expression:
    """Read an expression.

    Args:
        full: the full spelling of a path.

    Raises:
        ValueError: rule, what was given, remedy; without the place.
    """
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"must be an expression, got {shown(text)}. Write model.a >= model.b.")
    if len(text) > MAX_CHARACTERS:
        raise ValueError(
            f"may have {MAX_CHARACTERS} characters, got {len(text)}. Write several shorter ones."
        )
    paths: list[str] = []

    def stand_in(match: re.Match[str]) -> str:
        if match["path"] is None:
            return match[0]
        paths.append(full(match["path"]))
        return f"_path{len(paths) - 1}_"

    if _STAND_IN.search(text):
        raise ValueError(f"is no expression, got {shown(text)}. {_ALLOWED}")
    node = _parsed(_TOKEN.sub(stand_in, text.strip()), text)
    _check(node, paths)
    return Expression(text, node, tuple(paths))


def _parsed(source: str, text: str) -> ast.expr:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes and of numbers run into words
            return ast.parse(source, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError(f"is no expression, got {shown(text)}. {_ALLOWED}") from error


def _check(root: ast.expr, paths: Sequence[str]) -> None:
    """Refuse what is not on the list, level by level, so that depth costs no recursion."""
    nodes = 0
    level: list[ast.AST] = [root]
    for depth in range(_MAX_DEPTH + 1):
        nodes += len(level)
        if not level:
            return
        if depth == _MAX_DEPTH or nodes > _MAX_NODES:
            break
        below: list[ast.AST] = []
        for node in level:
            _check_node(node, paths)
            below += _operands(node)
        level = below
    raise ValueError("is nested too deep or too long. Write several shorter ones.")


def _operands(node: ast.AST) -> Iterable[ast.AST]:
    """The nodes below a node; the name of a function is none, `_check_node` has looked at it."""
    return node.args if isinstance(node, ast.Call) else ast.iter_child_nodes(node)


def _check_node(node: ast.AST, paths: Sequence[str]) -> None:
    if not isinstance(node, _KNOWN_NODES):
        raise ValueError(f"may not have {_name(node)}. {_ALLOWED}")
    if isinstance(node, ast.Call) and not _is_known_call(node):
        call = _STAND_IN.sub(lambda match: paths[int(match[1])], ast.unparse(node))
        raise ValueError(f"may not have the call {shown(call)}. {_ALLOWED}")
    if isinstance(node, ast.Name) and _STAND_IN.fullmatch(node.id) is None:
        raise ValueError(
            f"{node.id} is no path. Write one with its section, such as model.{node.id}."
        )
    if isinstance(node, ast.Constant):
        if not isinstance(node.value, bool | int | float | str | None):
            raise ValueError(f"may not have {shown(repr(node.value))}. {_ALLOWED}")
        if isinstance(node.value, int | float):
            _bounded(node.value)


def _is_known_call(node: ast.Call) -> bool:
    if not isinstance(node.func, ast.Name) or node.func.id not in _FUNCTIONS or node.keywords:
        return False
    # rounding to a number of digits takes as long as the number is large
    return len(node.args) == 1 or node.func.id in ("min", "max")


def _name(node: ast.AST) -> str:
    names: Mapping[str, str] = {
        "Subscript": "an index",
        "Attribute": "an attribute of a value",
        "Lambda": "a lambda",
        "Starred": "a star",
        "NamedExpr": "an assignment",
        "JoinedStr": "a formatted text",
    }
    kind = type(node).__name__
    return names.get(kind, f"{kind} in it")


@dataclass(frozen=True)
class _Evaluation:
    """Computes nodes that `_check` has let through; each kind has the method of its name."""

    paths: tuple[str, ...]
    lookup: Callable[[str], Any]

    def of(self, node: ast.expr) -> Any:
        method: Callable[[Any], Any] = getattr(self, f"_{type(node).__name__.lower()}")
        return method(node)

    def _constant(self, node: ast.Constant) -> Any:
        return node.value

    def _name(self, node: ast.Name) -> Any:
        match = _STAND_IN.fullmatch(node.id)
        assert match is not None
        return self.lookup(self.paths[int(match[1])])

    def _tuple(self, node: ast.Tuple | ast.List) -> list[Any]:
        return [self.of(each) for each in node.elts]

    _list = _tuple

    def _ifexp(self, node: ast.IfExp) -> Any:
        return self.of(node.body if self._truth(node.test) else node.orelse)

    def _boolop(self, node: ast.BoolOp) -> bool:
        results = (self._truth(each) for each in node.values)
        return all(results) if isinstance(node.op, ast.And) else any(results)

    def _unaryop(self, node: ast.UnaryOp) -> Any:
        if isinstance(node.op, ast.Not):
            return not self._truth(node.operand)
        value = _number(self.of(node.operand))
        return -value if isinstance(node.op, ast.USub) else value

    def _binop(self, node: ast.BinOp) -> Any:
        left, right = _number(self.of(node.left)), _number(self.of(node.right))
        if isinstance(node.op, ast.Pow) and abs(right) > 64:
            raise Incomputable(f"the power {right} is above 64")
        try:
            return _bounded(_ARITHMETIC[type(node.op)](left, right))
        except (ArithmeticError, ValueError) as error:
            raise Incomputable(str(error)) from error

    def _compare(self, node: ast.Compare) -> bool:
        left = self.of(node.left)
        for operation, operand in zip(node.ops, node.comparators, strict=True):
            right = self.of(operand)
            if not _holds(operation, left, right):
                return False
            left = right
        return True

    def _call(self, node: ast.Call) -> Any:
        assert isinstance(node.func, ast.Name)
        numbers: list[Any] = []
        for each in node.args:
            value = self.of(each)
            # a list counts with its members: max([a, b]) is max(a, b)
            numbers += value if isinstance(value, list) else [value]
        try:
            return _FUNCTIONS[node.func.id](*map(_number, numbers))
        except (TypeError, ValueError, OverflowError) as error:
            raise Incomputable(str(error)) from error

    def _truth(self, node: ast.expr) -> bool:
        value = self.of(node)
        if not isinstance(value, bool):
            raise Incomputable(f"{shown(value)} is neither true nor false")
        return value


def _holds(operation: ast.cmpop, left: Any, right: Any) -> bool:
    if isinstance(operation, ast.Eq | ast.NotEq):
        return bool(left == right) is isinstance(operation, ast.Eq)
    if isinstance(operation, ast.In | ast.NotIn):
        if not isinstance(right, list):
            raise Incomputable(f"{shown(right)} is no list to look in")
        return (left in right) is isinstance(operation, ast.In)
    if not (isinstance(left, str) and isinstance(right, str)):
        left, right = _number(left), _number(right)
    return _ORDER[type(operation)](left, right)


def _number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Incomputable(f"{shown(value)} is no number")
    return value


def _bounded(value: Any) -> Any:
    # compared first: an integer beyond every float cannot be asked whether it is finite
    if isinstance(value, complex) or abs(value) > _MAX_NUMBER or not math.isfinite(value):
        raise Incomputable("a number in it is too large")
    return value
