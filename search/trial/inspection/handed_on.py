"""A script's options as a whole in its source: what its parser returns, and whatever holds that.

As long as the script's own functions hand it to one another, who reads an option names it. Whoever
else gets the whole, a loop over `vars(args)` or a function of a library, may read any of them.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Collection, Iterable

from search.trial.inspection.function_scopes import (
    FUNCTIONS,
    Function,
    bound_in,
    defaults_of,
    is_around,
)
from search.trial.inspection.known_calls import (
    BY_NAME,
    COPIES,
    GIVING_ALL,
    HARMLESS,
    PARSES,
    gives_one,
)

# the names of one scope under its identity; globals and attributes together under this one
_Key = tuple[int, str]
_EVERYWHERE = 0
_KEPT = "hparams"
# they hold all options as well
_COMMAND_LINES = ("argv", "orig_argv")
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
        self._held.update((_EVERYWHERE, name) for name in (_KEPT, *_COMMAND_LINES))

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
                self._bound[node] = frozenset(bound_in(node.args, node.body))
            case ast.Lambda():
                self._bound[node] = frozenset(bound_in(node.args, [node.body]))
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
        inner: ast.AST = node
        while (scope := self._parents.get(inner)) is not None:
            if node.id in self._bound.get(scope, ()) and not is_around(scope, inner):
                return id(scope), node.id
            inner = scope
        return _EVERYWHERE, node.id

    def _is_whole(self, node: ast.AST) -> bool:
        match node:
            case ast.Name(id=name, ctx=ast.Load()):
                # a function that returns it may be called elsewhere
                return self._key(node) in self._held or name in self._returning
            case ast.Attribute(attr=name, value=owner, ctx=ast.Load()):
                # a property is a function that returns it, too
                return name in self._returning or self._is_whole_part(owner, name)
            case ast.Subscript(value=owner, slice=ast.Constant(value=part), ctx=ast.Load()):
                # the first of what parse_known_args returns, but not the name of the script
                is_first = part == 0 and not _is_command_line(owner)
                return (is_first and self._is_whole(owner)) or self._is_whole_part(owner, part)
            case ast.Subscript(value=owner, slice=ast.Slice(), ctx=ast.Load()):
                return self._is_whole(owner)
            case ast.Call():
                return self._gives_whole(node)
            case ast.IfExp(body=one, orelse=other):
                return self._is_whole(one) or self._is_whole(other)
            case ast.BoolOp(values=values) | ast.JoinedStr(values=values):
                return any(map(self._is_whole, values))
            case ast.BinOp(left=one, right=other):
                return self._is_whole(one) or self._is_whole(other)
            case ast.NamedExpr(value=value) | ast.FormattedValue(value=value):
                return self._is_whole(value)
        return False

    def _is_whole_part(self, owner: ast.AST, name: object) -> bool:
        """Recognize a whole under its name, in whatever holds it, and a section in a whole."""
        if (_EVERYWHERE, name) in self._held:
            return True
        return (name == "__dict__" or name in self._above) and self._is_whole(owner)

    def _gives_whole(self, call: ast.Call) -> bool:
        given = (*call.args, *(each.value for each in call.keywords))
        is_copy = _name_of(call.func) in COPIES and any(map(self._is_whole, given))
        if is_copy or self._is_whole(call.func):
            return True
        match call:
            case ast.Call(
                func=ast.Attribute(attr=method, value=owner), args=[ast.Constant(value=part), *_]
            ) if gives_one(method):
                return self._is_whole_part(owner, part)
            case ast.Call(func=ast.Name(id="getattr"), args=[owner, ast.Constant(value=part), *_]):
                return self._is_whole_part(owner, part)
        return False

    def _follow(self, node: ast.AST) -> bool:
        """Follow a whole one step, to what holds it then; false where it is lost."""
        parent = self._parents[node]
        if isinstance(node, ast.Call) and not self._hold_filled(node):
            return False
        match parent:
            case ast.Assign(targets=targets):
                return all(self._hold(each) for each in targets)
            case ast.AnnAssign(target=target) | ast.NamedExpr(target=target):
                return self._hold(target)
            case ast.Return():
                return self._hold_returned(parent)
            case ast.arguments():
                names = [name for name, default in defaults_of(parent) if default is node]
                self._held.update((id(self._parents[parent]), each.arg) for each in names)
                return bool(names)
            case ast.withitem(optional_vars=target):
                return target is None or self._hold(target)
            case ast.Call(func=function) if function is not node:
                return self._is_taken(parent, node)
            case ast.keyword():
                call = self._parents[parent]
                return isinstance(call, ast.Call) and self._is_taken(call, parent)
        if self._is_whole(parent):
            return True
        match parent:
            case ast.Attribute(attr=name):
                is_one = not gives_one(name) or _is_of_constant(self._parents[parent], parent)
                return is_one and name not in GIVING_ALL
            case ast.Subscript(value=owner, slice=ast.Constant(value=part)):
                return owner is node and (part == 0 or isinstance(part, str))
        return isinstance(parent, ast.Expr | ast.Compare | ast.If | ast.IfExp)

    def _hold_filled(self, call: ast.Call) -> bool:
        """Hold the object of the script's own that a parser puts the options into."""
        if _name_of(call.func) not in PARSES:
            return True
        named = (each.value for each in call.keywords if each.arg in ("namespace", None))
        filled = [*call.args[1:2], *named]
        return all(isinstance(each, ast.Call | ast.Constant) or self._hold(each) for each in filled)

    def _hold(self, target: ast.expr) -> bool:
        match target:
            case ast.Name(id=name):
                self._held.add(self._key(target))
                if isinstance(self._parents[self._parents[target]], ast.ClassDef):
                    self._held.add((_EVERYWHERE, name))
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
        functions = self._own.get(str(name), [])
        match call.func:
            case ast.Name() | ast.Attribute(value=ast.Name(id="self" | "cls")) if functions:
                return all(self._enter(each, call, given) for each in functions)
        if name in PARSES:
            # a parser is given a command line, or the object that takes the options
            return True
        if functions:
            # it may be one of them
            return False
        if name in COPIES:
            # under a name of its own it is a part of another whole
            return not isinstance(given, ast.keyword) or given.arg is None
        if name in BY_NAME:
            return given in call.args[:1] and _is_of_constant(call, call.func, 1)
        return name in HARMLESS

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
        if function.name == "__init__":
            # under which it may be a hyperparameter
            self._held.update((_EVERYWHERE, each.arg) for each in taken)
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


def _is_of_constant(call: ast.AST, function: ast.AST, place: int = 0) -> bool:
    """Recognize the call of a function that names in its source what it asks for."""
    match call:
        case ast.Call(func=called, args=arguments) if called is function:
            return len(arguments) > place and isinstance(arguments[place], ast.Constant)
    return False


def _is_command_line(node: ast.AST) -> bool:
    return _name_of(node) in _COMMAND_LINES


def _called(node: ast.expr) -> ast.expr:
    return node.func if isinstance(node, ast.Call) else node


def _name_of(node: ast.AST) -> str | None:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return None
