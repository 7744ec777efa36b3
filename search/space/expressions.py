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

from search.plain.equality import is_number
from search.plain.tree import ARGUMENTS
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
# of a script: options, whose names have hyphens, and the names of a Hydra configuration, which may
# be a single word; a name before a bracket is that of a function
_NAME = r"(?<![\w.])[A-Za-z_]\w*(?:\.\w+)*"
_LONG = r"--[A-Za-z](?:[\w.-]*\w)?(?:/--no-\w(?:[\w-]*\w)?)?"
_ARGUMENT = rf"(?:(?<![\w.)\]-]){_LONG}|{ARGUMENTS}\.(?:{_LONG}|-\w)|{_NAME})"
_IN_OPTION = rf"\[[\w-]+\]\.(?:{_LONG}|\w+(?:\.\w+)*)"
_SCRIPT_TOKEN = re.compile(
    rf"'[^'\n]*'|\"[^\"\n]*\"|(?P<path>(?>{_ARGUMENT}(?:{_IN_OPTION})*))(?!\s*\()"
)
_WORDS = frozenset({"and", "or", "not", "in", "if", "else", "True", "False", "None"})
_STAND_IN = re.compile(r"_path(\d+)_")

_ARITHMETIC: dict[type[ast.operator], Callable[[float, float], complex]] = {
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
_FUNCTIONS: dict[str, Callable[..., float]] = {
    "min": min,
    "max": max,
    "abs": abs,
    "round": round,
    "int": int,
}
_KNOWN_NODES = {
    *(ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.UAdd, ast.BinOp),
    *(ast.Compare, ast.Eq, ast.NotEq, ast.In, ast.NotIn, ast.IfExp, ast.Constant, ast.Name),
    *(ast.Load, ast.Tuple, ast.List, ast.Call),
    *_ARITHMETIC,
    *_ORDER,
}
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
        match self.node:
            case ast.Compare() | ast.BoolOp() | ast.UnaryOp(op=ast.Not()):
                return True
        return False

    def value(self, lookup: Callable[[str], object]) -> object:
        """The value of the expression.

        Args:
            lookup: gives the value of a path; raises `Missing` for one that has none.

        Raises:
            Missing: from `lookup`.
            Incomputable: it cannot be computed.
        """
        return _Evaluation(self.paths, lookup).of(self.node)


def parse_expression(
    text: object, full: Callable[[str], str], *, of_script: bool = False
) -> Expression:
    """Read an expression.

    Args:
        full: the full spelling of a path.
        of_script: paths are those of a script's arguments as well: `--lr`, or with Hydra `lr`.

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
        if match["path"] is None or match["path"] in _WORDS:
            return match[0]
        paths.append(full(match["path"]))
        return f"_path{len(paths) - 1}_"

    if _STAND_IN.search(text):
        raise ValueError(f"is no expression, got {shown(text)}. {_ALLOWED}")
    token = _SCRIPT_TOKEN if of_script else _TOKEN
    node = _parsed(token.sub(stand_in, text.strip()), text)
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
    match node:
        case _ if type(node) not in _KNOWN_NODES:
            raise ValueError(f"may not have {_name(node)}. {_ALLOWED}")
        case ast.Call() if not _is_known_call(node):
            call = _STAND_IN.sub(lambda match: paths[int(match[1])], ast.unparse(node))
            raise ValueError(f"may not have the call {shown(call)}. {_ALLOWED}")
        case ast.Name(id=name) if _STAND_IN.fullmatch(name) is None:
            remedy = f"Write one with its section, such as model.{name}."
            raise ValueError(f"{name} is no path. {remedy}")
        case ast.Constant(value=int() | float() as number):
            _bounded(number)
        case ast.Constant(value=value) if not (value is None or type(value) is str):
            raise ValueError(f"may not have {shown(repr(value))}. {_ALLOWED}")


def _is_known_call(node: ast.Call) -> bool:
    match node:
        case ast.Call(func=ast.Name(id="min" | "max"), keywords=[]):
            return True
        # rounding to a number of digits takes as long as the number is large
        case ast.Call(func=ast.Name(id=name), args=[_], keywords=[]):
            return name in _FUNCTIONS
    return False


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
    """Computes nodes that `_check` has let through."""

    paths: tuple[str, ...]
    lookup: Callable[[str], object]

    def of(self, node: ast.expr) -> object:
        match node:
            case ast.Constant():
                return node.value
            case ast.Name():
                return self._path(node)
            case ast.Tuple() | ast.List():
                return [self.of(each) for each in node.elts]
            case ast.IfExp():
                return self.of(node.body if self._truth(node.test) else node.orelse)
            case ast.BoolOp(op=ast.And()):
                return all(self._truth(each) for each in node.values)
            case ast.BoolOp():
                return any(self._truth(each) for each in node.values)
            case ast.UnaryOp(op=ast.Not()):
                return not self._truth(node.operand)
            case ast.UnaryOp(op=ast.USub()):
                return -_number(self.of(node.operand))
            case ast.UnaryOp():
                return _number(self.of(node.operand))
            case ast.BinOp():
                return self._arithmetic(node)
            case ast.Compare():
                return self._comparison(node)
            case ast.Call(func=ast.Name(id=name)):
                return self._call(name, node.args)
        raise Incomputable(f"it has {_name(node)}")

    def _path(self, node: ast.Name) -> object:
        match = _STAND_IN.fullmatch(node.id)
        assert match is not None
        return self.lookup(self.paths[int(match[1])])

    def _arithmetic(self, node: ast.BinOp) -> float:
        left, right = _number(self.of(node.left)), _number(self.of(node.right))
        if type(node.op) is ast.Pow and abs(right) > 64:
            raise Incomputable(f"the power {right} is above 64")
        try:
            return _bounded(_ARITHMETIC[type(node.op)](left, right))
        except (ArithmeticError, ValueError) as error:
            raise Incomputable(str(error)) from error

    def _comparison(self, node: ast.Compare) -> bool:
        left = self.of(node.left)
        for operation, operand in zip(node.ops, node.comparators, strict=True):
            right = self.of(operand)
            if not _holds(operation, left, right):
                return False
            left = right
        return True

    def _call(self, name: str, arguments: Sequence[ast.expr]) -> float:
        numbers: list[object] = []
        for each in arguments:
            value = self.of(each)
            # a list counts with its members: max([a, b]) is max(a, b)
            numbers += value if isinstance(value, list) else [value]
        try:
            return _FUNCTIONS[name](*map(_number, numbers))
        except (TypeError, ValueError, OverflowError) as error:
            raise Incomputable(str(error)) from error

    def _truth(self, node: ast.expr) -> bool:
        value = self.of(node)
        if value is True or value is False:
            return value
        raise Incomputable(f"{shown(value)} is neither true nor false")


def _holds(operation: ast.cmpop, left: object, right: object) -> bool:
    match operation, left, right:
        case ast.Eq(), _, _:
            return bool(left == right)
        case ast.NotEq(), _, _:
            return bool(left != right)
        case ast.In(), _, list() as members:
            return left in members
        case ast.NotIn(), _, list() as members:
            return left not in members
        case ((ast.In() | ast.NotIn()), _, _):
            raise Incomputable(f"{shown(right)} is no list to look in")
        case _, str(), str():
            return _ORDER[type(operation)](left, right)
    return _ORDER[type(operation)](_number(left), _number(right))


def _number(value: object) -> float:
    if is_number(value):
        return value
    raise Incomputable(f"{shown(value)} is no number")


def _bounded(value: complex) -> float:
    # compared first: an integer beyond every float cannot be asked whether it is finite
    if isinstance(value, complex) or abs(value) > _MAX_NUMBER or not math.isfinite(value):
        raise Incomputable("a number in it is too large")
    return value
