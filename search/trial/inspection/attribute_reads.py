"""Which attributes and saved hyperparameters the source of some classes may read.

Looks at methods that can run: those that Lightning calls, and what these call. Where source is
missing, or an object is handed on as a whole, everything may be read.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Collection, Iterable, Iterator, Set
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeGuard

# an object under one of these names gives all that it holds to whoever gets it
_WHOLE = frozenset(
    {"self", "hparams", "hparams_initial", "trainer", "lightning_module", "datamodule", "pl_module"}
)
_DYNAMIC = frozenset({"getattr", "vars", "eval", "exec", "attrgetter", "__dict__"})
_BY_NAME = frozenset({"getattr", "hasattr", "setattr", "delattr"})
# these look at an object without reading what it holds
_HARMLESS = frozenset({"super", "isinstance", "type", "id", "save_hyperparameters"})


@dataclass(frozen=True)
class Code:
    """A class, the methods of it that are `called` from outside, and the `names` of the attributes
    and hyperparameters of its object that are looked for."""

    cls: type
    called: Collection[str]
    names: Set[str]


def may_read(codes: Iterable[Code]) -> bool:
    """Whether code that can run may read one of the names that are looked for."""
    codes = list(codes)
    names = frozenset(name for code in codes for name in code.names)
    methods: dict[str, list[tuple[ast.AST, Code]]] = {}
    waiting: list[tuple[ast.AST, Code]] = []
    for code in codes:
        tree = _source(code.cls)
        if tree is None:
            return True
        for part in tree.body:
            if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef) and not (
                part.name in code.called or part.name.startswith("__")
            ):
                methods.setdefault(part.name, []).append((part, code))
            else:
                waiting.append((part, code))
    while waiting:
        node, code = waiting.pop()
        if _Reader(node, code.names, names).may_read():
            return True
        for name in _mentioned(node) & methods.keys():
            waiting += methods.pop(name)
    return False


def kept_names(classes: Iterable[type], argument: str) -> set[str] | None:
    """The attributes in which constructors keep an argument as it is, and its own name, under
    which it may be a hyperparameter; None where they do anything else with it."""
    names = {argument}
    for cls in classes:
        tree = _source(cls)
        if tree is None:
            return None
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and node.name == "__init__":
                nodes = list(ast.walk(node))
                kept = [each for each in nodes if _is_keeping(each, argument)]
                targets = [each for assign in kept for each in assign.targets]
                names |= {target.attr for target in targets if isinstance(target, ast.Attribute)}
                harmless = {id(assign.value) for assign in kept}
                for each in nodes:
                    if isinstance(each, ast.Call):
                        harmless |= {id(given) for given in _passed_by_call(each)}
                uses = (each for each in nodes if isinstance(each, ast.Name))
                if any(use.id == argument and id(use) not in harmless for use in uses):
                    return None
    return names


def _is_keeping(node: ast.AST, argument: str) -> TypeGuard[ast.Assign]:
    return isinstance(node, ast.Assign) and (
        isinstance(node.value, ast.Name) and node.value.id == argument
    )


@lru_cache(maxsize=256)
def _source(cls: type) -> ast.ClassDef | None:
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
    except (OSError, TypeError, SyntaxError, IndexError):
        return None
    return tree if isinstance(tree, ast.ClassDef) else None


class _Reader:
    """Looks for readings in a method.

    Args:
        own: names of the method's own object.
        names: those of every object.
    """

    def __init__(self, tree: ast.AST, own: Set[str], names: Set[str]) -> None:
        self._nodes = list(ast.walk(tree))
        self._own = own
        self._names = names
        self._whole = _WHOLE | _handed(tree)
        # what is not read where it stands: of which one attribute or item is taken, which gets
        # another name, or which is given to what reads nothing else
        self._passed: set[int] = set()
        for node in self._nodes:
            self._passed |= {id(each) for each in self._passed_by(node)}

    def may_read(self) -> bool:
        return any(self._is_reading(node) for node in self._nodes)

    def _passed_by(self, node: ast.AST) -> Iterator[ast.AST]:
        if isinstance(node, ast.Attribute) or (
            isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant)
        ):
            yield node.value
        elif isinstance(node, ast.Assign) and _name_of(node.value) in self._whole:
            if all(isinstance(target, ast.Name) for target in node.targets):
                self._whole |= {str(_name_of(target)) for target in node.targets}
                yield node.value
        elif isinstance(node, ast.Call):
            yield from _passed_by_call(node)

    def _is_reading(self, node: ast.AST) -> bool:
        if isinstance(node, ast.Global):
            return True
        if isinstance(node, ast.MatchClass):
            return not self._names.isdisjoint(node.kwd_attrs)
        is_passed = id(node) in self._passed
        if isinstance(node, ast.Constant):
            is_text = isinstance(node.value, str)
            return is_text and not is_passed and node.value in self._names
        if not isinstance(getattr(node, "ctx", None), ast.Load):
            return False
        name = _name_of(node)
        if isinstance(node, ast.Attribute) and name in self._names_of(node.value):
            return True
        return not is_passed and (name in self._whole or name in _DYNAMIC)

    def _names_of(self, owner: ast.AST) -> Set[str]:
        """The names that are looked for in an object, which is the method's own or any other."""
        if isinstance(owner, ast.Attribute) and owner.attr in ("hparams", "hparams_initial"):
            owner = owner.value
        return self._own if isinstance(owner, ast.Name) and owner.id == "self" else self._names


def _passed_by_call(call: ast.Call) -> Iterator[ast.AST]:
    name = _name_of(call.func)
    if name in _BY_NAME and len(call.args) > 1 and isinstance(call.args[1], ast.Constant):
        # the name itself is found among the texts
        yield from (call.func, call.args[0])
    elif name in _HARMLESS or _is_of_super(call.func):
        yield from call.args
        yield from (each.value for each in call.keywords)


def _is_of_super(function: ast.AST) -> bool:
    """A base class's own method, whose source is looked at by itself."""
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Call):
        return _name_of(function.value.func) == "super"
    return False


def _handed(tree: ast.AST) -> set[str]:
    """The parameters of a hook that hold everything, however a callback calls them."""
    if not isinstance(tree, ast.FunctionDef) or len(tree.args.args) < 2:
        return set()
    names = [each.arg for each in tree.args.args]
    return set(names[1:3]) if names[1] == "trainer" else set()


def _mentioned(tree: ast.AST) -> set[str]:
    """Names of methods that may be called."""
    nodes = list(ast.walk(tree))
    texts = {node.value for node in nodes if isinstance(node, ast.Constant)}
    names = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    return names | {text for text in texts if isinstance(text, str)}


def _name_of(node: ast.AST) -> str | None:
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else None
