"""Import of the names in a configuration, with the user's own line where one fails."""

from __future__ import annotations

import importlib
import pkgutil
import sys
import sysconfig
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

from search.errors import UserError
from search.plain.wording import did_you_mean, nearest
from search.trial.building.import_guard import NAMESPACES, TrainsOnImport, without_training
from search.trial.building.signatures import made_class
from search.trial.process.failures import one_line

# what stands in a section
_BASES = {"model": "LightningModule", "data": "LightningDataModule"}
_HERE = sys.modules["search"].__path__
_NOT_THE_USERS = tuple(str(Path(path).resolve()) for path in (*_HERE, sysconfig.get_path("stdlib")))


def import_name(path: str, place: str, separator: str = ".") -> Any:
    """Import `module.name`; `place` is where the configuration says so.

    Raises:
        UserError: there is no such thing, or the module fails when it is imported.
    """
    module, _, name = path.rpartition(separator)
    try:
        found = _imported(module)
    except TrainsOnImport as error:
        raise UserError(_training_import(module, place, error)) from error
    except (ModuleNotFoundError, ValueError) as error:
        missing = getattr(error, "name", None)
        if missing is not None and not f"{module}.".startswith(f"{missing}."):
            raise UserError(_failed_import(module, place, error)) from error
        if not module and _exists(name):
            raise UserError(_is_module(name, place)) from error
        raise UserError(_no_module(path, place, separator, error)) from error
    except (Exception, SystemExit) as error:
        raise UserError(_failed_import(module, place, error)) from error
    for part in name.split("."):
        if not hasattr(found, part):
            if _exists(f"{module}.{name}"):
                raise UserError(_is_module(f"{module}.{name}", place))
            raise UserError(f"{place}: {module} has no {name}. {_near_in(found, name, place)}")
        found = getattr(found, part)
    if isinstance(found, ModuleType):
        raise UserError(_is_module(path, place))
    return found


def classes_of(module: ModuleType, place: str) -> list[str]:
    """The classes that a module or package defines, and functions that make one; of the kind that
    belongs at `place`, where that is known."""
    base = _BASES.get(place.partition(".")[0])
    found = []
    for name, each in vars(module).items():
        is_own = f"{getattr(each, '__module__', None)}.".startswith(f"{module.__name__}.")
        made = made_class(each) if is_own and callable(each) and not name.startswith("_") else None
        if made is not None and (base is None or namespace_of(made, base) is not None):
            found.append(name)
    return found


def users_error(error: BaseException) -> tuple[BaseException, str | None]:
    """The exception that the user's own code raised, whatever a library made of it, and where."""
    cause: BaseException | None = error
    found: tuple[BaseException, str | None] = (error, None)
    while cause is not None:
        if (where := place_in_user_code(cause)) is not None:
            found = (cause, where)
        # what stands behind `from None` is not to be shown
        hidden = cause.__suppress_context__
        cause = cause.__cause__ or (None if hidden else cause.__context__)
    return found


def in_words(error: BaseException) -> str:
    """The error of the user's own code, on one line, and the line that raised it."""
    cause, where = users_error(error)
    text = one_line(cause)
    # Python itself says it of a syntax error
    return text if where is None or f"({where})" in text else f"{text} ({where})"


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


def lightning_of(named: Any, place: str) -> ModuleType:
    """The Lightning package whose LightningModule a class derives from, or what a function makes.

    Raises:
        UserError: it is of neither, or a function does not say what it makes.
    """
    made = made_class(named)
    name = namespace_of(made, "LightningModule")
    if name is not None:
        return importlib.import_module(name)
    path = f"{getattr(named, '__module__', '')}.{getattr(named, '__qualname__', named)}"
    if made is None and callable(named):
        owner = getattr(getattr(named, "__self__", None), "__name__", "MyModule")
        raise UserError(
            f"{place}: {path} must name the class of what it returns. Write "
            f'def {named.__name__}(...) -> "{owner}":, or name a function of your own that says so.'
        )
    got = path if made is named or made is None else f"{path}, which returns {made.__qualname__}"
    raise UserError(
        f"{place}: must be a LightningModule, got {got}. Derive the class from "
        "pytorch_lightning.LightningModule or lightning.pytorch.LightningModule."
    )


def namespace_of(cls: object, base: str | None = None) -> str | None:
    """The Lightning package that a class comes from or derives from; None for any other.

    Args:
        base: count only what derives from the class of this name.
    """
    for each in getattr(cls, "__mro__", ()):
        for name in NAMESPACES:
            if f"{each.__module__}.".startswith(f"{name}.") and base in (None, each.__name__):
                return name
    return None


def is_lightnings(each: object, *names: str) -> bool:
    """Recognize an object of one of Lightning's classes, of either package, by the class's name."""
    return any(namespace_of(type(each), name) is not None for name in names)


def _imported(module: str) -> object:
    if module in sys.modules:
        return sys.modules[module]
    try:
        return _import_module(module)
    except ModuleNotFoundError as error:
        outer, _, inner = module.rpartition(".")
        # a class inside a class, or a method that makes one
        if error.name != module or not outer or not hasattr(sys.modules.get(outer), inner):
            raise
        return getattr(sys.modules[outer], inner)


def _import_module(module: str) -> ModuleType:
    with without_training():
        return importlib.import_module(module)


def _exists(module: str) -> bool:
    """Look for a module of this name, by importing it."""
    try:
        _import_module(module)
    except ModuleNotFoundError as error:
        return not f"{module}.".startswith(f"{error.name}.")
    except (Exception, SystemExit, TrainsOnImport):
        return True
    return True


def _is_module(path: str, place: str) -> str:
    try:
        found = classes_of(_import_module(path), place)
    except TrainsOnImport as error:
        return _training_import(path, place, error)
    except (Exception, SystemExit) as error:
        return _failed_import(path, place, error)
    base = _BASES.get(place.partition(".")[0], "class")
    if not found:
        return f"{place}: {path} is a module, and defines no {base}. Name one that does."
    others = f", or another of {', '.join(found[1:])}" if len(found) > 1 else ""
    return f"{place}: {path} is a module. Name a class in it: {path}.{found[0]}{others}."


def _near_in(owner: object, name: str, place: str) -> str:
    """The remedy for a name that a module or a class lacks."""
    if not isinstance(owner, ModuleType):
        return did_you_mean(name, [each for each in vars(owner) if not each.startswith("_")])
    found = classes_of(owner, place)
    base = _BASES.get(place.partition(".")[0])
    if found or base is None:
        return did_you_mean(name, found)
    return f"It defines no {base}: name a module that does."


def _no_module(path: str, place: str, separator: str, error: Exception) -> str:
    """A line for a path whose module there is none of, with the nearest of the user's own."""
    module, _, name = path.rpartition(separator)
    *outer, last = module.split(".")
    parent = sys.modules.get(".".join(outer))
    folders = list(getattr(parent, "__path__", ())) if outer else _folders_of_the_user()
    near = nearest(last, [each.name for each in pkgutil.iter_modules(folders)])
    if hasattr(parent, name):
        remedy = f"Did you mean {'.'.join(outer)}{separator}{name}?"
    elif near is not None:
        remedy = f"Did you mean {'.'.join([*outer, near])}{separator}{name}?"
    elif not module:
        remedy = f"Write its full path, as in my_package.{name}."
    else:
        remedy = "Write a module that can be imported from here, or install its package."
    text = str(error) if module else "a name without a module"
    return f"{place}: cannot import {path}: {text}. {remedy}"


def _folders_of_the_user() -> list[str]:
    """The folders of the import path where neither Python nor pip put anything."""
    installed = (*_NOT_THE_USERS, "site-packages", "dist-packages")
    return [folder for folder in sys.path if not any(part in folder for part in installed)]


def _failed_import(module: str, place: str, error: BaseException) -> str:
    where = place_in_user_code(error)
    text = " ".join(str(error).split())
    fails = f"{place}: importing {module} fails{f' at {where}' if where else ''}: "
    if isinstance(error, UserError):  # says by itself what to do
        return fails + text
    if isinstance(error, SyntaxError):
        text = error.msg
    return f"{fails}{type(error).__name__}: {text}. Correct it there."


def _training_import(module: str, place: str, error: TrainsOnImport) -> str:
    where = place_in_user_code(error)
    trains = f"{place}: importing {module} {error}{f' at {where}' if where else ''}. "
    guard = "`if __name__ == '__main__':`"
    if place == "cli":
        return f"{trains}Put that into a function under {guard} and name it: cli: {module}:main."
    return f"{trains}Put that under {guard}, where an import leaves it alone."


def _shown(path: str) -> str:
    full = Path(path)
    return str(full.relative_to(Path.cwd())) if full.is_relative_to(Path.cwd()) else str(full)
