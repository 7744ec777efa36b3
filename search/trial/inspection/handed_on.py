"""A script's options as a whole in its source: what its parser returns, and whatever holds that.

As long as the script's own functions hand it to one another, who reads an option names it. Whoever
else gets the whole, a loop over `vars(args)` or a function of a library, may read any of them.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator

Function = ast.FunctionDef | ast.AsyncFunctionDef
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
# the names of one scope under its identity; globals and attributes together under this one
_Key = tuple[int, str]
_EVERYWHERE = 0

PARSES = frozenset({"parse_args", "parse_known_args"})
_COPIES = frozenset({"vars", "dict", "copy", "deepcopy", "Namespace", "SimpleNamespace"})
_GIVING_ALL = frozenset({"items", "values", "keys", "pop", "popitem", "copy", "_get_kwargs"})
_BY_NAME = frozenset({"getattr", "hasattr", "setattr", "delattr"})
# these show it, or keep it under the name `hparams`
_HARMLESS = frozenset(
    {
        *("print", "pprint", "pformat", "repr", "str", "format", "len", "type", "isinstance", "id"),
        *("info", "debug", "warning", "save_hyperparameters", "log_hyperparams"),
        *("dump", "dumps", "safe_dump", "to_yaml", "open_dict", "set_struct", "resolve"),
    }
)
_KEPT = "hparams"
_CONTEXTS = ("ctx", "context", "get_current_context")
# they read a scope whole, or run what is no source
_SCOPE_READERS = frozenset({"locals", "globals", "eval", "exec"})


class Wholes:
    """Follows what holds all options through the functions of a script.

    Args:
        given: the parameters in which a library hands them to a function.
        above: the sections of Hydra's configuration that hold the option in question.
    """

    def __init__(
        self,
        trees: Iterable[ast.Module],
        given: Iterable[tuple[Function, str]],
        above: Collection[str] = (),
    ) -> None:
        self._above = above
        self._nodes = [node for tree in trees for node in ast.walk(tree)]
        self._parents: dict[ast.AST, ast.AST] = {}
        # functions by their names, constructors by those of their classes
        self._own: dict[str, list[Function]] = defaultdict(list)
        self._bound: dict[ast.AST, frozenset[str]] = {}
        for node in self._nodes:
            self._note(node)
        self._returning = set(PARSES)
        self._held: set[_Key] = {(id(function), name) for function, name in given}
        self._held.add((_EVERYWHERE, _KEPT))

    def are_handed_on(self) -> bool:
        """Tell whether code gets them that cannot be looked at."""
        if any(_reads_scope(node) for node in self._nodes):
            return True
        known = 0
        while known != len(self._held) + len(self._returning):
            known = len(self._held) + len(self._returning)
            self._follow_imports()
            wholes = [node for node in self._nodes if self._is_whole(node)]
            if not all(self._follow(node) for node in wholes):
                return True
        return False

    def _note(self, node: ast.AST) -> None:
        for child in ast.iter_child_nodes(node):
            self._parents[child] = node
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._own[node.name].append(node)
                self._bound[node] = frozenset(_bound_in(node.args, node.body))
            case ast.Lambda():
                self._bound[node] = frozenset(_bound_in(node.args, [node.body]))
            case ast.ClassDef():
                made = [each for each in node.body if isinstance(each, FUNCTIONS)]
                self._own[node.name] += [each for each in made if each.name == "__init__"]

    def _follow_imports(self) -> None:
        """Hold what is imported under another name."""
        for node in self._nodes:
            match node:
                case ast.alias(name=name, asname=str(other)):
                    if (_EVERYWHERE, name) in self._held:
                        self._held.add((_EVERYWHERE, other))
                    if name in self._returning:
                        self._returning.add(other)
                    self._own[other] = self._own.get(other) or self._own.get(name, [])

    def _key(self, node: ast.Name) -> _Key:
        """A name under the scope that binds it."""
        scope: ast.AST | None = node
        while scope is not None:
            if node.id in self._bound.get(scope, ()):
                return id(scope), node.id
            scope = self._parents.get(scope)
        return _EVERYWHERE, node.id

    def _is_whole(self, node: ast.AST) -> bool:
        match node:
            case ast.Name(ctx=ast.Load()):
                return self._key(node) in self._held
            case ast.Attribute(attr=name, value=owner, ctx=ast.Load()):
                is_part = name == "__dict__" or name in self._above
                return (_EVERYWHERE, name) in self._held or (is_part and self._is_whole(owner))
            case ast.Subscript(value=owner, slice=ast.Constant(value=part)):
                # the first of what parse_known_args returns, or a section
                is_first = part == 0 and isinstance(owner, ast.Call)
                return (is_first or part in self._above) and self._is_whole(owner)
            case ast.Call():
                return self._gives_whole(node)
            case ast.IfExp(body=one, orelse=other):
                return self._is_whole(one) or self._is_whole(other)
            case ast.BoolOp(values=values):
                return any(map(self._is_whole, values))
            case ast.NamedExpr(value=value):
                return self._is_whole(value)
        return False

    def _gives_whole(self, call: ast.Call) -> bool:
        match call:
            case ast.Call(
                func=ast.Attribute(attr="get", value=owner), args=[ast.Constant(value=part), *_]
            ):
                return part in self._above and self._is_whole(owner)
        name = _name_of(call.func)
        given = (*call.args, *(each.value for each in call.keywords))
        return name in self._returning or (name in _COPIES and any(map(self._is_whole, given)))

    def _follow(self, node: ast.AST) -> bool:
        """Follow a whole one step, to what holds it then; false where it is lost."""
        parent = self._parents[node]
        match parent:
            case ast.Assign(targets=targets):
                return all(self._hold(each) for each in targets)
            case ast.AnnAssign(target=target) | ast.NamedExpr(target=target):
                return self._hold(target)
            case ast.Return():
                return self._hold_returned(parent)
        if self._is_whole(parent):
            return True
        match parent:
            case ast.Attribute(attr=name):
                return name not in _GIVING_ALL
            case ast.Subscript(value=owner, slice=ast.Constant()):
                return owner is node
            case ast.Call():
                return self._is_taken(parent, node)
            case ast.keyword():
                call = self._parents[parent]
                return isinstance(call, ast.Call) and self._is_taken(call, parent)
        return isinstance(parent, ast.Expr | ast.FormattedValue | ast.Compare | ast.If | ast.IfExp)

    def _hold(self, target: ast.expr) -> bool:
        match target:
            case ast.Name():
                self._held.add(self._key(target))
            case ast.Attribute(attr=name):
                self._held.add((_EVERYWHERE, name))
            case ast.Tuple(elts=[first, *_]):
                # after it comes the rest of the command line
                return self._hold(first)
            case _:
                return False
        return True

    def _hold_returned(self, node: ast.AST) -> bool:
        while not isinstance(node, FUNCTIONS):
            node = self._parents[node]
        self._returning.add(node.name)
        return True

    def _is_taken(self, call: ast.Call, given: ast.AST) -> bool:
        """Hold what a call gives to functions of the script's own; false for any other's."""
        name = _name_of(call.func)
        if name in _HARMLESS or name in _COPIES:
            return True
        if name in _BY_NAME:
            return len(call.args) > 1 and isinstance(call.args[1], ast.Constant)
        match call.func:
            case ast.Name(id=own) | ast.Attribute(attr=own, value=ast.Name(id="self" | "cls")):
                functions = self._own.get(own, [])
                return bool(functions) and all(self._enter(each, call, given) for each in functions)
        return False

    def _enter(self, function: Function, call: ast.Call, given: ast.AST) -> bool:
        decorators = {_name_of(_called(each)) for each in function.decorator_list}
        if not decorators.isdisjoint(self._own):
            return False
        arguments = function.args
        positional = [*arguments.posonlyargs, *arguments.args]
        if isinstance(self._parents[function], ast.ClassDef) and "staticmethod" not in decorators:
            positional = positional[1:]
        match given:
            case ast.keyword(arg=None):
                # each option has its own parameter, or is among the rest
                rest = arguments.kwarg
                taken = [] if rest is None else [rest]
                self._held.update((id(function), each.arg) for each in taken)
                return True
            case ast.keyword(arg=name):
                taken = [each for each in (*positional, *arguments.kwonlyargs) if each.arg == name]
            case _:
                place = next((n for n, each in enumerate(call.args) if each is given), 0)
                is_sure = not any(isinstance(each, ast.Starred) for each in call.args[:place])
                taken = positional[place : place + 1] if is_sure else []
        self._held.update((id(function), each.arg) for each in taken)
        return bool(taken)


def _reads_scope(node: ast.AST) -> bool:
    match node:
        case ast.Call(func=ast.Name(id="vars"), args=[]):
            return True
        case ast.Call(func=ast.Name(id=name)):
            return name in _SCOPE_READERS
        # all options of a command, as click's context has them
        case ast.Attribute(attr="params", value=owner):
            return _name_of(_called(owner)) in _CONTEXTS
    return False


def _bound_in(arguments: ast.arguments, body: Iterable[ast.AST]) -> Iterator[str]:
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


def named_parameters(arguments: ast.arguments) -> list[ast.arg]:
    """The parameters that have a name of their own."""
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]


def _called(node: ast.expr) -> ast.expr:
    return node.func if isinstance(node, ast.Call) else node


def _name_of(node: ast.AST) -> str | None:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return None
