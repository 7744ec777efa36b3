"""The names that a module logs at a validation, read from its source without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from search.trial.inspection.source import arguments_of, syntax_of

_HOOKS = (
    "validation_step",
    "on_validation_batch_end",
    "on_validation_epoch_end",
    "on_validation_end",
)
# of a module that has no validations
_TRAINING_HOOKS = ("training_step", "on_train_batch_end", "on_train_epoch_end")
_MAX_DEPTH = 8

Texts = Mapping[str, str]
Classes = tuple[type, ...]


def logged_at_validation(module: type) -> tuple[str, ...]:
    """Names given to `self.log` and `self.log_dict` in the validation hooks, and in the methods
    that those call with texts such as `self.step(batch, "val")`; those of training where there is
    no validation step."""
    names: dict[str, None] = {}
    hooks = _TRAINING_HOOKS if _source(module.__mro__, "validation_step") is None else _HOOKS
    for hook in hooks:
        names |= dict.fromkeys(_logged(module.__mro__, hook, {}, 0))
    return tuple(names)


def _logged(classes: Classes, method: str, texts: Texts, depth: int) -> Iterator[str]:
    found = _source(classes, method)
    if found is None or depth > _MAX_DEPTH:
        return
    function, rest = found
    known = {**_default_texts(function), **texts}
    for node in ast.walk(function):
        match node:
            case ast.Call(func=ast.Attribute(attr=name, value=value)):
                owner = ast.unparse(value)
            case _:
                continue
        if owner == "self" and name in ("log", "log_dict"):
            yield from _names(node, known)
        elif owner in ("self", "super()"):
            where = classes if owner == "self" else rest
            yield from _logged(where, name, _passed(where, name, node, known), depth + 1)


def _source(classes: Classes, method: str) -> tuple[ast.FunctionDef, Classes] | None:
    """The first definition of a method that is not Lightning's own, and the classes after it."""
    for index, cls in enumerate(classes):
        if method not in vars(cls):
            continue
        if cls.__name__ in ("LightningModule", "Module"):
            return None
        match syntax_of(vars(cls)[method]):
            case ast.FunctionDef() as function:
                return function, classes[index + 1 :]
            case _:
                return None
    return None


def _names(call: ast.Call, texts: Texts) -> Iterator[str]:
    given = call.args[0] if call.args else next((each.value for each in call.keywords), None)
    keys = given.keys if isinstance(given, ast.Dict) else [given]
    for key in keys:
        if key is not None and (name := _text(key, texts)) is not None:
            yield name


def _text(node: ast.expr, texts: Texts) -> str | None:
    """The text that an expression is, where only texts that are known go into it."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.Name(id=name):
            return texts.get(name)
        case ast.FormattedValue(value=inner):
            return _text(inner, texts)
        case ast.JoinedStr(values=parts):
            return _joined(parts, texts)
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            return _joined([left, right], texts)
    return None


def _joined(nodes: list[ast.expr], texts: Texts) -> str | None:
    parts = [_text(each, texts) for each in nodes]
    known = [part for part in parts if part is not None]
    return "".join(known) if len(known) == len(parts) else None


def _default_texts(function: ast.FunctionDef) -> dict[str, str]:
    arguments = function.args.args
    defaults = function.args.defaults
    pairs = zip(arguments[len(arguments) - len(defaults) :], defaults, strict=True)
    return {each.arg: text for each, node in pairs if (text := _text(node, {})) is not None}


def _passed(classes: Classes, method: str, call: ast.Call, texts: Texts) -> dict[str, str]:
    """The texts among the arguments of a call of one of the module's own methods."""
    found = _source(classes, method)
    if found is None:
        return {}
    given = arguments_of(call, [each.arg for each in found[0].args.args[1:]])
    return {name: text for name, node in given.items() if (text := _text(node, texts)) is not None}
