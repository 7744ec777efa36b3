"""Importing what a configuration names, and saying in the user's own lines what goes wrong."""

from __future__ import annotations

import importlib
import sys
import sysconfig
import traceback
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import search
from search.errors import UserError
from search.study.classes import class_places

NAMESPACES = ("pytorch_lightning", "lightning.pytorch")
_NOT_THE_USERS = tuple(
    str(Path(path).resolve()) for path in (*search.__path__, sysconfig.get_path("stdlib"))
)


def import_name(path: str, place: str, separator: str = ".") -> Any:
    """What `module.name` names; `place` is where the configuration says so.

    Raises:
        UserError: there is no such thing, or the module fails when it is imported.
    """
    module, _, name = path.rpartition(separator)
    try:
        found = _imported(module)
        for part in name.split("."):
            found = getattr(found, part)
    except (ModuleNotFoundError, ValueError) as error:
        missing = getattr(error, "name", None)
        if missing is not None and not f"{module}.".startswith(f"{missing}."):
            raise UserError(_failed_import(module, place, error)) from error
        raise UserError(f"{place}: cannot import {path}: {error}. Correct the path.") from error
    except AttributeError as error:
        if module not in sys.modules:
            raise UserError(_failed_import(module, place, error)) from error
        raise UserError(f"{place}: {module} has no {name}. Correct the name.") from error
    except (Exception, SystemExit) as error:
        raise UserError(_failed_import(module, place, error)) from error
    return found


def users_error(error: BaseException) -> tuple[BaseException, str | None]:
    """The exception that the user's own code raised, whatever a library made of it, and where."""
    cause: BaseException | None = error
    found: tuple[BaseException, str | None] = (error, None)
    while cause is not None:
        if (where := place_in_user_code(cause)) is not None:
            found = (cause, where)
        cause = cause.__cause__ or cause.__context__
    return found


def place_in_user_code(error: BaseException) -> str | None:
    """`file, line N` of the innermost line that is the user's; None where no such line is."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{_shown(error.filename)}, line {error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    for frame in reversed(frames):
        path = Path(frame.filename).resolve()
        installed = {"site-packages", "dist-packages"} & set(path.parts)
        ours = str(path).startswith(_NOT_THE_USERS) or frame.filename.startswith("<")
        if not installed and not ours:
            return f"{_shown(frame.filename)}, line {frame.lineno}"
    return None


def lightning_of(model: type, place: str) -> ModuleType:
    """The Lightning package whose LightningModule a class derives from.

    Raises:
        UserError: it derives from neither.
    """
    name = namespace_of(model, "LightningModule")
    if name is None:
        raise UserError(
            f"{place}: must be a LightningModule, got {model.__module__}.{model.__qualname__}. "
            "Derive the class from pytorch_lightning.LightningModule or "
            "lightning.pytorch.LightningModule."
        )
    return importlib.import_module(name)


def namespace_of(cls: Any, base: str | None = None) -> str | None:
    """The Lightning package that a class comes from or derives from; None for any other.

    Args:
        base: count only what derives from the class of this name.
    """
    for each in getattr(cls, "__mro__", ()):
        for name in NAMESPACES:
            if f"{each.__module__}.".startswith(f"{name}.") and base in (None, each.__name__):
                return name
    return None


def refuse_mixture(config: Mapping[str, Any], namespace: str) -> None:
    """Lightning comes as two packages whose classes do not know each other.

    Raises:
        UserError: a class of the configuration cannot be imported, or is of the other package than
            `namespace`.
    """
    for place, path in class_places(config):
        if "." not in path:
            continue  # jsonargparse finds some by their bare names
        other = namespace_of(import_name(path, f"{place}.class_path"))
        if other is not None and other != namespace:
            raise UserError(
                f"{place}.class_path: {path} is of {other}, but the model is of {namespace}. "
                "Take both from one of them."
            )


def _imported(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        outer, _, inner = module.rpartition(".")
        # a class inside a class, or a method that makes one
        if error.name != module or not outer or not hasattr(sys.modules.get(outer), inner):
            raise
        return getattr(sys.modules[outer], inner)


def _failed_import(module: str, place: str, error: BaseException) -> str:
    where = place_in_user_code(error)
    text = " ".join(str(error).split())
    fails = f"{place}: importing {module} fails{f' at {where}' if where else ''}: "
    if isinstance(error, UserError):  # says by itself what to do
        return fails + text
    if isinstance(error, SyntaxError):
        text = error.msg
    return f"{fails}{type(error).__name__}: {text}. Correct it there."


def _shown(path: str) -> str:
    full = Path(path)
    return str(full.relative_to(Path.cwd())) if full.is_relative_to(Path.cwd()) else str(full)
