"""Which names a module logs at a validation, read from its source without running it."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator, Mapping

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


def logged_at_validation(module: type) -> tuple[str, ...]:
    """Names given to `self.log` and `self.log_dict` in the validation hooks, and in the methods
    that those call with texts such as `self.step(batch, "val")`; those of training where there is
    no validation step."""
    names: dict[str, None] = {}
    hooks = _TRAINING_HOOKS if _source(module.__mro__, "validation_step") is None else _HOOKS
    for hook in hooks:
        names |= dict.fromkeys(_logged(module.__mro__, hook, {}, 0))
    return tuple(names)


def _logged(classes: tuple[type, ...], method: str, texts: Texts, depth: int) -> Iterator[str]:
    found = _source(classes, method)
    if found is None or depth > _MAX_DEPTH:
        return
    function, rest = found
    known = {**_default_texts(function), **texts}
    for node in ast.walk(function):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        owner = ast.unparse(node.func.value)
        if owner == "self" and node.func.attr in ("log", "log_dict"):
            yield from _names(node, known)
        elif owner in ("self", "super()"):
            where = classes if owner == "self" else rest
            yield from _logged(where, node.func.attr, _passed(where, node, known), depth + 1)


def _source(
    classes: tuple[type, ...], method: str
) -> tuple[ast.FunctionDef, tuple[type, ...]] | None:
    """The first definition of a method that is not Lightning's own, and the classes after it."""
    for index, cls in enumerate(classes):
        if method not in vars(cls):
            continue
        if cls.__name__ in ("LightningModule", "Module"):
            return None
        try:
            text = textwrap.dedent(inspect.getsource(vars(cls)[method]))
            parsed = ast.parse(text).body[0]
        except (OSError, TypeError, SyntaxError, IndexError):
            return None
        return (parsed, classes[index + 1 :]) if isinstance(parsed, ast.FunctionDef) else None
    return None


def _names(call: ast.Call, texts: Texts) -> Iterator[str]:
    given = call.args[0] if call.args else next((each.value for each in call.keywords), None)
    keys = given.keys if isinstance(given, ast.Dict) else [given]
    for key in keys:
        if key is not None and (name := _text(key, texts)) is not None:
            yield name


def _text(node: ast.expr, texts: Texts) -> str | None:
    """The text that an expression is, where only texts that are known go into it."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.Name):
        return texts.get(node.id)
    if isinstance(node, ast.FormattedValue):
        return _text(node.value, texts)
    if isinstance(node, ast.JoinedStr):
        parts = [_text(each, texts) for each in node.values]
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        parts = [_text(node.left, texts), _text(node.right, texts)]
    else:
        return None
    return None if None in parts else "".join(part for part in parts if part is not None)


def _default_texts(function: ast.FunctionDef) -> dict[str, str]:
    arguments = function.args.args
    defaults = function.args.defaults
    pairs = zip(arguments[len(arguments) - len(defaults) :], defaults, strict=True)
    return {each.arg: text for each, node in pairs if (text := _text(node, {})) is not None}


def _passed(classes: tuple[type, ...], call: ast.Call, texts: Texts) -> dict[str, str]:
    """The texts among the arguments of a call of one of the module's own methods."""
    assert isinstance(call.func, ast.Attribute)
    found = _source(classes, call.func.attr)
    if found is None:
        return {}
    names = [each.arg for each in found[0].args.args[1:]]
    given = dict(zip(names, call.args, strict=False))
    given |= {each.arg: each.value for each in call.keywords if each.arg is not None}
    return {name: text for name, node in given.items() if (text := _text(node, texts)) is not None}
