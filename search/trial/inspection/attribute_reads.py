"""Attributes and saved hyperparameters that the source of some classes may read.

Looks at methods that can run: those that Lightning calls, and what these call. Where source is
missing, or an object is handed on as a whole, everything may be read.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator, Set
from dataclasses import dataclass
from functools import lru_cache

from search.trial.inspection.source import syntax_of

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
    """A class whose source is searched."""

    cls: type
    # methods that are called from outside
    called: Collection[str]
    # attributes and hyperparameters of its object that are looked for
    names: Set[str]


def may_read(codes: Iterable[Code]) -> bool:
    """Look for a reading of one of the names in code that can run."""
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
            match node:
                case ast.FunctionDef(name="__init__"):
                    kept = _kept_by(node, argument)
                    if kept is None:
                        return None
                    names |= kept
    return names


def _kept_by(constructor: ast.FunctionDef, argument: str) -> set[str] | None:
    """The attributes in which one constructor keeps an argument; None for any other use of it."""
    kept: set[str] = set()
    harmless: set[ast.AST] = set()
    uses: set[ast.AST] = set()
    for node in ast.walk(constructor):
        match node:
            case ast.Assign(targets=targets, value=ast.Name(id=name) as value) if name == argument:
                kept |= {each.attr for each in targets if isinstance(each, ast.Attribute)}
                harmless.add(value)
            case ast.Call():
                harmless |= set(_passed_by_call(node))
            case ast.Name(id=name) if name == argument:
                uses.add(node)
    return kept if uses <= harmless else None


@lru_cache(maxsize=256)
def _source(cls: type) -> ast.ClassDef | None:
    tree = syntax_of(cls)
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
        match node:
            case ast.Attribute(value=owner) | ast.Subscript(value=owner, slice=ast.Constant()):
                yield owner
            case ast.Assign(value=value, targets=targets) if _name_of(value) in self._whole:
                names = [each.id for each in targets if isinstance(each, ast.Name)]
                if len(names) == len(targets):
                    self._whole |= set(names)
                    yield value
            case ast.Call():
                yield from _passed_by_call(node)

    def _is_reading(self, node: ast.AST) -> bool:
        is_passed = id(node) in self._passed
        match node:
            case ast.Global():
                return True
            case ast.MatchClass(kwd_attrs=names):
                return not self._names.isdisjoint(names)
            case ast.Constant(value=str(text)):
                return not is_passed and text in self._names
            case ast.Attribute(attr=name, value=owner, ctx=ast.Load()):
                is_own = name in self._names_of(owner)
                return is_own or (not is_passed and self._gives_all(name))
            case ast.Name(id=name, ctx=ast.Load()):
                return not is_passed and self._gives_all(name)
        return False

    def _gives_all(self, name: str) -> bool:
        """Recognize a name that may lead to anything an object holds."""
        return name in self._whole or name in _DYNAMIC

    def _names_of(self, owner: ast.AST) -> Set[str]:
        """The names that are looked for in an object, which is the method's own or any other."""
        match owner:
            case ast.Attribute(attr="hparams" | "hparams_initial", value=inner):
                owner = inner
        match owner:
            case ast.Name(id="self"):
                return self._own
        return self._names


def _passed_by_call(call: ast.Call) -> Iterator[ast.AST]:
    name = _name_of(call.func)
    match call.args:
        case [owner, ast.Constant(), *_] if name in _BY_NAME:
            # the name itself is found among the texts
            yield from (call.func, owner)
            return
    if name in _HARMLESS or _is_of_super(call.func):
        yield from call.args
        yield from (each.value for each in call.keywords)


def _is_of_super(function: ast.AST) -> bool:
    """A base class's own method, whose source is looked at by itself."""
    match function:
        case ast.Attribute(value=ast.Call(func=maker)):
            return _name_of(maker) == "super"
    return False


def _handed(tree: ast.AST) -> set[str]:
    """The parameters of a hook that hold everything, however a callback calls them."""
    if not isinstance(tree, ast.FunctionDef) or len(tree.args.args) < 2:
        return set()
    names = [each.arg for each in tree.args.args]
    return set(names[1:3]) if names[1] == "trainer" else set()


def _mentioned(tree: ast.AST) -> set[str]:
    """Names of methods that may be called."""
    names = set()
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(attr=name) | ast.Constant(value=str(name)):
                names.add(name)
    return names


def _name_of(node: ast.AST) -> str | None:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return None
